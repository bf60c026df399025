//! The automaton of a part without captures: states over bytes, in the order in which ways are tried.
//!
//! A part that would need too many states (a repetition of repetitions that are counted, an IPv6 address) is taken roughly: as if it
//! could go on for ever. A match that comes of it is marked, so that only the absence of one counts.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::analyse::can_be_empty;
use super::bytes::{ByteSet, Wide};
use super::class::Class;
use super::tree::{Assertion, Node, Repeat};

/// How many states there may be.
const MOST: usize = 3000;
/// A repetition of more states than this is taken roughly, and so is an alternative.
const MOST_REPEATED: u32 = 300;

/// How many characters of a set are counted; where more are allowed, they are taken roughly.
const MOST_CHARACTERS: u32 = 24;

/// One state.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// Takes a byte, of which set is said by number.
    Bytes {
        set: u32,
        next: u32,
    },
    Split(u32, u32),
    /// A condition, by number.
    Assert(u32, u32),
    Match,
    /// A match, if the part that was taken roughly was one.
    Rough,
}

/// What a state takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Taken {
    pub(super) set: ByteSet,
    /// At a byte of these it cannot say whether it would take it.
    pub(super) unsure: ByteSet,
}

/// The states of a part, and what they name by number.
#[derive(Debug)]
pub(super) struct Nfa {
    /// The last begins.
    pub(super) states: Vec<State>,
    pub(super) sets: Vec<Taken>,
    pub(super) assertions: Vec<Assertion>,
    /// Something is taken roughly.
    pub(super) rough: bool,
}

/// Whether the part can be an automaton at all. In order, a loop over what may be empty can't.
pub(super) fn is_regular(node: &Node, ordered: bool) -> bool {
    match node {
        Node::Empty | Node::Fail | Node::Class(_) => true,
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().all(|node| is_regular(node, ordered)),
        Node::Repeat(repeat) => is_regular(&repeat.node, ordered) && !(ordered && can_be_empty(&repeat.node)),
        Node::Assert(assertion) => !matches!(assertion, Assertion::SearchStart | Assertion::LastLineEnd),
        Node::Group(..) | Node::Atomic(_) | Node::Look(_) | Node::Back { .. } | Node::Keep => false,
    }
}

/// The states of a node, or nothing if there would be too many.
pub(super) fn build(node: &Node) -> Option<Nfa> {
    let both = node.any(&|node| match node {
        Node::Alternate(nodes) => nodes.iter().any(is_rough_alternative),
        node => is_large(node) || is_long(node),
    });
    let states = vec![State::Match, State::Rough];
    let nfa = Nfa { states, sets: Vec::new(), assertions: Vec::new(), rough: both };
    let mut builder = Builder { nfa, known_sets: HashMap::default(), both };
    let start = builder.either(node, Next { exact: 0, rough: 1 })?.exact;
    // The last state begins: an extra one, if another was written last.
    builder.push(State::Split(start, start))?;
    Some(builder.nfa)
}

/// How many states a node needs, about.
pub(super) fn cost(node: &Node) -> u32 {
    match node {
        Node::Class(_) => 1,
        Node::Repeat(repeat) => cost(&repeat.node).saturating_mul(repeat.max.unwrap_or(repeat.min + 1)),
        _ => node.children().iter().fold(0, |sum, child| sum.saturating_add(cost(child))),
    }
}

/// Characters of a set that are counted up to a large number.
fn is_long(node: &Node) -> bool {
    match node {
        Node::Repeat(repeat) => {
            matches!(repeat.node, Node::Class(_)) && repeat.max.is_some_and(|most| most > 2 * MOST_CHARACTERS)
        }
        _ => false,
    }
}

fn is_large(node: &Node) -> bool {
    matches!(node, Node::Repeat(repeat) if repeat.max.is_some() && cost(node) > MOST_REPEATED)
}

