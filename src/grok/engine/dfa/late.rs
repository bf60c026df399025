//! An automaton that few texts need, such as that of an IPv6 address: built when the first one does.

use std::sync::OnceLock;

use super::super::tree::Node;
use super::{Dfa, Follow, Work, build};

/// How much work it may be, and how many bytes it may occupy; where it would be more, the plain code has to do.
const MOST_WORK: usize = 300_000;
const MOST_SIZE: usize = 100_000;

/// The automaton, or what it is to be of.
#[derive(Debug)]
pub(in super::super) struct Late {
    node: Node,
    follow: Follow,
    built: OnceLock<Option<Box<Dfa>>>,
}

impl Late {
    /// Of a node that is regular in order.
    pub(in super::super) fn new(node: Node, follow: Follow) -> Late {
        Late { node, follow, built: OnceLock::new() }
    }

    /// The automaton, if it is not too large.
    pub(in super::super) fn get(&self) -> Option<&Dfa> {
        let build = || {
            let built = build(&self.node, self.follow, true, &mut Work(MOST_WORK))?;
            (built.size() <= MOST_SIZE).then(|| Box::new(built))
        };
        self.built.get_or_init(build).as_deref()
    }

    /// Whether it is that of a node.
    pub(in super::super) fn is_of(&self, node: &Node, follow: Follow) -> bool {
        self.follow == follow && self.node == *node
    }

    /// Bytes that it occupies now.
    pub(in super::super) fn size(&self) -> usize {
        let built = self.built.get().and_then(Option::as_ref);
        size_of::<Late>() + built.map_or(0, |dfa| dfa.size())
    }
}
