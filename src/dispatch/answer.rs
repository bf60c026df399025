//! What follows from an answer: every item is looked at, and each document leaves by exactly one door: settled, dead
//! letter, look-up, or back to the front of its lane.

use std::sync::Arc;

use super::lane::{LaneState, cut_to_live};
use super::{Dispatch, Effect, Found, Outcome, Queued, Request, RequestId};
use crate::bulk::{
    Answer, Bulk, Class, ErrorCause, HoldReason, RequestClass, Settlement, classify_item, classify_request, origin_json,
};
use crate::clock::Moment;
use crate::dead_letter::Letter;
use crate::record::{DropReason, Fate, HoldingId, Rejection, Stage};

/// What an answer's items come to.
#[derive(Default)]
struct Sorted {
    settled: Vec<Settlement>,
    conflicts: Vec<usize>,
    again: Vec<usize>,
    rejected: Vec<(usize, String)>,
    hold: Option<(HoldReason, String)>,
    overloaded: bool,
    /// A document is there, so the index is.
    exists: bool,
}

impl Dispatch {
    pub(super) fn answered(&mut self, now: Moment, id: RequestId, outcome: Outcome, effects: &mut Vec<Effect>) {
        // One that is being looked up was answered before.
        if self.requests.get(&id).is_none_or(|request| !request.conflicts.is_empty()) {
            return;
        }
        let Some(mut request) = self.requests.remove(&id) else { return };
        self.sending -= 1;
        if let Some(lane) = self.lanes.get_mut(&request.bulk.index) {
            lane.sending -= 1;
        }
        match outcome {
            Outcome::Answer(answer) if answer.items.len() == request.bulk.documents.len() => {
                self.reopen(effects);
                self.items(now, id, request, &answer, effects);
            }
            Outcome::Answer(answer) => {
                let (items, documents) = (answer.items.len(), request.bulk.documents.len());
                let why = format!("an answer with {items} items to {documents} documents");
                self.unknown(now, request, why, effects);
            }
            Outcome::NotSent(why) => {
                self.close(now, true, why, effects);
                request.attempt += 1;
                self.put_back(request);
            }
            Outcome::Unknown(why) => self.unknown(now, request, why, effects),
            Outcome::Status(status, error) => self.refused(now, request, status, error.as_ref(), effects),
        }
    }

    fn unknown(&mut self, now: Moment, mut request: Request, why: String, effects: &mut Vec<Effect>) {
        for document in &mut request.bulk.documents {
            document.unsure = true;
        }
        request.attempt += 1;
        self.close(now, true, why, effects);
        self.put_back(request);
    }

    fn refused(
        &mut self,
        now: Moment,
        mut request: Request,
        status: u16,
        error: Option<&ErrorCause>,
        effects: &mut Vec<Effect>,
    ) {
        let told = error.map(|error| format!("{}: {}", error.kind, error.reason)).unwrap_or_default();
        let why = format!("status {status} {told}");
        match classify_request(status, error) {
            RequestClass::Items | RequestClass::Unknown => self.unknown(now, request, why, effects),
            RequestClass::Refused | RequestClass::Security => {
                request.attempt += 1;
                self.close(now, true, why, effects);
                self.put_back(request);
            }
            RequestClass::Hold(reason) => {
                self.reopen(effects);
                self.hold(now, &request.bulk.index, reason, &why, effects);
                self.put_back(request);
            }
            RequestClass::TooLarge | RequestClass::BadRequest if request.bulk.documents.len() > 1 => {
                self.reopen(effects);
                let half = request.bulk.documents.len() / 2;
                let all: Vec<usize> = (0..request.bulk.documents.len()).collect();
                let second = request.bulk.subset(&all[half..]);
                let first = request.bulk.subset(&all[..half]);
                let Request { attempt, order, .. } = request;
                for bulk in [second, first] {
                    self.put_back(Request { bulk, attempt, order, conflicts: Vec::new() });
                }
            }
            RequestClass::TooLarge => {
                self.reopen(effects);
                self.reject(&request.bulk, vec![(0, why)], effects);
            }
            RequestClass::BadRequest => {
                self.reopen(effects);
                if error.is_some_and(documents_fault) {
                    self.reject(&request.bulk, vec![(0, why)], effects);
                } else {
                    self.hold(now, &request.bulk.index, HoldReason::Unknown, &why, effects);
                    self.put_back(request);
                }
            }
        }
    }

    fn items(&mut self, now: Moment, id: RequestId, mut request: Request, answer: &Answer, effects: &mut Vec<Effect>) {
        let sorted = sort(&request.bulk, answer, effects);
        let index = Arc::clone(&request.bulk.index);
        if !sorted.settled.is_empty() {
            effects.push(Effect::Settle(request.bulk.worker, sorted.settled));
        }
        self.reject(&request.bulk, sorted.rejected, effects);
        if let Some((reason, why)) = &sorted.hold {
            self.hold(now, &index, *reason, why, effects);
        } else if let Some(lane) = self.lanes.get_mut(&index) {
            if sorted.overloaded {
                lane.refusals = lane.refusals.saturating_add(1);
                let delay = self.settings.backoff.delay(lane.refusals - 1, self.chance.bits());
                lane.not_before = Some(now + delay);
            } else {
                lane.release(&index, effects);
            }
            if sorted.exists && lane.state == LaneState::Free {
                lane.state = LaneState::Unchecked { at: now };
            }
        }
        if !sorted.again.is_empty() {
            let whole = sorted.again.len() == request.bulk.documents.len();
            let attempt = request.attempt + 1;
            if whole {
                request.attempt = attempt;
                return self.put_back(request);
            }
            let bulk = request.bulk.subset(&sorted.again);
            self.put_back(Request { bulk, attempt, order: request.order, conflicts: Vec::new() });
        }
        if !sorted.conflicts.is_empty() {
            request.conflicts = sorted.conflicts;
            self.requests.insert(id, request);
            self.look_up(id, effects);
        }
    }

