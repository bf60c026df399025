//! From the states of an [`nfa`](super::super::nfa) to those of an automaton.
//!
//! A state of the automaton is a list of states of the nfa, in the order in which they would be tried. Where a condition is on the
//! way, it is looked at when the next byte is known.

mod rows;

use std::collections::HashMap;
use std::rc::Rc;

use foldhash::fast::FixedState;

use super::super::analyse::Ahead;
use super::super::bytes::ByteSet;
use super::super::nfa::{self, State};
use super::super::scan::Bytes;
use super::super::tree::{Assertion, Node};
use super::sides::{holds, part, side};
use super::{DEAD, Dfa, ENDS, OTHERS, OwnRun, ROW, RUNS, UNSURE};
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
    let (states, rough) = nfa::build(node)?;
    let mut builder = Builder::new(&states, follow, ordered)?;
    builder.most = left.0.min(MOST_WORK);
    let (built, work) = builder.build();
    left.0 -= work.min(left.0);
    let dfa = Dfa { rough, ..built? };
    // Most parts come after a space or the like.
    let row = dfa.starts[usize::from(dfa.classes[usize::from(b' ')])];
    Some(dfa.with_shortcuts(node, row, follow))
}

struct Builder<'n> {
    nfa: &'n [State],
    follow: Follow,
    ordered: bool,
    classes: [u8; 256],
    /// For each class, a byte of it; nothing is the end of the text.
    representatives: Vec<Option<u8>>,
    /// For each class, the kind of byte that it is to what comes after; kinds are fewer than classes.
    kinds: Vec<u8>,
    kind_representatives: Vec<Option<u8>>,
    /// What each state leads to without taking anything; itself, where a condition is on the way.
    reached: Vec<Option<(u32, u32)>>,
    /// Where these are.
    all_reached: Vec<u32>,
    /// What is still to be gone over, and what was: to be used again.
    stack: Vec<u32>,
    visited: Vec<u32>,
    states: HashMap<Key, u32, FixedState>,
    queue: Vec<Key>,
    /// The state that is made now, for each class that leads from one to another, and what conditions lead to: to be used again.
    made: Vec<u32>,
    rows: Rows,
    opened: Vec<u32>,
    /// When each state of the NFA was last seen.
    seen: Vec<u32>,
    time: u32,
    work: usize,
    most: usize,
    doubts: bool,
    several: bool,
}

/// A state while it is built: the kind of the byte before, if that matters, and the states of the NFA.
type Key = Rc<[u32]>;

