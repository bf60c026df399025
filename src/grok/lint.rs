//! Expressions that engines which try one way after the other can take for ever with.
//!
//! Two shapes are looked for. A repetition of which the rounds can read one text in two ways (`(\w+\s*)+`, `(a|aa)+`): n such
//! texts can be read in 2ⁿ ways, all of which are tried before the end that fails. That is decided on the repetition as an
//! [`automaton`], by its [`ambiguity`]. And two repetitions side by side that share letters (`\s*.*x`): n ways. Neither
//! matters where nothing after them can fail, or where a part is atomic.

mod ambiguity;
mod automaton;
mod parse;
mod place;
mod set;

use automaton::Automaton;
use parse::{Node, Repeat, parse};
use set::Set;

use super::Field;
use super::expand::group_number;
use super::fault::Fault;
use super::options::Options;
use super::patterns::Patterns;

/// How the time grows with the length of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Growth {
    /// With its square, or a higher power.
    Polynomial,
    /// It doubles with each letter or two.
    Exponential,
}

/// A part of an expression that can take long elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How long.
    pub growth: Growth,
    /// The part, with its references expanded.
    pub part: String,
    /// What it is about.
    pub what: String,
    /// Whether it is a shipped definition's own, which whoever wrote the expression can't mend.
    pub shipped: bool,
}

/// Looks an expression through.
///
/// # Errors
/// It can't be expanded.
pub fn lint(expression: &str, patterns: &Patterns, options: Options) -> Result<Vec<Finding>, Vec<Fault>> {
    let expanded = super::expand::expand(expression, patterns, options).map_err(|failed| failed.told(patterns))?;
    Ok(of_regex(&expanded.regex, &expanded.fields, &expanded.shipped))
}

/// Looks an expression without references through, whose groups are these fields', and of which some ranges are shipped.
pub(super) fn of_regex(regex: &str, fields: &[Field], shipped: &[(usize, usize)]) -> Vec<Finding> {
    let mut linter = Linter { found: Vec::new(), steps: STEPS };
    linter.walk(&parse(regex), false);
    let mut findings: Vec<Finding> = Vec::new();
    for ((start, end), growth) in linter.found {
        let part = readable(regex.get(start..end).unwrap_or_default(), fields);
        let what = match growth {
            Growth::Exponential => "the repetitions in it can share the same letters in exponentially many ways",
            Growth::Polynomial => "the repetitions in it can share the same letters",
        };
        let shipped = shipped.iter().any(|(from, to)| *from <= start && end <= *to);
        let finding = Finding { growth, part, what: what.to_owned(), shipped };
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}

/// The part with the fields' names instead of those that groups are given when references are expanded, and cut to a sane length.
fn readable(part: &str, fields: &[Field]) -> String {
    const LIMIT: usize = 160;
    let mut out = String::new();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        out.push('<');
        rest = after;
        if let Some((group, _)) = after.split_once('>')
            && let Some(field) = group_number(group).and_then(|number| fields.get(number))
        {
            out.push_str(&field.name);
            rest = &after[group.len()..];
        }
    }
    out.push_str(rest);
    match out.char_indices().nth(LIMIT) {
        None => out,
        Some((end, _)) => format!("{}…", &out[..end]),
    }
}

/// How many steps the repetitions of an expression may be looked at with, some milliseconds. What would take more is not told.
const STEPS: usize = 300_000;

struct Linter {
    found: Vec<((usize, usize), Growth)>,
    steps: usize,
}

impl Linter {
    /// Looks a part through. `fails` is whether something after it can fail, so that it is gone back into.
    fn walk(&mut self, node: &Node, fails: bool) {
        match node {
            Node::Row(row) => {
                for (number, part) in row.iter().enumerate() {
                    self.walk(part, fails || row[number + 1..].iter().any(can_fail));
                }
                self.side_by_side(row, fails);
            }
            Node::Choice(branches) => branches.iter().for_each(|branch| self.walk(branch, fails)),
            // What fails after them does not go back into them.
            Node::Atomic(inner) | Node::Look(inner, _) => self.walk(inner, false),
            Node::Repeat(repeat) => self.repeat(repeat, fails),
            Node::Set(_) | Node::Place(_) | Node::Unknown => {}
        }
    }

