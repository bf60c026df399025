//! What a run keeps to go back to.

use super::super::memo::Memo;
use super::super::program::Place;

/// How many frames the stack may have: 16 bytes each.
pub(super) const MOST_FRAMES: usize = 1 << 18;
/// With more than these, the stack is given back after the run.
pub(super) const KEPT_FRAMES: usize = 1 << 14;

/// What is done when a way fails.
#[derive(Clone, Copy, Debug)]
pub(super) enum Frame {
    /// Goes on there; groups from `clear` on have not matched.
    Branch { place: Place, at: u32, clear: u32 },
    /// Half a capture was this.
    Slot { slot: u32, old: u32 },
    /// A round of a loop had begun there.
    Register { register: u32, old: u32 },
    /// An atomic group or look-around began (at the operation `enter`).
    Barrier { enter: Place, at: u32, previous: u32 },
    /// Everything from this state on has failed.
    Key { key: u32, at: u32 },
    /// A run of characters, at the operation `place`, can be shorter: down to `low`.
    Star { place: Place, low: u32, high: u32 },
    /// The same, without memory.
    Counted { place: Place, low: u32, high: u32 },
    /// A greedy run can end before `high`, down to `low`.
    Greedy { place: Place, low: u32, high: u32 },
    /// A lazy run can go on.
    Lazy { place: Place, at: u32 },
    /// A look-behind can begin still further back.
    Back { place: Place, at: u32, more: u32 },
}

/// What a run needs besides the program: kept between runs, so that nothing is allocated.
#[derive(Debug, Default)]
pub(in super::super) struct Stack {
    pub(super) frames: Vec<Frame>,
    pub(super) slots: Vec<u32>,
    pub(in super::super) registers: Vec<u32>,
    pub(in super::super) memo: Memo,
    /// Steps that are left to those who go back. Where no more frames are left these are used up.
    pub(in super::super) steps: u64,
    /// Steps that are left to those who go on: look-ahead can read the same again and again without ever going back.
    pub(super) onward: u64,
}

impl Stack {
    /// Allows so many steps from now on.
    pub(in super::super) fn allow(&mut self, steps: u64) {
        (self.steps, self.onward) = (steps, steps);
    }

    /// Uses up steps.
    #[inline(always)]
    pub(super) fn spend(&mut self, steps: u64) {
        self.steps = self.steps.saturating_sub(steps);
        self.onward = self.onward.saturating_sub(steps);
    }

    /// Bytes that it occupies, about.
    pub(in super::super) fn size(&self) -> usize {
        let halves = self.slots.capacity() + self.registers.capacity();
        self.frames.capacity() * size_of::<Frame>() + halves * size_of::<u32>() + self.memo.size()
    }
}