/// Whether all of the node has to be taken roughly. Of alternatives each stands for itself.
fn is_rough(node: &Node) -> bool {
    match node {
        Node::Alternate(_) => false,
        Node::Repeat(_) => node.any(&is_large),
        _ => node.children().iter().any(is_rough),
    }
}

fn is_rough_alternative(node: &Node) -> bool {
    is_rough(node) || cost(node) > MOST_REPEATED
}

/// All bytes of letters and digits that a node has, if it takes something and has no others.
fn letters(node: &Node) -> Option<ByteSet> {
    let others =
        ByteSet::range(b'0', b'9').union(ByteSet::range(b'A', b'Z')).union(ByteSet::range(b'a', b'z')).negated();
    let plain = |class: &Class| {
        let (ascii, wide) = class.bytes();
        (wide == Wide::None && !ascii.meets(others)).then_some(ascii)
    };
    match node {
        Node::Class(class) => plain(class),
        Node::Empty => Some(ByteSet::EMPTY),
        Node::Concat(_) | Node::Alternate(_) | Node::Repeat(_) => {
            node.children().iter().try_fold(ByteSet::EMPTY, |sum, child| Some(sum.union(letters(child)?)))
        }
        _ => None,
    }
}

/// What comes after a node: after an exact match, and after one that is taken roughly.
#[derive(Clone, Copy)]
struct Next {
    exact: u32,
    rough: u32,
}

struct Builder {
    nfa: Nfa,
    /// The numbers of the sets.
    known_sets: HashMap<Taken, u32, FixedState>,
    /// Something is taken roughly, so both kinds of ways are needed.
    both: bool,
}

impl Builder {
    fn push(&mut self, state: State) -> Option<u32> {
        let states = &mut self.nfa.states;
        if states.len() >= MOST {
            return None;
        }
        states.push(state);
        Some(states.len() as u32 - 1)
    }

    /// Writes the node so that `next` follows, in both ways.
    fn either(&mut self, node: &Node, next: Next) -> Option<Next> {
        if !self.both {
            return Some(Next { exact: self.node(node, next, false)?, rough: next.rough });
        }
        let rough = self.node(node, next, true)?;
        let exact = if is_rough(node) { rough } else { self.node(node, next, false)? };
        Some(Next { exact, rough })
    }

    /// Writes the node so that `next` follows; gives its first state.
    fn node(&mut self, node: &Node, next: Next, rough: bool) -> Option<u32> {
        let after = if rough { next.rough } else { next.exact };
        match node {
            Node::Empty => Some(after),
            Node::Class(class) => self.class(class, after),
            Node::Concat(nodes) => {
                if rough || !self.both {
                    let mut next = next;
                    for node in nodes.iter().rev() {
                        let first = self.node(node, next, rough)?;
                        next = if rough { Next { rough: first, ..next } } else { Next { exact: first, ..next } };
                    }
                    return Some(if rough { next.rough } else { next.exact });
                }
                Some(nodes.iter().rev().try_fold(next, |next, node| self.either(node, next))?.exact)
            }
            Node::Alternate(_)
                if rough
                    && !can_be_empty(node)
                    && let Some(set) = letters(node) =>
            {
                let head = self.push(State::Match)?;
                let body = self.bytes(set, ByteSet::EMPTY, head)?;
                self.nfa.states[head as usize] = State::Split(body, after);
                Some(body)
            }
            Node::Alternate(nodes) => {
                let firsts: Option<Vec<u32>> = nodes
                    .iter()
                    .map(|node| self.node(node, next, rough || self.both && is_rough_alternative(node)))
                    .collect();
                let mut firsts = firsts?.into_iter().rev();
                let last = firsts.next()?;
                firsts.try_fold(last, |rest, first| self.push(State::Split(first, rest)))
            }
            Node::Repeat(repeat) => self.repeat(repeat, after, next, rough),
            Node::Assert(assertion) => {
                let known = &mut self.nfa.assertions;
                let number = known.iter().position(|known| known == assertion).unwrap_or_else(|| {
                    known.push(*assertion);
                    known.len() - 1
                });
                self.push(State::Assert(number as u32, after))
            }
            Node::Fail => self.bytes(ByteSet::EMPTY, ByteSet::EMPTY, after),
            Node::Group(..) | Node::Atomic(_) | Node::Look(_) | Node::Back { .. } | Node::Keep => None,
        }
    }

