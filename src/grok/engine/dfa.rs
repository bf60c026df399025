//! Deterministic automata for parts without captures: dates, addresses, numbers, host names.
//!
//! Such a part can end at several places. Which of them counts depends on what follows: mostly the next byte admits one end only, and
//! then the order in which ways are tried does not matter. The automaton looks for *the* end at which the next byte is one
//! that can follow; if there are two, or something that a byte does not decide (`\b` beside a letter beyond ASCII), it says so, and
//! the ordinary operations take over. Where the first end is final (atomic groups, the end of the expression) the
//! automaton is built in order instead: a way that ended cuts off all that would have been tried later.

use std::collections::HashMap;

use super::bytes::ByteSet;
use super::nfa::State;
use super::tree::Assertion;

/// How many states there may be, and how much work building them may be.
const MOST_STATES: usize = 4000;
const MOST_WORK: usize = 1_500_000;

/// The end can be here: the next byte was looked at.
const ENDS: u32 = 1;
/// The automaton cannot say.
const UNSURE: u32 = 2;

/// An automaton.
#[derive(Debug)]
pub(super) struct Dfa {
    /// The class of a byte; the end of the text has a class of its own.
    classes: [u8; 256],
    end_class: usize,
    /// By state and class: the next state's row shifted by two, and the flags. Row 0 is: no way on.
    table: Vec<u32>,
    /// The first row, by the class of the byte before; the last is for the beginning of the text.
    starts: Vec<u32>,
}

/// What a scan came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    Nowhere,
    End(usize),
    Unsure,
}

/// Bytes that can follow, as a table.
#[derive(Debug)]
pub(super) struct Follow {
    pub(super) table: [bool; 257],
    /// The first end is final.
    pub(super) first: bool,
}

/// A state while it is built: the kind of the byte before, and the states of the NFA, in order.
type Key = (u8, Vec<u32>);

impl Dfa {
    /// Builds the automaton, if it is not too large.
    pub(super) fn build(nfa: &[State], ordered: bool) -> Option<Dfa> {
        Builder::new(nfa, ordered).build()
    }

    /// Bytes that it occupies.
    pub(super) fn size(&self) -> usize {
        self.table.len() * 4 + self.starts.len() * 4 + 256
    }

    /// Scans from a position; says how far it read, too.
    #[inline]
    pub(super) fn scan(&self, text: &[u8], start: usize, follow: &Follow) -> (Scan, usize) {
        let before = if start == 0 { self.end_class } else { usize::from(self.classes[usize::from(text[start - 1])]) };
        let mut row = self.starts[before] as usize;
        let mut found = Scan::Nowhere;
        let mut at = start;
        loop {
            let (class, next) = match text.get(at) {
                Some(byte) => (usize::from(self.classes[usize::from(*byte)]), usize::from(*byte)),
                None => (self.end_class, 256),
            };
            let entry = self.table[row + class];
            if entry & (ENDS | UNSURE) != 0 {
                if entry & UNSURE != 0 {
                    return (Scan::Unsure, at);
                }
                if follow.first {
                    found = Scan::End(at);
                } else if follow.table[next] {
                    if found != Scan::Nowhere {
                        return (Scan::Unsure, at);
                    }
                    found = Scan::End(at);
                }
            }
            row = (entry >> 2) as usize;
            if row == 0 {
                return (found, at);
            }
            at += 1;
        }
    }
}

struct Builder<'n> {
    nfa: &'n [State],
    ordered: bool,
    classes: [u8; 256],
    /// For each class, a byte of it; nothing is the end of the text.
    representatives: Vec<Option<u8>>,
    /// For each class, the kind of byte that it is to what comes after; kinds are fewer than classes.
    kinds: Vec<u8>,
    kind_representatives: Vec<Option<u8>>,
    states: HashMap<Key, u32>,
    queue: Vec<Key>,
    /// When each state of the NFA was last seen.
    seen: Vec<u32>,
    time: u32,
    work: usize,
}

