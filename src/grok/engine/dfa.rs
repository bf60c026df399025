//! Deterministic automata for parts without captures: dates, addresses, numbers, host names, quoted strings.
//!
//! Such a part can end at several places. The automaton is built for what can follow: a place where the next byte cannot go on is no
//! end. Its states keep the order in which ways are tried, so of the ends that are left it finds the one that would be tried first.
//! If there may be others it says so, and the caller can come back to them with the ordinary operations; where the first end is
//! final (atomic groups, the end of the expression) nobody has to. What a byte does not decide (`\b` beside a letter beyond ASCII)
//! is left to the ordinary operations, too.
//!
//! Where a state takes many bytes to itself, these are gone over sixteen at a time. From the state in which most scans begin there can be
//! a shortcut: over a run with what usually comes after (`lead`), over numbers with marks (`dotted`), over fields of one length (`shape`),
//! over words with marks (`chain`).
//! These are found by asking the automaton, and change nothing of what it finds.

mod build;
mod chain;
mod dotted;
mod late;
mod lead;
mod shape;
mod sides;
mod typical;

use super::bytes::ByteSet;
use super::scan::{Bytes, bytes_end};
use super::tree::Node;
use chain::Chain;
use dotted::{Dotted, Found};
use lead::Lead;
use shape::Shape;
use typical::fields;

pub(super) use build::{Follow, Work, build};
pub(super) use late::Late;

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
    runs: Vec<OwnRun>,
    /// What it usually finds, or begins with.
    lead: Option<Box<Lead>>,
    dotted: Option<Box<Dotted>>,
    shape: Option<Box<Shape>>,
    chain: Option<Box<Chain>>,
    /// Ends are found in order; else all that are found have to be one.
    ordered: bool,
    /// It can be that it cannot say.
    pub(super) doubts: bool,
    /// It can be that there are several ends.
    pub(super) several: bool,
    /// Something in it was taken roughly.
    pub(super) rough: bool,
}

/// The bytes that a state takes to itself.
#[derive(Debug)]
struct OwnRun {
    row: u32,
    bytes: Bytes,
    /// Of each of them: whether the end can be before it, and whether there may be others.
    flags: u32,
}

