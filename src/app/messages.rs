//! What the threads send to one another; the way to a worker is `passage`.

use std::sync::Arc;
use std::time::Duration;

use crate::budget::Permit;
use crate::dead_letter::Letter;
use crate::kafka::LetterFault;
use crate::reader::{Reload, Resolved, WatchedTopic};
use crate::record::HoldingId;
use crate::worker::{Committable, Pipelines};

/// What the reader is sent by others.
pub enum ToReader {
    /// A worker's watermark moved.
    Committable(Committable),
    /// A holding has nothing in flight any more.
    Drained(HoldingId),
    /// What is in flight of a holding is not what its ledger says.
    Mismatch(HoldingId, String),
    /// What the broker says about partitions.
    Resolved(Result<Vec<Resolved>, String>),
    /// The ids of topics that are read.
    Watched(Vec<WatchedTopic>),
    /// Other pipelines, which have passed every check.
    Reload(Reload, Arc<Pipelines>),
    /// Stop within this time.
    Shutdown(Duration),
}

/// What the thread of the dead letters is sent.
pub enum ToLetters {
    /// A holding begins.
    Begin(HoldingId),
    /// A holding is over: its letters are left to the next owner.
    End(HoldingId),
    /// Deliver this one.
    Deliver(Letter),
    /// Kafka did not take it.
    Failed(Box<Waiting>, LetterFault),
}

/// A letter and how often it was tried.
pub struct Waiting {
    pub(super) letter: Letter,
    pub(super) attempt: u32,
    /// The part of the memory limit that it occupies on its way, beside its record.
    pub(super) permit: Permit,
}
