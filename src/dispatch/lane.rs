//! One lane: the requests of one index, waiting in order, and whether the index takes them.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::{Effect, Notice};
use crate::backoff::Backoff;
use crate::bulk::{Bulk, HoldReason};
use crate::clock::Moment;
use crate::planted::is_planted;
use crate::record::HoldingId;

/// A bulk that waits, and how often it was tried.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) bulk: Bulk,
    pub(super) attempt: u32,
    /// Its place in the order of submission.
    pub(super) order: u64,
    /// Since when it has been refused for a reason that nobody knows: the index may be to blame, or its documents.
    pub(super) suspect: Option<Moment>,
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

/// The holdings that are not over.
pub(super) type Live = HashSet<HoldingId, foldhash::fast::RandomState>;

/// What a lane has to give.
pub(super) enum Next {
    Nothing,
    Check,
    Send(Queued),
}

/// Why and since when a lane is held.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) reason: HoldReason,
    pub(super) why: String,
    pub(super) since: Moment,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) state: LaneState,
    pub(super) queue: VecDeque<Queued>,
    /// Nothing is sent before this moment.
    pub(super) not_before: Option<Moment>,
    /// Requests under way.
    pub(super) sending: usize,
    held: Option<Held>,
    /// How often in a row the index refused.
    pub(super) refusals: u32,
    /// It is one of the indices that may be made within the hour.
    pub(super) may_be_made: bool,
    /// When it last had something to do.
    pub(super) used: Moment,
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
            may_be_made: false,
            used: Moment::default(),
        }
    }
}

impl Lane {
    pub(super) fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    pub(super) fn wake_at(&self) -> Option<Moment> {
        match self.state {
            LaneState::Unchecked { at } => Some(at),
            LaneState::Checking => None,
            LaneState::Free | LaneState::Concrete => self.not_before,
        }
    }

    /// The name may be written to: what was said against it before is over.
    pub(super) fn becomes(&mut self, state: LaneState, index: &Arc<str>, effects: &mut Vec<Effect>) {
        self.state = state;
        let of_name = |held: &Held| matches!(held.reason, HoldReason::NotConcrete | HoldReason::TooManyNew);
        if self.held.as_ref().is_some_and(of_name) {
            self.release(index, false, effects);
        }
    }

    /// Notes that the index refuses; told when that is new.
    pub(super) fn hold(
        &mut self,
        now: Moment,
        index: &Arc<str>,
        (reason, why): (HoldReason, &str),
        effects: &mut Vec<Effect>,
    ) {
        self.refusals = self.refusals.saturating_add(1);
        let since = self.held.as_ref().map_or(now, |held| held.since);
        let before = self.held.replace(Held { reason, why: why.to_owned(), since });
        if before.is_none_or(|before| before.reason != reason) {
            effects.push(Effect::Tell(Notice::Held(Arc::clone(index), reason, why.to_owned())));
        }
    }

    /// Notes that a request did not come back. Those that were out together count once.
    pub(super) fn backs_off(&mut self, now: Moment, backoff: Backoff, random: u64) {
        if self.not_before.is_none_or(|at| at <= now) {
            self.refusals = self.refusals.saturating_add(1);
            self.not_before = Some(now + backoff.delay(self.refusals - 1, random));
        }
    }

    /// True if something waits that was refused for a reason that nobody knows.
    pub(super) fn has_suspects(&self) -> bool {
        self.queue.iter().any(|queued| queued.suspect.is_some())
    }

    /// Notes that the index took something. It counts as held as long as `suspects` of it are sent again and again.
    pub(super) fn release(&mut self, index: &Arc<str>, suspects: bool, effects: &mut Vec<Effect>) {
        self.refusals = 0;
        self.not_before = None;
        if !suspects && self.held.take().is_some() {
            effects.push(Effect::Tell(Notice::Released(Arc::clone(index))));
        }
    }

    /// The next thing to do, if the lane may do anything now.
    pub(super) fn next(&mut self, now: Moment, live: &Live) -> Next {
        if self.queue.is_empty() {
            return Next::Nothing;
        }
        self.used = now;
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
        // And mostly not by what may itself be to blame.
        let innocent = || self.queue.iter().position(|queued| queued.suspect.is_none());
        let mut at = if self.refusals > 0 { innocent().unwrap_or(0) } else { 0 };
        while let Some(queued) = self.queue.remove(std::mem::take(&mut at)) {
            if let Some(bulk) = cut_to_live(queued.bulk, live) {
                self.not_before = None;
                self.sending += 1;
                return Next::Send(Queued { bulk, ..queued });
            }
        }
        Next::Nothing
    }

    /// When something that waits has been refused for so long that it is given up, if that is the policy.
    pub(super) fn given_up_at(&self, after: Duration) -> Option<Moment> {
        let suspect = self.queue.iter().filter_map(|queued| queued.suspect).min();
        Some(suspect.or(self.held.as_ref().map(|held| held.since))? + after)
    }

    /// Drops what waits for holdings that are over.
    pub(super) fn forget(&mut self, live: &Live) {
        let queue = std::mem::take(&mut self.queue);
        if is_planted("ForgetLanes") {
            return;
        }
        let cut = |queued: Queued| Some(Queued { bulk: cut_to_live(queued.bulk, live)?, ..queued });
        self.queue = queue.into_iter().filter_map(cut).collect();
    }
}

/// Leaves only documents of live holdings in a bulk, if there are any.
pub(super) fn cut_to_live(bulk: Bulk, live: &Live) -> Option<Bulk> {
    if is_planted("SendForOver") {
        return Some(bulk);
    }
    let lives = |bulk: &Bulk, batch: usize| live.contains(&bulk.batches[batch].records.origin().holding);
    if (0..bulk.batches.len()).all(|batch| lives(&bulk, batch)) {
        return Some(bulk).filter(|bulk| !bulk.documents.is_empty());
    }
    let keep: Vec<usize> =
        (0..bulk.documents.len()).filter(|index| lives(&bulk, bulk.documents[*index].batch as usize)).collect();
    if keep.len() < bulk.documents.len() {
        return bulk.divide(&[&keep], &[]).pop().flatten();
    }
    Some(bulk)
}
