//! An expression as a row of parts.

use std::collections::HashSet;

use super::super::engine::{COMMENT, bracket_head, comment_length, escape_length, unescaped};
use super::super::patterns::Patterns;
use super::super::reference::{Read, Reference, named_group, read, references};

/// References are followed this deep.
const MAX_DEPTH: usize = 16;
/// More parts than that are not told apart.
const MAX_PARTS: usize = 400;

/// Takes expressions apart with the definitions that there are.
#[derive(Debug)]
pub(super) struct Taker {
    patterns: Patterns,
    /// What is defined on the spot, somewhere in the expression. What such a name means depends on where it stands.
    on_the_spot: HashSet<String>,
}

impl Taker {
    /// For an expression.
    pub(super) fn new(expression: &str, patterns: &Patterns) -> Self {
        let (mut on_the_spot, mut seen) = (HashSet::new(), HashSet::new());
        let mut open = vec![expression];
        while let Some(text) = open.pop() {
            for (_, Reference { name, inline, .. }) in references(text) {
                if inline.is_some() {
                    on_the_spot.insert(name.to_owned());
                } else if seen.insert(name) {
                    open.extend(patterns.get(name));
                }
            }
        }
        Self { patterns: patterns.clone(), on_the_spot }
    }

    /// The definitions.
    pub(super) fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// The expression as a row; it is one part where it can't be taken apart, or has too many.
    pub(super) fn row(&self, expression: &str) -> Vec<String> {
        let mut row = Vec::new();
        if self.take_apart(expression, MAX_DEPTH, &mut row) { row } else { vec![expression.to_owned()] }
    }

    /// What a part that does not match consists of in turn: flags that have to be before that, and the row. `None` for one that can only
    /// be told as a whole.
    pub(super) fn inside<'p>(&self, part: &'p str) -> Option<(&'p str, Vec<String>)> {
        let (before, part) = part.split_at(flags(part));
        let inner = match part.strip_prefix("%{") {
            // What has no references is best known by its name.
            Some(_) => self.definition(part).filter(|definition| definition.contains("%{"))?,
            None if part.starts_with('(') && group(part) == part.len() => opened(part.strip_suffix(')')?)?,
            None => return None,
        };
        let mut row = Vec::new();
        self.take_apart(inner, MAX_DEPTH, &mut row).then_some((before, row))
    }

    /// Adds the parts of an expression to the row; says whether it is one, and not too long.
    fn take_apart(&self, expression: &str, depth: usize, row: &mut Vec<String>) -> bool {
        let Some(parts) = parts(expression) else { return false };
        for part in parts {
            let unnamed = |part: &str| reference(part).is_some_and(|reference| reference.field.is_none());
            let definition =
                Some(part).filter(|part| depth > 0 && unnamed(part)).and_then(|part| self.definition(part));
            match definition.filter(|definition| is_row(definition)) {
                Some(definition) if !self.take_apart(definition, depth - 1, row) => return false,
                Some(_) => {}
                None => row.push(part.to_owned()),
            }
            if row.len() > MAX_PARTS {
                return false;
            }
        }
        true
    }

    /// The definition that a part is a reference to, if it means that everywhere.
    fn definition(&self, part: &str) -> Option<&str> {
        let Reference { name, inline: None, .. } = reference(part)? else { return None };
        self.patterns.get(name).filter(|_| !self.on_the_spot.contains(name))
    }
}

/// The reference that a part is.
fn reference(part: &str) -> Option<Reference<'_>> {
    let inner = part.strip_prefix("%{")?;
    match read(inner) {
        Read::Reference(reference, length) if length == inner.len() => Some(reference),
        _ => None,
    }
}

/// Whether a definition is worth telling its parts: it has references, is no choice, and sets no flags, which would be about what comes
/// after it, too.
fn is_row(definition: &str) -> bool {
    definition.contains("%{")
        && !definition.contains("(?<!")
        && parts(definition).is_some_and(|parts| {
            (parts.len() > 1 || parts[0].starts_with("%{")) && parts.iter().all(|part| flags(part) == 0)
        })
}

/// What is inside of a group that is as good as what is in it.
fn opened(group: &str) -> Option<&str> {
    if let Some((_, length)) = named_group(group) {
        return Some(&group[length..]);
    }
    match group.strip_prefix("(?") {
        None => Some(&group[1..]),
        Some(inner) => inner.strip_prefix(':'),
    }
}

/// The parts of an expression, each with its quantifier, and with the flags that stand before it; `None` if it is a choice.
fn parts(expression: &str) -> Option<Vec<&str>> {
    let mut parts: Vec<&str> = Vec::new();
    let mut at = 0;
    // Where the run of letters began that the last part is.
    let mut run: Option<usize> = None;
    while at < expression.len() {
        let rest = &expression[at..];
        let flags = flags(rest);
        // Among blanks and comments that mean nothing parts are not told from one another.
        if rest[flags..].starts_with('|') || rest[..flags].contains('x') {
            return None;
        }
        let atom = flags + atom(&rest[flags..]);
        let quantifiers = quantifiers(&rest[atom..]);
        let end = at + atom + quantifiers;
        let letter = quantifiers == 0
            && rest[flags..].starts_with(|c: char| c.is_alphanumeric() || " -_:/,;=\"'<>@#".contains(c));
        match run {
            Some(start) if letter && flags == 0 => {
                parts.pop();
                parts.push(&expression[start..end]);
            }
            _ => {
                parts.push(&expression[at..end]);
                run = letter.then_some(at);
            }
        }
        at = end;
    }
    (!parts.is_empty()).then_some(parts)
}

