//! An expression as a row of parts.

use super::super::engine::{bracket_head, unescaped};
use super::super::patterns::Patterns;
use super::super::reference::{Read, Reference, named_group, read};

/// References are followed this deep.
pub(super) const MAX_DEPTH: usize = 16;

/// Adds the parts of an expression to the row.
pub(super) fn take_apart(expression: &str, patterns: &Patterns, depth: usize, row: &mut Vec<String>) {
    let Some(parts) = parts(expression) else {
        row.push(if row.is_empty() && depth == MAX_DEPTH {
            expression.to_owned()
        } else {
            format!("(?:{expression})")
        });
        return;
    };
    for part in parts {
        let inner = part.strip_prefix("%{").and_then(|inner| match read(inner) {
            Read::Reference(reference, length) if length == inner.len() => Some(reference),
            _ => None,
        });
        let definition = inner
            .filter(|reference| reference.field.is_none() && reference.inline.is_none() && depth > 0)
            .and_then(|reference| patterns.get(reference.name))
            .filter(|definition| is_row(definition));
        match definition {
            Some(definition) => take_apart(definition, patterns, depth - 1, row),
            None => row.push(part.to_owned()),
        }
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

/// What a part that does not match consists of in turn: what has to be before that, and the row. `None` for one that can only be
/// told as a whole.
pub(super) fn inside(part: &str, patterns: &Patterns, on_the_spot: &[String]) -> Option<(String, Vec<String>)> {
    let (before, part) = part.split_at(flags(part));
    let (open, inner) = match part.strip_prefix("%{") {
        Some(inner) => match read(inner) {
            Read::Reference(Reference { name, inline: None, .. }, length)
                if length == inner.len() && !on_the_spot.iter().any(|known| known == name) =>
            {
                // What has no references is best known by its name.
                ("", patterns.get(name).filter(|definition| definition.contains("%{"))?)
            }
            _ => return None,
        },
        None if part.starts_with('(') && group(part) == part.len() => opened(part.strip_suffix(')')?)?,
        None => return None,
    };
    parts(inner)?;
    let mut row = Vec::new();
    take_apart(inner, patterns, MAX_DEPTH, &mut row);
    Some((format!("{before}{open}"), row))
}

/// What is inside of a group that is as good as what is in it, and the flags that it sets.
fn opened(group: &str) -> Option<(&str, &str)> {
    if let Some((_, length)) = named_group(group) {
        return Some(("", &group[length..]));
    }
    match group.strip_prefix("(?") {
        None => Some(("", &group[1..])),
        Some(inner) => inner.strip_prefix(':').map(|inner| ("", inner)),
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
        let quantifier = quantifier(&rest[atom..]);
        let end = at + atom + quantifier;
        let letter = quantifier == 0
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
    let Some(inner) = text.strip_prefix("(?") else { return 0 };
    let end = inner.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(inner.len());
    if end == 0 || !inner[end..].starts_with(')') {
        return 0;
    }
    let length = "(?".len() + end + ")".len();
    length + flags(&text[length..])
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
    if let Some(comment) = text.strip_prefix("(?#") {
        return unescaped(comment).find(|(_, c)| *c == ')').map_or(text.len(), |(end, _)| 3 + end + 1);
    }
    match text.as_bytes().first() {
        Some(b'\\') => 1 + text[1..].chars().next().map_or(0, char::len_utf8) + braces(&text[1..]),
        Some(b'[') => class(text),
        Some(b'(') => group(text),
        _ => first,
    }
}

/// What belongs to `\p{…}`, `\x{…}`, `\k<…>` and `\g<…>` after their letter.
fn braces(text: &str) -> usize {
    let mut chars = text.chars();
    let close = match (chars.next(), chars.next()) {
        (Some('p' | 'P' | 'x' | 'o'), Some('{')) => '}',
        (Some('k' | 'g'), Some('<')) => '>',
        _ => return 0,
    };
    text.find(close).unwrap_or_default()
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
            b'(' => {
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

/// How long the quantifier is that a text begins with.
fn quantifier(text: &str) -> usize {
    let one = match text.as_bytes().first() {
        Some(b'?' | b'*' | b'+') => 1,
        Some(b'{') => match text.find('}') {
            Some(end) if end > 1 && text[1..end].bytes().all(|b| b.is_ascii_digit() || b == b',') => end + 1,
            _ => 0,
        },
        _ => 0,
    };
    if one == 0 { 0 } else { one + quantifier(&text[one..]) }
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
            ("", None),
        ] {
            assert_eq!(parts(expression), expected, "{expression}");
        }
    }

    #[test]
    fn a_part_is_gone_into_where_it_is_no_choice() {
        let patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
        let spot = ["SPOT".to_owned(), "PATH".to_owned()];
        for (part, expected) in [
            ("(?:a|b)", None),
            ("(?:a b)?", None),
            ("(?>a b)", None),
            ("(?=a)", None),
            ("(?<=a)", None),
            ("abc", None),
            ("%{SPOT:x}", None),
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
            let inside = inside(part, &patterns, &spot);
            let row = inside.as_ref().map(|(before, row)| {
                let first: Vec<&str> = row.iter().map(String::as_str).take(4).collect();
                (before.as_str(), first)
            });
            assert_eq!(row, expected, "{part}");
        }
    }
}
