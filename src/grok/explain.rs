//! How far an expression got on a text that it does not match.
//!
//! An expression is a row of parts: letters, groups, references. A reference that has no field of its own and no
//! alternatives is the row of its definition. The longest beginning of the row that matches somewhere is what got furthest,
//! and the part after it is what was wanted next. If that is a reference or a group that is itself a row, it is gone into.

mod parts;

use std::collections::HashMap;

use parts::Taker;

use super::matcher::Scratch;
use super::options::Options;
use super::outcome::{Match, Outcome};
use super::patterns::Patterns;
use super::{Field, Grok};

/// So many beginnings are kept; lines that get differently far need different ones.
const MAX_BEGINNINGS: usize = 500;
/// Parts are gone into this deep.
const MAX_LEVELS: usize = 8;
/// What the groups are called that tell where a level begins.
const MARK: &str = "kelp.level.";

/// The parts of an expression, and beginnings of them, compiled as they are needed.
#[derive(Debug)]
pub struct Explainer {
    parts: Vec<String>,
    taker: Taker,
    options: Options,
    /// `None` for what can't be taken alone.
    beginnings: HashMap<String, Option<Grok>>,
}

/// How far an expression got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The beginning of the expression that matched; empty if not even its first part does.
    pub matched: String,
    /// Where in the text that is, in bytes.
    pub span: (usize, usize),
    /// What that captured: fields by name, and texts.
    pub captures: Vec<(String, String)>,
    /// The part that was wanted next.
    pub wanted: String,
    /// How far that part got, if some of it matched, and in turn the one that it wanted next.
    pub levels: Vec<Level>,
}

/// How far a part got that was gone into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The beginning of it that matched.
    pub matched: String,
    /// Where in the text that is, in bytes.
    pub span: (usize, usize),
    /// What that captured: fields by name, and texts.
    pub captures: Vec<(String, String)>,
    /// The part that was wanted next.
    pub wanted: String,
}

impl Explanation {
    /// Where in the text what matched ends, the beginning of the wanted part included.
    pub fn end(&self) -> usize {
        self.levels.last().map_or(self.span.1, |level| level.span.1)
    }
}

impl Explainer {
    /// Takes an expression apart that compiles.
    pub fn new(expression: &str, patterns: &Patterns, options: Options) -> Self {
        let taker = Taker::new(expression, patterns);
        Self { parts: taker.row(expression), taker, options, beginnings: HashMap::new() }
    }

    /// The parts.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// How far the expression gets on a text; `None` if it matches, or if that can't be said.
    pub fn explain(&mut self, text: &str, scratch: &mut Scratch) -> Option<Explanation> {
        let parts = std::mem::take(&mut self.parts);
        let explanation = self.explain_row(&parts, text, scratch);
        self.parts = parts;
        explanation
    }

    fn explain_row(&mut self, parts: &[String], text: &str, scratch: &mut Scratch) -> Option<Explanation> {
        if parts.is_empty() || self.search(&parts.concat(), text, scratch)?.is_some() {
            return None;
        }
        let (matches, longest) = self.longest(parts, text, scratch, str::to_owned)?;
        let mut found = longest.unwrap_or_default();
        let mut levels: Vec<Level> = Vec::new();
        // What is before the part that is gone into.
        let mut before = parts[..matches].concat();
        let mut wanted = parts[matches].clone();
        for _ in 0..MAX_LEVELS {
            let Some((flags, row)) = self.taker.inside(&wanted) else { break };
            before.push_str(flags);
            let number = levels.len();
            let with = |beginning: &str| format!("{before}(?<{MARK}{number}>{beginning})");
            let Some((matches, longest)) = self.longest(&row, text, scratch, with) else { break };
            wanted = row[matches].clone();
            if let Some(longest) = longest {
                let matched = row[..matches].concat();
                before = with(&matched);
                found = longest;
                levels.push(Level { matched, span: (0, 0), captures: Vec::new(), wanted: wanted.clone() });
            }
        }
        let Found { span, captures, marks } = found;
        // The match that got furthest need not begin where the shorter one did.
        let end = marks.first().map_or(span.1, |mark| mark.span.0);
        for (level, mark) in levels.iter_mut().zip(marks) {
            (level.span, level.captures) = (mark.span, mark.captures);
        }
        Some(Explanation {
            matched: parts[..matches].concat(),
            span: (span.0.min(end), end),
            captures,
            wanted: parts[matches].clone(),
            levels,
        })
    }

