//! Case that does not matter: `(?i)`.
//!
//! Besides pairs such as `k` and `K` (and the Kelvin sign), some characters are the same as two or three others: `ß` and
//! `ss`, `ﬁ` and `fi`. Oniguruma lets each match the other, so a literal is a small net of ways here.

use crate::grok::engine::class::Class;
use crate::grok::engine::tree::Node;
use crate::grok::engine::unicode::{folded, long_folds};

/// Characters in a row, whatever their case.
pub(super) fn folded_literal(characters: &[char]) -> Node {
    let mut nodes = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let end = cluster_end(characters, at);
        nodes.push(ways(characters, at, end));
        at = end;
    }
    Node::concat(nodes)
}

/// A class, whatever the case.
pub(super) fn folded_class(class: &Class, negative: bool) -> Node {
    let all = folded(class);
    if negative {
        return Node::Class(all.negated());
    }
    let long = long_folds().iter().filter(|(character, _)| all.contains(*character));
    let mut ways: Vec<Node> = long.map(|(_, others)| each_folded(others)).collect();
    ways.insert(0, Node::Class(all));
    Node::alternate(ways)
}

/// Where the ways that begin at `at` have all come together again.
fn cluster_end(characters: &[char], at: usize) -> usize {
    let mut end = at + 1;
    let mut next = at;
    while next < end && end - at < 8 {
        for (length, _) in windows(characters, next) {
            end = end.max(next + length);
        }
        next += 1;
    }
    end
}

/// The long folds that are spelt out at `at`: how many characters, and which one stands for them.
fn windows(characters: &[char], at: usize) -> Vec<(usize, char)> {
    let lower = |character: char| character.to_lowercase().next().unwrap_or(character);
    let mut found = Vec::new();
    for (single, others) in long_folds() {
        let length = others.chars().count();
        let Some(window) = characters.get(at..at + length) else { continue };
        if window.iter().copied().map(lower).eq(others.chars()) {
            found.push((length, *single));
        }
    }
    found
}

fn ways(characters: &[char], at: usize, end: usize) -> Node {
    if at >= end {
        return Node::Empty;
    }
    let own = characters[at];
    let with_rest = |first: Node, next: usize| match ways(characters, next, end) {
        Node::Empty => first,
        rest => Node::Concat(vec![first, rest]),
    };
    let mut ways = vec![with_rest(Node::Class(folded(&Class::one(own))), at + 1)];
    if let Some((_, others)) = long_folds().iter().find(|(single, _)| *single == own) {
        ways.push(with_rest(each_folded(others), at + 1));
    }
    let mut lengths: Vec<(usize, Vec<(u32, u32)>)> = Vec::new();
    for (length, single) in windows(characters, at).into_iter().filter(|(length, _)| at + length <= end) {
        match lengths.iter_mut().find(|(known, _)| *known == length) {
            Some((_, singles)) => singles.push((single as u32, single as u32)),
            None => lengths.push((length, vec![(single as u32, single as u32)])),
        }
    }
    for (length, singles) in lengths {
        ways.push(with_rest(Node::Class(Class::new(singles)), at + length));
    }
    Node::alternate(ways)
}

fn each_folded(characters: &str) -> Node {
    Node::concat(characters.chars().map(|character| Node::Class(folded(&Class::one(character)))).collect())
}
