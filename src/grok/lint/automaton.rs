//! The body of a repetition as an automaton: a state for each letter of it, an edge for each way from one to the next
//! (Glushkov's), those from the end of one round into another included.
//!
//! Where an engine has two ways from one letter to the next there are two edges, which is what `(a+)+` is about. A round of
//! a repetition without end that took nothing ends it, a round of a counted one does not (but in Oniguruma): `(?:a?){50}`
//! can leave out any.
//!
//! Atomic parts have one way through, which the places at their ends tell: nothing follows `\d++` that is a digit. So
//! they are *sealed*: no two ways part within. So is a repetition that is known to be at fault, for what is around it to be
//! judged alone.

use std::collections::HashMap;
use std::hash::Hash;

use super::parse::{Node, Repeat};
use super::place::Place;
use super::set::Set;

/// A body of more letters is not looked at.
const MAX_STATES: usize = 1500;

/// From so many rounds more than it needs, a counted repetition is taken for one without end where it stands in another.
const MANY: u32 = 50;

/// What can be read, and in what order.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    pub states: Vec<State>,
}

/// A letter that is read.
#[derive(Debug)]
pub(super) struct State {
    pub letters: Set,
    /// What it is sealed in.
    pub seal: Option<usize>,
    /// The ways on.
    pub edges: Vec<Edge>,
}

/// A way from one letter to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Edge {
    pub to: usize,
    /// What the place between them has to be.
    pub place: Place,
    /// What it is sealed in.
    pub seal: Option<usize>,
}

impl Automaton {
    /// The rounds of a repetition, within which some, by their spans, are known to be at fault. Nothing if it is too large
    /// or there are no steps left.
    pub fn of(repeat: &Repeat, at_fault: &[(usize, usize)], steps: &mut usize) -> Option<Self> {
        let mut builder =
            Builder { automaton: Self::default(), edges: HashMap::new(), seals: 0, seal: None, at_fault, steps };
        let body = builder.part(&repeat.body)?;
        builder.link(&body.last, &body.first)?;
        if repeat.counts() {
            builder.link(&each(&body.last, &body.nothing), &body.first)?;
        }
        Some(builder.automaton)
    }
}

/// Ways into a part or out of it: the letter, and the place between it and what is outside.
type Ends = Vec<(usize, Place)>;

/// How a part is entered, left and passed.
#[derive(Debug, Default)]
struct Part {
    first: Ends,
    last: Ends,
    /// The ways to match nothing.
    nothing: Vec<Place>,
}

struct Builder<'f> {
    automaton: Automaton,
    /// How many of a kind there are, by what they begin with.
    edges: HashMap<(usize, Edge), usize>,
    seals: usize,
    seal: Option<usize>,
    at_fault: &'f [(usize, usize)],
    steps: &'f mut usize,
}

