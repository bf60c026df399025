//! The reader core: which partitions are held, by which worker, what may be committed, and how a rebalance, a shutdown and
//! a fault end a holding.
//!
//! `step(now, input) -> effects`, without input or output of its own. The one rule above all: a commit carries only what
//! a live holding reported as settled. A revoke is served in order: stop the intake, let what is in flight settle for
//! a short while, commit, end the holdings, give the partitions back.

mod anew;
mod commit;
mod ending;
mod messages;
mod owed;
mod reading;
mod rebalance;
mod reload;
mod watch;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::backoff::{Backoff, Chance};
use crate::clock::Moment;
use crate::record::{HoldingId, Origin, TopicPartition};

use commit::Commits;
use ending::{NOTHING_HELD, Shutdown};
pub use messages::{
    CommitEntry, CommitResult, Effect, Ending, For, Input, MaxUncommitted, Notice, OutOfRange, Reload, Resolved,
    Routes, Settings, Start, StartReason, WatchedTopic,
};
pub use owed::{answers, owes};
use rebalance::{Rebalance, Serving};

#[derive(Debug)]
struct Holding {
    origin: Arc<Origin>,
    worker: usize,
    /// The end when it was assigned.
    end: i64,
    committable: i64,
    committed: i64,
    drained: bool,
    stopped: bool,
    /// It is being settled, so that the next version of its pipeline reads on.
    barrier: bool,
    reading: reading::Reading,
}

impl Holding {
    fn is_committed(&self) -> bool {
        self.committed >= self.committable
    }
}

/// The state of the reader.
#[derive(Debug)]
pub struct Reader {
    settings: Settings,
    chance: Chance,
    epoch: u64,
    holdings: BTreeMap<TopicPartition, Holding>,
    /// Rebalances that were recorded and wait for their turn.
    waiting: VecDeque<Rebalance>,
    /// Partitions that are to begin anew.
    anew: BTreeMap<TopicPartition, anew::Settled>,
    serving: Serving,
    /// Partitions that go on at their beginning because their offset was out of range, wherever they were committed; with
    /// what was committed when that was noticed.
    restarts: BTreeMap<TopicPartition, i64>,
    /// The making of each topic that was read here first.
    makings: BTreeMap<Arc<str>, Arc<str>>,
    watch: watch::Watch,
    /// Partitions that the group gave though their topic is not there, or they have no leader; true if the broker said since that there is no
    /// such topic.
    gone: BTreeMap<TopicPartition, bool>,
    commits: Commits,
    shutdown: Option<Shutdown>,
    /// Since when nothing is held though the group has given this member its part.
    nothing_since: Option<Moment>,
    assigned: bool,
}

/// Waiting between questions to a broker that does not answer.
const RESOLVE: Backoff = Backoff { base: Duration::from_millis(250), cap: Duration::from_secs(5) };

impl Reader {
    /// A reader that holds nothing.
    pub fn new(settings: Settings, chance: Chance) -> Self {
        let commits = Commits::new(settings.commit_interval);
        Self {
            settings,
            chance,
            epoch: 0,
            holdings: BTreeMap::new(),
            waiting: VecDeque::new(),
            anew: BTreeMap::new(),
            serving: Serving::Nothing,
            restarts: BTreeMap::new(),
            makings: BTreeMap::new(),
            watch: watch::Watch::default(),
            gone: BTreeMap::new(),
            commits,
            shutdown: None,
            nothing_since: None,
            assigned: false,
        }
    }