    fn repeat(&mut self, repeat: &Repeat, fails: bool) {
        let known = self.found.len();
        // Before it is done, the next round can fail.
        let fails = fails || repeat.least > 1 && can_fail(&repeat.body);
        self.walk(&repeat.body, fails);
        if !fails || !repeat.is_long() {
            return;
        }
        let inner = self.found[known..].iter().filter(|(_, growth)| *growth == Growth::Exponential);
        let at_fault: Vec<(usize, usize)> = inner.map(|(span, _)| *span).collect();
        let automaton = Automaton::of(repeat, &at_fault, &mut self.steps);
        if automaton.is_some_and(|automaton| ambiguity::exponential(&automaton, &mut self.steps)) {
            // What is told of the whole is not told of its parts again.
            self.found.truncate(known);
            self.found.push((repeat.span, Growth::Exponential));
        }
    }

    /// Repetitions without end side by side, with nothing between them that has to be there.
    fn side_by_side(&mut self, row: &[Node], fails: bool) {
        for (number, part) in row.iter().enumerate() {
            let Some((first, left)) = endless(part) else { continue };
            for (other, part) in row.iter().enumerate().skip(number + 1) {
                if let Some((second, right)) = endless(part)
                    && left.meets(right)
                {
                    if fails || row[other + 1..].iter().any(can_fail) {
                        self.found.push(((first.span.0, second.span.1), Growth::Polynomial));
                    }
                    break;
                }
                let passed = match part {
                    Node::Place(place) => {
                        place.is_boundary() && left.meets(Set::word()) && left.meets(Set::word().not())
                    }
                    Node::Repeat(repeat) => repeat.least == 0,
                    Node::Row(inner) => inner.is_empty(),
                    _ => false,
                };
                if !passed {
                    break;
                }
            }
        }
    }
}