    pub(super) fn look_up(&mut self, id: RequestId, effects: &mut Vec<Effect>) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        let Request { bulk, conflicts, .. } = request;
        let live = &self.live;
        conflicts.retain(|index| live.contains(&bulk.batch(&bulk.documents[*index]).records.origin().holding));
        if conflicts.is_empty() {
            self.requests.remove(&id);
            return;
        }
        let ids = request.conflicts.iter().map(|index| {
            let document = &request.bulk.documents[*index];
            (request.bulk.id(document), Arc::clone(&request.bulk.batch(document).records.origin().field))
        });
        effects.push(Effect::LookUp { request: id, index: Arc::clone(&request.bulk.index), ids: ids.collect() });
    }

    pub(super) fn looked_up(
        &mut self,
        now: Moment,
        id: RequestId,
        found: Result<Vec<Found>, String>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        let found = match found {
            Ok(found) if found.len() == request.conflicts.len() => found,
            Ok(_) | Err(_) => {
                request.attempt += 1;
                let delay = self.settings.backoff.delay(request.attempt, self.chance.bits());
                self.look_ups.push((now + delay, id));
                return;
            }
        };
        let Some(mut request) = self.requests.remove(&id) else { return };
        let mut settled = Vec::new();
        let mut again = Vec::new();
        let mut rejected = Vec::new();
        for (index, found) in request.conflicts.iter().zip(found) {
            let document = &request.bulk.documents[*index];
            let record = request.bulk.batch(document).records.get(document.record as usize);
            match found {
                // It was deleted in between: nothing is there that could be in the way.
                None => again.push(*index),
                Some(origin) if same_origin(&origin, &origin_json(&record)) => {
                    settled.push(request.bulk.settlement(document, Fate::Duplicate));
                }
                Some(origin) => {
                    let why = format!("id_conflict: the id is taken by a document of another origin: {origin}");
                    rejected.push((*index, why));
                }
            }
        }
        if !settled.is_empty() {
            effects.push(Effect::Settle(request.bulk.worker, settled));
        }
        self.reject(&request.bulk, rejected, effects);
        if !again.is_empty() {
            let bulk = request.bulk.subset(&again);
            // In the way and yet not there: should that go on, it must not go round as fast as it can.
            let delay = self.settings.backoff.delay(request.attempt, self.chance.bits());
            if let Some(lane) = self.lanes.get_mut(&bulk.index) {
                lane.not_before = lane.not_before.max(Some(now + delay));
            }
            self.put_back(Request { bulk, attempt: request.attempt + 1, ..request });
        }
    }

    fn hold(&mut self, now: Moment, index: &Arc<str>, reason: HoldReason, why: &str, effects: &mut Vec<Effect>) {
        let random = self.chance.bits();
        if let Some(lane) = self.lanes.get_mut(index) {
            lane.hold(index, reason, why, effects);
            lane.not_before = Some(now + self.settings.hold.delay(lane.refusals - 1, random));
        }
    }

    fn reject(&self, bulk: &Bulk, rejected: Vec<(usize, String)>, effects: &mut Vec<Effect>) {
        for (index, reason) in rejected {
            let document = bulk.documents[index];
            let batch = Arc::clone(bulk.batch(&document));
            // The next owner of the partition will send it, and reject it, itself.
            if !self.is_live(batch.records.origin().holding) {
                continue;
            }
            let rejection = Rejection { stage: Stage::Elasticsearch, reason, index: Some(bulk.index.to_string()) };
            let (record, sub) = (document.record, document.sub);
            effects.push(Effect::Letter(Letter { worker: bulk.worker, batch, record, sub, rejection }));
        }
    }

    fn is_live(&self, holding: HoldingId) -> bool {
        self.live.contains(&holding)
    }

    /// Back to the front of its lane, among others that were put back in the order in which they were submitted.
    fn put_back(&mut self, request: Request) {
        let Request { mut bulk, attempt, order, .. } = request;
        if let Some(lane) = self.lanes.get_mut(&bulk.index)
            && cut_to_live(&mut bulk, &self.live)
        {
            let at = lane.queue.partition_point(|queued| queued.order < order);
            lane.queue.insert(at, Queued { bulk, attempt, order });
        }
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
            Class::Conflict if document.unsure => {
                settle(Fate::Duplicate);
                sorted.exists = true;
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
                sorted.overloaded = true;
                3
            }
            Class::Document => {
                let why = error().unwrap_or_else(|| "it went to the index's failure store".to_owned());
                sorted.rejected.push((index, why));
                4
            }
            Class::Hold(reason) => {
                sorted.again.push(index);
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

/// True if a bisected request's single document is to blame for a 400.
fn documents_fault(error: &ErrorCause) -> bool {
    let item = crate::bulk::Item { status: 400, error: Some(Box::new(error.clone())), ..Default::default() };
    classify_item(&item) == Class::Document
}

/// The origins agree in topic, partition, offset and timestamp.
fn same_origin(stored: &serde_json::Value, ours: &serde_json::Value) -> bool {
    ["topic", "partition", "offset", "timestamp"].iter().all(|field| stored.get(field) == ours.get(field))
}
