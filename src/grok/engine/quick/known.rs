//! Which automata there are of which nodes: the same part is often asked about several times.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::super::dfa::Follow;
use super::super::tree::Node;

/// Automata that are there, or turned out to be too large.
#[derive(Default)]
pub(super) struct KnownAutomata {
    /// By the hash of a node and what follows it, so that a node is copied only when it is new.
    by_hash: HashMap<u64, Vec<Automaton>, FixedState>,
}

struct Automaton {
    node: Node,
    follow: Follow,
    number: Option<u32>,
}

/// Where an automaton is, or is to be put.
#[derive(Clone, Copy)]
pub(super) struct Key(u64);

impl KnownAutomata {
    /// The number of the automaton of a node, if it was asked about before and there is one; else where to put it.
    pub(super) fn find(&self, node: &Node, follow: Follow) -> Result<Option<u32>, Key> {
        let key = self.by_hash.hasher().hash_one((node, follow));
        let alike = self.by_hash.get(&key).into_iter().flatten();
        let known = alike.into_iter().find(|known| known.follow == follow && known.node == *node);
        known.map(|known| known.number).ok_or(Key(key))
    }

    /// Keeps the number of an automaton.
    pub(super) fn insert(&mut self, key: Key, node: &Node, follow: Follow, number: Option<u32>) {
        self.by_hash.entry(key.0).or_default().push(Automaton { node: node.clone(), follow, number });
    }
}