    fn repeat(&mut self, repeat: &Repeat, after: u32, next: Next, rough: bool) -> Option<u32> {
        let way = |body, out| if repeat.greedy { State::Split(body, out) } else { State::Split(out, body) };
        let (mut least, mut most) = (repeat.min, repeat.max);
        if rough {
            least = least.min(1);
            most = most.filter(|most| *most <= 1);
        }
        if let (Node::Class(class), Some(bound), false) = (&repeat.node, most, rough)
            && self.both
            && bound > 2 * MOST_CHARACTERS
            && least < MOST_CHARACTERS
        {
            // So many exactly, more of them roughly.
            let head = self.push(State::Match)?;
            let body = self.class(class, head)?;
            self.nfa.states[head as usize] = way(body, next.rough);
            let first = self.class(class, head)?;
            let mut at = self.push(way(first, after))?;
            for _ in least..MOST_CHARACTERS {
                let body = self.class(class, at)?;
                at = self.push(way(body, after))?;
            }
            return (0..least).try_fold(at, |at, _| self.class(class, at));
        }
        let to = |place| if rough { Next { rough: place, ..next } } else { Next { exact: place, ..next } };
        let mut at = after;
        match most {
            None => {
                let head = self.push(State::Match)?;
                let body = self.node(&repeat.node, to(head), rough)?;
                self.nfa.states[head as usize] = way(body, after);
                at = head;
            }
            Some(most) => {
                for _ in least..most {
                    let body = self.node(&repeat.node, to(at), rough)?;
                    at = self.push(way(body, after))?;
                }
            }
        }
        (0..least).try_fold(at, |at, _| self.node(&repeat.node, to(at), rough))
    }

    fn bytes(&mut self, set: ByteSet, unsure: ByteSet, next: u32) -> Option<u32> {
        let taken = Taken { set, unsure };
        let sets = &mut self.nfa.sets;
        // Many states in a row take the same.
        let number = match sets.last() {
            Some(last) if *last == taken => sets.len() as u32 - 1,
            _ => *self.known_sets.entry(taken).or_insert_with(|| {
                sets.push(taken);
                sets.len() as u32 - 1
            }),
        };
        self.push(State::Bytes { set: number, next })
    }

    fn class(&mut self, class: &Class, next: u32) -> Option<u32> {
        let (ascii, wide) = class.bytes();
        match wide {
            Wide::None => self.bytes(ascii, ByteSet::EMPTY, next),
            Wide::Some => self.bytes(ascii, ByteSet::WIDE, next),
            Wide::All => {
                // The text is UTF-8, so the first byte says how many there are.
                let third = self.bytes(ByteSet::range(0x80, 0xBF), ByteSet::EMPTY, next)?;
                let second = self.bytes(ByteSet::range(0x80, 0xBF), ByteSet::EMPTY, third)?;
                let first = self.bytes(ByteSet::range(0x80, 0xBF), ByteSet::EMPTY, second)?;
                let two = self.bytes(ByteSet::range(0xC0, 0xDF), ByteSet::EMPTY, third)?;
                let three = self.bytes(ByteSet::range(0xE0, 0xEF), ByteSet::EMPTY, second)?;
                let four = self.bytes(ByteSet::range(0xF0, 0xFF), ByteSet::EMPTY, first)?;
                let mut ways = self.push(State::Split(three, four))?;
                ways = self.push(State::Split(two, ways))?;
                if ascii.is_empty() {
                    return Some(ways);
                }
                let narrow = self.bytes(ascii, ByteSet::EMPTY, next)?;
                self.push(State::Split(narrow, ways))
            }
        }
    }
}