    /// How many of the parts match together, and the match; `with` makes an expression of them. All together do not match. `None` if an
    /// engine gives up or can't take them.
    fn longest(
        &mut self,
        parts: &[String],
        text: &str,
        scratch: &mut Scratch,
        with: impl Fn(&str) -> String,
    ) -> Option<(usize, Option<Found>)> {
        // If a beginning matches, so does each shorter one: the longest is found by halves.
        let (mut matches, mut fails) = (0, parts.len());
        let mut longest = None;
        while fails - matches > 1 {
            let middle = matches.midpoint(fails);
            match self.search(&with(&parts[..middle].concat()), text, scratch)? {
                Some(found) => (matches, longest) = (middle, Some(found)),
                None => fails = middle,
            }
        }
        Some((matches, longest))
    }

    /// Searches for a beginning; `None` if an engine gives up or can't take it alone.
    fn search(&mut self, beginning: &str, text: &str, scratch: &mut Scratch) -> Option<Option<Found>> {
        // A level may match no letters.
        let options = Options { keep_empty_captures: true, ..self.options };
        if !self.beginnings.contains_key(beginning) {
            if self.beginnings.len() >= MAX_BEGINNINGS {
                self.beginnings.clear();
            }
            let compiled = Grok::compile(&[beginning], self.taker.patterns(), options).ok();
            self.beginnings.insert(beginning.to_owned(), compiled);
        }
        match self.beginnings.get(beginning)?.as_ref()?.search(text, scratch) {
            Outcome::Match(found) => Some(Some(Found::of(&found, self.options))),
            Outcome::NoMatch => Some(None),
            Outcome::Exhausted { .. } | Outcome::Failed { .. } => None,
        }
    }
}

/// A match of a beginning.
#[derive(Default)]
struct Found {
    span: (usize, usize),
    captures: Vec<(String, String)>,
    /// The levels.
    marks: Vec<Mark>,
}

/// Where a level is, and what it captured.
struct Mark {
    span: (usize, usize),
    captures: Vec<(String, String)>,
}

