//! From one state of an automaton with every class of bytes at once.
//!
//! Most states of the nfa take few classes, so each is looked at once and handed to the classes that it takes.

use std::rc::Rc;

use super::super::super::nfa::State;
use super::{Builder, Follow};

/// What a step with each class found, and what is needed to find it.
pub(super) struct Rows {
    /// Where the step with each class leads, and what it found.
    pub(super) made: Vec<Vec<u32>>,
    pub(super) steps: Vec<Step>,
    /// Of each state of the nfa, the classes that it takes, and whether that is in doubt.
    takes: Vec<Rc<[(u8, bool)]>>,
    /// Whether each class can follow.
    follows: Vec<bool>,
    /// What each class is to a condition before it, and which classes are the same to it.
    afters: Vec<u8>,
    alike: Vec<Vec<u8>>,
    /// When each state was last seen with each class.
    seen: Vec<u32>,
    time: u32,
}

/// What one step from a state found.
#[derive(Clone, Copy, Default)]
pub(super) struct Step {
    pub(super) ends: bool,
    pub(super) others: bool,
    pub(super) unsure: bool,
}

impl Rows {
    /// Of an nfa, with a byte of each class (nothing is the end of the text) and what each is to a condition before it.
    pub(super) fn new(nfa: &[State], follow: Follow, representatives: &[Option<u8>], afters: Vec<u8>) -> Rows {
        let stride = representatives.len();
        let mut known = Vec::new();
        let mut takes = |state: &State| -> Rc<[(u8, bool)]> {
            let State::Bytes { set, unsure, .. } = state else { return Rc::new([]) };
            // Many states in a row take the same.
            if let Some((_, _, list)) = known.iter().rev().find(|(taken, doubted, _)| taken == set && doubted == unsure)
            {
                return Rc::clone(list);
            }
            let both = set.union(*unsure);
            let classes = representatives.iter().enumerate().filter_map(|(class, byte)| {
                let byte = byte.filter(|byte| both.contains(*byte))?;
                Some((class as u8, unsure.contains(byte)))
            });
            let list: Rc<[(u8, bool)]> = classes.collect();
            known.push((*set, *unsure, Rc::clone(&list)));
            list
        };
        let most = afters.iter().max().map_or(0, |most| usize::from(*most));
        let mut alike = vec![Vec::new(); most + 1];
        for (class, after) in afters.iter().enumerate() {
            alike[usize::from(*after)].push(class as u8);
        }
        alike.retain(|classes| !classes.is_empty());
        Rows {
            made: vec![Vec::new(); stride],
            steps: vec![Step::default(); stride],
            takes: nfa.iter().map(&mut takes).collect(),
            follows: representatives
                .iter()
                .map(|byte| byte.map_or(follow.end, |byte| follow.set.contains(byte)))
                .collect(),
            afters,
            alike,
            seen: vec![0; stride * nfa.len()],
            time: 0,
        }
    }
}

impl Builder<'_> {
    /// Takes every class, on all ways in order.
    pub(super) fn steps(&mut self, kind: u32, kernel: &[u32]) {
        self.rows.time += 1;
        self.rows.steps.fill(Step::default());
        for made in &mut self.rows.made {
            made.clear();
            made.push(0);
        }
        if !kernel.iter().any(|state| self.asks(*state)) {
            self.hand_out(kernel, None);
            return;
        }
        // What conditions lead to is gone over as it comes.
        let before = self.kind_representatives[kind as usize];
        let mut opened = std::mem::take(&mut self.opened);
        for index in 0..self.rows.alike.len() {
            let class = usize::from(self.rows.alike[index][0]);
            let (after, work) = (self.representatives[class], self.work);
            opened.clear();
            self.time += 1;
            let mut unsure = false;
            for state in kernel {
                unsure |= !self.close(*state, before, after, &mut opened);
            }
            self.work += (self.work - work) * (self.rows.alike[index].len() - 1);
            for class in &self.rows.alike[index] {
                self.rows.steps[usize::from(*class)].unsure = unsure;
            }
            self.hand_out(&opened, Some(index));
        }
        self.opened = opened;
    }

    /// Hands states to the classes that they take, of all classes or of those that are alike.
    fn hand_out(&mut self, takers: &[u32], alike: Option<usize>) {
        let after = alike.map(|index| self.rows.afters[usize::from(self.rows.alike[index][0])]);
        let is_asked = |afters: &[u8], class: usize| after.is_none_or(|after| afters[class] == after);
        let classes = alike.map_or(self.rows.steps.len(), |index| self.rows.alike[index].len());
        self.work += takers.len() * classes;
        for taker in takers {
            match self.nfa[*taker as usize] {
                end @ (State::Match | State::Rough) => {
                    let Rows { steps, follows, afters, .. } = &mut self.rows;
                    for (class, step) in steps.iter_mut().enumerate() {
                        if !follows[class] || !is_asked(afters, class) {
                            continue;
                        }
                        match end {
                            State::Match => step.ends = true,
                            _ if step.ends => step.others = true,
                            _ => step.unsure = true,
                        }
                    }
                }
                State::Bytes { next, .. } => {
                    let reached = self.find_reached(next);
                    let list = Rc::clone(&self.rows.takes[*taker as usize]);
                    for (class, doubts) in list.iter().map(|(class, doubts)| (usize::from(*class), *doubts)) {
                        if !is_asked(&self.rows.afters, class) {
                            continue;
                        }
                        let step = &mut self.rows.steps[class];
                        if step.ends && self.ordered {
                            // What would be tried after the end that was found.
                            step.others |= !self.follow.last;
                        } else if doubts {
                            step.unsure = true;
                        } else {
                            self.add(reached, class);
                        }
                    }
                }
                State::Split(..) | State::Assert(..) => {}
            }
        }
    }

    /// Adds where a state leads, for a class.
    fn add(&mut self, (from, to): (u32, u32), class: usize) {
        let Rows { made, seen, time, .. } = &mut self.rows;
        let seen = &mut seen[class * self.nfa.len()..][..self.nfa.len()];
        for state in &self.all_reached[from as usize..to as usize] {
            if std::mem::replace(&mut seen[*state as usize], *time) != *time {
                made[class].push(*state);
            }
        }
    }
}
