//! `%{NAME:field:type=regex}`, taken apart.

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

/// Reads what follows `%{`.
pub(super) fn read(text: &str) -> Read<'_> {
    let Some(end) = closing_brace(text) else { return Read::Unclosed };
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

/// The references in a text, those within definitions on the spot included, and where each begins.
pub(super) fn references(text: &str) -> impl Iterator<Item = (usize, Reference<'_>)> {
    text.match_indices("%{").filter_map(|(at, _)| match read(&text[at + 2..]) {
        Read::Reference(reference, _) => Some((at, reference)),
        Read::Other(_) | Read::Unclosed => None,
    })
}

/// The index of the `}` that ends a reference; an inline expression may have pairs of braces.
fn closing_brace(text: &str) -> Option<usize> {
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
    fn named_groups_are_told_from_look_behind() {
        assert_eq!(named_group("(?<a.b>x)"), Some(("a.b", 7)));
        assert_eq!(named_group("(?'a'x)"), Some(("a", 5)));
        assert_eq!(named_group("(?<=x)"), None);
        assert_eq!(named_group("(?<!x)>"), None);
        assert_eq!(named_group("(?:x)"), None);
    }
}
