//! How far an expression got on a text that it does not match.
//!
//! An expression is a row of parts: letters, groups, references. A reference that has no field of its own and no
//! alternatives is the row of its definition. The longest beginning of the row that matches somewhere is what got furthest,
//! and the part after it is what was wanted next.

use super::engine::{bracket_head, unescaped};
use super::matcher::Scratch;
use super::options::Options;
use super::outcome::{Match, Outcome};
use super::patterns::Patterns;
use super::reference::{Read, read};
use super::{Field, Grok};

/// More parts than that are not told apart.
const MAX_PARTS: usize = 400;
/// References are followed this deep.
const MAX_DEPTH: usize = 16;

/// The parts of an expression, compiled beginning by beginning as they are needed.
#[derive(Debug)]
pub struct Explainer {
    parts: Vec<String>,
    patterns: Patterns,
    options: Options,
    /// By the number of parts.
    beginnings: Vec<Option<Grok>>,
}

/// How far an expression got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The beginning of the expression that matched; empty if not even its first part does.
    pub matched: String,
    /// Where in the text that is, in bytes.
    pub span: (usize, usize),
    /// What it captured: fields by name, and texts.
    pub captures: Vec<(String, String)>,
    /// The part that was wanted next.
    pub wanted: String,
}

impl Explainer {
    /// Takes an expression apart that compiles.
    pub fn new(expression: &str, patterns: &Patterns, options: Options) -> Self {
        let mut parts = Vec::new();
        take_apart(expression, patterns, MAX_DEPTH, &mut parts);
        if parts.len() > MAX_PARTS {
            parts = vec![expression.to_owned()];
        }
        let beginnings = parts.iter().map(|_| None).collect();
        Self { parts, patterns: patterns.clone(), options, beginnings }
    }

    /// The parts.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// How far the expression gets on a text; `None` if it matches, or if that can't be said.
    pub fn explain(&mut self, text: &str, scratch: &mut Scratch) -> Option<Explanation> {
        // If a beginning matches, so does each shorter one: the longest is found by halves.
        let (mut matches, mut fails) = (0, self.parts.len());
        let mut longest = None;
        if self.parts.is_empty() || self.search(fails, text, scratch)?.is_some() {
            return None;
        }
        while fails - matches > 1 {
            let middle = matches.midpoint(fails);
            match self.search(middle, text, scratch)? {
                Some(found) => (matches, longest) = (middle, Some(found)),
                None => fails = middle,
            }
        }
        let (span, captures) = longest.unwrap_or_default();
        Some(Explanation {
            matched: self.parts[..matches].concat(),
            span,
            captures,
            wanted: self.parts[matches].clone(),
        })
    }

    /// Searches for the first parts; `None` if an engine gives up or can't take them alone.
    fn search(&mut self, parts: usize, text: &str, scratch: &mut Scratch) -> Option<Option<Found>> {
        let slot = &mut self.beginnings[parts - 1];
        if slot.is_none() {
            let beginning = self.parts[..parts].concat();
            *slot = Some(Grok::compile(&[&beginning], &self.patterns, self.options).ok()?);
        }
        let grok = slot.as_ref()?;
        match grok.search(text, scratch) {
            Outcome::Match(found) => Some(Some(copied(&found))),
            Outcome::NoMatch => Some(None),
            Outcome::Exhausted { .. } | Outcome::Failed { .. } => None,
        }
    }
}

type Found = ((usize, usize), Vec<(String, String)>);

fn copied(found: &Match<'_, '_>) -> Found {
    let captures = found.captures().map(|capture| (Field::dotted(capture.field), capture.text.to_owned()));
    (found.span(), captures.collect())
}

/// Adds the parts of an expression to the row.
fn take_apart(expression: &str, patterns: &Patterns, depth: usize, row: &mut Vec<String>) {
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

/// Whether a definition is worth telling its parts: it has references, and is no choice.
fn is_row(definition: &str) -> bool {
    definition.contains("%{")
        && !definition.contains("(?<!")
        && parts(definition).is_some_and(|parts| parts.len() > 1 || parts[0].starts_with("%{"))
}

/// The parts of an expression, each with its quantifier; `None` if it is a choice, or sets flags for what follows.
fn parts(expression: &str) -> Option<Vec<&str>> {
    let mut parts: Vec<&str> = Vec::new();
    let mut at = 0;
    // Where the run of letters began that the last part is.
    let mut run: Option<usize> = None;
    while at < expression.len() {
        let rest = &expression[at..];
        if rest.starts_with('|') || is_flags(rest) {
            return None;
        }
        let atom = atom(rest);
        let quantifier = quantifier(&rest[atom..]);
        let end = at + atom + quantifier;
        let letter =
            quantifier == 0 && rest.starts_with(|c: char| c.is_alphanumeric() || " -_:/,;=\"'<>@#".contains(c));
        match run {
            Some(start) if letter => {
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

/// `(?m)` and the like, which is about everything after it.
fn is_flags(text: &str) -> bool {
    text.strip_prefix("(?")
        .and_then(|inner| inner.split_once(')'))
        .is_some_and(|(flags, _)| !flags.is_empty() && flags.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
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
    use super::super::options::Dialect;
    use super::super::sets::Set;
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
            ("(?m)a", None),
            ("", None),
        ] {
            assert_eq!(parts(expression), expected, "{expression}");
        }
    }

    fn explained(expression: &str, text: &str) -> Option<(String, String, String)> {
        let patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
        let mut explainer = Explainer::new(expression, &patterns, Options::default());
        let told = explainer.explain(text, &mut Scratch::new())?;
        Some((told.matched, text[told.span.0..told.span.1].to_owned(), told.wanted))
    }

    #[test]
    fn the_longest_beginning_and_what_was_wanted_next_are_told() {
        let told =
            |matched: &str, text: &str, wanted: &str| Some((matched.to_owned(), text.to_owned(), wanted.to_owned()));
        for (expression, text, expected) in [
            ("%{INT:a} %{INT:b} x", "1 2 x", None),
            ("%{INT:a} %{INT:b} x", "1 2 y", told("%{INT:a} %{INT:b}", "1 2", " x")),
            ("%{INT:a} %{INT:b}", "a 1 b", told("%{INT:a} ", "1 ", "%{INT:b}")),
            ("%{INT:a} b", "none", told("", "", "%{INT:a}")),
            ("a|b", "c", told("", "", "a|b")),
            (
                "%{COMMONAPACHELOG}",
                "203.0.113.9 - - [31/Foo/2026:00:00:00 +0900] \"GET / HTTP/1.1\" 200 12",
                told(
                    r"%{IPORHOST:clientip} %{HTTPDUSER:ident} %{HTTPDUSER:auth} \[",
                    "203.0.113.9 - - [",
                    "%{HTTPDATE:timestamp}",
                ),
            ),
        ] {
            assert_eq!(explained(expression, text), expected, "{expression} on {text:?}");
        }
    }

    #[test]
    fn every_shipped_definition_is_taken_apart_and_put_together_again() {
        let patterns = Patterns::new(Set::EcsV1, Dialect::Elasticsearch);
        for name in patterns.names() {
            let explainer = Explainer::new(&format!("%{{{name}}}"), &patterns, Options::default());
            let whole = explainer.parts().concat();
            let compiled = Grok::compile(&[&whole], &patterns, Options::default());
            assert!(compiled.is_ok(), "{name}: {whole}: {compiled:?}");
        }
    }
}
