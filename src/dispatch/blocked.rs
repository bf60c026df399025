//! What is refused for long: where that is the policy, it goes to the dead letters. Of an index that refuses all for reasons of its own, that is all
//! that waits for it; else what was tried, and refused for a reason that may be its own.

use std::sync::Arc;

use super::lane::{Queued, Suspect, TooLong};
use super::{Blocked, Dispatch, Effect, Gate, Requests};
use crate::clock::Moment;

impl Dispatch {
    /// Gives up what has been refused for too long, and was refused once more in this step.
    pub(super) fn give_up_blocked(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Blocked { after, dead_letter } = self.settings.blocked;
        if !dead_letter {
            return;
        }
        // While the cluster is away nobody asks the index.
        let open = self.gate == Gate::Open;
        let mut given_up = Vec::new();
        for (index, lane) in &mut self.lanes {
            let too_long = lane.refuses_too_long(now, after);
            let Some(held) = lane.held().filter(|_| open) else { continue };
            let gives_up = |queued: &Queued| {
                let again = |suspect: Suspect| suspect.refused == now || too_long == TooLong::Tried;
                let tried = |suspect: Suspect| again(suspect) && suspect.since + after <= now;
                too_long == TooLong::All || queued.suspect.is_some_and(tried)
            };
            if !lane.queue.iter().any(gives_up) {
                continue;
            }
            let reason =
                format!("the index has refused its documents for {after:?}: {}: {}", held.reason.as_str(), held.why);
            let (up, stays): (Vec<_>, Vec<_>) = std::mem::take(&mut lane.queue).into_iter().partition(gives_up);
            given_up.extend(up.into_iter().map(|queued| (queued.bulk, reason.clone())));
            lane.queue = stays.into();
            if lane.refusals == 0 {
                let suspects = lane.has_suspects() || any_suspect_out(&self.requests, index);
                lane.release(index, suspects, effects);
            }
        }
        for (bulk, reason) in given_up {
            let all: Vec<_> = (0..bulk.documents.len()).map(|index| (index, reason.clone())).collect();
            let [] = self.divide(bulk, [], all, effects);
        }
    }

    /// True if something of the index, waiting or under way, has been refused for a reason that may be its own: its lane is held then.
    pub(super) fn has_suspects(&self, index: &Arc<str>) -> bool {
        let Some(lane) = self.lanes.get(index).filter(|lane| lane.held().is_some()) else { return false };
        lane.has_suspects() || any_suspect_out(&self.requests, index)
    }
}

fn any_suspect_out(requests: &Requests, index: &Arc<str>) -> bool {
    requests.values().any(|request| request.suspect.is_some() && request.bulk.index == *index)
}
