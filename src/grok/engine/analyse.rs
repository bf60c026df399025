//! What can be said of a node without text: its lengths, and the bytes that it can begin with.

use super::bytes::{ByteSet, Wide};
use super::tree::{Assertion, Node, Repeat};

/// The bytes that can come next, for something to match at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ahead {
    pub(super) set: ByteSet,
    /// It can match at the end of the text.
    pub(super) end: bool,
    /// It matches whatever comes: nothing before it will ever be tried again.
    pub(super) sure: bool,
}

impl Ahead {
    /// Nothing is asked of what comes.
    pub(super) const ANYTHING: Ahead = Ahead { set: ByteSet::FULL, end: true, sure: false };
    /// The match is complete.
    pub(super) const DONE: Ahead = Ahead { set: ByteSet::FULL, end: true, sure: true };

    pub(super) fn union(self, other: Ahead) -> Ahead {
        Ahead { set: self.set.union(other.set), end: self.end || other.end, sure: false }
    }
}

/// The fewest bytes that a match has.
pub(super) fn min_bytes(node: &Node) -> u32 {
    match node {
        Node::Class(class) => match class.ranges().first() {
            Some((low, _)) => char::from_u32(*low).map_or(3, char::len_utf8) as u32,
            None => 1,
        },
        Node::Concat(nodes) => nodes.iter().fold(0, |sum, node| sum.saturating_add(min_bytes(node))),
        Node::Alternate(nodes) => nodes.iter().map(min_bytes).min().unwrap_or(0),
        Node::Repeat(repeat) => min_bytes(&repeat.node).saturating_mul(repeat.min),
        Node::Group(_, node) | Node::Atomic(node) => min_bytes(node),
        Node::Empty | Node::Fail | Node::Look(_) | Node::Assert(_) | Node::Back { .. } | Node::Keep => 0,
    }
}

/// Whether a match can have no bytes: whether the fewest are none.
pub(super) fn can_be_empty(node: &Node) -> bool {
    match node {
        Node::Class(_) => false,
        Node::Concat(nodes) => nodes.iter().all(can_be_empty),
        Node::Alternate(nodes) => nodes.is_empty() || nodes.iter().any(can_be_empty),
        Node::Repeat(repeat) => repeat.min == 0 || can_be_empty(&repeat.node),
        Node::Group(_, node) | Node::Atomic(node) => can_be_empty(node),
        Node::Empty | Node::Fail | Node::Look(_) | Node::Assert(_) | Node::Back { .. } | Node::Keep => true,
    }
}

/// The fewest and the most characters, if there is a most.
pub(super) fn lengths(node: &Node) -> Option<(u32, u32)> {
    Some(match node {
        Node::Class(_) => (1, 1),
        Node::Empty | Node::Fail | Node::Look(_) | Node::Assert(_) | Node::Keep => (0, 0),
        Node::Concat(nodes) => nodes.iter().try_fold((0_u32, 0_u32), |sum, node| {
            let (least, most) = lengths(node)?;
            Some((sum.0.checked_add(least)?, sum.1.checked_add(most)?))
        })?,
        Node::Alternate(nodes) => {
            let all: Option<Vec<_>> = nodes.iter().map(lengths).collect();
            let all = all?;
            (all.iter().map(|(least, _)| *least).min()?, all.iter().map(|(_, most)| *most).max()?)
        }
        Node::Repeat(repeat) => {
            let (least, most) = lengths(&repeat.node)?;
            (least.checked_mul(repeat.min)?, most.checked_mul(repeat.max?)?)
        }
        Node::Group(_, node) | Node::Atomic(node) => lengths(node)?,
        Node::Back { .. } => return None,
    })
}

/// The bytes that the node can begin with, if `then` comes after it.
pub(super) fn ahead(node: &Node, then: Ahead) -> Ahead {
    match node {
        Node::Empty | Node::Keep => then,
        Node::Fail => Ahead { set: ByteSet::EMPTY, end: false, sure: false },
        Node::Class(class) => {
            let (ascii, wide) = class.bytes();
            let set = if wide == Wide::None { ascii } else { ascii.union(ByteSet::WIDE) };
            Ahead { set, end: false, sure: false }
        }
        Node::Concat(nodes) => nodes.iter().rev().fold(then, |then, node| ahead(node, then)),
        Node::Alternate(nodes) => {
            nodes.iter().map(|node| ahead(node, then)).reduce(Ahead::union).unwrap_or(Ahead::ANYTHING)
        }
        Node::Repeat(repeat) => ahead_of_repeat(repeat, then),
        Node::Group(_, node) => ahead(node, then),
        Node::Atomic(node) => Ahead { sure: false, ..ahead(node, then) },
        Node::Assert(Assertion::After { set, edge }) => {
            Ahead { set: set.intersection(then.set), end: *edge && then.end, sure: false }
        }
        Node::Assert(Assertion::TextEnd) => Ahead { set: ByteSet::EMPTY, end: then.end, sure: false },
        Node::Assert(Assertion::LineEnd | Assertion::LastLineEnd) => {
            Ahead { set: ByteSet::one(b'\n').intersection(then.set), end: then.end, sure: false }
        }
        Node::Look(_) | Node::Assert(_) => Ahead { sure: false, ..then },
        Node::Back { .. } => Ahead::ANYTHING,
    }
}

fn ahead_of_repeat(repeat: &Repeat, then: Ahead) -> Ahead {
    if repeat.max == Some(0) {
        return then;
    }
    let sure = then.sure;
    let then = Ahead { sure: false, ..then };
    let again = Ahead { set: ByteSet::EMPTY, end: false, sure: false };
    // A body that may be empty lets through what comes after; one that is not never looks at it.
    let body = if can_be_empty(&repeat.node) { ahead(&repeat.node, then) } else { ahead(&repeat.node, again) };
    // What may be left out stops nothing.
    if repeat.min == 0 { Ahead { sure, ..body.union(then) } } else { body }
}
