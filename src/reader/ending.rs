//! How it ends: asked to, or because it has caught up; drained and committed, or at the deadline.

use std::time::Duration;

use super::{Effect, Ending, Reader};
use crate::clock::Moment;
use crate::record::TopicPartition;

#[derive(Debug)]
pub(super) struct Shutdown {
    pub(super) deadline: Moment,
    pub(super) left: bool,
    /// How it ends because what was asked for is done: it was caught up.
    reached: Option<Ending>,
    /// Something ended unsettled since, and is not held any more.
    pub(super) abandoned: bool,
}

/// How long a member that catches up waits for its first partition: in a cooperative group the first assignment is empty
/// until others have given something back.
pub(super) const NOTHING_HELD: Duration = Duration::from_secs(10);

impl Reader {
    pub(super) fn shut_down(&mut self, deadline: Moment, reached: Option<Ending>, effects: &mut Vec<Effect>) {
        if self.shutdown.is_none() {
            effects.extend(self.holdings.values().map(|held| Effect::Drain(held.origin.holding)));
        }
        // A second request can only shorten the wait.
        let shutdown = self.shutdown.get_or_insert(Shutdown { deadline, left: false, reached: None, abandoned: false });
        shutdown.deadline = shutdown.deadline.min(deadline);
        shutdown.reached = shutdown.reached.or(reached);
    }

    /// Leaves once everything is settled and committed, or the deadline has come.
    pub(super) fn finish(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if self.shutdown.is_none() && self.settings.until_caught_up {
            self.look_if_caught_up(now, effects);
        }
        let Some(shutdown) = &mut self.shutdown else { return };
        if shutdown.left {
            return;
        }
        let drained = self.holdings.values().all(|held| held.drained && held.is_committed());
        if !drained && now < shutdown.deadline {
            return;
        }
        shutdown.left = true;
        let complete = drained && !shutdown.abandoned;
        let ending = shutdown.reached.unwrap_or(if complete { Ending::Complete } else { Ending::Unsettled });
        let all: Vec<TopicPartition> = self.holdings.keys().cloned().collect();
        self.end(&all, effects);
        effects.push(Effect::Leave(ending));
    }

    /// Ends once everything below the ends that were found is committed. What came later may stay unsettled.
    fn look_if_caught_up(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        // What has no leader now may have one soon.
        let comes_back = self.gone.values().any(|is_sure| !is_sure);
        if !self.is_assigned() || !self.waiting.is_empty() || !self.anew.is_empty() || comes_back {
            self.nothing_since = None;
            return;
        }
        if self.holdings.is_empty() {
            let since = *self.nothing_since.get_or_insert(now);
            if now < since + NOTHING_HELD {
                return;
            }
        } else {
            self.nothing_since = None;
        }
        if self.holdings.values().all(|held| held.stopped || held.committed >= held.end) {
            let stopped = self.holdings.values().any(|held| held.stopped);
            let reached = if stopped { Ending::Stopped } else { Ending::Complete };
            self.shut_down(now + self.settings.drain_timeout, Some(reached), effects);
        }
    }
}
