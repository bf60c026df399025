//! The items of an answer: every one is looked at, and each document leaves by exactly one door: settled, dead letter, look-up,
//! or back to its lane.

use std::sync::Arc;

use super::lane::{LaneState, Suspect};
use super::{Dispatch, Effect, LookUp, Queued, Request, RequestId};
use crate::bulk::{Answer, Bulk, Class, HoldReason, Settlement, classify_item};
use crate::clock::Moment;
use crate::dead_letter::Letter;
use crate::planted::is_planted;
use crate::record::{DropReason, Fate, Rejection, Stage};

/// What an answer's items come to.
#[derive(Default)]
struct Sorted {
    settled: Vec<Settlement>,
    conflicts: Vec<usize>,
    again: Vec<usize>,
    /// For `hold`.
    held: Vec<usize>,
    rejected: Vec<(usize, String)>,
    hold: Option<(HoldReason, String)>,
    /// Something was refused for now.
    refused: bool,
    /// As too much.
    overloaded: bool,
    /// A document is there, so the index is.
    exists: bool,
}

impl Dispatch {
    pub(super) fn items(
        &mut self,
        now: Moment,
        id: RequestId,
        request: Request,
        answer: &Answer,
        effects: &mut Vec<Effect>,
    ) {
        let Request { bulk, attempt, order, suspect, sent_at, under_way, .. } = request;
        let sorted = sort(&bulk, answer, effects);
        let (index, worker) = (Arc::clone(&bulk.index), bulk.worker);
        let took = now.since(sent_at);
        if sorted.overloaded {
            self.limit.overloaded(now, took);
        } else if !sorted.refused {
            self.limit.answered(now, took, bulk.body.len(), under_way);
            self.silence.took(took);
        }
        let suspects = self.has_suspects(&index);
        let mut tried_at = now;
        if let Some((reason, why)) = &sorted.hold {
            let refusal = Refusal { reason: *reason, why, sent_at, suspect, took: sorted.exists, busy: sorted.refused };
            tried_at = self.hold(now, &index, refusal, effects);
        } else if let Some(lane) = self.lanes.get_mut(&index) {
            if sorted.refused {
                if sorted.exists {
                    lane.takes_some();
                }
                lane.backs_off(now, sent_at, self.settings.backoff, self.chance.bits());
            } else {
                lane.release(&index, suspects, effects);
            }
        }
        if let Some(lane) = self.lanes.get_mut(&index) {
            // A shard that is away is waited for as long as an answer may take.
            lane.hangs |= sorted.refused && self.silence.is_late(sent_at, now);
            if sorted.exists && lane.state == LaneState::Free {
                lane.state = LaneState::Unchecked { at: now };
            }
        }
        let parts = [&*sorted.again, &*sorted.held, &*sorted.conflicts];
        let [again_bulk, held, conflicts] = self.divide(bulk, parts, sorted.rejected, effects);
        if !sorted.settled.is_empty() {
            effects.push(Effect::Settle(worker, sorted.settled));
        }
        let again = |bulk| Queued { bulk, attempt: attempt + 1, order, suspect };
        if let Some(held) = held.map(again) {
            match sorted.hold {
                Some((reason, _)) if reason.may_be_of_documents() => self.put_last(now, tried_at, held),
                _ => self.put_back(held),
            }
        }
        if let Some(again) = again_bulk.map(again) {
            self.put_back(again);
        }
        if let Some(bulk) = conflicts {
            self.queue_look_up(LookUp { at: now, id, bulk, attempt: 0, order });
        }
    }

    /// Divides a bulk into what is gone on with, and letters. What is neither has been settled, and frees its slots.
    pub(super) fn divide<const N: usize>(
        &self,
        bulk: Bulk,
        parts: [&[usize]; N],
        rejected: Vec<(usize, String)>,
        effects: &mut Vec<Effect>,
    ) -> [Option<Bulk>; N] {
        // The next owner of a partition that is gone will send, and reject, its documents itself.
        let live =
            |(index, _): &(usize, String)| self.is_live(bulk.batch(&bulk.documents[*index]).records.origin().holding);
        let rejected: Vec<_> = rejected.into_iter().filter(live).collect();
        let taken: Vec<usize> = rejected.iter().map(|(index, _)| *index).collect();
        let letters = rejected.into_iter().map(|(index, reason)| {
            let document = bulk.documents[index];
            let rejection = Rejection { stage: Stage::Elasticsearch, reason, index: Some(bulk.index.to_string()) };
            let (batch, record, sub) = (Arc::clone(bulk.batch(&document)), document.record, document.sub);
            Effect::Letter(Letter { worker: bulk.worker, batch, record, sub, rejection })
        });
        effects.extend(letters);
        let mut divided = bulk.divide(&parts, &taken).into_iter();
        std::array::from_fn(|_| divided.next().flatten())
    }

