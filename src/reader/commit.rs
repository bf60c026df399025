//! When to commit, and what a commit's result means. One commit is under way at a time, so that an older one can never
//! arrive after a newer one of the same holding.

use std::time::Duration;

use super::rebalance::metadata;
use super::{CommitEntry, CommitResult, Effect, Notice, Reader};
use crate::clock::Moment;

/// A commit that was not answered for this long is taken for lost.
const GIVE_UP: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Commits {
    interval: Duration,
    next: Moment,
    /// When the commit under way was sent.
    sent: Option<Moment>,
    /// True if there was something to commit when it was last looked at.
    pending: bool,
}

impl Commits {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, next: Moment::default(), sent: None, pending: false }
    }

    pub(super) fn wake_at(&self) -> Option<Moment> {
        match self.sent {
            Some(sent) => Some(sent + GIVE_UP),
            None => self.pending.then_some(self.next),
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.sent.is_some()
    }
}

impl Reader {
    /// Commits what is settled if the interval has passed, or at once where something waits for it.
    pub(super) fn commit_if_due(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if self.commits.sent.is_some_and(|sent| now >= sent + GIVE_UP) {
            self.commits.sent = None;
        }
        let mut waiting = self.shutdown.as_ref().is_some_and(|shutdown| !shutdown.left);
        waiting |= self.serving.wants_commit();
        let entries: Vec<CommitEntry> = self
            .holdings
            .iter()
            .filter(|(_, held)| !held.is_committed())
            .map(|(partition, held)| CommitEntry {
                partition: partition.clone(),
                offset: held.committable,
                metadata: metadata(&held.origin.incarnation),
            })
            .collect();
        // While catching up, the last commit decides when to end: it does not wait for the interval.
        waiting |= self.settings.until_caught_up && self.holdings.values().all(|held| held.committable >= held.end);
        self.commits.pending = !entries.is_empty();
        if entries.is_empty() || self.commits.is_under_way() || (!waiting && now < self.commits.next) {
            return;
        }
        self.commits.sent = Some(now);
        self.commits.next = now + self.commits.interval;
        effects.push(Effect::Commit(entries));
    }

    pub(super) fn committed(&mut self, results: Vec<CommitResult>, effects: &mut Vec<Effect>) {
        self.commits.sent = None;
        for result in results {
            let Some(held) = self.holdings.get_mut(&result.partition) else { continue };
            if result.refused.is_some() {
                effects.push(Effect::Tell(Notice::CommitRefused(result)));
            } else {
                // A result of an earlier holding of the same partition must not count for more than this one settled.
                held.committed = held.committed.max(result.offset.min(held.committable));
            }
        }
    }
}
