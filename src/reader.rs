//! The reader core: which partitions are held, by which worker, what may be committed, and how a rebalance, a shutdown and
//! a fault end a holding.
//!
//! `step(now, input) -> effects`, without input or output of its own. The one rule above all: a commit carries only what
//! a live holding reported as settled. A revoke is served in order: stop the intake, let what is in flight settle for
//! a short while, commit, end the holdings, give the partitions back.

mod commit;
mod ending;
mod rebalance;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::backoff::{Backoff, Chance};
use crate::clock::Moment;
use crate::record::{HoldingId, Origin, TopicPartition};
use crate::worker::Committable;

use commit::Commits;
use ending::{NOTHING_HELD, Shutdown};
use rebalance::Serving;

/// How the reader behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many workers there are.
    pub workers: usize,
    /// How long a revoke waits for what is in flight, and then again for its commit at most.
    pub drain_timeout: Duration,
    /// Time between commits.
    pub commit_interval: Duration,
    /// Where a partition without a commit starts: at its end instead of its beginning.
    pub start_at_end: bool,
    /// A partition whose offset is out of range goes on at its beginning instead of stopping.
    pub restart_out_of_range: bool,
    /// Stop, successfully, once everything below the end that each partition had when it was assigned is committed.
    pub until_caught_up: bool,
}

/// What the broker said about a partition that was assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The partition.
    pub partition: TopicPartition,
    /// A short form of the topic's id, or `0` on the broker's definite answer that it has none.
    pub incarnation: Arc<str>,
    /// The group's commit, with its metadata.
    pub committed: Option<(i64, String)>,
    /// First offset, and the end up to the last stable offset.
    pub bounds: (i64, i64),
    /// The field of a document that tells its origin, for this topic.
    pub field: Arc<str>,
}

/// The result of one partition's commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitResult {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset that was to be committed.
    pub offset: i64,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
}

/// What the reader is told.
#[derive(Debug)]
pub enum Input {
    /// The group gives partitions; to be served.
    Assigned(Vec<TopicPartition>),
    /// The group takes partitions back; to be served. If `lost`, they belong to somebody else already.
    Revoked {
        /// The partitions.
        partitions: Vec<TopicPartition>,
        /// True if nothing may be committed for them any more.
        lost: bool,
    },
    /// What the broker says about the partitions that were asked about.
    Resolved(Result<Vec<Resolved>, String>),
    /// A worker's watermark moved.
    Committable(Committable),
    /// Everything of a holding that is being drained is settled.
    Drained(HoldingId),
    /// What became of a commit.
    Committed(Vec<CommitResult>),
    /// The offset of a partition is out of range: retention overtook.
    OutOfRange(TopicPartition),
    /// A record of a partition cannot be read; the client would pass it over.
    Corrupt(TopicPartition),
    /// Stop: drain until the moment at the latest, commit, leave.
    Shutdown(Moment),
    /// Only time has passed.
    Tick,
}

/// What the reader asks its edge to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the broker about partitions, then tell.
    Resolve(Vec<TopicPartition>),
    /// Serve an assignment: start these holdings.
    Assign(Vec<Start>),
    /// Take no more from the partition of this holding; tell its worker to drain it.
    Drain(HoldingId),
    /// The holding is over, for its worker and the dispatch.
    End(HoldingId),
    /// Serve a revoke: give these partitions back.
    Unassign(Vec<TopicPartition>),
    /// Commit; the metadata is the topic's incarnation.
    Commit(Vec<CommitEntry>),
    /// Tell the operator.
    Tell(Notice),
    /// All is done: leave the group and end.
    Leave(Ending),
}

/// One partition's part of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitEntry {
    /// The partition.
    pub partition: TopicPartition,
    /// The next offset.
    pub offset: i64,
    /// The topic's incarnation, as it is found again in [`Resolved::committed`].
    pub metadata: String,
}

/// A holding that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The holding, its partition and incarnation.
    pub origin: Arc<Origin>,
    /// The next offset.
    pub position: i64,
    /// The worker that it goes to.
    pub worker: usize,
}

/// Something that an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The broker did not answer about partitions; asked again.
    NotResolved(String),
    /// The topic was made again since the last commit: it is read from its beginning.
    TopicMadeAgain(TopicPartition),
    /// Retention overtook the committed offset.
    OutOfRange(TopicPartition, OutOfRange),
    /// A record cannot be read: the partition is not read any more, so that it is not passed over.
    Corrupt(TopicPartition),
    /// A commit was refused.
    CommitRefused(CommitResult),
    /// Records were in flight when the partition had to be given back; the next owner will find them as duplicates.
    NotDrained(TopicPartition),
    /// How many partitions each worker has.
    Placed(Vec<usize>),
}

