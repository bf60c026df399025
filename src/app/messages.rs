//! What the threads send to one another, and the way to a worker.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::budget::Permit;
use crate::dead_letter::Letter;
use crate::kafka::LetterFault;
use crate::reader::{Reload, Resolved};
use crate::record::HoldingId;
use crate::worker::{Committable, Input, Pipelines};

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
    Watched(Vec<(Arc<str>, Arc<str>)>),
    /// Other pipelines, which have passed every check.
    Reload(Reload, Arc<Pipelines>),
    /// Stop within this time.
    Shutdown(Duration),
}

/// What a worker is sent.
pub enum ToWorker {
    /// For the core.
    Input(Input),
    /// Holdings that begin from now on are worked on by these.
    Install(Arc<Pipelines>),
    /// Records, with the part of the memory limit that is kept for what they become until that is known.
    Records {
        /// For the core.
        input: Input,
        /// Given back once the documents are made.
        reserve: Permit,
        /// Bytes to take off [`WorkerHandle::queued`].
        bytes: usize,
    },
}

/// The way to a worker.
#[derive(Clone)]
pub struct WorkerHandle {
    /// Where to send.
    pub sender: Sender<ToWorker>,
    /// Bytes of records that wait in front of it.
    pub queued: Arc<AtomicUsize>,
}

impl WorkerHandle {
    /// Sends to the core. A worker that is gone has ended the process, or is past its end.
    pub fn send(&self, input: Input) {
        self.pass(ToWorker::Input(input));
    }

    /// Sends a message.
    pub fn pass(&self, message: ToWorker) {
        if self.sender.send(message).is_err() {
            tracing::debug!("a worker is gone already");
        }
    }
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
    #[expect(dead_code, reason = "it is there to be dropped")]
    pub(super) permit: Permit,
}