/// Which shortcut is usual for an automaton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usual {
    Nothing,
    Dotted,
    Shape,
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
        (self.table.len() + self.starts.len()) * 4
            + self.runs.iter().map(|run| size_of::<OwnRun>() + run.bytes.size()).sum::<usize>()
            + self.lead.as_ref().map_or(0, |_| size_of::<Lead>())
            + self.dotted.as_ref().map_or(0, |_| size_of::<Dotted>())
            + self.shape.as_ref().map_or(0, |shape| shape.size())
            + self.chain.as_ref().map_or(0, |chain| chain.size())
            + size_of::<Dfa>()
    }

    /// Scans from a position.
    // A call costs less than what the caller's variables in the registers cost the loop.
    #[inline(never)]
    pub(super) fn scan(&self, text: &[u8], start: usize, leads: bool) -> Scan {
        let row = self.first_row(text, start);
        let (mut from, mut at) = (row, start);
        if let Some(dotted) = &self.dotted
            && dotted.row == row
            && let Some(found) = dotted.find(text, start)
        {
            match found {
                Found::All(end) => return Scan { end, read: end << 1 },
                Found::Three(end) => (from, at) = (dotted.target, end),
            }
        } else if leads
            && let Some(lead) = &self.lead
            && lead.row == row
            && let Some(end) = lead.end(text, start)
        {
            return Scan { end, read: end << 1 };
        } else if let Some(shape) = &self.shape
            && shape.row == row
            && shape.is_at(text, start)
        {
            (from, at) = (shape.target, start + shape.length);
        } else if let Some(chain) = &self.chain
            && chain.row == row
            && let Some(scan) = chain.scan(self, text, start)
        {
            return scan;
        }
        self.walk(text, from, at)
    }

    /// Where it ends, if it is a run with what usually comes after; the byte before is one of those that [`Dfa::leads_after`] was
    /// asked about. Whether what is there may come is not asked, if that is `checked` otherwise.
    #[inline(always)]
    pub(super) fn lead_end(&self, text: &[u8], start: usize, checked: bool) -> Option<usize> {
        let lead = self.lead.as_ref()?;
        if checked { lead.end_anyhow(text, start) } else { lead.end(text, start) }
    }

    /// Whether the shortcut over a run may end before a byte.
    pub(super) fn lead_before(&self, byte: u8) -> bool {
        self.lead.as_ref().is_some_and(|lead| lead.may_come(byte))
    }

    /// Whether there is a shortcut over a run, whichever of these bytes comes before; of all of them, the beginning of the text is one.
    pub(super) fn leads_after(&self, behind: ByteSet) -> bool {
        let first = |byte: u8| self.starts[usize::from(self.classes[usize::from(byte)])];
        self.lead.as_ref().is_some_and(|lead| {
            let beginning = behind == ByteSet::FULL && self.starts[self.end_class] != lead.row;
            !beginning && behind.iter().all(|byte| first(byte) == lead.row)
        })
    }

    /// The end that it finds from a position, of an automaton that never has several, if it is found without ado: byte by byte, or with
    /// the shortcut that is usual for it.
    #[inline(always)]
    pub(super) fn only_end(&self, text: &[u8], start: usize, usual: Usual) -> Option<usize> {
        match usual {
            Usual::Nothing => self.byte_by_byte(text, start),
            Usual::Dotted => self.after_numbers(text, start),
            Usual::Shape => self.after_fields(text, start),
        }
    }

    #[inline(never)]
    fn byte_by_byte(&self, text: &[u8], start: usize) -> Option<usize> {
        self.go_on(text, self.first_row(text, start), start)
    }

    #[inline(never)]
    fn after_numbers(&self, text: &[u8], start: usize) -> Option<usize> {
        let dotted = self.dotted.as_ref().filter(|dotted| dotted.row == self.first_row(text, start))?;
        match dotted.find(text, start)? {
            Found::All(end) => Some(end),
            Found::Three(end) => self.go_on(text, dotted.target, end),
        }
    }

    #[inline(never)]
    fn after_fields(&self, text: &[u8], start: usize) -> Option<usize> {
        let shape = self.shape.as_ref().filter(|shape| shape.row == self.first_row(text, start))?;
        match shape.is_at(text, start) {
            true => self.go_on(text, shape.target, start + shape.length),
            false => self.go_on(text, shape.row, start),
        }
    }

    /// The class of a byte, or of the end of the text.
    #[inline(always)]
    fn class(&self, byte: Option<u8>) -> usize {
        byte.map_or(self.end_class, |byte| usize::from(self.classes[usize::from(byte)]))
    }

    #[inline(always)]
    fn first_row(&self, text: &[u8], start: usize) -> u32 {
        let before = if start == 0 { self.end_class } else { usize::from(self.classes[usize::from(text[start - 1])]) };
        self.starts[before]
    }

    /// Goes on from a state, where there are never several ends; long runs are not for it.
    #[inline(always)]
    fn go_on(&self, text: &[u8], row: u32, start: usize) -> Option<usize> {
        let table = self.table.as_slice();
        let (mut row, mut at) = (row as usize, start);
        let mut end = None;
        loop {
            let entry = table[row + self.class(text.get(at).copied())];
            if entry > ROW {
                if entry & ENDS != 0 {
                    end = Some(at);
                }
                match entry & (DEAD | UNSURE | RUNS) {
                    0 => {}
                    DEAD => return end,
                    _ => return None,
                }
            }
            row = (entry & ROW) as usize;
            at += 1;
        }
    }

    /// The shortcut that is usual for it; nothing where that is another one, or where there can be several ends.
    pub(super) fn usual(&self, led: bool) -> Option<Usual> {
        match (&self.dotted, &self.shape, &self.lead, &self.chain) {
            _ if self.several => None,
            (Some(_), ..) => Some(Usual::Dotted),
            (None, Some(_), ..) => Some(Usual::Shape),
            (None, None, None, None) => Some(Usual::Nothing),
            (None, None, Some(_), None) if led => Some(Usual::Nothing),
            _ => None,
        }
    }

    /// Adds the shortcuts from a state of the automaton of a node. Each is found by asking the automaton, so none changes what it
    /// finds.
    fn with_shortcuts(mut self, node: &Node, row: u32, follow: Follow) -> Dfa {
        self.dotted = Dotted::new(&self, row).map(Box::new);
        self.lead = Lead::new(&self, row, follow).map(Box::new);
        if self.lead.is_none() && self.dotted.is_none() {
            self.shape = Shape::new(&self, row, &fields(node)).map(Box::new);
        }
        if self.dotted.is_none() && self.shape.is_none() {
            self.chain = Chain::new(&self, row).map(Box::new);
        }
        self
    }

    /// Whether there are shortcuts: over a run, over numbers with marks, over fields, over words with marks.
    #[cfg(test)]
    pub(super) fn shortcuts(&self) -> [bool; 4] {
        [self.lead.is_some(), self.dotted.is_some(), self.shape.is_some(), self.chain.is_some()]
    }

    /// Walks on from a state at a position; nothing has ended before it.
    #[inline(always)]
    fn walk(&self, text: &[u8], row: u32, start: usize) -> Scan {
        let table = self.table.as_slice();
        let classes = &self.classes;
        let mut row = row as usize;
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
            if entry & (ENDS | DEAD | OTHERS | UNSURE) == ENDS | DEAD && end == NOWHERE {
                return Scan { end: at, read: at << 1 };
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
            if entry & RUNS != 0
                && let Some(own) = self.runs.iter().find(|run| run.row as usize == row)
            {
                let stop = bytes_end(text, at, &own.bytes);
                if own.flags & ENDS != 0 && stop > at {
                    others |= end != NOWHERE || stop - at > 1 || own.flags & OTHERS != 0;
                    end = stop - 1;
                }
                at = stop;
            }
        }
    }
}
