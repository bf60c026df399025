//! Where states of an nfa lead without taking anything.

use super::super::super::nfa::{Nfa, State};
use super::super::sides::holds;
use super::classes::Classes;

/// What is after a place, as a bit for each side.
pub(super) type Sides = u64;

/// The states to which one leads: where they stand among all that are known.
#[derive(Clone, Copy)]
pub(super) struct Reached {
    from: u32,
    to: u32,
    /// There is a condition on the way, so it is the state itself.
    pub(super) asks: bool,
}

/// A state that takes bytes or ends, and before which sides it is reached.
#[derive(Clone, Copy)]
pub(super) struct Taker {
    pub(super) state: State,
    pub(super) sides: Sides,
}

/// Where a condition is met between a byte and a side, and where that can't be said.
#[derive(Clone, Copy, Default)]
struct Met {
    yes: Sides,
    unsure: Sides,
}

/// What is known of that, and what is needed to find it.
pub(super) struct Reach<'n> {
    nfa: &'n Nfa,
    /// What each state leads to without taking anything; itself, where a condition is on the way.
    known: Vec<Option<Reached>>,
    all: Vec<u32>,
    /// By the kind of the byte before, and by condition.
    met: Vec<Vec<Met>>,
    /// How many classes each side has, and all sides have.
    counts: Vec<usize>,
    every: usize,
    /// What is still to be gone over: to be used again.
    stack: Vec<u32>,
    stack_of_sides: Vec<(u32, Sides)>,
    /// When each state was last seen, and before which sides.
    seen: Vec<(u32, Sides)>,
    time: u32,
}

impl<'n> Reach<'n> {
    pub(super) fn new(nfa: &'n Nfa, classes: &Classes) -> Reach<'n> {
        let count = nfa.states.len();
        let met = |before: &Option<u8>| {
            let of_condition = |assertion| {
                let mut met = Met::default();
                for (side, after) in classes.sides.iter().enumerate() {
                    match holds(assertion, *before, after.byte) {
                        Some(yes) => met.yes |= Sides::from(yes) << side,
                        None => met.unsure |= 1 << side,
                    }
                }
                met
            };
            nfa.assertions.iter().copied().map(of_condition).collect()
        };
        Reach {
            nfa,
            known: vec![None; count],
            all: Vec::with_capacity(2 * count),
            met: classes.kind_representatives.iter().map(met).collect(),
            counts: classes.sides.iter().map(|side| side.classes.len() as usize).collect(),
            every: classes.count(),
            stack: Vec::new(),
            stack_of_sides: Vec::new(),
            seen: vec![(0, 0); count],
            time: 0,
        }
    }

    /// All sides.
    pub(super) fn every_side(&self) -> Sides {
        Sides::MAX >> (64 - self.counts.len())
    }

    /// Whether there is a condition on the way from a state of the automaton.
    pub(super) fn asks(&self, state: u32) -> bool {
        matches!(self.nfa.states[state as usize], State::Split(..) | State::Assert(..))
    }

    /// The states to which a state leads without taking anything, in order, or itself if there is a condition on the way.
    #[inline]
    pub(super) fn of(&mut self, state: u32) -> Reached {
        match self.known[state as usize] {
            Some(known) => known,
            None => self.find(state),
        }
    }

    /// These states.
    #[inline]
    pub(super) fn states(&self, reached: Reached) -> &[u32] {
        &self.all[reached.from as usize..reached.to as usize]
    }

    fn find(&mut self, state: u32) -> Reached {
        let from = self.all.len();
        let asks = !self.unconditional(state);
        if asks {
            self.all.truncate(from);
            self.all.push(state);
        }
        *self.known[state as usize].insert(Reached { from: from as u32, to: self.all.len() as u32, asks })
    }

    /// Adds the states that take bytes, or end, in order; says whether there is no condition on the way.
    fn unconditional(&mut self, state: u32) -> bool {
        self.time += 1;
        self.stack.clear();
        self.stack.push(state);
        while let Some(state) = self.stack.pop() {
            let seen = &mut self.seen[state as usize];
            if std::mem::replace(seen, (self.time, 0)).0 == self.time {
                continue;
            }
            match self.nfa.states[state as usize] {
                State::Split(first, second) => self.stack.extend([second, first]),
                State::Assert(..) => return false,
                _ => self.all.push(state),
            }
        }
        true
    }

    /// Adds the states that take bytes, or end, to which states lead between a byte of a kind and each side. Gives the sides before which
    /// that can't be said of all, and how much work it was: that of each side is done for each of its classes.
    pub(super) fn between(&mut self, kind: u32, states: &[u32], into: &mut Vec<Taker>) -> (Sides, usize) {
        let every = self.every_side();
        self.time += 1;
        let (mut unsure, mut work) = (0, 0);
        for state in states {
            // On these sides nothing else that this state leads to matters.
            let mut left = 0;
            self.stack_of_sides.clear();
            self.stack_of_sides.push((*state, every));
            while let Some((state, sides)) = self.stack_of_sides.pop() {
                let sides = sides & !left;
                work += self.classes(sides);
                let (time, seen) = &mut self.seen[state as usize];
                if std::mem::replace(time, self.time) != self.time {
                    *seen = 0;
                }
                let new = sides & !*seen;
                if new == 0 {
                    continue;
                }
                *seen |= new;
                match self.nfa.states[state as usize] {
                    State::Split(first, second) => self.stack_of_sides.extend([(second, new), (first, new)]),
                    State::Assert(assertion, next) => {
                        let met = self.met[kind as usize][assertion as usize];
                        left |= new & met.unsure;
                        if new & met.yes != 0 {
                            self.stack_of_sides.push((next, new & met.yes));
                        }
                    }
                    state => {
                        work += self.classes(new);
                        into.push(Taker { state, sides: new });
                    }
                }
            }
            unsure |= left;
        }
        (unsure, work)
    }

    /// How many classes sides have.
    #[inline]
    fn classes(&self, sides: Sides) -> usize {
        if sides == self.every_side() {
            return self.every;
        }
        self.counts.iter().enumerate().filter(|(side, _)| sides >> side & 1 != 0).map(|(_, count)| count).sum()
    }
}
