//! From one state of an automaton with every class of bytes at once.
//!
//! Most states of the nfa take few classes, and most classes are alike to all that are there: so the classes are parted by what takes
//! them, and of each part one is looked at.

use super::super::super::nfa::{Nfa, State};
use super::super::{DEAD, ENDS, OTHERS, UNSURE};
use super::classes::{Classes, Numbers, Side};
use super::reach::{Sides, Taker};
use super::{Builder, Follow};

/// What is needed to find where a state leads.
pub(super) struct Rows {
    /// For each set of the nfa, the classes that have it, and those where that is in doubt.
    takes: Vec<(Numbers, Numbers)>,
    /// The classes that can follow.
    follows: Numbers,
    /// What parts begin with: the classes of each kind, and those of each kind and side.
    kinds: Vec<Part>,
    kinds_of_sides: Vec<Part>,
    /// Of the state that is gone over: what takes bytes in it, before which sides there may be others, and the parts of the classes.
    takers: Vec<Taker>,
    unsure: Sides,
    parts: Vec<Part>,
    /// When each set parted classes last, and of which sides.
    parted: Vec<(u32, Sides)>,
    /// When each state was last reached.
    seen: Vec<u32>,
    time: u32,
}

/// Classes that are alike, and their side.
#[derive(Clone, Copy)]
struct Part {
    classes: Numbers,
    /// The first of them.
    first: u8,
    side: u8,
    /// Something takes them.
    taken: bool,
}

/// What one step from a state found.
#[derive(Clone, Copy, Default)]
struct Step {
    ends: bool,
    others: bool,
    unsure: bool,
}

impl Part {
    fn new(classes: Numbers, side: usize) -> Option<Part> {
        Some(Part { classes, first: classes.first()?, side: side as u8, taken: false })
    }

    fn is_on(self, sides: Sides) -> bool {
        sides >> self.side & 1 != 0
    }
}

impl Rows {
    pub(super) fn new(nfa: &Nfa, follow: Follow, classes: &Classes) -> Rows {
        let takes = nfa.sets.iter().map(|taken| {
            let doubts = classes.having(taken.unsure);
            (classes.having(taken.set).union(doubts), doubts)
        });
        let mut kinds = vec![Numbers::EMPTY; classes.kind_representatives.len()];
        for (class, kind) in classes.kinds.iter().enumerate() {
            kinds[usize::from(*kind)].insert(class as u8);
        }
        let of_side = |(number, side): (usize, &Side)| {
            let parts = kinds.iter().filter_map(|kind| Part::new(kind.intersection(side.classes), number));
            parts.collect::<Vec<Part>>()
        };
        let mut follows = classes.having(follow.set);
        if follow.end {
            follows.insert(classes.count() as u8 - 1);
        }
        Rows {
            takes: takes.collect(),
            follows,
            kinds_of_sides: classes.sides.iter().enumerate().flat_map(of_side).collect(),
            kinds: kinds.iter().filter_map(|kind| Part::new(*kind, 0)).collect(),
            takers: Vec::new(),
            unsure: 0,
            parts: Vec::new(),
            parted: vec![(0, 0); nfa.sets.len()],
            seen: vec![0; nfa.states.len()],
            time: 0,
        }
    }

    /// Parts the classes by what takes them.
    fn part(&mut self) {
        self.time += 1;
        for Taker { state, sides } in &self.takers {
            match *state {
                State::Match | State::Rough => part_by(&mut self.parts, self.follows, *sides),
                State::Bytes { set, .. } => {
                    let (time, parted) = &mut self.parted[set as usize];
                    if std::mem::replace(time, self.time) != self.time {
                        *parted = 0;
                    }
                    if sides & !*parted == 0 {
                        continue;
                    }
                    *parted |= sides;
                    let (taken, doubts) = self.takes[set as usize];
                    part_by(&mut self.parts, taken, *sides);
                    if !doubts.is_empty() {
                        part_by(&mut self.parts, doubts, *sides);
                    }
                }
                State::Split(..) | State::Assert(..) => {}
            }
        }
    }
}