/// What closing over empty steps found.
struct Closure {
    takers: Vec<u32>,
    ends: bool,
}

impl<'n> Builder<'n> {
    fn new(nfa: &'n [State], ordered: bool) -> Builder<'n> {
        let mut sets: Vec<ByteSet> = Vec::new();
        let mut assertions: Vec<Assertion> = Vec::new();
        for state in nfa {
            match state {
                State::Bytes { set, unsure, .. } => {
                    for set in [set, unsure] {
                        if !sets.contains(set) {
                            sets.push(*set);
                        }
                    }
                }
                State::Assert(assertion, _) if !assertions.contains(assertion) => assertions.push(*assertion),
                _ => {}
            }
        }
        let every: Vec<Option<u8>> = (0..=255).map(Some).chain([None]).collect();
        // What a byte is to an assertion after it.
        let left =
            |byte: Option<u8>| -> Vec<u8> { assertions.iter().map(|assertion| side(*assertion, byte, true)).collect() };
        let mut kind_signatures: Vec<Vec<u8>> = Vec::new();
        let mut kind_representatives = Vec::new();
        let mut signatures: HashMap<(Vec<bool>, Vec<u8>, usize), u8> = HashMap::new();
        let mut representatives = Vec::new();
        let mut kinds = Vec::new();
        let mut classes = [0; 256];
        for byte in every {
            let signature = left(byte);
            let kind = kind_signatures.iter().position(|known| *known == signature).unwrap_or_else(|| {
                kind_signatures.push(signature);
                kind_representatives.push(byte);
                kind_signatures.len() - 1
            });
            let members = sets.iter().map(|set| byte.is_some_and(|byte| set.contains(byte))).collect();
            let right = assertions.iter().map(|assertion| side(*assertion, byte, false)).collect();
            // The end of the text is a class of its own: nothing follows it.
            let fresh = signatures.len() as u8;
            let class = match byte {
                Some(_) => *signatures.entry((members, right, kind)).or_insert(fresh),
                None => fresh,
            };
            if class == fresh && usize::from(fresh) == representatives.len() {
                representatives.push(byte);
                kinds.push(kind as u8);
            }
            if let Some(byte) = byte {
                classes[usize::from(byte)] = class;
            }
        }
        Builder {
            nfa,
            ordered,
            classes,
            representatives,
            kinds,
            kind_representatives,
            states: HashMap::new(),
            queue: Vec::new(),
            seen: vec![0; nfa.len()],
            time: 0,
            work: 0,
        }
    }

    fn build(mut self) -> Option<Dfa> {
        let stride = self.representatives.len();
        let first = vec![self.nfa.len() as u32 - 1];
        let kinds = self.kinds.clone();
        let starts: Option<Vec<u32>> = kinds.iter().map(|kind| self.state((*kind, first.clone()), stride)).collect();
        let starts = starts?;
        let mut table = vec![0; stride];
        let mut next = 0;
        while next < self.queue.len() {
            let (kind, kernel) = self.queue[next].clone();
            next += 1;
            for class in 0..stride {
                table.push(self.transition(kind, &kernel, class, stride)?);
            }
        }
        Some(Dfa { classes: self.classes, end_class: stride - 1, table, starts })
    }

    /// The row of a state, which is new or known.
    fn state(&mut self, key: Key, stride: usize) -> Option<u32> {
        if key.1.is_empty() {
            return Some(0);
        }
        if let Some(row) = self.states.get(&key) {
            return Some(*row);
        }
        if self.queue.len() >= MOST_STATES {
            return None;
        }
        self.queue.push(key.clone());
        let row = (self.queue.len() * stride) as u32;
        self.states.insert(key, row);
        Some(row)
    }

    fn transition(&mut self, kind: u8, kernel: &[u32], class: usize, stride: usize) -> Option<u32> {
        let next = self.representatives[class];
        let Some(closure) = self.closure(kernel, self.kind_representatives[usize::from(kind)], next) else {
            return (self.work < MOST_WORK).then_some(UNSURE);
        };
        let ends = if closure.ends { ENDS } else { 0 };
        let Some(byte) = next else { return Some(ends) };
        let mut after = Vec::new();
        self.time += 1;
        for taker in closure.takers {
            let State::Bytes { set, unsure, next } = self.nfa[taker as usize] else { continue };
            if unsure.contains(byte) {
                return Some(UNSURE);
            }
            if set.contains(byte) && self.seen[next as usize] != self.time {
                self.seen[next as usize] = self.time;
                after.push(next);
            }
        }
        if !self.ordered {
            after.sort_unstable();
        }
        let row = self.state((self.kinds[class], after), stride)?;
        Some(row << 2 | ends)
    }

    /// Where the kernel leads without taking anything, between two bytes. Nothing if that can't be said, or is too much work.
    fn closure(&mut self, kernel: &[u32], before: Option<u8>, after: Option<u8>) -> Option<Closure> {
        self.time += 1;
        let mut closure = Closure { takers: Vec::new(), ends: false };
        let mut stack: Vec<u32> = kernel.iter().rev().copied().collect();
        while let Some(state) = stack.pop() {
            self.work += 1;
            if self.work >= MOST_WORK {
                return None;
            }
            if std::mem::replace(&mut self.seen[state as usize], self.time) == self.time {
                continue;
            }
            match self.nfa[state as usize] {
                State::Bytes { .. } => closure.takers.push(state),
                State::Split(first, second) => stack.extend([second, first]),
                State::Assert(assertion, next) => match holds(assertion, before, after) {
                    Some(true) => stack.push(next),
                    Some(false) => {}
                    None => return None,
                },
                State::Match => {
                    closure.ends = true;
                    if self.ordered {
                        break;
                    }
                }
            }
        }
        Some(closure)
    }
}

/// What one side of a place says to an assertion: 0 and 1, or 2 if it can't be said.
fn side(assertion: Assertion, byte: Option<u8>, left: bool) -> u8 {
    match assertion {
        Assertion::TextStart | Assertion::TextEnd => u8::from(byte.is_none()),
        Assertion::LineStart | Assertion::LineEnd => match byte {
            None => 2,
            Some(byte) => u8::from(byte == b'\n'),
        },
        Assertion::Word { ascii, .. } => word(byte, ascii),
        Assertion::Before { set, edge } if left => u8::from(byte.map_or(edge, |byte| set.contains(byte))),
        Assertion::After { set, edge } if !left => u8::from(byte.map_or(edge, |byte| set.contains(byte))),
        _ => 0,
    }
}

fn word(byte: Option<u8>, ascii: bool) -> u8 {
    match byte {
        None => 0,
        Some(0x80..) => {
            if ascii {
                0
            } else {
                2
            }
        }
        Some(byte) => u8::from(byte.is_ascii_alphanumeric() || byte == b'_'),
    }
}

/// Whether an assertion holds between two bytes, as far as these tell.
fn holds(assertion: Assertion, before: Option<u8>, after: Option<u8>) -> Option<bool> {
    match assertion {
        Assertion::TextStart => Some(before.is_none()),
        Assertion::TextEnd => Some(after.is_none()),
        Assertion::LineStart => Some(before.is_none() || after.is_some() && before == Some(b'\n')),
        Assertion::LineEnd => Some(after.is_none() || after == Some(b'\n')),
        Assertion::Word { negative, ascii } => match (word(before, ascii), word(after, ascii)) {
            (2, _) | (_, 2) => None,
            (left, right) => Some((left != right) != negative),
        },
        Assertion::Before { set, edge } => Some(before.map_or(edge, |byte| set.contains(byte))),
        Assertion::After { set, edge } => Some(after.map_or(edge, |byte| set.contains(byte))),
        Assertion::SearchStart | Assertion::LastLineEnd => None,
    }
}
