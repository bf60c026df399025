//! What a text has to contain for an expression to match: texts of which one at least is there, and others of which one is.
//!
//! A part that matches one of a few texts only (`(?:Built|Teardown)`, `(?i)deny`) is known exactly, and goes together with
//! its neighbours; what ends such a run leaves it behind as one need.

use memchr::memmem;

use super::tree::Node;

/// Texts, one of which is in whatever the expression matches.
pub(super) type Need = Vec<Vec<u8>>;

/// More texts than that are not told apart.
const MOST_TEXTS: usize = 64;
/// Longer texts are cut there: what follows makes the next.
const LONGEST: usize = 32;
/// Shorter texts say too little.
pub(super) const SHORTEST: usize = 3;

/// What every match of a tree contains; nothing if there is nothing that can be said.
pub(super) fn needs(tree: &Node) -> Vec<Need> {
    needs_of(tree, SHORTEST)
}

/// The same, with texts of so many bytes at least.
pub(super) fn needs_of(tree: &Node, shortest: usize) -> Vec<Need> {
    let mut found = Found { needs: Vec::new(), shortest };
    if let Some(texts) = node(tree, &mut found) {
        found.keep(texts);
    }
    found.needs
}

/// What was found, and how long a text has to be.
struct Found {
    needs: Vec<Need>,
    shortest: usize,
}

impl Found {
    fn keep(&mut self, texts: Need) {
        let known = texts.is_empty() || self.needs.contains(&texts);
        if !known && texts.iter().all(|text| text.len() >= self.shortest) {
            self.needs.push(texts);
        }
    }

    /// What is found elsewhere.
    fn apart(&self) -> Found {
        Found { needs: Vec::new(), shortest: self.shortest }
    }
}

/// Whether a line contains all that is needed.
pub(super) fn has_all(line: &[u8], needs: &[Need]) -> bool {
    needs.iter().all(|need| need.iter().any(|text| memmem::find(line, text).is_some()))
}

/// The texts that a node can match, if they are few; what else it needs is added to what was found.
fn node(tree: &Node, found: &mut Found) -> Option<Need> {
    match tree {
        Node::Class(class) => characters(class.ranges()),
        Node::Concat(nodes) => row(nodes, found),
        Node::Alternate(nodes) => alternatives(nodes, found),
        Node::Repeat(repeat) => match (repeat.min, repeat.max) {
            (1, Some(1)) => node(&repeat.node, found),
            (0, Some(1)) => {
                let mut texts = node(&repeat.node, &mut found.apart())?;
                texts.push(Vec::new());
                Some(texts)
            }
            (0, _) => None,
            _ => {
                if let Some(texts) = node(&repeat.node, found) {
                    found.keep(texts);
                }
                None
            }
        },
        Node::Group(_, inner) | Node::Atomic(inner) => node(inner, found),
        // These take nothing, so a text goes on over them.
        Node::Empty | Node::Assert(_) | Node::Look(_) | Node::Keep => Some(vec![Vec::new()]),
        Node::Fail | Node::Back { .. } => None,
    }
}

/// One of a few characters.
fn characters(ranges: &[(u32, u32)]) -> Option<Need> {
    const FEW: u32 = 3;
    let count = ranges.iter().fold(0_u32, |sum, (low, high)| sum.saturating_add(high - low + 1));
    if count > FEW {
        return None;
    }
    let all = ranges.iter().flat_map(|(low, high)| *low..=*high);
    all.map(|code| char::from_u32(code).map(|one| one.to_string().into_bytes())).collect()
}

/// One after the other.
fn row(nodes: &[Node], found: &mut Found) -> Option<Need> {
    let mut run: Need = vec![Vec::new()];
    let mut whole = true;
    for part in nodes {
        match node(part, found) {
            None => {
                whole = false;
                found.keep(std::mem::replace(&mut run, vec![Vec::new()]));
            }
            Some(texts) => {
                let longest = |texts: &Need| texts.iter().map(Vec::len).max().unwrap_or_default();
                if run.len() * texts.len() > MOST_TEXTS || longest(&run) + longest(&texts) > LONGEST {
                    whole = false;
                    found.keep(std::mem::replace(&mut run, texts));
                } else {
                    run = run.iter().flat_map(|left| texts.iter().map(|right| [&left[..], right].concat())).collect();
                }
            }
        }
    }
    if whole {
        return Some(run);
    }
    found.keep(run);
    None
}

/// One of several: all their texts if each has a few, else one need of each put together.
fn alternatives(nodes: &[Node], found: &mut Found) -> Option<Need> {
    let mut all: Need = Vec::new();
    let mut exact = true;
    for branch in nodes {
        let mut apart = found.apart();
        let texts = match node(branch, &mut apart) {
            Some(texts) => texts,
            None => {
                exact = false;
                let best = |need: &Need| (std::cmp::Reverse(need.len()), need.iter().map(Vec::len).min());
                apart.needs.into_iter().max_by_key(best)?
            }
        };
        all.extend(texts);
        if all.len() > MOST_TEXTS {
            return None;
        }
    }
    all.sort_unstable();
    all.dedup();
    if exact {
        return Some(all);
    }
    found.keep(all);
    None
}

#[cfg(test)]
mod tests {
    use super::super::{Syntax, parse, simplify};
    use super::*;

    fn told(expression: &str) -> Vec<String> {
        let tree = simplify::simplify(parse::parse(expression, &Syntax::default()).unwrap().tree);
        let text = |text: &Vec<u8>| String::from_utf8(text.clone()).unwrap();
        needs(&tree).iter().map(|need| need.iter().map(text).collect::<Vec<_>>().join("|")).collect()
    }

    #[test]
    fn every_match_contains_one_of_each() {
        for (expression, expected) in [
            ("abc", &["abc"][..]),
            ("ab", &[]),
            ("(?<n0>abc)-(?:de|fg)", &["abc-de|abc-fg"]),
            (r"abc\d+def", &["abc", "def"]),
            ("(?:Built|Teardown) (?:x|y)?%", &["Built %|Built x%|Built y%|Teardown %|Teardown x%|Teardown y%"]),
            (r"(?:abc\d|\ddef)", &["abc|def"]),
            (r"(?:abc\d|\d)", &[]),
            ("(?:abc)?", &[]),
            ("(?:abc)*def", &["def"]),
            ("(?:abc)+", &["abc"]),
            ("(?:abc){2}", &["abc"]),
            ("a(?=x)b^c", &["abc"]),
            ("(?!abc)def", &["def"]),
            ("(?i)Deny", &["DENY|DENy|DEnY|DEny|DeNY|DeNy|DenY|Deny|dENY|dENy|dEnY|dEny|deNY|deNy|denY|deny"]),
            (r"(?<n0>abc)\k<n0>def", &["abc", "def"]),
            ("(?>abc|abd)e", &["abce|abde"]),
            ("", &[]),
            ("a|", &[]),
        ] {
            let mut came = told(expression);
            // The order of texts within a need says nothing.
            came.iter_mut().for_each(|need| {
                let mut texts: Vec<&str> = need.split('|').collect();
                texts.sort_unstable();
                *need = texts.join("|");
            });
            assert_eq!(came, expected, "{expression}");
        }
    }
}
