//! Who may send now: look-ups and lanes in turn within the limit, and beyond it those that answer.

use std::sync::Arc;

use super::lane::{self, Queued};
use super::silence::Room;
use super::{Dispatch, Effect, Gate, Request};
use crate::clock::Moment;

/// Whose turn it is: the next lane's, where there is room within the limit, or that of the next that may go beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Free,
    Beyond,
}

impl Dispatch {
    /// Sends what may be sent.
    pub(super) fn pump(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if let Gate::Closed { until, attempt, prepared } = self.gate
            && now >= until
        {
            self.gate = if prepared { Gate::Probing { attempt } } else { Gate::Preparing { attempt } };
            if !prepared {
                effects.push(Effect::Prepare);
            }
        }
        if let Gate::Probing { attempt } = self.gate
            && self.is_idle()
            && self.checks(now) == 0
        {
            // No document that could ask whether the cluster is back: the template does.
            self.gate = Gate::Preparing { attempt };
            effects.push(Effect::Prepare);
        }
        let Some(mut room) = self.room(now) else { return };
        // Neither look-ups nor lanes take all the room that the others wait for.
        let first = self.look_ups_first;
        for look_ups in [first, !first] {
            let out = self.all_out();
            if look_ups {
                self.start_look_ups(now, &mut room, effects);
            } else {
                self.give_turns(now, Turn::Free, &mut room, effects);
            }
            if self.all_out() > out {
                self.look_ups_first = !look_ups;
            }
        }
        // Who goes on beyond the limit takes no turn from those that wait for room within it.
        if !room.is_free() {
            self.give_turns(now, Turn::Beyond, &mut room, effects);
        }
    }

    fn give_turns(&mut self, now: Moment, which: Turn, room: &mut Room, effects: &mut Vec<Effect>) {
        let count = self.lanes.len();
        let mut idle = 0;
        while idle < count && !room.is_over() && !room.is_asked_by_name() {
            if which == Turn::Free && !room.is_free() {
                return;
            }
            let turn = &mut self.turns[which as usize];
            *turn = (*turn + 1) % count;
            let (index, lane) = self.lanes.get_index_mut(*turn).expect("the turn is below the number of lanes");
            let next = if room.is_for(index, lane.hangs) { lane.next(now, &self.live) } else { lane::Next::Nothing };
            let index = Arc::clone(index);
            match next {
                lane::Next::Nothing => idle += 1,
                lane::Next::Check => {
                    self.checking += 1;
                    room.take_check(&index);
                    effects.push(Effect::Check(index));
                    idle += 1;
                }
                lane::Next::Send(queued) => {
                    idle = 0;
                    self.send(now, index, queued, room, effects);
                }
            }
        }
    }

    fn send(&mut self, now: Moment, index: Arc<str>, queued: Queued, room: &mut Room, effects: &mut Vec<Effect>) {
        let id = self.next_request;
        self.next_request += 1;
        let Queued { bulk, attempt, order, suspect } = queued;
        let under_way = room.take(&index);
        effects.push(Effect::Send { request: id, index, body: bulk.body.clone(), documents: bulk.documents.len() });
        self.requests.insert(id, Request { bulk, attempt, order, suspect, sent_at: now, under_way, looks_up: false });
    }
}
