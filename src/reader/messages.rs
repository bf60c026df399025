//! What the reader core is told, and what it asks for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::record::{HoldingId, Origin, Route, TopicPartition};
use crate::worker::Committable;

/// How the reader behaves.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// How far a partition may be read ahead of what is settled.
    pub max_uncommitted: MaxUncommitted,
    /// Time between looks at the topics' ids.
    pub watch_interval: Duration,
    /// What reads each topic.
    pub routes: Routes,
}

/// How far a partition may be read ahead of its watermark: what is above it is read, and sent, again after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxUncommitted {
    /// Records received and not below the watermark.
    pub records: u64,
    /// Time since the watermark moved last, while there are such records.
    pub age: Duration,
}

/// What reads each topic, by name. Topics that are read no more stay in it: the group may still give their partitions.
pub type Routes = BTreeMap<Arc<str>, Arc<Route>>;

/// Pipelines that take the place of those before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reload {
    /// What reads each topic from now on.
    pub routes: Routes,
    /// The topics to be read from now on, if they are others than before.
    pub topics: Option<Vec<Arc<str>>>,
}

/// What the broker said about a partition that was assigned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The partition.
    pub partition: TopicPartition,
    /// A short form of the topic's id, or `0` on the broker's definite answer that it has none.
    pub incarnation: Arc<str>,
    /// The group's commit, with its metadata.
    pub committed: Option<(i64, String)>,
    /// First offset, and the end up to the last stable offset.
    pub bounds: (i64, i64),
}

/// The result of one partition's commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitResult {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset that was to be committed.
    pub offset: i64,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
}

/// What the reader is told.
#[derive(Debug, Serialize, Deserialize)]
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
    /// What the broker says about the partitions that were asked about; of those that it leaves out the topic is not there.
    Resolved(Result<Vec<Resolved>, String>),
    /// The broker's ids of topics, in the short form of incarnations; those that it gave no definite answer about are left out.
    Watched(Vec<WatchedTopic>),
    /// Records were taken from a partition and given to its worker.
    Took {
        /// The partition.
        partition: TopicPartition,
        /// How many.
        records: u64,
    },
    /// The next offsets that the consumer would take: everything below them that is a record was taken.
    Positions(Vec<(TopicPartition, i64)>),
    /// What is in flight of a holding is not what its ledger says.
    Mismatch(HoldingId, String),
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
    /// The pipelines have changed.
    Reload(Reload),
    /// Stop: drain until the moment at the latest, commit, leave.
    Shutdown(Moment),
    /// Only time has passed.
    Tick,
}

/// A topic and its id; none, if there is no such topic. One of which nothing is known is left out.
pub type WatchedTopic = (Arc<str>, Option<Arc<str>>);

/// Who wants what is asked of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// The group, which waits for the answer.
    TheGroup,
    /// The reader itself: the partitions begin anew, and others are read meanwhile.
    Us,
}

/// What the reader asks its edge to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the broker about partitions, then tell.
    Resolve(For, Vec<TopicPartition>),
    /// Ask the broker for the ids of topics, then tell.
    Watch(Vec<Arc<str>>),
    /// Everything below this offset that is a record was given to the worker: tell it.
    Position(HoldingId, i64),
    /// Take no more from the partition of this holding for now.
    Pause(HoldingId),
    /// Go on taking.
    Resume(HoldingId),
    /// Serve an assignment: start these holdings.
    Assign(Vec<Start>),
    /// Start these holdings of partitions that the group has left here: it is told nothing.
    Restart(Vec<Start>),
    /// Take no more from the partition of this holding; tell its worker to drain it.
    Drain(HoldingId),
    /// A new holding takes the place of one that has just ended; the consumer reads on where it is.
    Renew(Start),
    /// The group is to give partitions of these topics from now on.
    Subscribe(Vec<Arc<str>>),
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
    /// Why it begins there.
    pub reason: StartReason,
}

/// Why a holding begins where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartReason {
    /// It is what the group has committed.
    Commit,
    /// Nothing was committed: the first record.
    Beginning,
    /// Nothing was committed: after the last record, as that was asked for.
    End,
    /// The topic was made again since the commit: its first record.
    MadeAgain,
    /// What was to be read is gone: the first record.
    OutOfRange,
    /// Another version of the pipeline goes on where the one before ended.
    Reload,
}

impl StartReason {
    /// Its name in metrics and the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Beginning => "beginning",
            Self::End => "end",
            Self::MadeAgain => "made_again",
            Self::OutOfRange => "out_of_range",
            Self::Reload => "reload",
        }
    }
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
    /// The topic was made again while it was read: it is read from its beginning.
    TopicReplaced(TopicPartition),
    /// The group gives a partition that is not there, as its topic is gone, or that has no leader: it is read once it is there.
    NotThere(TopicPartition),
    /// Too much, or too old, is above the watermark: the partition is not read on until that changes.
    Ahead(TopicPartition),
    /// The watermark has moved: it is read on.
    NotAhead(TopicPartition),
    /// What is in flight is not what the ledger says: nothing more is committed for the partition.
    Mismatch(TopicPartition, String),
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
            Self::Complete => "everything that was to be done is settled and committed",
            Self::Unsettled => "the deadline came before everything was settled and committed",
            Self::Stopped => "a partition is stopped",
        })
    }
}
