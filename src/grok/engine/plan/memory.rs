//! What a walk remembers: the newest ways that are still open, and where groups begin.

use super::super::program::Place;
use super::MOST_GROUPS;

/// How many open ways are remembered.
const MOST_OPEN: usize = 8;

/// What walks need besides: kept from one to the next.
#[derive(Debug)]
pub(in super::super) struct Memory {
    /// How often walks may still fail.
    pub(in super::super) failures: u32,
    /// How many ways were left open, and how many of these are done with.
    newest: usize,
    oldest: usize,
    /// Some of these were not looked at.
    forgot: bool,
    /// The newest open ways, one over the other.
    open: [Open; MOST_OPEN],
    /// Where groups begin that may end later.
    starts: [u32; MOST_GROUPS],
}

impl Default for Memory {
    fn default() -> Memory {
        let open = [Open::default(); MOST_OPEN];
        Memory { failures: 0, newest: 0, oldest: 0, forgot: false, open, starts: [0; MOST_GROUPS] }
    }
}

/// A way that is still open: a step, a position, for runs that can be shorter how short, and the first group that is void then.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Open {
    pub(super) step: Place,
    pub(super) at: u32,
    pub(super) low: u32,
    pub(super) clear: u32,
}

impl Memory {
    /// Nothing is open.
    #[inline(always)]
    pub(super) fn begin_anew(&mut self) {
        (self.newest, self.oldest, self.forgot) = (0, 0, false);
    }

    /// Whether something was open that is no longer known.
    #[inline(always)]
    pub(super) fn forgot(&self) -> bool {
        self.forgot
    }

    /// How short a run can be, of the open way that was taken last.
    pub(super) fn lowest(&self) -> usize {
        self.open[self.newest % MOST_OPEN].low as usize
    }

    #[inline(always)]
    pub(super) fn open(&mut self, open: Open) {
        self.open[self.newest % MOST_OPEN] = open;
        self.newest += 1;
        if self.newest - self.oldest > MOST_OPEN {
            self.oldest += 1;
            self.forgot = true;
        }
    }

    /// Takes the newest open way.
    #[inline(always)]
    pub(super) fn last(&mut self) -> Option<Open> {
        if self.newest == self.oldest {
            return None;
        }
        self.newest -= 1;
        Some(self.open[self.newest % MOST_OPEN])
    }

    /// Nothing before here can be gone back to.
    pub(super) fn forget(&mut self) {
        self.forgot |= self.newest != self.oldest;
        self.oldest = self.newest;
    }

    /// A group begins, if anybody asks for it.
    #[inline(always)]
    pub(super) fn begin(&mut self, group: u32, at: usize) {
        if let Some(start) = self.starts.get_mut(group as usize) {
            *start = at as u32;
        }
    }

    /// Where a group began, if anybody asks for it.
    #[inline(always)]
    pub(super) fn start(&self, group: u32) -> usize {
        self.starts.get(group as usize).map_or(0, |start| *start as usize)
    }
}
