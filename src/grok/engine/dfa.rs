//! Deterministic automata for parts without captures: dates, addresses, numbers, host names, quoted strings.
//!
//! Such a part can end at several places. The automaton is built for what can follow: a place where the next byte cannot go on is no
//! end. Its states keep the order in which ways are tried, so of the ends that are left it finds the one that would be tried first.
//! If there may be others it says so, and the caller can come back to them with the ordinary operations; where the first end is
//! final (atomic groups, the end of the expression) nobody has to. What a byte does not decide (`\b` beside a letter beyond ASCII)
//! is left to the ordinary operations, too.
//!
//! Where a state takes many bytes to itself, these are gone over sixteen at a time.

mod build;
mod sides;

use super::scan::{Run, run_end};

pub(super) use build::{Follow, Work, build};

/// The row of the next state is in the lower bits of an entry, the flags are in the upper.
const ROW: u32 = (1 << 24) - 1;
/// The end can be here: what is next was looked at.
const ENDS: u32 = 1 << 31;
/// The automaton cannot say.
const UNSURE: u32 = 1 << 30;
/// With `ENDS`: there may be other ends.
const OTHERS: u32 = 1 << 29;
/// There is no way on.
const DEAD: u32 = 1 << 28;
/// The next state takes many bytes to itself.
const RUNS: u32 = 1 << 27;

/// An automaton.
#[derive(Debug)]
pub(super) struct Dfa {
    /// The class of a byte; the end of the text has a class of its own.
    classes: [u8; 256],
    end_class: usize,
    /// By state and class: the next state's row, and flags.
    table: Vec<u32>,
    /// The first row, by the class of the byte before; the last is for the beginning of the text.
    starts: Vec<u32>,
    /// The bytes that a state takes to itself, by its row, in order.
    runs: Vec<(u32, Run)>,
    /// Ends are found in order; else all that are found have to be one.
    ordered: bool,
    /// It can be that it cannot say.
    pub(super) doubts: bool,
    /// It can be that there are several ends.
    pub(super) several: bool,
    /// Something in it was taken roughly.
    pub(super) rough: bool,
}

/// What a scan came to: where it ended, how far it read, and whether there may be other ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scan {
    end: usize,
    read: usize,
}

/// In place of an end.
const NOWHERE: usize = usize::MAX;
const NOT_SURE: usize = usize::MAX - 1;

impl Scan {
    /// The end that comes first, if there is one.
    #[inline(always)]
    pub(super) fn end(self) -> Option<usize> {
        (self.end < NOT_SURE).then_some(self.end)
    }

    /// It cannot say.
    #[inline(always)]
    pub(super) fn is_unsure(self) -> bool {
        self.end == NOT_SURE
    }

    /// There may be other ends.
    #[inline(always)]
    pub(super) fn has_others(self) -> bool {
        self.read & 1 != 0
    }

    /// How far it read.
    #[inline(always)]
    pub(super) fn read(self) -> usize {
        self.read >> 1
    }
}

impl Dfa {
    /// Bytes that it occupies.
    pub(super) fn size(&self) -> usize {
        (self.table.len() + self.starts.len()) * 4 + self.runs.len() * size_of::<(u32, Run)>() + size_of::<Dfa>()
    }

    /// Scans from a position.
    // A call costs less than what the caller's variables in the registers cost the loop.
    #[inline(never)]
    pub(super) fn scan(&self, text: &[u8], start: usize) -> Scan {
        let before = if start == 0 { self.end_class } else { usize::from(self.classes[usize::from(text[start - 1])]) };
        let table = self.table.as_slice();
        let classes = &self.classes;
        let mut row = self.starts[before] as usize;
        let mut end = NOWHERE;
        let mut others = false;
        let mut at = start;
        loop {
            let mut entry = 0;
            while let Some(byte) = text.get(at) {
                entry = table[row + usize::from(classes[usize::from(*byte)])];
                if entry > ROW {
                    break;
                }
                row = entry as usize;
                at += 1;
            }
            if at >= text.len() {
                entry = table[row + self.end_class];
            }
            if entry & ENDS != 0 {
                others |= end != NOWHERE || entry & OTHERS != 0;
                end = at;
            }
            if entry & (DEAD | UNSURE) != 0 || others && !self.ordered {
                if entry & UNSURE != 0 || others && !self.ordered {
                    end = NOT_SURE;
                }
                return Scan { end, read: at << 1 | usize::from(others && self.several) };
            }
            row = (entry & ROW) as usize;
            at += 1;
            if entry & RUNS != 0 {
                at = self.run(entry & ROW, text, at);
            }
        }
    }

    /// Where a state's run ends.
    #[inline(always)]
    fn run(&self, row: u32, text: &[u8], at: usize) -> usize {
        self.runs.iter().find(|(known, _)| *known == row).map_or(at, |(_, run)| run_end(text, at, run))
    }
}