impl Builder<'_> {
    fn part(&mut self, node: &Node) -> Option<Part> {
        *self.steps = self.steps.checked_sub(1)?;
        let passed = |place| Some(Part { nothing: vec![place], ..Part::default() });
        match node {
            Node::Set(letters) => self.letter(*letters),
            Node::Row(row) => row.iter().try_fold(passed(Place::ANY)?, |before, part| {
                let part = self.part(part)?;
                self.join(before, part)
            }),
            Node::Choice(branches) => branches.iter().try_fold(Part::default(), |mut all, branch| {
                let branch = self.part(branch)?;
                all.first.extend(branch.first);
                all.last.extend(branch.last);
                all.nothing.extend(branch.nothing);
                Some(self.few(all))
            }),
            Node::Atomic(inner) => self.sealed(|builder| {
                let part = builder.part(inner)?;
                Some(builder.at_once(part))
            }),
            Node::Repeat(repeat) if self.at_fault.contains(&repeat.span) => {
                self.sealed(|builder| builder.repeat(repeat))
            }
            Node::Repeat(repeat) => self.repeat(repeat),
            Node::Place(place) | Node::Look(_, place) => passed(*place),
            Node::Unknown => passed(Place::ANY),
        }
    }

    fn letter(&mut self, letters: Set) -> Option<Part> {
        let states = &mut self.automaton.states;
        states.push(State { letters, seal: self.seal, edges: Vec::new() });
        let ends = vec![(states.len() - 1, Place::ANY)];
        (states.len() <= MAX_STATES).then(|| Part { first: ends.clone(), last: ends, nothing: Vec::new() })
    }

    /// One after the other.
    fn join(&mut self, before: Part, after: Part) -> Option<Part> {
        self.link(&before.last, &after.first)?;
        let first = [before.first, each(&after.first, &before.nothing)].concat();
        let last = [after.last, each(&before.last, &after.nothing)].concat();
        let both = |one: &Place| after.nothing.iter().filter_map(|other| one.and(*other)).collect::<Vec<_>>();
        let nothing = before.nothing.iter().flat_map(both).collect();
        Some(self.few(Part { first, last, nothing }))
    }

    /// Edges from the ends of one part to the beginnings of another.
    fn link(&mut self, from: &Ends, to: &Ends) -> Option<()> {
        *self.steps = self.steps.checked_sub(from.len() * to.len())?;
        let ways = self.ways();
        for (state, left) in from {
            for (to, right) in to {
                let Some(place) = left.and(*right) else { continue };
                let edge = Edge { to: *to, place, seal: self.seal };
                let count = self.edges.entry((*state, edge)).or_default();
                *count += 1;
                if *count <= ways {
                    self.automaton.states[*state].edges.push(edge);
                }
            }
        }
        Some(())
    }

    fn repeat(&mut self, repeat: &Repeat) -> Option<Part> {
        let Repeat { body, least, most, .. } = repeat;
        let mut all = Part { nothing: vec![Place::ANY], ..Part::default() };
        let Some(most) = most.filter(|most| *most <= least.saturating_add(MANY)) else {
            for _ in 1..*least {
                let round = self.part(body)?;
                all = self.join(all, round)?;
            }
            let rounds = self.rounds(body)?;
            let rounds = if *least == 0 { self.left_out(rounds) } else { rounds };
            return self.join(all, rounds);
        };
        // From the last round on: each may be taken only after the one before.
        for number in (0..most).rev() {
            let round = self.part(body)?;
            all = self.join(round, all)?;
            if number >= *least {
                all = self.left_out(all);
            }
        }
        Some(all)
    }

    /// Once or more often.
    fn rounds(&mut self, body: &Node) -> Option<Part> {
        let mut part = self.part(body)?;
        self.link(&part.last, &part.first)?;
        // After a round another may take nothing, which ends it.
        part.last.extend(each(&part.last, &part.nothing));
        Some(self.few(part))
    }

    fn left_out(&self, mut part: Part) -> Part {
        part.nothing.push(Place::ANY);
        self.few(part)
    }

    /// Seals what is built, unless it stands in a sealed part already.
    fn sealed(&mut self, build: impl FnOnce(&mut Self) -> Option<Part>) -> Option<Part> {
        if self.seal.is_some() {
            return build(self);
        }
        self.seals += 1;
        self.seal = Some(self.seals);
        let part = build(self);
        self.seal = None;
        part
    }

    /// A part that is left only where it can't go on.
    fn at_once(&self, part: Part) -> Part {
        let states = &self.automaton.states;
        let rest = |letters: Set| Place::before(Set::ALL.without(letters));
        let on =
            |state: usize| states[state].edges.iter().fold(Set::NONE, |all: Set, edge| all.or(states[edge.to].letters));
        let last = part.last.iter().filter_map(|(state, place)| Some((*state, place.and(rest(on(*state)))?))).collect();
        let begins = part.first.iter().fold(Set::NONE, |all: Set, (state, _)| all.or(states[*state].letters));
        let nothing = part.nothing.iter().filter_map(|place| place.and(rest(begins))).collect();
        Part { first: part.first, last, nothing }
    }

    /// How many ways of one kind are kept: two are as bad as many, and in a sealed part there is but one.
    fn ways(&self) -> usize {
        if self.seal.is_some() { 1 } else { 2 }
    }

    fn few(&self, mut part: Part) -> Part {
        keep(&mut part.first, self.ways());
        keep(&mut part.last, self.ways());
        keep(&mut part.nothing, self.ways());
        part
    }
}

/// The ends, with something that takes nothing beside each.
fn each(ends: &Ends, nothing: &[Place]) -> Ends {
    let with = |(state, place): &(usize, Place), other: &Place| Some((*state, place.and(*other)?));
    ends.iter().flat_map(|end| nothing.iter().filter_map(move |other| with(end, other))).collect()
}

/// Keeps no more than some of each kind.
fn keep<T: Hash + Eq + Copy>(list: &mut Vec<T>, ways: usize) {
    let mut known: HashMap<T, usize> = HashMap::with_capacity(list.len());
    list.retain(|item| {
        let count = known.entry(*item).or_default();
        *count += 1;
        *count <= ways
    });
}
