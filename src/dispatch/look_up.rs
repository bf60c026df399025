//! Looking up what is in the way. A 409 is no success: it is one only if the document that is there has the record's own origin.
//! Look-ups are requests like others and count among those under way.

use std::sync::Arc;

use super::lane::cut_to_live;
use super::silence::Room;
use super::{Dispatch, Effect, Found, LookUp, Queued, Request, RequestId};
use crate::bulk::origin_json;
use crate::clock::Moment;
use crate::planted::is_planted;
use crate::record::Fate;

impl Dispatch {
    /// Sends the look-ups that are due, as far as there is room.
    pub(super) fn start_look_ups(&mut self, now: Moment, room: &mut Room, effects: &mut Vec<Effect>) {
        loop {
            let may = |look_up: &LookUp| look_up.at <= now && self.may_look_up(look_up, room);
            let Some(at) = self.look_ups.iter().position(may) else { return };
            let LookUp { id, bulk, attempt, order, .. } = self.look_ups.remove(at);
            let ids = bulk
                .documents
                .iter()
                .map(|document| (bulk.id(document), Arc::clone(&bulk.batch(document).records.origin().route.field)));
            effects.push(Effect::LookUp { request: id, index: Arc::clone(&bulk.index), ids: ids.collect() });
            let under_way = room.take(&bulk.index);
            self.requests
                .insert(id, Request { bulk, attempt, order, sent_at: now, under_way, suspect: None, looks_up: true });
        }
    }

    /// One for an index that does not answer is the only look-up in it, and within the limit. So is one that failed before, but among its
    /// kind: as long as others are answered there is always one out.
    fn may_look_up(&self, LookUp { bulk, attempt, .. }: &LookUp, room: &Room) -> bool {
        let hangs = self.lanes.get(&bulk.index).is_some_and(|lane| lane.hangs);
        let asks = |request: &Request| request.looks_up && (hangs || request.attempt > 0);
        let is_asked = || self.requests.values().any(|request| asks(request) && request.bulk.index == bulk.index);
        let alone = hangs || *attempt > 0;
        room.is_for(&bulk.index, alone) && !(alone && is_asked())
    }

    /// Leaves out what belongs to holdings that are over.
    pub(super) fn forget_look_ups(&mut self) {
        let live = &self.live;
        let cut = |look_up: LookUp| Some(LookUp { bulk: cut_to_live(look_up.bulk, live)?, ..look_up });
        self.look_ups = std::mem::take(&mut self.look_ups).into_iter().filter_map(cut).collect();
    }

    pub(super) fn looked_up(
        &mut self,
        now: Moment,
        id: RequestId,
        found: Result<Vec<Found>, String>,
        effects: &mut Vec<Effect>,
    ) {
        if self.requests.get(&id).is_none_or(|request| !request.looks_up) {
            return;
        }
        let Some(Request { bulk, attempt, order, .. }) = self.requests.remove(&id) else { return };
        if let Some(lane) = self.lanes.get_mut(&bulk.index) {
            lane.hangs = found.is_err();
        }
        let found = match found {
            Ok(found) if found.len() == bulk.documents.len() => found,
            Ok(_) | Err(_) => {
                let at = now + self.settings.backoff.delay(attempt, self.chance.bits());
                return self.queue_look_up(LookUp { at, id, bulk, attempt: attempt + 1, order });
            }
        };
        self.reopen(now, effects);
        let (mut settled, mut again, mut unknown, mut rejected) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (index, (document, found)) in bulk.documents.iter().zip(found).enumerate() {
            let record = bulk.batch(document).records.get(document.record as usize);
            match found {
                // It was deleted in between: nothing is there that could be in the way.
                Found::Nothing => again.push(index),
                Found::Unknown(_) if is_planted("UnknownIsOver") => {}
                Found::Unknown(_) => unknown.push(index),
                Found::Origin(origin)
                    if is_planted("AnyOriginIsOurs") || same_origin(&origin, &origin_json(&record)) =>
                {
                    settled.push(bulk.settlement(document, Fate::Duplicate));
                }
                Found::Origin(origin) => {
                    let why = format!("id_conflict: the id is taken by a document of another origin: {origin}");
                    rejected.push((index, why));
                }
            }
        }
        let worker = bulk.worker;
        let [again, unknown] = self.divide(bulk, [&again, &unknown], rejected, effects);
        if !settled.is_empty() {
            effects.push(Effect::Settle(worker, settled));
        }
        if let Some(bulk) = again {
            // In the way and yet not there: should that go on, it must not go round as fast as it can.
            let delay = self.settings.backoff.delay(attempt, self.chance.bits());
            let lane = self.lanes.entry(Arc::clone(&bulk.index)).or_default();
            lane.waits_until(now + delay);
            self.put_back(Queued { bulk, attempt: attempt + 1, order, suspect: None });
        }
        if let Some(bulk) = unknown {
            let at = now + self.settings.backoff.delay(attempt, self.chance.bits());
            self.queue_look_up(LookUp { at, id, bulk, attempt: attempt + 1, order });
        }
    }

    /// Has it wait, without what belongs to holdings that are over.
    pub(super) fn queue_look_up(&mut self, look_up: LookUp) {
        let bulk = cut_to_live(look_up.bulk, &self.live);
        self.look_ups.extend(bulk.map(|bulk| LookUp { bulk, ..look_up }));
    }
}

/// The fields of an origin that tell whose document is in the way.
pub const JUDGED_BY: [&str; 4] = ["topic", "partition", "offset", "timestamp"];

/// The origins agree in these.
fn same_origin(stored: &serde_json::Value, ours: &serde_json::Value) -> bool {
    JUDGED_BY.iter().all(|field| stored.get(field) == ours.get(field))
}