impl<'n> Builder<'n> {
    fn new(nfa: &'n [State], follow: Follow, ordered: bool) -> Option<Builder<'n>> {
        // These part nothing.
        let trivial = [ByteSet::EMPTY, ByteSet::FULL];
        let mut sets: Vec<ByteSet> = vec![follow.set];
        let mut assertions: Vec<Assertion> = Vec::new();
        // Many states in a row take the same.
        let mut last = None;
        for state in nfa {
            match state {
                State::Bytes { set, unsure, .. } => {
                    if last.replace((set, unsure)) == Some((set, unsure)) {
                        continue;
                    }
                    for set in [set, unsure] {
                        if !sets.contains(set) && !trivial.contains(set) {
                            sets.push(*set);
                        }
                    }
                }
                State::Assert(assertion, _) if !assertions.contains(assertion) => assertions.push(*assertion),
                _ => {}
            }
        }
        // Bytes are parted by what they are to an assertion after them, then by all else. The end of the text is byte 256.
        let mut kinds = [0; 257];
        for assertion in &assertions {
            part(&mut kinds, |byte| side(*assertion, byte, true));
        }
        let mut all = kinds;
        for assertion in &assertions {
            part(&mut all, |byte| side(*assertion, byte, false));
        }
        for set in &sets {
            part(&mut all, |byte| u8::from(byte.is_some_and(|byte| set.contains(byte))));
        }
        let mut afters = [0; 257];
        for assertion in &assertions {
            part(&mut afters, |byte| side(*assertion, byte, false));
        }
        // Nothing follows the end, so it is a class of its own, the last.
        let count = all[..256].iter().max().map_or(0, |most| usize::from(*most)) + 1;
        if count > 250 {
            return None;
        }
        all[256] = count as u16;
        let representative = |of: &[u16; 257], class: usize| {
            let byte = of.iter().position(|known| usize::from(*known) == class);
            byte.and_then(|byte| u8::try_from(byte).ok())
        };
        let representatives: Vec<Option<u8>> = (0..=count).map(|class| representative(&all, class)).collect();
        let most_kinds = usize::from(*kinds.iter().max().unwrap_or(&0));
        let kind_representatives = (0..=most_kinds).map(|kind| representative(&kinds, kind)).collect();
        let afters = representatives.iter().map(|byte| afters[byte.map_or(256, usize::from)] as u8).collect();
        let rows = Rows::new(nfa, follow, &representatives, afters);
        let classes = std::array::from_fn(|byte| all[byte] as u8);
        let kinds = representatives.iter().map(|byte| kinds[byte.map_or(256, usize::from)] as u8).collect();
        Some(Builder {
            nfa,
            follow,
            ordered,
            classes,
            representatives,
            kinds,
            kind_representatives,
            reached: vec![None; nfa.len()],
            all_reached: Vec::with_capacity(2 * nfa.len()),
            stack: Vec::new(),
            visited: Vec::new(),
            states: HashMap::default(),
            queue: Vec::new(),
            made: Vec::new(),
            rows,
            opened: Vec::new(),
            seen: vec![0; nfa.len()],
            time: 0,
            work: 0,
            most: MOST_WORK,
            doubts: false,
            several: false,
        })
    }

    /// The automaton, and how much work it was.
    fn build(mut self) -> (Option<Dfa>, usize) {
        let table = self.rows();
        let work = self.work;
        (table.map(|(starts, table)| self.finish(starts, table)), work)
    }

    /// The first rows, and all rows.
    fn rows(&mut self) -> Option<(Vec<u32>, Vec<u32>)> {
        let stride = self.representatives.len();
        let mut starts = Vec::with_capacity(stride);
        for class in 0..stride {
            self.made.clear();
            self.made.push(0);
            self.time += 1;
            self.reach(self.nfa.len() as u32 - 1);
            starts.push(self.state(self.kinds[class], stride)?);
        }
        // The first row is never gone on from.
        let mut table = vec![DEAD; stride];
        let mut next = 0;
        while next < self.queue.len() {
            let key = self.queue[next].clone();
            next += 1;
            let (kind, kernel) = (key[0], &key[1..]);
            self.steps(kind, kernel);
            if self.work >= self.most {
                return None;
            }
            for class in 0..stride {
                table.push(self.transition(class, stride)?);
            }
        }
        Some((starts, table))
    }

    fn finish(self, starts: Vec<u32>, mut table: Vec<u32>) -> Dfa {
        let stride = self.representatives.len();
        let runs = self.runs(&mut table, stride);
        let Builder { classes, ordered, doubts, several, .. } = self;
        let several = several || !ordered;
        Dfa {
            classes,
            end_class: stride - 1,
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
    fn runs(&self, table: &mut [u32], stride: usize) -> Vec<OwnRun> {
        let mut runs: Vec<OwnRun> = Vec::new();
        let mut sizes = vec![0; stride];
        self.classes.iter().for_each(|class| sizes[usize::from(*class)] += 1);
        // Out of order, several ends are no end.
        let kinds = if self.ordered { &[0, ENDS, ENDS | OTHERS][..] } else { &[0] };
        for (row, entries) in table.chunks(stride).enumerate().skip(1) {
            let row = (row * stride) as u32;
            let size = |flags: &u32| {
                let own = entries.iter().zip(&sizes).filter(|(entry, _)| **entry == row | *flags);
                own.map(|(_, size)| *size).sum::<u32>()
            };
            let Some(flags) = kinds.iter().copied().find(|flags| size(flags) >= MANY) else { continue };
            let mut set = ByteSet::EMPTY;
            let own = |byte: &u8| entries[usize::from(self.classes[usize::from(*byte)])] == row | flags;
            (0..=255).filter(own).for_each(|byte| set.insert(byte));
            if let Some(bytes) = Bytes::new(set) {
                runs.push(OwnRun { row, bytes, flags });
            }
        }
        for entry in table.iter_mut() {
            if *entry & DEAD == 0 && runs.binary_search_by_key(&(*entry & ROW), |run| run.row).is_ok() {
                *entry |= RUNS;
            }
        }
        runs
    }

    /// Whether there is a condition on the way from a state.
    fn asks(&self, state: u32) -> bool {
        matches!(self.nfa[state as usize], State::Split(..) | State::Assert(..))
    }

    /// The row of the state that was made, which is new or known.
    fn state(&mut self, kind: u8, stride: usize) -> Option<u32> {
        // Only a condition asks what was before.
        let asks = self.made[1..].iter().any(|state| self.asks(*state));
        self.made[0] = if asks { u32::from(kind) } else { 0 };
        if let Some(row) = self.states.get(self.made.as_slice()) {
            return Some(*row);
        }
        if self.queue.len() >= MOST_STATES {
            return None;
        }
        let key: Key = self.made.as_slice().into();
        self.queue.push(key.clone());
        let row = (self.queue.len() * stride) as u32;
        self.states.insert(key, row);
        Some(row)
    }

    /// The entry for a class, of what a step with it found.
    fn transition(&mut self, class: usize, stride: usize) -> Option<u32> {
        let step = self.rows.steps[class];
        std::mem::swap(&mut self.made, &mut self.rows.made[class]);
        let leads_on = self.made.len() > 1;
        let mut flags = 0;
        if step.ends {
            flags |= ENDS;
            if step.others {
                flags |= OTHERS;
                self.several = true;
            }
            self.several |= !self.follow.last && leads_on;
        }
        if step.unsure {
            self.doubts = true;
            return Some(UNSURE | flags);
        }
        if !leads_on {
            return Some(DEAD | flags);
        }
        if !self.ordered {
            self.made[1..].sort_unstable();
        }
        let row = self.state(self.kinds[class], stride)?;
        Some(row | flags)
    }

    /// Adds where a state leads without taking anything, as far as that can be said without knowing what is before and after.
    fn reach(&mut self, state: u32) {
        let (from, to) = self.find_reached(state);
        let Builder { all_reached, seen, time, made, .. } = self;
        for state in &all_reached[from as usize..to as usize] {
            if std::mem::replace(&mut seen[*state as usize], *time) != *time {
                made.push(*state);
            }
        }
    }

    /// The states to which a state leads without taking anything, or itself if there is a condition on the way.
    fn find_reached(&mut self, state: u32) -> (u32, u32) {
        if let Some(known) = self.reached[state as usize] {
            return known;
        }
        let from = self.all_reached.len();
        if !self.unconditional(state) {
            self.all_reached.truncate(from);
            self.all_reached.push(state);
        }
        *self.reached[state as usize].insert((from as u32, self.all_reached.len() as u32))
    }

    /// Adds the states that take bytes, in order; says whether there is no condition on the way.
    fn unconditional(&mut self, state: u32) -> bool {
        let Builder { nfa, stack, visited, all_reached, .. } = self;
        stack.clear();
        visited.clear();
        stack.push(state);
        while let Some(state) = stack.pop() {
            if visited.contains(&state) {
                continue;
            }
            visited.push(state);
            match nfa[state as usize] {
                State::Split(first, second) => stack.extend([second, first]),
                State::Assert(..) => return false,
                _ => all_reached.push(state),
            }
        }
        true
    }

    /// Adds the states that take bytes, or end, to which a state leads between two bytes. Says whether that can be said.
    fn close(&mut self, state: u32, before: Option<u8>, after: Option<u8>, into: &mut Vec<u32>) -> bool {
        let Builder { nfa, stack, work, seen, time, .. } = self;
        stack.clear();
        stack.push(state);
        while let Some(state) = stack.pop() {
            *work += 1;
            if std::mem::replace(&mut seen[state as usize], *time) == *time {
                continue;
            }
            match nfa[state as usize] {
                State::Split(first, second) => stack.extend([second, first]),
                State::Assert(assertion, next) => match holds(assertion, before, after) {
                    Some(true) => stack.push(next),
                    Some(false) => {}
                    None => return false,
                },
                _ => into.push(state),
            }
        }
        true
    }
}
