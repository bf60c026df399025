//! Makes a tree smaller without changing what it means.
//!
//! Only the quick code is made from the result; the plain code keeps to what was written, so that tests compare the two.

use super::analyse::{Ahead, ahead, lengths, min_bytes};
use super::bytes::{ByteSet, Wide};
use super::tree::{Assertion, Look, Node, Repeat};

/// The same, simpler.
pub(super) fn simplify(node: Node) -> Node {
    match node {
        Node::Concat(nodes) => concat(nodes),
        Node::Alternate(nodes) => alternate(nodes),
        Node::Repeat(repeat) => {
            let Repeat { node, min, max, greedy } = *repeat;
            match (simplify(node), min, max) {
                (_, _, Some(0)) | (Node::Empty, _, _) => Node::Empty,
                (node, 1, Some(1)) => node,
                (node, ..) => node.repeat(min, max, greedy),
            }
        }
        Node::Group(number, node) => Node::Group(number, Box::new(simplify(*node))),
        Node::Atomic(node) => match simplify(*node) {
            Node::Atomic(inner) => Node::Atomic(inner),
            // Of a given length there is one end only, so there is nothing to give back.
            node if !node.has_groups() && lengths(&node).is_some_and(|(least, most)| least == most) => node,
            node => node.atomic(),
        },
        Node::Look(look) => {
            let Look { node, behind, negative } = *look;
            let node = simplify(node);
            one_character(&node, behind, negative)
                .unwrap_or_else(|| Node::Look(Box::new(Look { node, behind, negative })))
        }
        other => other,
    }
}

fn concat(nodes: Vec<Node>) -> Node {
    let mut flat: Vec<Node> = Vec::new();
    for node in nodes {
        match simplify(node) {
            Node::Empty => {}
            Node::Concat(inner) => flat.extend(inner),
            node => flat.push(node),
        }
    }
    let mut kept: Vec<Node> = Vec::with_capacity(flat.len());
    for (index, node) in flat.iter().enumerate() {
        if !holds_anyway(node, &flat[index + 1..]) {
            kept.push(node.clone());
        }
    }
    Node::concat(kept)
}

/// A negative look-ahead for what cannot come there (`(?!<[0-9])` before a digit).
fn holds_anyway(node: &Node, rest: &[Node]) -> bool {
    let Node::Look(look) = node else { return false };
    if look.behind || !look.negative || min_bytes(&look.node) == 0 || look.node.has_groups() {
        return false;
    }
    let refused = ahead(&look.node, Ahead::ANYTHING);
    let comes = rest.iter().rev().fold(Ahead::ANYTHING, |then, node| ahead(node, then));
    !refused.set.meets(comes.set)
}

fn alternate(nodes: Vec<Node>) -> Node {
    let mut flat: Vec<Node> = Vec::new();
    for node in nodes {
        match (simplify(node), flat.last_mut()) {
            (Node::Alternate(inner), _) => flat.extend(inner),
            // Of two single characters it does not matter which is tried first.
            (Node::Class(class), Some(Node::Class(before))) => *before = before.union(&class),
            (node, _) => flat.push(node),
        }
    }
    Node::alternate(factored(flat))
}

/// Neighbours that begin with the same character get it in common: `ab|ac` is `a(?:b|c)`.
fn factored(nodes: Vec<Node>) -> Vec<Node> {
    let mut groups: Vec<Vec<Node>> = Vec::new();
    for node in nodes {
        match groups.last_mut() {
            Some(group) if head(&group[0]).is_some() && head(&group[0]) == head(&node) => group.push(node),
            _ => groups.push(vec![node]),
        }
    }
    let join = |mut group: Vec<Node>| {
        if group.len() == 1 {
            return group.remove(0);
        }
        let first = head(&group[0]).cloned().unwrap_or(Node::Empty);
        concat(vec![first, alternate(group.into_iter().map(without_head).collect())])
    };
    groups.into_iter().map(join).collect()
}

/// The character that a node begins with, if it begins with one and nothing else.
fn head(node: &Node) -> Option<&Node> {
    match node {
        Node::Class(_) => Some(node),
        Node::Concat(nodes) => nodes.first().filter(|node| matches!(node, Node::Class(_))),
        _ => None,
    }
}

fn without_head(node: Node) -> Node {
    match node {
        Node::Concat(mut nodes) => {
            nodes.remove(0);
            Node::concat(nodes)
        }
        _ => Node::Empty,
    }
}

/// A look at one character, where its byte decides.
fn one_character(node: &Node, behind: bool, negative: bool) -> Option<Node> {
    let Node::Class(class) = node else { return None };
    let (ascii, wide) = class.bytes();
    let set = match wide {
        Wide::None => ascii,
        Wide::All => ascii.union(ByteSet::WIDE),
        Wide::Some => return None,
    };
    let set = if negative { set.negated() } else { set };
    Some(Node::Assert(if behind {
        Assertion::Before { set, edge: negative }
    } else {
        Assertion::After { set, edge: negative }
    }))
}
