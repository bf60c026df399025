//! When to commit, and what a commit's result means. One commit is under way at a time, so that an older one can never
//! arrive after a newer one of the same holding.

use std::time::Duration;

use super::rebalance::metadata;
use super::{CommitEntry, CommitResult, Effect, Holding, Notice, Reader};
use crate::backoff::Backoff;
use crate::clock::Moment;
use crate::planted::is_planted;
use crate::record::{HoldingId, TopicPartition};

/// A commit that was not answered for this long is taken for lost.
const GIVE_UP: Duration = Duration::from_secs(30);
/// Waiting after a refused commit, however urgent: the refusal may come at once, each time, and take a request for each partition.
const AFTER_REFUSAL: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(2) };

#[derive(Debug)]
pub(super) struct Commits {
    interval: Duration,
    next: Moment,
    /// When the last one was refused, or some of it, and how long to wait since.
    refused: Option<(Moment, Duration)>,
    /// How many in a row were.
    refusals: u32,
    sent: Option<Sent>,
    /// When the next commit is due, if there was something to commit when it was last looked at.
    due: Option<Moment>,
}

/// The commit under way: a result counts for the holding whose offset it was, and for no other of the same partition.
#[derive(Debug)]
struct Sent {
    at: Moment,
    offsets: Vec<(TopicPartition, HoldingId, i64)>,
}

impl Sent {
    fn holding(&self, result: &CommitResult) -> Option<HoldingId> {
        let same = |sent: &&(TopicPartition, HoldingId, i64)| sent.0 == result.partition && sent.2 == result.offset;
        self.offsets.iter().find(same).map(|sent| sent.1)
    }
}

impl Commits {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, next: Moment::default(), refused: None, refusals: 0, sent: None, due: None }
    }

    pub(super) fn wake_at(&self) -> Option<Moment> {
        match &self.sent {
            Some(sent) => Some(sent.at + GIVE_UP),
            None => self.due,
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.sent.is_some()
    }
}

impl Reader {
    /// Commits what is settled if the interval has passed, or at once where something waits for it.
    pub(super) fn commit_if_due(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if self.commits.sent.as_ref().is_some_and(|sent| now >= sent.at + GIVE_UP) {
            self.commits.sent = None;
        }
        let ends = self.shutdown.as_ref().is_some_and(|shutdown| !shutdown.left);
        let urgent = ends || self.serving.wants_commit();
        let mut waiting = urgent || self.barrier_wants_commit() || self.anew_wants_commit();
        let open = || self.holdings.iter().filter(|(_, held)| !held.is_committed());
        // While catching up, the last commit decides when to end: it does not wait for the interval.
        let reached = |held: &Holding| held.stopped || held.committable >= held.end;
        waiting |= self.settings.until_caught_up && self.holdings.values().all(reached);
        // A revoke waits no longer than this for its commit, and the end neither.
        let most = if urgent { self.settings.drain_timeout / 8 } else { Duration::MAX };
        let most = most.max(AFTER_REFUSAL.base);
        let not_before = self.commits.refused.map_or(Moment::default(), |(at, wait)| at + wait.min(most));
        let due = if waiting { not_before } else { self.commits.next.max(not_before) };
        self.commits.due = open().next().map(|_| due);
        if self.commits.due.is_none() || self.commits.is_under_way() || now < due {
            return;
        }
        let entries = open().map(|(partition, held)| CommitEntry {
            partition: partition.clone(),
            offset: held.committable,
            metadata: metadata(&held.origin.incarnation),
        });
        let offsets = open().map(|(partition, held)| (partition.clone(), held.origin.holding, held.committable));
        effects.push(Effect::Commit(entries.collect()));
        self.commits.sent = Some(Sent { at: now, offsets: offsets.collect() });
        self.commits.next = now + self.commits.interval;
    }

    pub(super) fn committed(&mut self, now: Moment, results: Vec<CommitResult>, effects: &mut Vec<Effect>) {
        let Some(sent) = &self.commits.sent else { return };
        // The late result of a commit that was given up says nothing about the one that is under way.
        if !results.is_empty() && results.iter().all(|result| sent.holding(result).is_none()) {
            return;
        }
        let refused = results.iter().any(|result| result.refused.is_some());
        if refused {
            let wait = AFTER_REFUSAL.delay(self.commits.refusals, self.chance.bits());
            self.commits.refused = Some((now, wait));
        }
        self.commits.refusals = if refused { self.commits.refusals.saturating_add(1) } else { 0 };
        for result in results {
            let holding = sent.holding(&result);
            if result.refused.is_some() {
                effects.push(Effect::Tell(Notice::CommitRefused(result)));
                continue;
            }
            // The partition may have gone and come back since: what another member committed in between is not known here.
            let same = |held: &&mut Holding| Some(held.origin.holding) == holding || is_planted("StaleCommitCounts");
            let held = self.holdings.get_mut(&result.partition).filter(same);
            if let Some(held) = held {
                held.committed = held.committed.max(result.offset);
            }
        }
        self.commits.sent = None;
    }
}
