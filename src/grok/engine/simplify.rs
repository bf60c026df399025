//! Makes a tree smaller without changing what it means.
//!
//! Only the quick code is made from the result; the plain code keeps to what was written, so that tests compare the two.

use super::analyse::{Ahead, ahead, can_be_empty, lengths};
use super::bytes::{ByteSet, Wide};
use super::plain::counts;
use super::tree::{Assertion, Look, Node, Repeat};

/// The same, simpler.
pub(super) fn simplify(node: Node) -> Node {
    match node {
        Node::Concat(nodes) => concat(nodes),
        Node::Alternate(nodes) => alternate(nodes),
        Node::Repeat(repeat) => {
            let Repeat { node, min, max, greedy } = *repeat;
            let node = if can_be_empty(&node) {
                // Whether rounds that may take nothing are counted is a matter of what was written.
                let simpler = simplify(node.clone());
                let as_written = counts(&simpler, min, max, greedy) == counts(&node, min, max, greedy);
                if as_written { simpler } else { node }
            } else {
                simplify(node)
            };
            match (node, min, max) {
                (_, _, Some(0)) | (Node::Empty, _, _) => Node::Empty,
                (node, 1, Some(1)) => node,
                (node, ..) => node.repeat(min, max, greedy),
            }
        }
        Node::Group(number, node) => Node::Group(number, Box::new(simplify(*node))),
        Node::Atomic(node) => match last_relaxed(simplify(*node)) {
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

/// At the end of an atomic group others say nothing: what is there is final anyway.
fn last_relaxed(node: Node) -> Node {
    match node {
        Node::Atomic(inner) => last_relaxed(*inner),
        Node::Alternate(nodes) => Node::Alternate(nodes.into_iter().map(last_relaxed).collect()),
        Node::Concat(mut nodes) => {
            if let Some(last) = nodes.pop() {
                nodes.push(last_relaxed(last));
            }
            Node::Concat(nodes)
        }
        other => other,
    }
}

/// A loop over atomic alternatives, of which one at most can come at any place: `(?>\\.|[^"\\]+)+`. Where a run in it cannot be
/// gone on with by what follows, giving back some of it leads to the same ends only, so it need not be atomic.
fn loop_relaxed(repeat: &Repeat, rest: &[Node]) -> Option<Node> {
    let Node::Atomic(inner) = &repeat.node else { return None };
    if repeat.max.is_some() {
        return None;
    }
    let comes = rest.iter().rev().fold(Ahead::ANYTHING, |then, node| ahead(node, then));
    is_choice_apart(inner, comes).then(|| Node::clone(inner).repeat(repeat.min, None, repeat.greedy))
}

fn is_choice_apart(inner: &Node, comes: Ahead) -> bool {
    let Node::Alternate(nodes) = inner else { return false };
    let mut seen = ByteSet::EMPTY;
    nodes.iter().all(|node| {
        let run = match node {
            Node::Repeat(repeat) => {
                matches!(repeat.node, Node::Class(_)) && repeat.min == 1 && repeat.max.is_none() && repeat.greedy
            }
            _ => false,
        };
        let fixed = !node.has_groups() && lengths(node).is_some_and(|(least, most)| least == most && least > 0);
        let first = ahead(node, Ahead { set: ByteSet::EMPTY, end: false, sure: false });
        let apart = !first.set.meets(seen) && !first.set.meets(comes.set) && !first.end;
        seen = seen.union(first.set);
        (run || fixed) && apart
    })
}

fn concat(nodes: Vec<Node>) -> Node {
    let mut flat: Vec<Node> = Vec::with_capacity(nodes.len());
    for node in nodes {
        match simplify(node) {
            Node::Empty => {}
            Node::Concat(inner) => flat.extend(inner),
            node => flat.push(node),
        }
    }
    let mut changes: Vec<(usize, Node)> = Vec::new();
    for (index, node) in flat.iter().enumerate() {
        let rest = &flat[index + 1..];
        let to = match node {
            Node::Look(look) => holds_anyway(look, rest).then_some(Node::Empty),
            Node::Repeat(repeat) => loop_relaxed(repeat, rest),
            _ => None,
        };
        changes.extend(to.map(|to| (index, to)));
    }
    for (index, to) in changes {
        flat[index] = to;
    }
    flat.retain(|node| !matches!(node, Node::Empty));
    Node::concat(flat)
}

/// A negative look-ahead for what cannot come there (`(?!<[0-9])` before a digit).
fn holds_anyway(look: &Look, rest: &[Node]) -> bool {
    if look.behind || !look.negative || can_be_empty(&look.node) || look.node.has_groups() {
        return false;
    }
    let refused = ahead(&look.node, Ahead::ANYTHING);
    let comes = rest.iter().rev().fold(Ahead::ANYTHING, |then, node| ahead(node, then));
    !refused.set.meets(comes.set)
}

fn alternate(nodes: Vec<Node>) -> Node {
    let mut flat: Vec<Node> = Vec::with_capacity(nodes.len());
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
    let alike = |left: &Node, right: &Node| head(left).is_some_and(|first| head(right) == Some(first));
    if !nodes.windows(2).any(|pair| alike(&pair[0], &pair[1])) {
        return nodes;
    }
    let mut groups: Vec<Vec<Node>> = Vec::new();
    for node in nodes {
        match groups.last_mut() {
            Some(group) if alike(&group[0], &node) => group.push(node),
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
