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
    /// It has been refused for a reason that may be its own: the index may be to blame, or its documents.
    pub(super) suspect: Option<Suspect>,
}

/// What may itself be to blame for its refusal has times of its own, so that others need not wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Suspect {
    /// When it was refused first.
    pub(super) since: Moment,
    /// When it was refused last.
    pub(super) refused: Moment,
    /// It is not sent before this.
    pub(super) at: Moment,
    /// How often it has been sent again.
    pub(super) tries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LaneState {
    /// Nobody asked yet, or not since the moment, what the name stands for.
    Unchecked {
        at: Moment,
    },
    Checking {
        since: Moment,
    },
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

/// Why a lane is held.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) reason: HoldReason,
    pub(super) why: String,
}

/// Since when an index has refused all that it was given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusing {
    since: Moment,
    /// Since when for reasons that are no document's own, and no others.
    itself: Option<Moment>,
    /// Once more in this step.
    again: bool,
}

/// What an index has refused for long enough to be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooLong {
    /// What was refused in this step, and may be to blame itself.
    Refused,
    /// All that was refused for so long, and may be to blame itself: the index has taken nothing else.
    Tried,
    /// All that waits.
    All,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) state: LaneState,
    pub(super) queue: VecDeque<Queued>,
    /// Nothing is sent before this moment.
    not_before: Option<Moment>,
    /// Requests under way.
    pub(super) sending: usize,
    held: Option<Held>,
    refusing: Option<Refusing>,
    /// How often in a row the index refused, and when the last of these was.
    pub(super) refusals: u32,
    refused: Moment,
    /// The last request did not come back.
    pub(super) hangs: bool,
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
            refusing: None,
            refusals: 0,
            refused: Moment::default(),
            hangs: false,
            may_be_made: false,
            used: Moment::default(),
        }
    }
}

impl Lane {
    pub(super) fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// What the name stands for is known, and it may be written to.
    pub(super) fn is_checked(&self) -> bool {
        matches!(self.state, LaneState::Free | LaneState::Concrete)
    }

    pub(super) fn is_asked_about(&self) -> bool {
        matches!(self.state, LaneState::Checking { .. })
    }

    /// The next moment after `stepped` at which it may do something.
    pub(super) fn wake_at(&self, stepped: Moment) -> Option<Moment> {
        match self.state {
            LaneState::Unchecked { at } => Some(at).filter(|at| *at > stepped),
            LaneState::Checking { .. } => None,
            LaneState::Free | LaneState::Concrete => {
                let suspects = self.queue.iter().filter(|_| self.held.is_some()).filter_map(|queued| queued.suspect);
                let suspects = suspects.map(|suspect| self.not_before.map_or(suspect.at, |at| at.max(suspect.at)));
                self.not_before.into_iter().chain(suspects).filter(|at| *at > stepped).min()
            }
        }
    }

    /// The name may be written to: what was said against it before is over.
    pub(super) fn becomes(&mut self, state: LaneState, index: &Arc<str>, effects: &mut Vec<Effect>) {
        self.state = state;
        let of_name = |held: &Held| matches!(held.reason, HoldReason::NotConcrete | HoldReason::TooManyNew);
        if self.held.as_ref().is_some_and(of_name) {
            self.release(index, self.has_suspects(), effects);
        }
    }

    /// Notes that the index refuses what was sent at a moment; told when that is new.
    pub(super) fn hold(
        &mut self,
        (now, sent_at): (Moment, Moment),
        index: &Arc<str>,
        (reason, why): (HoldReason, &str),
        effects: &mut Vec<Effect>,
    ) {
        self.counts(now, sent_at);
        let before = self.refusing;
        let since = before.map_or(now, |refusing| refusing.since);
        let itself = before.and_then(|refusing| refusing.itself).unwrap_or(now);
        let itself = (!reason.may_be_of_documents()).then_some(itself);
        self.refusing = Some(Refusing { since, itself, again: true });
        self.is_held(index, (reason, why), effects);
    }

    /// Counts as held from now on; told when that is new.
    pub(super) fn is_held(&mut self, index: &Arc<str>, (reason, why): (HoldReason, &str), effects: &mut Vec<Effect>) {
        let before = self.held.replace(Held { reason, why: why.to_owned() });
        if before.is_none_or(|before| before.reason != reason) {
            effects.push(Effect::Tell(Notice::Held(Arc::clone(index), reason, why.to_owned())));
        }
    }

    /// Counts a refusal of what was sent at a moment; those that were out together count once. True if it counts.
    fn counts(&mut self, now: Moment, sent_at: Moment) -> bool {
        let counts = self.refusals == 0 || sent_at > self.refused;
        if counts {
            self.refusals = self.refusals.saturating_add(1);
            self.refused = now;
        }
        counts
    }

    /// Waits after a request that was refused for now, or did not come back.
    pub(super) fn backs_off(&mut self, now: Moment, sent_at: Moment, backoff: Backoff, random: u64) {
        if self.counts(now, sent_at) {
            self.waits_until(now + backoff.delay(self.refusals - 1, random));
        }
    }

    /// Sends nothing before this moment. Gives before which it sends nothing: it may have been told a later one.
    pub(super) fn waits_until(&mut self, at: Moment) -> Moment {
        let at = self.not_before.map_or(at, |before| before.max(at));
        self.not_before = Some(at);
        at
    }

    /// True if something waits that was refused for a reason that nobody knows.
    pub(super) fn has_suspects(&self) -> bool {
        self.queue.iter().any(|queued| queued.suspect.is_some())
    }

    /// It does not refuse all.
    pub(super) fn takes_some(&mut self) {
        self.refusing = None;
    }

    /// Notes that the index took something. It counts as held as long as `suspects` of it are sent again and again.
    pub(super) fn release(&mut self, index: &Arc<str>, suspects: bool, effects: &mut Vec<Effect>) {
        self.refusals = 0;
        self.refusing = None;
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
            LaneState::Checking { .. } => return Next::Nothing,
            LaneState::Unchecked { at } if now < at => return Next::Nothing,
            LaneState::Unchecked { .. } => {
                self.state = LaneState::Checking { since: now };
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
        let due = |queued: &Queued| queued.suspect.is_none_or(|suspect| suspect.at <= now);
        let innocent = |queued: &Queued| queued.suspect.is_none();
        while let Some(at) =
            (self.queue.iter().position(|queued| innocent(queued) || (self.refusals == 0 && due(queued))))
                .or_else(|| self.queue.iter().position(due))
        {
            let queued = self.queue.remove(at).expect("its place was found just now");
            if let Some(bulk) = cut_to_live(queued.bulk, live) {
                self.not_before = None;
                self.sending += 1;
                return Next::Send(Queued { bulk, ..queued });
            }
        }
        Next::Nothing
    }

    /// What the index had been refusing for `after` already when it refused something in this step; told once. Nothing is given up by time
    /// alone: the cluster, or this process, may have been away.
    pub(super) fn refuses_too_long(&mut self, now: Moment, after: Duration) -> TooLong {
        let is_long = |since: Moment| since + after <= now;
        let Some(refusing) = &mut self.refusing else { return TooLong::Refused };
        match (std::mem::take(&mut refusing.again), refusing.itself) {
            (true, Some(since)) if is_long(since) => TooLong::All,
            (true, _) if is_long(refusing.since) => TooLong::Tried,
            _ => TooLong::Refused,
        }
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
