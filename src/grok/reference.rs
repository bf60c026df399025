//! `%{NAME:field:type=regex}`, taken apart.

use std::collections::HashSet;

use super::engine::unescaped;

/// A reference, as it is written between `%{` and `}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference<'p> {
    /// The pattern's name.
    pub name: &'p str,
    /// The field's name and type, as they are written.
    pub field: Option<&'p str>,
    /// A definition on the spot.
    pub inline: Option<&'p str>,
}

/// What follows `%{`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read<'p> {
    /// A reference, and how long it is with its closing brace.
    Reference(Reference<'p>, usize),
    /// Something between braces that is no reference, and how long it is.
    Other(usize),
    /// There is no closing brace.
    Unclosed,
}

/// Reads what follows `%{`. Who reads all of a text asks [`Braces`].
pub(super) fn read(text: &str) -> Read<'_> {
    read_to(text, Braces::of_inside(text))
}

/// The same, where the closing brace is known.
fn read_to(text: &str, end: Option<usize>) -> Read<'_> {
    let Some(end) = end else { return Read::Unclosed };
    let inner = &text[..end];
    let (head, inline) = match inner.split_once('=') {
        Some((head, regex)) => (head, Some(regex)),
        None => (inner, None),
    };
    let (name, field) = match head.split_once(':') {
        Some((name, field)) => (name, Some(field)),
        None => (head, None),
    };
    let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let fielded = field.is_none_or(|field| {
        !field.is_empty()
            && field.chars().all(|c| c.is_alphanumeric() || matches!(c, '@' | '[' | ']' | '_' | '.' | ':' | '-'))
    });
    if named && fielded && inline != Some("") {
        Read::Reference(Reference { name, field, inline }, end + 1)
    } else {
        Read::Other(end + 1)
    }
}

/// Which brace ends what another one begins, in all of a text: to look for the end anew at each `%{` would take the square of its
/// length. An inline expression may have pairs of braces.
pub(super) struct Braces {
    /// Where braces are opened and where these are closed, in order.
    pairs: Vec<(usize, usize)>,
}

impl Braces {
    /// Pairs the braces of a text.
    pub(super) fn new(text: &str) -> Self {
        let mut pairs = Vec::new();
        let mut open = Vec::new();
        if text.contains("%{") {
            for (at, c) in unescaped(text) {
                match c {
                    '{' => open.push(at),
                    '}' => pairs.extend(open.pop().map(|opened| (opened, at))),
                    _ => {}
                }
            }
            pairs.sort_unstable();
        }
        Self { pairs }
    }

    /// Reads what follows the `%{` at byte `at` of the text. No such brace is an escaped one: there is a `%` before it.
    pub(super) fn read<'p>(&self, text: &'p str, at: usize) -> Read<'p> {
        let inner = at + "%{".len();
        let pair = self.pairs.binary_search_by_key(&(inner - 1), |(opened, _)| *opened).ok();
        read_to(&text[inner..], pair.map(|pair| self.pairs[pair].1 - inner))
    }

    /// The index of the `}` that ends what a text is the inside of.
    fn of_inside(text: &str) -> Option<usize> {
        let mut depth = 0_u32;
        for (index, c) in unescaped(text) {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => return Some(index),
                '}' => depth -= 1,
                _ => {}
            }
        }
        None
    }
}

/// The references in a text, those within definitions on the spot included, and where each begins.
pub(super) fn references(text: &str) -> impl Iterator<Item = (usize, Reference<'_>)> {
    let braces = Braces::new(text);
    text.match_indices("%{").filter_map(move |(at, _)| match braces.read(text, at) {
        Read::Reference(reference, _) => Some((at, reference)),
        Read::Other(_) | Read::Unclosed => None,
    })
}

/// The definitions that a text leads to, and where: no definitions on the spot, what is within these, and later references to them.
pub(super) fn leads_to(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut on_the_spot: HashSet<&str> = HashSet::new();
    let mut read = 0;
    let braces = Braces::new(text);
    text.match_indices("%{").filter_map(move |(at, _)| {
        let Read::Reference(reference, length) = braces.read(text, at) else { return None };
        if at < read {
            return None;
        }
        read = at + "%{".len() + length;
        if reference.inline.is_some() {
            on_the_spot.insert(reference.name);
        }
        (!on_the_spot.contains(reference.name)).then_some((at, reference.name))
    })
}

/// The name of `(?<name>` or `(?'name'` and how long that is, if the text begins so; look-behind is something else.
pub(super) fn named_group(text: &str) -> Option<(&str, usize)> {
    let (inner, close) = match text.strip_prefix("(?<") {
        Some(inner) => (inner, '>'),
        None => (text.strip_prefix("(?'")?, '\''),
    };
    if inner.starts_with(['=', '!']) {
        return None;
    }
    let (name, _) = inner.split_once(close).filter(|(name, _)| !name.is_empty())?;
    Some((name, 3 + name.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let reference = |name, field, inline| Reference { name, field, inline };
        for (text, expected) in [
            ("WORD}", Read::Reference(reference("WORD", None, None), 5)),
            ("WORD:a.b:int} x", Read::Reference(reference("WORD", Some("a.b:int"), None), 13)),
            ("WORD:[a][b]}", Read::Reference(reference("WORD", Some("[a][b]"), None), 12)),
            ("X=[0-9]{2}}", Read::Reference(reference("X", None, Some("[0-9]{2}")), 11)),
            ("X:größe=a}", Read::Reference(reference("X", Some("größe"), Some("a")), 12)),
            ("a b}", Read::Other(4)),
            ("}", Read::Other(1)),
            ("WORD:}", Read::Other(6)),
            ("WORD:un(r)ted}", Read::Other(14)),
            ("WORD", Read::Unclosed),
            ("X=a{2}", Read::Unclosed),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn braces_are_paired_as_each_alone_would_be() {
        for text in [
            "",
            "%{A}",
            "%{A %{B}} %{C",
            "%{A=x{2}%{B}} } %{C}{3",
            r"\\%{A} %{B=\}} %{C\}} \%{D=\{}",
            "é%{A}%{%{B}",
            "{%{A}",
            "%{A=(?<x>%{B})}%{A}",
        ] {
            let braces = Braces::new(text);
            for (at, _) in text.match_indices("%{") {
                assert_eq!(braces.read(text, at), read(&text[at + 2..]), "{text} at {at}");
            }
        }
    }

    #[test]
    fn what_a_text_leads_to_is_no_definition_on_the_spot() {
        let names = |text| leads_to(text).map(|(at, name)| format!("{at}{name}")).collect::<Vec<_>>().join(" ");
        assert_eq!(names("x%{A}%{B:c}%{S=%{T}}%{S}%{A}"), "1A 5B 24A");
        assert_eq!(names("%{%{A}%{B=x}%{ %{C} %{D"), "2A 15C");
    }

    #[test]
    fn named_groups_are_told_from_look_behind() {
        assert_eq!(named_group("(?<a.b>x)"), Some(("a.b", 7)));
        assert_eq!(named_group("(?'a'x)"), Some(("a", 5)));
        assert_eq!(named_group("(?<=x)"), None);
        assert_eq!(named_group("(?<!x)>"), None);
        assert_eq!(named_group("(?:x)"), None);
    }
}