/// A repetition without end of one set of letters.
fn endless(node: &Node) -> Option<(&Repeat, Set)> {
    match node {
        Node::Repeat(repeat) if repeat.most.is_none() => match repeat.body {
            Node::Set(set) => Some((repeat, set)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a part can fail to match.
fn can_fail(node: &Node) -> bool {
    match node {
        Node::Set(_) | Node::Place(_) | Node::Look(..) | Node::Unknown => true,
        Node::Row(row) => row.iter().any(can_fail),
        Node::Choice(branches) => branches.iter().all(can_fail),
        Node::Repeat(repeat) => repeat.least > 0 && can_fail(&repeat.body),
        Node::Atomic(inner) => can_fail(inner),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Dialect, Set as Patterned};
    use super::*;

    #[test]
    fn what_would_take_for_ever_is_found() {
        let patterns = Patterns::new(Patterned::Legacy, Dialect::Elasticsearch);
        for (expression, expected) in [
            ("(a+)+b", Some(Growth::Exponential)),
            (r"(\w+\s*)+x", Some(Growth::Exponential)),
            (r"(%{DATA}\s*)+x", Some(Growth::Exponential)),
            (r"x(?<p>(\s*%{NOTSPACE})*)\] y", Some(Growth::Exponential)),
            (r"(a|[ab])*c", Some(Growth::Exponential)),
            ("((ab)*)*c", Some(Growth::Exponential)),
            (r"([a-z]+\d?)+!", Some(Growth::Exponential)),
            (r"(.*?,)*x", Some(Growth::Exponential)),
            ("%{GREEDYDATA:a}%{SPACE}x", Some(Growth::Polynomial)),
            (r"\s*%{GREEDYDATA}!", Some(Growth::Polynomial)),
            (r"\d+\w*:", Some(Growth::Polynomial)),
            // Nothing after it can fail.
            ("(a+)+", None),
            (r"x(\s*%{NOTSPACE})*", None),
            ("%{SPACE}%{GREEDYDATA:rest}", None),
            ("(?>(a+)+)b", None),
            // It has to stop between.
            (r"^(?:%{WORD}|\w)+$", None),
            (r"([a-z]+\.)+x", None),
            (r"(?:%{WORD}\s+)*x", None),
            (r"(?:%{WORD}\s*)*x", None),
            ("(?:[^,]*,)*x", None),
            (r"(?:\\.|[^\\])*x", None),
            ("(?>[a-z]+)+x", None),
            ("([a-z]++)+x", None),
            ("(?:a|b)*c", None),
            ("%{QUOTEDSTRING:q} x", None),
            ("%{WORD:a} %{NOTSPACE:b} %{GREEDYDATA:c}$", None),
            ("%{COMBINEDAPACHELOG}", None),
            (r"\s*\S+x", None),
            ("[a-", None),
        ] {
            let found = lint(expression, &patterns, Options::default()).unwrap();
            let growth = found.iter().map(|finding| finding.growth).max();
            assert_eq!(growth, expected, "{expression}: {found:?}");
        }
    }

    /// The part that is named, and a text many of which in a row Oniguruma does not come to an end with.
    #[test]
    fn what_is_exponential_is_named_and_is_so_in_oniguruma() {
        let patterns = Patterns::new(Patterned::Legacy, Dialect::Elasticsearch);
        for (expression, part, text) in [
            ("(a|aa)+$", "(a|aa)+", "a"),
            ("(a|b|ab)*c", "(a|b|ab)*", "ab"),
            (r"(\s|\s\s)*x", r"(\s|\s\s)*", " "),
            ("(foo|foofoo)*x", "(foo|foofoo)*", "foo"),
            (r"(\w+){1,60}!", r"(\w+){1,60}", "a"),
            // Oniguruma ends such a repetition after a round that took nothing, others do not.
            ("(?:a?){50}a{50}", "(?:a?){50}", ""),
            ("(?:a*){50}b", "(?:a*){50}", "a"),
            (r"(?=(\w+)+!)x", r"(\w+)+", "a"),
            (r"(?!(\w+)+!)x", r"(\w+)+", "a"),
            ("(?:%{NUMBER}|%{WORD}| )+$", "", "1 "),
            (r"(?:\b(\w+-?)+){2}!", r"(\w+-?)+", "a"),
            ("([ab]?b)+!", "([ab]?b)+", "b"),
            ("(a{1,2}b?)+!", "(a{1,2}b?)+", "a"),
            ("(a(|b?)c)*!", "(a(|b?)c)*", "ac"),
            ("((a?)*b)*!", "((a?)*b)*", "ab"),
            ("(?:(?>a|b)|ab)*c", "(?:(?>a|b)|ab)*", "ab"),
            (r"((?>\d+)|\w)+!", r"((?>\d+)|\w)+", "1a"),
            (r"((?<=a)a|ba?|a)+!", r"((?<=a)a|ba?|a)+", "ba"),
            // The innermost that is at fault, or the outermost of those that are.
            (r"(?:\s?(\w+-?)+; )*!", r"(\w+-?)+", "a"),
            (r"(?:(([a-z]+)*\d?)+;)*!", r"(([a-z]+)*\d?)+", "a"),
            // Of the shipped definitions.
            ("(,%{INT}{3})*!", "", ",1111"),
            ("%{SYSLOGHOST}+!", "", "a."),
            (r"(?:[\s,]%{IP})+!", "", ",1::%x"),
        ] {
            let found = lint(expression, &patterns, Options::default()).unwrap();
            let found: Vec<_> = found.iter().filter(|finding| finding.growth == Growth::Exponential).collect();
            assert!(found.len() == 1 && (part.is_empty() || found[0].part == part), "{expression}: {found:?}");
            if text.is_empty() {
                continue;
            }
            let regex = super::super::expand::expand(expression, &patterns, Options::default()).unwrap().regex;
            let regex = onig::Regex::new(&regex).unwrap();
            let mut limit = onig::MatchParam::default();
            limit.set_retry_limit_in_match(100_000);
            let line = format!("{}\u{1}", text.repeat(60));
            let options = onig::SearchOptions::SEARCH_OPTION_NONE;
            assert!(regex.match_with_param(&line, 0, options, None, limit).is_err(), "{expression}");
        }
    }

    #[test]
    fn what_has_one_way_is_not_named() {
        let patterns = Patterns::new(Patterned::Legacy, Dialect::Elasticsearch);
        for expression in [
            "(a|aa)+",
            "(?>(a|aa)+)$",
            "(a|aa)++$",
            "((?>a|aa)b)*c",
            "(?:(?>(a|aa)+)b)*c",
            r"(?:\d++\s*)+x",
            r"(?:%{NUMBER}\s*)+x",
            "(foo|foobar)*x",
            "(ab|ba|aa)*x",
            r"(?:\w+\b\s*)+x",
            r"(?:(?<!\w)\w+\s*)+x",
            r"(?:\w+(?!\w)\s*)+x",
            "(?:a+$)*x",
            "(?:é|è)*x",
            "(a{2}|b)+x",
            r"(?:\d{1,3},){1,60}x",
            "(?:a?b){50}c",
            // Too few to matter.
            "(?:[0-9a-f]{1,4}:?){8}x",
            r"(?:\d{1,3}){12}x",
            r"(?:\w+){1,5}!",
            "(a?)*x",
            // It can't fail.
            "(?:a?){50}",
            "(a|aa)*b?",
            "(?=(a+)+)x",
            // Too large to be looked at.
            "(?:a{4000}b?){40}c",
            r"(?:\b){9}{9}{9}{9}{9}{9}{9}{9}{9}{9}{9}{9}{9}x",
        ] {
            let found = lint(expression, &patterns, Options::default()).unwrap();
            assert!(found.iter().all(|finding| finding.growth == Growth::Polynomial), "{expression}: {found:?}");
        }
    }

    #[test]
    fn the_part_is_told_as_people_read_it() {
        let patterns = Patterns::new(Patterned::Legacy, Dialect::Elasticsearch);
        let found = lint(r"a (?:%{DATA:d}\s*)+x", &patterns, Options::default()).unwrap();
        let finding = Finding {
            growth: Growth::Exponential,
            part: r"(?:(?<d>.*?)\s*)+".to_owned(),
            what: "the repetitions in it can share the same letters in exponentially many ways".to_owned(),
            shipped: false,
        };
        assert_eq!(found, [finding]);
        // References to groups are to those that are shown.
        let expression = r"(?<a:b>x)(?:(?<q>\w)(?<=\w)\w*\k<q>)+ %{WORD:w}";
        let found = lint(expression, &patterns, Options::default()).unwrap();
        assert_eq!(found[0].part, r"(?:(?<q>\w)(?<=\w)\w*\k<q>)+", "{found:?}");
        for (expression, shipped) in [("%{URI}", true), ("%{URIPROTO:p}://", true), (r"(?:\w+)+:%{INT}", false)] {
            let found = lint(expression, &patterns, Options::default()).unwrap();
            assert!(found.len() == 1 && found[0].shipped == shipped, "{expression}: {found:?}");
        }
        assert!(lint("%{NOWHERE}", &patterns, Options::default()).is_err());
    }

    #[test]
    fn few_of_the_shipped_definitions_are_found_fault_with() {
        for (set, dialect) in [
            (Patterned::Legacy, Dialect::Logstash),
            (Patterned::Legacy, Dialect::Elasticsearch),
            (Patterned::EcsV1, Dialect::Elasticsearch),
        ] {
            let patterns = Patterns::new(set, dialect);
            let found =
                |name: &&str| !lint(&format!("%{{{name}}}"), &patterns, Options::new(dialect)).unwrap().is_empty();
            let mut names: Vec<&str> = patterns.names().filter(found).collect();
            names.sort_unstable();
            println!("{set:?} {dialect:?}: {} {names:?}", names.len());
            assert!(names.len() <= 25, "{names:?}");
        }
    }
}