impl Found {
    fn of(found: &Match<'_, '_>, options: Options) -> Self {
        let mut copied = Self { span: found.span(), ..Self::default() };
        for capture in found.captures() {
            if capture.field.name.starts_with(MARK) {
                let span = (capture.start, capture.start + capture.text.len());
                copied.marks.push(Mark { span, captures: Vec::new() });
            } else if !capture.text.is_empty() || options.keep_empty_captures {
                // Each level is the last of what is in the one around it.
                let captures = copied.marks.last_mut().map_or(&mut copied.captures, |mark| &mut mark.captures);
                captures.push((Field::dotted(capture.field), capture.text.to_owned()));
            }
        }
        copied
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::Dialect;
    use super::super::sets::Set;
    use super::*;

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

    fn explain(dialect: Dialect, expression: &str, text: &str) -> Explanation {
        let patterns = Patterns::new(Set::Legacy, dialect);
        Explainer::new(expression, &patterns, Options::new(dialect)).explain(text, &mut Scratch::new()).unwrap()
    }

    #[test]
    fn what_was_wanted_is_gone_into() {
        let date = "%{HTTPDATE:ts}";
        for (expression, text, expected) in [
            (date, "x 31/Foo/2026", &[("%{MONTHDAY}/", "31/", "%{MONTH}")][..]),
            ("^%{WORD:w} %{HTTPDATE:ts}", "a 1/Jan/x", &[("%{MONTHDAY}/%{MONTH}/", "1/Jan/", "%{YEAR}")]),
            // The part before it matches elsewhere, too.
            (r"%{INT:n}\s%{HTTPDATE:ts}", "5 x 6 31/Foo", &[("%{MONTHDAY}/", "31/", "%{MONTH}")]),
            (
                "^(?:a (?<n>b %{INT:i} c))",
                "a b 5 d",
                &[("a ", "a ", "(?<n>b %{INT:i} c)"), ("b %{INT:i}", "b 5", " c")],
            ),
            ("(?:(a%{INT})b)", "a1c", &[("(a%{INT})", "a1", "b")]),
            ("(?i)AB%{INT:i}(?-i)(?:cd(?i)EF)", "ab1cde", &[("cd", "cd", "(?i)EF")]),
            ("%{GREEDYDATA:g}(?:x?y)", "ab", &[("x?", "", "y")]),
            // Where nothing of it matches, or it is a choice, it stands for itself.
            (date, "none", &[]),
            ("a(?:b|c)", "ad", &[]),
            (r"(?<a>x)(?:b\k<a>c)", "xbxd", &[("b\\k<a>", "bx", "c")]),
        ] {
            for dialect in [Dialect::Elasticsearch, Dialect::Logstash] {
                let told = explain(dialect, expression, text);
                let shown =
                    |level: &'_ Level| (level.matched.clone(), &text[level.span.0..level.span.1], level.wanted.clone());
                let levels: Vec<_> = told.levels.iter().map(shown).collect();
                let levels: Vec<_> =
                    levels.iter().map(|(matched, text, wanted)| (&**matched, *text, &**wanted)).collect();
                assert_eq!(levels, expected, "{dialect:?}: {expression} on {text:?}");
            }
        }
        // What is not complete is not captured, what is within it is.
        let told = explain(Dialect::Elasticsearch, "%{WORD:w} (?<n>b (?:%{INT:i} c))", "x a b 5 d");
        let captured = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
        assert_eq!(told.captures, captured("w", "a"));
        let levels: Vec<_> = told.levels.into_iter().map(|level| level.captures).collect();
        assert_eq!(levels, [vec![], captured("i", "5")]);
    }

    #[test]
    fn flags_are_about_what_comes_after_them() {
        for (expression, text, expected) in [
            ("(?i)AB%{INT:i}c", "ab1d", ("(?i)AB%{INT:i}", "ab1", "c")),
            ("a(?i)B+(?-i)[c]", "abbC", ("a(?i)B+", "abb", "(?-i)[c]")),
            ("(?i)AB", "x", ("", "", "(?i)AB")),
        ] {
            let (matched, text_, wanted) = explained(expression, text).unwrap();
            assert_eq!((&*matched, &*text_, &*wanted), expected, "{expression}");
        }
    }

    #[test]
    fn names_that_are_defined_on_the_spot_are_told_as_a_whole() {
        let mut patterns = Patterns::new(Set::Legacy, Dialect::Logstash);
        patterns.define("A", "%{HTTPDATE=abc}-%{HTTPDATE}!");
        patterns.define("LOOP", "%{LOOP=x}-%{LOOP}");
        for number in 0..12 {
            patterns.define(&format!("P{number}"), &format!("%{{P{0}}}%{{P{0}}}%{{P{0}}}", number + 1));
        }
        patterns.define("P12", "%{INT}x");
        for (expression, text, expected) in [
            ("%{HTTPDATE=abc} %{HTTPDATE} x", "abc abc y", "%{HTTPDATE=abc} %{HTTPDATE}|abc abc| x"),
            ("^%{A:f} q", "abc-abc?", "|| %{HTTPDATE=abc}-%{HTTPDATE}|abc-abc|!"),
            ("%{LOOP} q", "x-x z", "%{LOOP}|x-x| q"),
            ("%{P0=x} %{P0} z", "x x y", "%{P0=x} %{P0}|x x| z"),
        ] {
            let mut explainer = Explainer::new(expression, &patterns, Options::new(Dialect::Logstash));
            let told = explainer.explain(text, &mut Scratch::new()).unwrap();
            let Explanation { matched, span, wanted, levels, .. } = told;
            let shown = match levels.as_slice() {
                [] => format!("{matched}|{}|{wanted}", &text[span.0..span.1]),
                [only, ..] => {
                    format!("|| {}|{}|{}", only.matched, &text[only.span.0..only.span.1], only.wanted)
                }
            };
            assert_eq!(shown, expected, "{expression}");
        }
    }

    #[test]
    fn rows_of_quantifiers_and_flags_are_no_deep_matter() {
        let patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
        for many in ["a{1}", "(?i)", "a+", "+", r"\c", "%{INT}", "%{", "("].map(|one| one.repeat(50_000)) {
            Explainer::new(&format!("a{many}"), &patterns, Options::default());
        }
        assert!(Grok::compile(&[&format!("a{}", "+".repeat(50_000))], &patterns, Options::default()).is_err());
    }

    #[test]
    fn every_shipped_definition_is_taken_apart_and_put_together_again() {
        let patterns = Patterns::new(Set::EcsV1, Dialect::Elasticsearch);
        let mut scratch = Scratch::new();
        for name in patterns.names() {
            let reference = format!("%{{{name}}}");
            let whole = Explainer::new(&reference, &patterns, Options::default()).parts().concat();
            let [itself, whole] = [&reference, &whole].map(|expression| {
                Grok::compile(&[expression], &patterns, Options::default())
                    .unwrap_or_else(|faults| panic!("{name}: {expression}: {faults:?}"))
            });
            for text in super::super::engine::LINES {
                let [itself, whole] = [&itself, &whole].map(|grok| format!("{:?}", grok.search(text, &mut scratch)));
                assert_eq!(whole, itself, "{name} on {text:?}");
            }
        }
    }
}
