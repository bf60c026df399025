//! Whether one text leads from a state of an automaton back to it in two ways, so that n such texts can be read in 2ⁿ ways.
//!
//! Two readers go through the automaton at once, over the same letters. They set out together, part, and come together again.
//! What lies between has two ways; and where neither reader left the strongly connected component of the automaton that they
//! set out in, the way goes on to where it began.

use std::collections::HashSet;

use super::automaton::{Automaton, Edge};
use super::set::Set;

/// Where two readers are: their states, and the kind of the letter that was read last.
type Pair = (usize, usize, usize);

/// Looks for it, in no more than some steps, which are taken off. Beyond these it is not found.
pub(super) fn exponential(automaton: &Automaton, steps: &mut usize) -> bool {
    let kinds = kinds(automaton);
    Search { automaton, components: components(&alone(automaton, &kinds)), kinds, steps }.search().unwrap_or(false)
}

/// The letters by what places can tell of the letter before them: only these kinds have to be remembered.
fn kinds(automaton: &Automaton) -> Vec<Set> {
    let places = automaton.states.iter().flat_map(|state| &state.edges).flat_map(|edge| edge.place.tells_apart());
    let mut kinds = vec![Set::ALL];
    for set in places.collect::<HashSet<Set>>() {
        let cut = kinds.iter().flat_map(|kind| [kind.and(set), kind.without(set)]);
        kinds = cut.filter(|kind| !kind.is_empty()).collect();
    }
    kinds
}

/// Where one reader gets to from each state and kind, which are numbered through.
fn alone(automaton: &Automaton, kinds: &[Set]) -> Vec<Vec<usize>> {
    let mut next = Vec::with_capacity(automaton.states.len() * kinds.len());
    for state in &automaton.states {
        for left in kinds {
            let mut reached = Vec::new();
            for edge in &state.edges {
                let letters = edge.place.from(*left, automaton.states[edge.to].letters);
                let kinds_of = kinds.iter().enumerate().filter(|(_, kind)| kind.meets(letters));
                reached.extend(kinds_of.map(|(kind, _)| edge.to * kinds.len() + kind));
            }
            next.push(reached);
        }
    }
    next
}

struct Search<'a> {
    automaton: &'a Automaton,
    kinds: Vec<Set>,
    /// The component of each state and kind.
    components: Vec<usize>,
    steps: &'a mut usize,
}

impl Search<'_> {
    /// Nothing if there are no steps left.
    fn search(&mut self) -> Option<bool> {
        let states = 0..self.automaton.states.len();
        let mut open: Vec<Pair> =
            states.flat_map(|state| (0..self.kinds.len()).map(move |kind| (state, state, kind))).collect();
        let mut known: HashSet<Pair> = HashSet::new();
        while let Some(pair) = open.pop() {
            let (one, other, kind) = pair;
            let edges = |state: usize| self.automaton.states[state].edges.iter().enumerate();
            for (number, first) in edges(one) {
                // Of two that are together it does not matter which goes which way.
                for (_, second) in edges(other).skip(if one == other { number + 1 } else { 0 }) {
                    *self.steps = self.steps.checked_sub(1)?;
                    if self.is_sealed(one == other, first, second) {
                        continue;
                    }
                    let component = self.component(one, kind);
                    for to in self.after(kind, first, second) {
                        let both = [first.to, second.to].map(|state| self.component(state, to));
                        if both != [component; 2] {
                            continue;
                        }
                        if first.to == second.to {
                            return Some(true);
                        }
                        let pair = (first.to.min(second.to), first.to.max(second.to), to);
                        if known.insert(pair) {
                            open.push(pair);
                        }
                    }
                }
            }
        }
        Some(false)
    }

    fn component(&self, state: usize, kind: usize) -> usize {
        self.components[state * self.kinds.len() + kind]
    }

    /// The kinds of letters that both edges can be gone along with.
    fn after(&self, kind: usize, first: &Edge, second: &Edge) -> impl Iterator<Item = usize> {
        let states = &self.automaton.states;
        let letters = states[first.to].letters.and(states[second.to].letters);
        let left = self.kinds[kind];
        let letters = second.place.from(left, first.place.from(left, letters));
        self.kinds.iter().enumerate().filter(move |(_, of)| of.meets(letters)).map(|(kind, _)| kind)
    }

    /// Whether two ways are but one, as they would be apart in a sealed part.
    fn is_sealed(&self, together: bool, first: &Edge, second: &Edge) -> bool {
        let seal = |edge: &Edge| self.automaton.states[edge.to].seal;
        let within = together && first.seal.is_some() && first.seal == second.seal;
        within || first.to != second.to && seal(first).is_some() && seal(first) == seal(second)
    }
}

/// The strongly connected component of each node, by Tarjan's way.
fn components(next: &[Vec<usize>]) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let mut found = vec![UNSEEN; next.len()];
    let mut low = vec![UNSEEN; next.len()];
    let mut component = vec![UNSEEN; next.len()];
    let (mut time, mut count) = (0, 0);
    let mut open: Vec<usize> = Vec::new();
    for root in 0..next.len() {
        let mut path: Vec<(usize, usize)> = if found[root] == UNSEEN { vec![(root, 0)] } else { Vec::new() };
        while let Some((node, edge)) = path.pop() {
            if edge == 0 {
                (found[node], low[node]) = (time, time);
                time += 1;
                open.push(node);
            } else if component[next[node][edge - 1]] == UNSEEN {
                low[node] = low[node].min(low[next[node][edge - 1]]);
            }
            if let Some(&child) = next[node].get(edge) {
                path.push((node, edge + 1));
                if found[child] == UNSEEN {
                    path.push((child, 0));
                }
            } else if low[node] == found[node] {
                while let Some(member) = open.pop() {
                    component[member] = count;
                    if member == node {
                        break;
                    }
                }
                count += 1;
            }
        }
    }
    component
}
