//! One lane: the requests of one index, waiting in order, and whether the index takes them.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::{Effect, Notice};
use crate::bulk::{Bulk, HoldReason};
use crate::clock::Moment;
use crate::record::HoldingId;

/// A bulk that waits, and how often it was tried.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) bulk: Bulk,
    pub(super) attempt: u32,
    /// Its place in the order of submission.
    pub(super) order: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LaneState {
    /// Nobody asked yet, or not since the moment, what the name stands for.
    Unchecked {
        at: Moment,
    },
    Checking,
    /// The name is free; the first success makes an index, which is checked then.
    Free,
    /// An index.
    Concrete,
}

/// What a lane has to give.
pub(super) enum Next {
    Nothing,
    Check,
    Send(Queued),
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) state: LaneState,
    pub(super) queue: VecDeque<Queued>,
    /// Nothing is sent before this moment.
    pub(super) not_before: Option<Moment>,
    /// Requests under way.
    pub(super) sending: usize,
    held: Option<HoldReason>,
    /// How often in a row the index refused.
    pub(super) refusals: u32,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            state: LaneState::Unchecked { at: Moment::default() },
            queue: VecDeque::new(),
            not_before: None,
            sending: 0,
            held: None,
            refusals: 0,
        }
    }
}

impl Lane {
    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    pub(super) fn wake_at(&self) -> Option<Moment> {
        match self.state {
            LaneState::Unchecked { at } => Some(at),
            LaneState::Checking => None,
            LaneState::Free | LaneState::Concrete => self.not_before,
        }
    }

    pub(super) fn concrete(&mut self, effects: &mut Vec<Effect>, index: &Arc<str>) {
        self.state = LaneState::Concrete;
        if self.held == Some(HoldReason::NotConcrete) {
            self.release(index, effects);
        }
    }

    pub(super) fn free(&mut self) {
        self.state = LaneState::Free;
    }

    /// Notes that the index refuses; told when that is new.
    pub(super) fn hold(&mut self, index: &Arc<str>, reason: HoldReason, why: &str, effects: &mut Vec<Effect>) {
        self.refusals = self.refusals.saturating_add(1);
        if self.held.replace(reason) != Some(reason) {
            effects.push(Effect::Tell(Notice::Held(Arc::clone(index), reason, why.to_owned())));
        }
    }

    /// Notes that the index took something.
    pub(super) fn release(&mut self, index: &Arc<str>, effects: &mut Vec<Effect>) {
        self.refusals = 0;
        self.not_before = None;
        if self.held.take().is_some() {
            effects.push(Effect::Tell(Notice::Released(Arc::clone(index))));
        }
    }

    /// The next thing to do, if the lane may do anything now.
    pub(super) fn next(&mut self, now: Moment, live: &HashSet<HoldingId>) -> Next {
        if self.queue.is_empty() {
            return Next::Nothing;
        }
        match self.state {
            LaneState::Checking => return Next::Nothing,
            LaneState::Unchecked { at } if now < at => return Next::Nothing,
            LaneState::Unchecked { .. } => {
                self.state = LaneState::Checking;
                return Next::Check;
            }
            // Several first requests at once would make several indices of a name only if that were possible; but one
            // is enough to learn what the name becomes.
            LaneState::Free if self.sending > 0 => return Next::Nothing,
            LaneState::Free | LaneState::Concrete => {}
        }
        let waits = self.not_before.is_some_and(|at| now < at);
        // While an index refuses, one request at a time asks whether it still does.
        if waits || (self.sending > 0 && self.refusals > 0) {
            return Next::Nothing;
        }
        while let Some(mut queued) = self.queue.pop_front() {
            if cut_to_live(&mut queued.bulk, live) {
                self.not_before = None;
                self.sending += 1;
                return Next::Send(queued);
            }
        }
        Next::Nothing
    }

    /// Drops what waits for holdings that are over.
    pub(super) fn forget(&mut self, live: &HashSet<HoldingId>) {
        self.queue.retain_mut(|queued| cut_to_live(&mut queued.bulk, live));
    }
}

/// Leaves only documents of live holdings in a bulk; false if none is left.
pub(super) fn cut_to_live(bulk: &mut Bulk, live: &HashSet<HoldingId>) -> bool {
    let lives = |bulk: &Bulk, batch: usize| live.contains(&bulk.batches[batch].records.origin().holding);
    if (0..bulk.batches.len()).all(|batch| lives(bulk, batch)) {
        return !bulk.documents.is_empty();
    }
    let keep: Vec<usize> =
        (0..bulk.documents.len()).filter(|index| lives(bulk, bulk.documents[*index].batch as usize)).collect();
    if keep.is_empty() {
        return false;
    }
    if keep.len() < bulk.documents.len() {
        *bulk = bulk.subset(&keep);
    }
    true
}
