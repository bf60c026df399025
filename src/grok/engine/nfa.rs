//! The automaton of a part without captures: states over bytes, in the order in which ways are tried.

use super::analyse::min_bytes;
use super::bytes::{ByteSet, Wide};
use super::class::Class;
use super::tree::{Assertion, Node};

/// How many states there may be.
const MOST: usize = 3000;

/// One state.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// Takes a byte of `set`. At a byte of `unsure` it cannot say whether it would.
    Bytes {
        set: ByteSet,
        unsure: ByteSet,
        next: u32,
    },
    Split(u32, u32),
    Assert(Assertion, u32),
    Match,
}

/// Whether the part can be an automaton at all. In order, a loop over what may be empty can't.
pub(super) fn is_regular(node: &Node, ordered: bool) -> bool {
    match node {
        Node::Empty | Node::Fail | Node::Class(_) => true,
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().all(|node| is_regular(node, ordered)),
        Node::Repeat(repeat) => is_regular(&repeat.node, ordered) && !(ordered && min_bytes(&repeat.node) == 0),
        Node::Assert(assertion) => !matches!(assertion, Assertion::SearchStart | Assertion::LastLineEnd),
        Node::Group(..) | Node::Atomic(_) | Node::Look(_) | Node::Back { .. } | Node::Keep => false,
    }
}

/// The states, of which the last begins; or nothing if there would be too many.
pub(super) fn build(node: &Node) -> Option<Vec<State>> {
    let mut builder = Builder { states: vec![State::Match] };
    let start = builder.node(node, 0)?;
    // The last state begins: an extra one, if another was written last.
    builder.push(State::Split(start, start))?;
    Some(builder.states)
}

struct Builder {
    states: Vec<State>,
}

impl Builder {
    fn push(&mut self, state: State) -> Option<u32> {
        if self.states.len() >= MOST {
            return None;
        }
        self.states.push(state);
        Some(self.states.len() as u32 - 1)
    }

    /// Writes the node so that `next` follows; gives its first state.
    fn node(&mut self, node: &Node, next: u32) -> Option<u32> {
        match node {
            Node::Empty => Some(next),
            Node::Class(class) => self.class(class, next),
            Node::Concat(nodes) => nodes.iter().rev().try_fold(next, |next, node| self.node(node, next)),
            Node::Alternate(nodes) => {
                let firsts: Option<Vec<u32>> = nodes.iter().map(|node| self.node(node, next)).collect();
                let mut firsts = firsts?.into_iter().rev();
                let last = firsts.next()?;
                firsts.try_fold(last, |rest, first| self.push(State::Split(first, rest)))
            }
            Node::Repeat(repeat) => {
                let mut at = next;
                let way = |body, out| if repeat.greedy { State::Split(body, out) } else { State::Split(out, body) };
                match repeat.max {
                    None => {
                        let head = self.push(State::Match)?;
                        let body = self.node(&repeat.node, head)?;
                        self.states[head as usize] = way(body, next);
                        at = head;
                    }
                    Some(max) => {
                        for _ in repeat.min..max {
                            let body = self.node(&repeat.node, at)?;
                            at = self.push(way(body, next))?;
                        }
                    }
                }
                (0..repeat.min).try_fold(at, |next, _| self.node(&repeat.node, next))
            }
            Node::Assert(assertion) => self.push(State::Assert(*assertion, next)),
            Node::Fail => self.bytes(ByteSet::EMPTY, ByteSet::EMPTY, next),
            Node::Group(..) | Node::Atomic(_) | Node::Look(_) | Node::Back { .. } | Node::Keep => None,
        }
    }

    fn bytes(&mut self, set: ByteSet, unsure: ByteSet, next: u32) -> Option<u32> {
        self.push(State::Bytes { set, unsure, next })
    }

    fn class(&mut self, class: &Class, next: u32) -> Option<u32> {
        let (ascii, wide) = class.bytes();
        match wide {
            Wide::None => self.bytes(ascii, ByteSet::EMPTY, next),
            Wide::Some => self.bytes(ascii, ByteSet::WIDE, next),
            Wide::All => {
                // The text is UTF-8, so a character is a first byte and all that follow before the next first byte.
                let mut tail = ByteSet::EMPTY;
                (0x80..=0xBF).for_each(|byte| tail.insert(byte));
                let head = tail.negated().intersection(ByteSet::WIDE);
                let done = self.push(State::Assert(Assertion::After { set: tail.negated(), edge: true }, next))?;
                let within = self.push(State::Match)?;
                let more = self.bytes(tail, ByteSet::EMPTY, within)?;
                self.states[within as usize] = State::Split(more, done);
                let wide = self.bytes(head, ByteSet::EMPTY, within)?;
                if ascii.is_empty() {
                    return Some(wide);
                }
                let narrow = self.bytes(ascii, ByteSet::EMPTY, next)?;
                self.push(State::Split(narrow, wide))
            }
        }
    }
}
