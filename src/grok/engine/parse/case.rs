//! Case that does not matter: `(?i)`.
//!
//! Besides pairs such as `k` and `K` (and the Kelvin sign), some characters are the same as two or three others: `ß` and
//! `ss`, `ﬁ` and `fi`. Oniguruma lets each match the other, so a literal has several ways here. Within a look-behind, whose length has
//! to be known, it does so for classes only: there a character of a literal has its own cases and no more.

use crate::grok::engine::class::Class;
use crate::grok::engine::tree::Node;
use crate::grok::engine::unicode::{folded, long_folds};

/// Characters in a row, whatever their case. Where some of them spell out one character, the longest such are taken together; what
/// begins within them is not looked for.
pub(super) fn folded_literal(characters: &[char]) -> Node {
    let mut nodes = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let (length, singles) = spelt_out(characters, at);
        let own = &characters[at..at + length];
        let mut ways = vec![folded_one_by_one(own)];
        if let Some((_, others)) = long_folds().iter().find(|(single, _)| *own == [*single]) {
            ways.push(each_folded(others));
        }
        if !singles.is_empty() {
            ways.push(Node::Class(Class::new(singles)));
        }
        nodes.push(Node::alternate(ways));
        at += length;
    }
    Node::concat(nodes)
}

/// The same within a look-behind.
pub(super) fn folded_one_by_one(characters: &[char]) -> Node {
    Node::concat(characters.iter().map(|character| Node::Class(folded(&Class::one(*character)))).collect())
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

/// How many characters from `at` on spell out one, at most, and which; one if they spell out none.
fn spelt_out(characters: &[char], at: usize) -> (usize, Vec<(u32, u32)>) {
    let lower = |character: char| character.to_lowercase().next().unwrap_or(character);
    let (mut longest, mut singles) = (1, Vec::new());
    for (single, others) in long_folds() {
        let length = others.chars().count();
        let Some(window) = characters.get(at..at + length).filter(|_| length >= longest) else { continue };
        if window.iter().copied().map(lower).eq(others.chars()) {
            if length > longest {
                (longest, singles) = (length, Vec::new());
            }
            singles.push((*single as u32, *single as u32));
        }
    }
    (longest, singles)
}

fn each_folded(characters: &str) -> Node {
    Node::concat(characters.chars().map(|character| Node::Class(folded(&Class::one(character)))).collect())
}
