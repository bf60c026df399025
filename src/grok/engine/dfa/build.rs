//! From the states of an [`nfa`](super::super::nfa) to those of an automaton.
//!
//! A state of the automaton is a list of states of the nfa, in the order in which they would be tried. Where a condition is on the
//! way, it is looked at when the next byte is known.

mod classes;
mod reach;
mod rows;

use std::collections::HashMap;
use std::rc::Rc;

use foldhash::fast::FixedState;

use super::super::analyse::Ahead;
use super::super::bytes::ByteSet;
use super::super::nfa::{self, Nfa};
use super::super::scan::Bytes;
use super::super::tree::Node;
use super::{DEAD, Dfa, ENDS, OTHERS, OwnRun, ROW, RUNS};
use classes::Classes;
use reach::Reach;
use rows::Rows;

/// How many states there may be, and how much work building them may be: some ten nanoseconds each.
const MOST_STATES: usize = 2500;
const MOST_WORK: usize = 300_000;
/// A state that takes so many bytes to itself is worth sixteen at a time.
const MANY: u32 = 37;

/// What can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) struct Follow {
    pub(in super::super) set: ByteSet,
    /// The text can end there.
    pub(in super::super) end: bool,
    /// The first end is final.
    pub(in super::super) last: bool,
}

impl Follow {
    pub(in super::super) fn new(then: Ahead) -> Follow {
        Follow { set: then.set, end: then.end, last: then.sure }
    }
}

/// How much work may still be done.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Work(pub(in super::super) usize);

/// Builds the automaton of a node, if it is not too large.
pub(in super::super) fn build(node: &Node, follow: Follow, ordered: bool, left: &mut Work) -> Option<Dfa> {
    if left.0 == 0 {
        return None;
    }
    let nfa = nfa::build(node)?;
    let mut builder = Builder::new(&nfa, follow, ordered)?;
    builder.most = left.0.min(MOST_WORK);
    let (built, work) = builder.build();
    left.0 -= work.min(left.0);
    let dfa = Dfa { rough: nfa.rough, ..built? };
    // Most parts come after a space or the like.
    let row = dfa.starts[usize::from(dfa.classes[usize::from(b' ')])];
    Some(dfa.with_shortcuts(node, row, follow))
}

struct Builder<'n> {
    nfa: &'n Nfa,
    follow: Follow,
    ordered: bool,
    classes: Classes,
    reach: Reach<'n>,
    rows: Rows,
    states: HashMap<Key, u32, FixedState>,
    queue: Vec<Key>,
    /// The state that is made now, and whether there is a condition in it.
    made: Vec<u32>,
    asks: bool,
    work: usize,
    most: usize,
    doubts: bool,
    several: bool,
}

/// A state while it is built: the kind of the byte before, if that matters, and the states of the nfa.
type Key = Rc<[u32]>;

impl<'n> Builder<'n> {
    fn new(nfa: &'n Nfa, follow: Follow, ordered: bool) -> Option<Builder<'n>> {
        let classes = Classes::new(nfa, follow)?;
        Some(Builder {
            nfa,
            follow,
            ordered,
            reach: Reach::new(nfa, &classes),
            rows: Rows::new(nfa, follow, &classes),
            classes,
            states: HashMap::default(),
            queue: Vec::new(),
            made: Vec::new(),
            asks: false,
            work: 0,
            most: MOST_WORK,
            doubts: false,
            several: false,
        })
    }

    /// The automaton, and how much work it was.
    fn build(mut self) -> (Option<Dfa>, usize) {
        let table = self.table();
        let work = self.work;
        (table.map(|(starts, table)| self.finish(starts, table)), work)
    }

    /// The first rows, and all rows.
    fn table(&mut self) -> Option<(Vec<u32>, Vec<u32>)> {
        let stride = self.classes.count();
        let first = self.reach.of(self.nfa.states.len() as u32 - 1);
        self.made.push(0);
        self.made.extend_from_slice(self.reach.states(first));
        self.asks = first.asks;
        let mut starts = Vec::with_capacity(stride);
        for class in 0..stride {
            starts.push(self.state(self.classes.kinds[class])?);
        }
        // The first row is never gone on from.
        let mut table = vec![DEAD; stride];
        let mut next = 0;
        while next < self.queue.len() {
            let key = self.queue[next].clone();
            next += 1;
            self.row(key[0], &key[1..], &mut table)?;
        }
        Some((starts, table))
    }

    /// The row of the state that was made, which is new or known.
    fn state(&mut self, kind: u8) -> Option<u32> {
        // Only a condition asks what was before.
        self.made[0] = if self.asks { u32::from(kind) } else { 0 };
        if let Some(row) = self.states.get(self.made.as_slice()) {
            return Some(*row);
        }
        if self.queue.len() >= MOST_STATES {
            return None;
        }
        let key: Key = self.made.as_slice().into();
        self.queue.push(key.clone());
        let row = (self.queue.len() * self.classes.count()) as u32;
        self.states.insert(key, row);
        Some(row)
    }

    fn finish(self, starts: Vec<u32>, mut table: Vec<u32>) -> Dfa {
        let runs = self.runs(&mut table);
        let Builder { classes, ordered, doubts, several, .. } = self;
        let several = several || !ordered;
        Dfa {
            end_class: classes.count() - 1,
            classes: classes.of,
            table,
            starts,
            runs,
            lead: None,
            dotted: None,
            shape: None,
            chain: None,
            ordered,
            doubts,
            several,
            rough: false,
        }
    }

    /// The states that take many bytes to themselves; what leads to them is marked.
    fn runs(&self, table: &mut [u32]) -> Vec<OwnRun> {
        let stride = self.classes.count();
        let mut runs: Vec<OwnRun> = Vec::new();
        let mut sizes = vec![0; stride];
        self.classes.of.iter().for_each(|class| sizes[usize::from(*class)] += 1);
        // Out of order, several ends are no end.
        let kinds = if self.ordered { &[0, ENDS, ENDS | OTHERS][..] } else { &[0] };
        for (row, entries) in table.chunks(stride).enumerate().skip(1) {
            let row = (row * stride) as u32;
            if !entries.iter().any(|entry| entry & ROW == row) {
                continue;
            }
            let size = |flags: &u32| {
                let own = entries.iter().zip(&sizes).filter(|(entry, _)| **entry == row | *flags);
                own.map(|(_, size)| *size).sum::<u32>()
            };
            let Some(flags) = kinds.iter().copied().find(|flags| size(flags) >= MANY) else { continue };
            let own = |byte: &u8| entries[usize::from(self.classes.of[usize::from(*byte)])] == row | flags;
            if let Some(bytes) = Bytes::new((0..=255).filter(own).collect()) {
                runs.push(OwnRun { row, bytes, flags });
            }
        }
        let mut marked = vec![false; if runs.is_empty() { 0 } else { table.len() }];
        runs.iter().for_each(|run| marked[run.row as usize] = true);
        if !runs.is_empty() {
            for entry in table.iter_mut().filter(|entry| **entry & DEAD == 0 && marked[(**entry & ROW) as usize]) {
                *entry |= RUNS;
            }
        }
        runs
    }
}