    /// Notes a refusal, and gives when it may be tried again. What may be its own fault keeps others waiting only as long as nobody knows
    /// whether the index takes them.
    pub(super) fn hold(
        &mut self,
        now: Moment,
        index: &Arc<str>,
        refusal: Refusal<'_>,
        effects: &mut Vec<Effect>,
    ) -> Moment {
        let random = self.chance.bits();
        let Refusal { reason, why, sent_at, suspect, took, busy } = refusal;
        let lane = self.lanes.entry(Arc::clone(index)).or_default();
        if took {
            lane.release(index, true, effects);
        }
        let its_own = took || (suspect.is_some() && lane.refusals == 0);
        if reason.may_be_of_documents() && its_own {
            lane.is_held(index, (reason, why), effects);
            if busy {
                lane.backs_off(now, sent_at, self.settings.backoff, random);
            }
            return now + self.settings.hold.delay(suspect.map_or(0, |suspect| suspect.tries + 1), random);
        }
        lane.hold((now, sent_at), index, (reason, why), effects);
        lane.waits_until(now + self.settings.hold.delay(lane.refusals - 1, random))
    }
}

/// What is refused in a way that holds its index.
pub(super) struct Refusal<'a> {
    pub(super) reason: HoldReason,
    pub(super) why: &'a str,
    pub(super) sent_at: Moment,
    /// It was so before.
    pub(super) suspect: Option<Suspect>,
    /// The same answer shows that the index takes others.
    pub(super) took: bool,
    /// Something else was refused for now.
    pub(super) busy: bool,
}

impl<'a> Refusal<'a> {
    /// Of a whole request.
    pub(super) fn of_all(request: &Request, reason: HoldReason, why: &'a str) -> Self {
        Self { reason, why, sent_at: request.sent_at, suspect: request.suspect, took: false, busy: false }
    }
}

fn sort(bulk: &Bulk, answer: &Answer, effects: &mut Vec<Effect>) -> Sorted {
    let mut sorted = Sorted { settled: Vec::with_capacity(bulk.documents.len()), ..Sorted::default() };
    let mut counts = [0_usize; 6];
    for (index, (document, item)) in bulk.documents.iter().zip(&answer.items).enumerate() {
        let error = || item.error.as_deref().map(|error| format!("{}: {}", error.kind, error.reason));
        let mut settle = |fate| sorted.settled.push(bulk.settlement(document, fate));
        let class = match classify_item(item) {
            Class::Indexed => {
                settle(Fate::Indexed);
                sorted.exists = true;
                0
            }
            Class::Conflict if is_planted("ConflictUnverified") => {
                settle(Fate::Duplicate);
                1
            }
            Class::Conflict => {
                sorted.conflicts.push(index);
                sorted.exists = true;
                1
            }
            Class::DroppedByServer => {
                settle(Fate::Dropped(DropReason::ServerPipeline));
                2
            }
            Class::Retry => {
                sorted.again.push(index);
                sorted.refused = true;
                sorted.overloaded |= item.status == 429;
                3
            }
            Class::Document => {
                let why = error().unwrap_or_else(|| "it went to the index's failure store".to_owned());
                sorted.rejected.push((index, why));
                4
            }
            Class::Hold(reason) => {
                sorted.held.push(index);
                if sorted.hold.is_none() {
                    sorted.hold = Some((reason, error().unwrap_or_else(|| format!("status {}", item.status))));
                }
                5
            }
        };
        counts[class] += 1;
    }
    const CLASSES: [&str; 6] = ["indexed", "conflict", "dropped", "retry", "document", "hold"];
    effects
        .extend(CLASSES.iter().zip(counts).filter(|(_, count)| *count > 0).map(|(class, n)| Effect::Judged(class, n)));
    sorted
}