/// What is done about an offset that is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfRange {
    /// The partition is not read any more.
    Stopped,
    /// It goes on at the first offset that there is.
    Restarted {
        /// Offsets that were committed by nobody and are not there any more: at most as many records are lost.
        skipped: i64,
    },
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Everything that was received is settled and committed; where it was to catch up, everything up to the ends found.
    Complete,
    /// The deadline, or the loss of a partition, came first; the rest is read again by the next owner.
    Unsettled,
    /// A partition is stopped, so it cannot be caught up.
    Stopped,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "everything received is settled and committed",
            Self::Unsettled => "the deadline came before everything was settled and committed",
            Self::Stopped => "a partition is stopped",
        })
    }
}

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
    waiting: VecDeque<Input>,
    serving: Serving,
    /// Partitions that go on at their beginning because their offset was out of range, wherever they were committed; with
    /// what was committed when that was noticed.
    restarts: BTreeMap<TopicPartition, i64>,
    commits: Commits,
    shutdown: Option<Shutdown>,
    /// Since when nothing is held though the group has given this member its part.
    nothing_since: Option<Moment>,
    assigned_once: bool,
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
            serving: Serving::Nothing,
            restarts: BTreeMap::new(),
            commits,
            shutdown: None,
            nothing_since: None,
            assigned_once: false,
        }
    }

    /// Takes one input, and appends what is to be done to `effects`.
    pub fn step(&mut self, now: Moment, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Assigned(_) => self.waiting.push_back(input),
            Input::Revoked { ref partitions, lost } => {
                // What belongs to somebody else already is over now, whatever is being served before its turn comes.
                if lost {
                    self.end(partitions, effects);
                }
                self.waiting.push_back(input);
            }
            Input::Resolved(answer) => self.resolved(now, answer, effects),
            Input::Committable(moved) => {
                if let Some(held) = self.by_id(moved.holding) {
                    held.committable = held.committable.max(moved.offset);
                }
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
            Input::Shutdown(deadline) => self.shut_down(deadline, None, effects),
            Input::Tick => {}
        }
        self.serve(now, effects);
        self.commit_if_due(now, effects);
        self.finish(now, effects);
    }

    /// When the reader wants to be told the time again, if nothing else comes before.
    pub fn wake_at(&self) -> Option<Moment> {
        let shutdown = self.shutdown.as_ref().filter(|shutdown| !shutdown.left).map(|shutdown| shutdown.deadline);
        let nothing = self.nothing_since.filter(|_| self.shutdown.is_none()).map(|since| since + NOTHING_HELD);
        [self.serving.wake_at(), self.commits.wake_at(), shutdown, nothing].into_iter().flatten().min()
    }

    /// Partitions held.
    pub fn held(&self) -> usize {
        self.holdings.len()
    }

    /// True once the group has given this member its part, even if that is nothing.
    pub fn is_assigned(&self) -> bool {
        self.assigned_once && matches!(self.serving, Serving::Nothing)
    }

    /// What was committed last for each partition held, with the end it had when it was assigned.
    pub fn progress(&self) -> impl Iterator<Item = (&TopicPartition, i64, i64)> {
        self.holdings.iter().map(|(partition, held)| (partition, held.committed, held.end))
    }

    fn by_id(&mut self, id: HoldingId) -> Option<&mut Holding> {
        self.holdings.values_mut().find(|held| held.origin.holding == id)
    }

    fn out_of_range(&mut self, partition: TopicPartition, effects: &mut Vec<Effect>) {
        let leaves = self.shutdown.is_some() || self.is_revoked(&partition);
        let Some(held) = self.holdings.get_mut(&partition) else { return };
        if std::mem::replace(&mut held.stopped, true) {
            return;
        }
        if self.settings.restart_out_of_range && !leaves {
            // What was read is not to be read again: it settles as it would before a revoke.
            self.restarts.insert(partition.clone(), held.committed);
            self.waiting.push_back(Input::Revoked { partitions: vec![partition.clone()], lost: false });
            self.waiting.push_back(Input::Assigned(vec![partition]));
        } else {
            effects.push(Effect::Tell(Notice::OutOfRange(partition, OutOfRange::Stopped)));
        }
    }

    /// True if a revoke of the partition is being served or waits.
    fn is_revoked(&self, partition: &TopicPartition) -> bool {
        let waits =
            |input: &Input| matches!(input, Input::Revoked { partitions, .. } if partitions.contains(partition));
        self.serving.gives_back(partition) || self.waiting.iter().any(waits)
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
