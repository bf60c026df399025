//! What follows from the outcome of a whole request.

use super::items::Refusal;
use super::lane::{Suspect, cut_to_live};
use super::{Dispatch, Effect, Outcome, Queued, Request, RequestId};
use crate::bulk::{Class, ErrorCause, HoldReason, Item, RequestClass, classify_item, classify_request};
use crate::clock::Moment;
use crate::planted::is_planted;
use crate::record::HoldingId;

impl Dispatch {
    pub(super) fn answered(&mut self, now: Moment, id: RequestId, outcome: Outcome, effects: &mut Vec<Effect>) {
        // One that is looked up was answered before.
        if self.requests.get(&id).is_none_or(|request| request.looks_up) {
            return;
        }
        let Some(request) = self.requests.remove(&id) else { return };
        if let Some(lane) = self.lanes.get_mut(&request.bulk.index) {
            lane.sending -= 1;
            lane.hangs = matches!(outcome, Outcome::Unknown(_));
        }
        match outcome {
            Outcome::Answer(answer)
                if answer.items.len() == request.bulk.documents.len() || is_planted("ShortZipped") =>
            {
                self.reopen(now, effects);
                self.items(now, id, request, &answer, effects);
            }
            Outcome::Answer(answer) => {
                let (items, documents) = (answer.items.len(), request.bulk.documents.len());
                let why = format!("an answer with {items} items to {documents} documents");
                self.unknown(now, request, why, effects);
            }
            Outcome::NotSent(why) => {
                self.close(now, true, why, effects);
                self.put_back(request.again());
            }
            Outcome::Unknown(why) => self.silent(now, request, why, effects),
            Outcome::Status(status, error) => self.refused(now, request, status, error.as_ref(), effects),
        }
    }

    /// Nobody knows what was done: the same ids again. What was done is in their way then, and is looked up.
    fn unknown(&mut self, now: Moment, request: Request, why: String, effects: &mut Vec<Effect>) {
        self.limit.overloaded(now, now.since(request.sent_at));
        self.close(now, true, why, effects);
        self.put_back(request.again());
    }

    /// Nothing came back. If others were answered meanwhile, it is a matter of this index alone; in any case it is asked by one
    /// request at a time from now on, so that it can't take what others need.
    fn silent(&mut self, now: Moment, request: Request, why: String, effects: &mut Vec<Effect>) {
        let random = self.chance.bits();
        if let Some(lane) = self.lanes.get_mut(&request.bulk.index) {
            lane.backs_off(now, request.sent_at, self.settings.backoff, random);
        }
        if self.silence.heard_others(now, request.sent_at) {
            self.put_back(request.again());
        } else {
            self.unknown(now, request, why, effects);
        }
    }

    fn refused(
        &mut self,
        now: Moment,
        request: Request,
        status: u16,
        error: Option<&ErrorCause>,
        effects: &mut Vec<Effect>,
    ) {
        let told = error.map(|error| format!("{}: {}", error.kind, error.reason)).unwrap_or_default();
        let why = format!("status {status} {told}");
        match classify_request(status, error) {
            RequestClass::Items | RequestClass::Unknown => self.unknown(now, request, why, effects),
            RequestClass::Refused | RequestClass::Security => {
                if status == 429 {
                    self.limit.overloaded(now, now.since(request.sent_at));
                }
                self.close(now, true, why, effects);
                self.put_back(request.again());
            }
            RequestClass::Hold(reason) => {
                self.reopen(now, effects);
                self.hold(now, &request.bulk.index, Refusal::of_all(&request, reason, &why), effects);
                self.put_back(request.again());
            }
            RequestClass::TooLarge | RequestClass::BadRequest if request.bulk.documents.len() > 1 => {
                self.reopen(now, effects);
                let half = request.bulk.documents.len() / 2;
                let all: Vec<usize> = (0..request.bulk.documents.len()).collect();
                let Request { bulk, attempt, order, suspect, .. } = request;
                let from = if is_planted("FirstHalfAgain") { 0 } else { half };
                let to = if is_planted("SecondHalfLost") { half } else { all.len() };
                let [first, second] = self.divide(bulk, [&all[..half], &all[from..to]], Vec::new(), effects);
                for bulk in [second, first].into_iter().flatten() {
                    self.put_back(Queued { bulk, attempt, order, suspect });
                }
            }
            RequestClass::TooLarge => {
                self.reopen(now, effects);
                let [] = self.divide(request.bulk, [], vec![(0, why)], effects);
            }
            RequestClass::BadRequest => {
                self.reopen(now, effects);
                if error.is_some_and(documents_fault) {
                    let [] = self.divide(request.bulk, [], vec![(0, why)], effects);
                } else {
                    let refusal = Refusal::of_all(&request, HoldReason::Unknown, &why);
                    let at = self.hold(now, &request.bulk.index, refusal, effects);
                    self.put_last(now, at, request.again());
                }
            }
        }
    }

    pub(super) fn is_live(&self, holding: HoldingId) -> bool {
        self.live.contains(&holding)
    }

    /// Back to the front of its lane, among others that were put back in the order in which they were submitted.
    pub(super) fn put_back(&mut self, queued: Queued) {
        let Some(bulk) = cut_to_live(queued.bulk, &self.live) else { return };
        let lane = self.lanes.entry(std::sync::Arc::clone(&bulk.index)).or_default();
        let at = lane.queue.partition_point(|other| other.order < queued.order);
        lane.queue.insert(at, Queued { bulk, ..queued });
    }

    /// Behind everything that waits in its lane, and not before `at`: what nobody knows the fault of must not keep the index from those who
    /// may have none.
    pub(super) fn put_last(&mut self, now: Moment, at: Moment, queued: Queued) {
        let order = self.next_order;
        self.next_order += 1;
        let (since, tries) = queued.suspect.map_or((now, 0), |before| (before.since, before.tries.saturating_add(1)));
        self.put_back(Queued { order, suspect: Some(Suspect { since, refused: now, at, tries }), ..queued });
    }
}

/// True if a bisected request's single document is to blame for a 400.
fn documents_fault(error: &ErrorCause) -> bool {
    let item = Item { status: 400, error: Some(Box::new(error.clone())), ..Default::default() };
    classify_item(&item) == Class::Document
}
