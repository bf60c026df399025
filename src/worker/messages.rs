//! What a worker is told, what it asks for, and when a body is sent.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::budget::Permit;
use crate::bulk::{Bulk, Settlement};
use crate::dead_letter::Letter;
use crate::ledger::{Contradiction, Counts};
use crate::record::{DropReason, HoldingId, Origin, RecordBatch, TopicPartition};

/// When a body is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BulkLimits {
    /// A body of this many bytes is full.
    pub max_bytes: usize,
    /// A body of this many documents is full.
    pub max_documents: usize,
    /// How long a document waits in a body for others.
    pub linger: Duration,
    /// A document of more bytes than this is rejected.
    pub max_document_bytes: usize,
}

/// What a worker is told.
#[derive(Debug)]
pub enum Input {
    /// A holding begins; its next offset is `position`.
    Begin {
        /// The holding and its partition.
        origin: Arc<Origin>,
        /// The next offset.
        position: i64,
    },
    /// Records of a holding, in order.
    Records {
        /// The records.
        records: RecordBatch,
        /// Their part of the memory limit.
        permit: Option<Permit>,
    },
    /// The consumer's position of a holding after all the records that were given before.
    Position {
        /// The holding.
        holding: HoldingId,
        /// The next offset that the consumer would fetch.
        position: i64,
    },
    /// Outcomes.
    Settled(Vec<Settlement>),
    /// Nothing more will be read for this holding: send what is waiting, tell when all is settled.
    Drain(HoldingId),
    /// The holding is over; whatever comes for it later does nothing.
    End(HoldingId),
    /// Only time has passed.
    Tick,
}

/// What a worker asks its edge to do.
#[derive(Debug)]
pub enum Effect {
    /// Hand a full body to the dispatch.
    Submit(Bulk),
    /// Deliver a dead letter, then tell the outcome as a settlement.
    Letter(Letter),
    /// A holding's watermark moved.
    Committable(Committable),
    /// Everything of a holding that is being drained is settled.
    Drained(HoldingId),
    /// Records were settled, by fate; for the metrics.
    Counted(Tally),
    /// A holding ended with records in flight; they are the next owner's.
    Forgotten {
        /// The topic.
        topic: Arc<str>,
        /// How many.
        records: u64,
    },
    /// What is in flight of a holding is not what its ledger says: nothing more of it is committable.
    Mismatch(HoldingId, String),
    /// A contradiction inside the service: commit nothing more, stop.
    Fault(TopicPartition, Contradiction),
}

/// A watermark that moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committable {
    /// The holding.
    pub holding: HoldingId,
    /// The next offset that is safe to commit.
    pub offset: i64,
    /// How many records of the holding are below it.
    pub records: u64,
    /// The timestamp of the first record at or above it that was received, in milliseconds since 1970.
    pub oldest: Option<i64>,
}

/// What was counted in one step for one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The topic.
    pub topic: Arc<str>,
    /// The change of the ledger's counts.
    pub counts: Counts,
    /// Drops by reason, in the order of [`DropReason::ALL`].
    pub dropped: [u64; DropReason::ALL.len()],
}