    /// Takes one input, and appends what is to be done to `effects`.
    pub fn step(&mut self, now: Moment, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Assigned(partitions) => self.record(Rebalance::Assign(partitions)),
            Input::Revoked { partitions, lost } => {
                // What belongs to somebody else already is over now, whatever is being served before its turn comes.
                if lost {
                    self.end(&partitions, effects);
                    // It is no member any more until it is given its part again.
                    self.assigned = false;
                }
                self.stay_as_they_are(&partitions);
                self.record(Rebalance::Revoke { partitions, lost });
            }
            Input::Resolved(answer) => self.resolved(now, answer, effects),
            Input::Watched(ids) => self.watched(now, ids, effects),
            // What comes with every batch changes nothing for the rest.
            Input::Took { partition, records } => return self.took(now, &partition, records, effects),
            Input::Positions(positions) => self.positions(now, positions, effects),
            Input::Mismatch(holding, why) => {
                if let Some(held) = self.by_id(holding) {
                    held.stopped = true;
                    // What it was told before may be as wrong.
                    held.committable = held.committed;
                    let partition = held.origin.partition.clone();
                    effects.extend([Effect::Pause(holding), Effect::Tell(Notice::Mismatch(partition, why))]);
                }
            }
            Input::Committable(moved) => {
                if let Some(held) = self.by_id(moved.holding) {
                    held.committable = held.committable.max(moved.offset);
                    held.reading.settled(now, moved.records);
                }
                self.look_ahead(now, moved.holding, effects);
            }
            Input::Drained(holding) => {
                if let Some(held) = self.by_id(holding) {
                    held.drained = true;
                }
            }
            Input::Committed(results) => self.committed(now, results, effects),
            Input::OutOfRange(partition) => self.out_of_range(partition, effects),
            Input::Corrupt(partition) => {
                if let Some(held) = self.holdings.get_mut(&partition)
                    && !std::mem::replace(&mut held.stopped, true)
                {
                    effects.push(Effect::Tell(Notice::Corrupt(partition)));
                }
            }
            Input::Reload(reload) => self.reload(reload, effects),
            Input::Shutdown(deadline) => self.shut_down(deadline, None, effects),
            Input::Tick => {}
        }
        self.serve(now, effects);
        self.watch_if_due(now, effects);
        self.commit_if_due(now, effects);
        self.renew(effects);
        self.finish(now, effects);
    }

    /// When the reader wants to be told the time again, if nothing else comes before.
    pub fn wake_at(&self) -> Option<Moment> {
        let shutdown = self.shutdown.as_ref().filter(|shutdown| !shutdown.left).map(|shutdown| shutdown.deadline);
        let nothing = self.nothing_since.filter(|_| self.shutdown.is_none()).map(|since| since + NOTHING_HELD);
        let watch = Some(self.watch.wake_at()).filter(|_| self.shutdown.is_none() && self.watches());
        [self.serving.wake_at(), self.anew_wakes_at(), self.commits.wake_at(), watch, shutdown, nothing]
            .into_iter()
            .flatten()
            .min()
    }

    /// Partitions held.
    pub fn held(&self) -> usize {
        self.holdings.len()
    }

    /// True once the group has given this member its part, even if that is nothing, until it is lost.
    pub fn is_assigned(&self) -> bool {
        self.assigned && matches!(self.serving, Serving::Nothing)
    }

    /// What was committed last for each partition held, with the end it had when it was assigned.
    pub fn progress(&self) -> impl Iterator<Item = (&TopicPartition, i64, i64)> {
        self.holdings.iter().map(|(partition, held)| (partition, held.committed, held.end))
    }

    /// For each partition held: since when its first record that is not settled has been that, if there is one, and whether the
    /// partition is stopped for a reason that was told.
    pub fn unsettled(&self) -> impl Iterator<Item = (&TopicPartition, Option<Moment>, bool)> {
        self.holdings.iter().map(|(partition, held)| (partition, held.reading.unsettled_since(), held.stopped))
    }

    fn by_id(&mut self, id: HoldingId) -> Option<&mut Holding> {
        self.holdings.values_mut().find(|held| held.origin.holding == id)
    }

    fn out_of_range(&mut self, partition: TopicPartition, effects: &mut Vec<Effect>) {
        let ends = self.shutdown.is_some() || self.is_about_to_end(&partition);
        let Some(held) = self.holdings.get_mut(&partition) else { return };
        if std::mem::replace(&mut held.stopped, true) {
            return;
        }
        if !self.settings.restart_out_of_range {
            effects.push(Effect::Tell(Notice::OutOfRange(partition, OutOfRange::Stopped)));
        } else if !ends {
            self.restarts.insert(partition.clone(), held.committed);
            self.begin_anew([partition], effects);
        }
    }

    /// True if the holding of the partition is being ended, or waits for that.
    fn is_about_to_end(&self, partition: &TopicPartition) -> bool {
        self.serving.ends(partition) || self.anew.contains_key(partition) || self.is_to_be_given_back(partition)
    }

    /// True if a revoke of the partition waits.
    fn is_to_be_given_back(&self, partition: &TopicPartition) -> bool {
        self.waiting.iter().any(|rebalance| rebalance.takes_back(partition))
    }

    fn end(&mut self, partitions: &[TopicPartition], effects: &mut Vec<Effect>) {
        for partition in partitions {
            if let Some(held) = self.holdings.remove(partition) {
                if let Some(shutdown) = self.shutdown.as_mut().filter(|shutdown| !shutdown.left) {
                    shutdown.abandoned |= !(held.drained && held.is_committed());
                }
                effects.push(Effect::End(held.origin.holding));
            }
        }
    }
}

#[cfg(test)]
mod tests;
