//! Expressions that engines which try one way after the other can take for ever with.
//!
//! Two shapes are looked for. A repetition in a repetition that share letters (`(\w+\s*)+`): a text of n such letters can
//! be cut up in 2ⁿ ways, all of which are tried before the end that fails. And two repetitions side by side that share
//! letters (`\s*.*x`): n ways. Neither matters where nothing after them can fail, or where a part is atomic.

mod parse;
mod set;

use parse::{Node, Repeat, parse};
use set::Set;

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
    super::expand::expand(expression, patterns, options).map(|expanded| of_regex(&expanded.regex, &expanded.shipped))
}

/// Looks an expression without references through, of which some ranges are shipped.
pub(super) fn of_regex(regex: &str, shipped: &[(usize, usize)]) -> Vec<Finding> {
    let mut linter = Linter { found: Vec::new() };
    linter.walk(&parse(regex), false);
    let mut findings: Vec<Finding> = Vec::new();
    for ((start, end), growth) in linter.found {
        let part = readable(regex.get(start..end).unwrap_or_default());
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

/// The part without the names that groups are given when references are expanded, and cut to a sane length.
fn readable(part: &str) -> String {
    const LIMIT: usize = 160;
    let mut out = String::new();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once("(?<k") {
        out.push_str(before);
        match after.split_once('>') {
            Some((digits, after)) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                out.push('(');
                rest = after;
            }
            _ => {
                out.push_str("(?<k");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    match out.char_indices().nth(LIMIT) {
        None => out,
        Some((end, _)) => format!("{}…", &out[..end]),
    }
}

struct Linter {
    found: Vec<((usize, usize), Growth)>,
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
            // What fails after an atomic part does not go back into it.
            Node::Atomic(inner) => self.walk(inner, false),
            Node::Repeat(repeat) => {
                let known = self.found.len();
                if repeat.most.is_none() && fails && ambiguous(&repeat.body) {
                    self.found.push((repeat.span, Growth::Exponential));
                }
                // What is told of the whole is not told of its parts again.
                if self.found.len() == known {
                    self.walk(&repeat.body, fails);
                }
            }
            Node::Set(_) | Node::Place | Node::Boundary | Node::Unknown => {}
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
                    Node::Boundary => can_be(part, left),
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

/// Whether the body of a repetition without end can match one text in several ways.
fn ambiguous(body: &Node) -> bool {
    if let Node::Choice(branches) = body {
        let sets: Vec<Set> = branches.iter().filter_map(one_letter).collect();
        let overlap =
            sets.iter().enumerate().any(|(number, set)| sets[number + 1..].iter().any(|other| set.meets(*other)));
        if overlap {
            return true;
        }
    }
    splits(body, &[], &[])
}

fn one_letter(node: &Node) -> Option<Set> {
    match node {
        Node::Set(set) => Some(*set),
        _ => None,
    }
}

/// Whether there is a repetition in it that can end and begin anew, through what is around it, within its own letters.
fn splits<'n>(node: &'n Node, before: &[&'n Node], after: &[&'n Node]) -> bool {
    match node {
        Node::Row(row) => row.iter().enumerate().any(|(number, part)| {
            let before: Vec<&Node> = before.iter().copied().chain(&row[..number]).collect();
            let after: Vec<&Node> = row[number + 1..].iter().chain(after.iter().copied()).collect();
            splits(part, &before, &after)
        }),
        Node::Choice(branches) => branches.iter().any(|branch| splits(branch, before, after)),
        Node::Repeat(repeat) => {
            let around = || before.iter().chain(after);
            let here = repeat.most.is_none()
                && match &repeat.body {
                    Node::Set(set) => around().all(|node| can_be(node, *set)),
                    // Of more than a letter at a time: only if nothing at all has to be around.
                    body => !is_place(body) && around().all(|node| can_be(node, Set::NONE)),
                };
            here || splits(&repeat.body, before, after)
        }
        Node::Atomic(_) | Node::Set(_) | Node::Place | Node::Boundary | Node::Unknown => false,
    }
}

fn is_place(node: &Node) -> bool {
    matches!(node, Node::Place | Node::Boundary | Node::Unknown)
}

/// Whether a part can match some text of these letters alone, or nothing.
fn can_be(node: &Node, letters: Set) -> bool {
    match node {
        Node::Set(set) => set.meets(letters),
        Node::Row(row) => row.iter().all(|part| can_be(part, letters)),
        Node::Choice(branches) => branches.iter().any(|branch| can_be(branch, letters)),
        Node::Repeat(repeat) => repeat.least == 0 || can_be(&repeat.body, letters),
        Node::Atomic(inner) => can_be(inner, letters),
        // A boundary has a letter of words on one side and none on the other.
        Node::Boundary => letters.meets(Set::word()) && letters.meets(Set::word().not()),
        Node::Place | Node::Unknown => true,
    }
}

/// Whether a part can fail to match.
fn can_fail(node: &Node) -> bool {
    match node {
        Node::Set(_) | Node::Place | Node::Boundary | Node::Unknown => true,
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

    #[test]
    fn the_part_is_told_as_people_read_it() {
        let patterns = Patterns::new(Patterned::Legacy, Dialect::Elasticsearch);
        let found = lint(r"a (?:%{DATA:d}\s*)+x", &patterns, Options::default()).unwrap();
        let finding = Finding {
            growth: Growth::Exponential,
            part: r"(?:(.*?)\s*)+".to_owned(),
            what: "the repetitions in it can share the same letters in exponentially many ways".to_owned(),
            shipped: false,
        };
        assert_eq!(found, [finding]);
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
