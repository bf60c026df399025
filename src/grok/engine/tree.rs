//! An expression as a tree: what the parser makes and every later step reads.

use super::bytes::ByteSet;
use super::class::Class;

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// Matches the empty text.
    Empty,
    /// Matches nothing.
    Fail,
    /// One character of a set.
    Class(Class),
    Concat(Vec<Node>),
    /// The first that leads to a match is taken.
    Alternate(Vec<Node>),
    Repeat(Box<Repeat>),
    /// Remembers what it matched, as the group of this number (from 1).
    Group(u32, Box<Node>),
    /// What matched in it is final.
    Atomic(Box<Node>),
    Look(Box<Look>),
    Assert(Assertion),
    /// What a group matched, again; the first of these groups that has matched something that is there.
    Back {
        groups: Vec<u32>,
        fold: bool,
    },
    /// The match begins here (`\K`).
    Keep,
}

/// `*`, `+`, `?`, `{n,m}` and their lazy kin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Repeat {
    pub(super) node: Node,
    pub(super) min: u32,
    /// Nothing is: without end.
    pub(super) max: Option<u32>,
    pub(super) greedy: bool,
}

/// Look-ahead and look-behind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Look {
    pub(super) node: Node,
    pub(super) behind: bool,
    pub(super) negative: bool,
}

/// A condition on a place that takes no characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Assertion {
    /// `\A`
    TextStart,
    /// `\z`
    TextEnd,
    /// `\Z`: the end, or before a newline that ends the text.
    LastLineEnd,
    /// `^`
    LineStart,
    /// `$`
    LineEnd,
    /// `\G`
    SearchStart,
    /// `\b`, or `\B` if `negative`.
    Word { negative: bool, ascii: bool },
    /// The byte before is one of these, or there is none and `edge`.
    Before { set: ByteSet, edge: bool },
    /// The byte after is one of these, or there is none and `edge`.
    After { set: ByteSet, edge: bool },
}

impl Node {
    pub(super) fn literal(text: &str) -> Node {
        Node::concat(text.chars().map(|character| Node::Class(Class::one(character))).collect())
    }

    pub(super) fn concat(mut nodes: Vec<Node>) -> Node {
        match nodes.len() {
            0 => Node::Empty,
            1 => nodes.remove(0),
            _ => Node::Concat(nodes),
        }
    }

    pub(super) fn alternate(mut nodes: Vec<Node>) -> Node {
        match nodes.len() {
            0 => Node::Fail,
            1 => nodes.remove(0),
            _ => Node::Alternate(nodes),
        }
    }

    pub(super) fn atomic(self) -> Node {
        Node::Atomic(Box::new(self))
    }

    pub(super) fn repeat(self, min: u32, max: Option<u32>, greedy: bool) -> Node {
        Node::Repeat(Box::new(Repeat { node: self, min, max, greedy }))
    }

    /// The nodes directly below.
    pub(super) fn children(&self) -> &[Node] {
        match self {
            Node::Concat(nodes) | Node::Alternate(nodes) => nodes,
            Node::Repeat(repeat) => std::slice::from_ref(&repeat.node),
            Node::Group(_, node) | Node::Atomic(node) => std::slice::from_ref(node),
            Node::Look(look) => std::slice::from_ref(&look.node),
            _ => &[],
        }
    }

    /// Whether it holds for the node or any below.
    pub(super) fn any(&self, holds: &dyn Fn(&Node) -> bool) -> bool {
        holds(self) || self.children().iter().any(|child| child.any(holds))
    }

    pub(super) fn has_groups(&self) -> bool {
        self.any(&|node| matches!(node, Node::Group(..) | Node::Keep))
    }
}