/// Parts classes by whether they are among some that are taken.
fn part_by(parts: &mut Vec<Part>, among: Numbers, sides: Sides) {
    for index in 0..parts.len() {
        let part = &mut parts[index];
        let inside = part.classes.intersection(among);
        if inside.is_empty() || !part.is_on(sides) {
            continue;
        }
        let outside = Part { classes: part.classes.intersection(among.negated()), ..*part };
        part.taken = true;
        let (Some(first), Some(first_outside)) = (inside.first(), outside.classes.first()) else { continue };
        (part.classes, part.first) = (inside, first);
        parts.push(Part { first: first_outside, ..outside });
    }
}

impl Builder<'_> {
    /// Adds the row of a state to the table, unless it is too much work or makes too many states.
    pub(super) fn row(&mut self, kind: u32, kernel: &[u32], table: &mut Vec<u32>) -> Option<()> {
        let Builder { nfa, rows, reach, .. } = self;
        rows.takers.clear();
        rows.parts.clear();
        if kernel.iter().any(|state| reach.asks(*state)) {
            let (unsure, work) = reach.between(kind, kernel, &mut rows.takers);
            rows.unsure = unsure;
            self.work += work;
            rows.parts.extend_from_slice(&rows.kinds_of_sides);
        } else {
            let taker = |state: &u32| Taker { state: nfa.states[*state as usize], sides: Sides::MAX };
            rows.takers.extend(kernel.iter().map(taker));
            rows.unsure = 0;
            self.work += kernel.len() * self.classes.count();
            rows.parts.extend_from_slice(&rows.kinds);
        }
        if self.work >= self.most {
            return None;
        }
        rows.part();
        // States are numbered in the order of the classes.
        rows.parts.sort_unstable_by_key(|part| part.first);
        let from = table.len();
        table.resize(from + self.classes.count(), DEAD);
        for index in 0..self.rows.parts.len() {
            let part = self.rows.parts[index];
            if part.taken || part.is_on(self.rows.unsure) {
                let entry = self.entry(part)?;
                let row = &mut table[from..];
                part.classes.iter().for_each(|class| row[usize::from(class)] = entry);
            }
        }
        Some(())
    }

    /// The entry of the classes of a part.
    fn entry(&mut self, part: Part) -> Option<u32> {
        let step = self.step(part);
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
        let row = self.state(self.classes.kinds[usize::from(part.first)])?;
        Some(row | flags)
    }

    /// Takes a byte of a part, on all ways in order; what is reached is what is made now.
    fn step(&mut self, part: Part) -> Step {
        let Builder { rows, reach, made, asks, follow, ordered, .. } = self;
        let mut step = Step { unsure: part.is_on(rows.unsure), ..Step::default() };
        made.clear();
        made.push(0);
        *asks = false;
        rows.time += 1;
        let (time, class) = (rows.time, part.first);
        for Taker { state, .. } in rows.takers.iter().filter(|taker| part.is_on(taker.sides)) {
            match *state {
                State::Match | State::Rough if !rows.follows.contains(class) => {}
                State::Match => step.ends = true,
                State::Rough if step.ends => step.others = true,
                State::Rough => step.unsure = true,
                State::Bytes { set, next } => {
                    let (taken, doubts) = &rows.takes[set as usize];
                    if !taken.contains(class) {
                        continue;
                    }
                    if step.ends && *ordered {
                        // What would be tried after the end that was found.
                        step.others |= !follow.last;
                    } else if doubts.contains(class) {
                        step.unsure = true;
                    } else {
                        let reached = reach.of(next);
                        *asks |= reached.asks;
                        for state in reach.states(reached) {
                            if std::mem::replace(&mut rows.seen[*state as usize], time) != time {
                                made.push(*state);
                            }
                        }
                    }
                }
                State::Split(..) | State::Assert(..) => {}
            }
        }
        step
    }
}
