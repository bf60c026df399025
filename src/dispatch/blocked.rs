//! What is refused for long: where that is the policy, it goes to the dead letters. Of an index that refuses all, that is all that waits for it; of one
//! that takes other documents, what has been refused for a reason that nobody knows.

use std::sync::Arc;

use super::lane::LaneState;
use super::{Blocked, Dispatch, Effect, Gate};
use crate::clock::Moment;

impl Dispatch {
    /// Gives up what has been refused for too long.
    pub(super) fn give_up_blocked(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Blocked { after, dead_letter } = self.settings.blocked;
        // While the cluster is away nobody asks the index.
        if !dead_letter || self.gate != Gate::Open {
            return;
        }
        let mut given_up = Vec::new();
        for (index, lane) in &mut self.lanes {
            let Some(held) = lane.held() else { continue };
            if lane.state == LaneState::Checking || lane.given_up_at(after).is_none_or(|at| now < at) {
                continue;
            }
            let reason =
                format!("the index has refused its documents for {after:?}: {}: {}", held.reason.as_str(), held.why);
            let by_request = matches!(lane.state, LaneState::Free | LaneState::Concrete);
            let suspects = lane.has_suspects();
            let queue = std::mem::take(&mut lane.queue);
            let last = queue.len().saturating_sub(1);
            for (place, queued) in queue.into_iter().enumerate() {
                let stays = if suspects {
                    queued.suspect.is_none_or(|since| now < since + after)
                } else {
                    // The last one stays until it was tried: it finds out whether the index still refuses.
                    by_request && place == last && queued.attempt == 0
                };
                if stays {
                    lane.queue.push_back(queued);
                } else {
                    given_up.push((queued.bulk, reason.clone()));
                }
            }
            if suspects && lane.refusals == 0 {
                lane.release(index, lane.has_suspects(), effects);
            }
        }
        for (bulk, reason) in given_up {
            let all: Vec<_> = (0..bulk.documents.len()).map(|index| (index, reason.clone())).collect();
            self.divide(bulk, [&[], &[]], all, effects);
        }
    }

    /// True if something of the index, waiting or under way, has been refused for a reason that nobody knows: its lane is held then.
    pub(super) fn has_suspects(&self, index: &Arc<str>) -> bool {
        let Some(lane) = self.lanes.get(index).filter(|lane| lane.held().is_some()) else { return false };
        lane.has_suspects()
            || self.requests.values().any(|request| request.suspect.is_some() && request.bulk.index == *index)
    }
}