/// How long the flags are that a text begins with, `(?i)` and the like, which are about everything after them.
fn flags(text: &str) -> usize {
    let mut length = 0;
    while let Some(inner) = text[length..].strip_prefix("(?") {
        let end = inner.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(inner.len());
        if end == 0 || !inner[end..].starts_with(')') {
            break;
        }
        length += "(?".len() + end + ")".len();
    }
    length
}

/// How long the atom is that a text begins with.
fn atom(text: &str) -> usize {
    let first = text.chars().next().map_or(0, char::len_utf8);
    if let Some(inner) = text.strip_prefix("%{") {
        return match read(inner) {
            Read::Reference(_, length) => 2 + length,
            Read::Other(_) | Read::Unclosed => first,
        };
    }
    if text.starts_with(COMMENT) {
        return comment_length(text).unwrap_or(text.len());
    }
    match text.as_bytes().first() {
        Some(b'\\') => escape_length(text),
        Some(b'[') => class(text),
        Some(b'(') => group(text),
        _ => first,
    }
}

fn class(text: &str) -> usize {
    let mut depth = 0_u32;
    // Up to here brackets are letters.
    let mut head = 0;
    for (at, c) in unescaped(text) {
        match c {
            _ if at < head => {}
            '[' => {
                depth += 1;
                head = at + 1 + bracket_head(&text[at + 1..]);
            }
            ']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

fn group(text: &str) -> usize {
    let mut depth = 0_u32;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        match rest.as_bytes()[0] {
            b'(' if !rest.starts_with(COMMENT) => {
                depth += 1;
                at += 1;
            }
            b')' => {
                depth -= 1;
                at += 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += atom(rest).max(1),
        }
    }
    text.len()
}

/// How long the quantifiers are that a text begins with.
fn quantifiers(text: &str) -> usize {
    let mut length = 0;
    loop {
        let rest = &text[length..];
        length += match rest.as_bytes().first() {
            Some(b'?' | b'*' | b'+') => 1,
            Some(b'{') => match rest.find('}') {
                Some(end) if end > 1 && rest[1..end].bytes().all(|b| b.is_ascii_digit() || b == b',') => end + 1,
                _ => return length,
            },
            _ => return length,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::options::Dialect;
    use super::super::super::sets::Set;
    use super::*;

    #[test]
    fn an_expression_is_a_row_of_parts() {
        for (expression, expected) in [
            ("ab %{INT:n}? x", Some(vec!["ab ", "%{INT:n}?", " x"])),
            (r"^a\[b\]$", Some(vec!["^", "a", r"\[", "b", r"\]", "$"])),
            (r"[a\]b[c]]+x*?y(a|(b))", Some(vec![r"[a\]b[c]]+", "x*?", "y", "(a|(b))"])),
            (
                r"\p{L}+\k<a>\x{e4}%{A:b=[0-9]{2}}{2,3}+",
                Some(vec![r"\p{L}+", r"\k<a>", r"\x{e4}", "%{A:b=[0-9]{2}}{2,3}+"]),
            ),
            (r"([)]\))z{", Some(vec![r"([)]\))", "z", "{"])),
            ("[]a]b[^]a]+[[]x]]", Some(vec!["[]a]", "b", "[^]a]+", "[[]x]]"])),
            ("a|b", None),
            ("(?m)ab(?i)(?-m)[c] d(?:(?i)e)", Some(vec!["(?m)ab", "(?i)(?-m)[c]", " d", "(?:(?i)e)"])),
            ("(?m)a|b", None),
            ("a(?x)b", None),
            ("a(?#(b)c", Some(vec!["a", "(?#(b)", "c"])),
            ("(a(?#()b)(c)d", Some(vec!["(a(?#()b)", "(c)", "d"])),
            (
                r"a\x41b\u0041\101c\cAb\C-Ab\k'a'c",
                Some(vec!["a", r"\x41", "b", r"\u0041", r"\101", "c", r"\cA", "b", r"\C-A", "b", r"\k'a'", "c"]),
            ),
            ("", None),
        ] {
            assert_eq!(parts(expression), expected, "{expression}");
        }
    }

    #[test]
    fn a_part_is_gone_into_where_it_is_no_choice() {
        let patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
        let taker = Taker::new("%{SPOT=a b}%{PATH=c}", &patterns);
        for (part, expected) in [
            ("(?:a|b)", None),
            ("(?:a b)?", None),
            ("(?>a b)", None),
            ("(?=a)", None),
            ("(?<=a)", None),
            ("abc", None),
            ("%{SPOT:x}", None),
            ("%{URIPATHPARAM=a %{INT}}", None),
            ("%{PATH}", None),
            ("%{MONTH:m}", None),
            ("%{NUBMER}", None),
            ("%{INT:x=a b}", None),
            ("(?:a[)]b)", Some(("", vec!["a", "[)]", "b"]))),
            ("(a+b)", Some(("", vec!["a+", "b"]))),
            ("(?<n>a(b|c))", Some(("", vec!["a", "(b|c)"]))),
            ("(?i)(?'n'a.)", Some(("(?i)", vec!["a", "."]))),
            ("(?i-m)%{HTTPDATE:ts}", Some(("(?i-m)", vec!["%{MONTHDAY}", "/", "%{MONTH}", "/"]))),
        ] {
            let inside = taker.inside(part);
            let row = inside.as_ref().map(|(before, row)| {
                let first: Vec<&str> = row.iter().map(String::as_str).take(4).collect();
                (*before, first)
            });
            assert_eq!(row, expected, "{part}");
        }
    }
}
