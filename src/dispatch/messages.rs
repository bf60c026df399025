//! What the dispatch core is told, and what it asks for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::backoff::Backoff;
use crate::bulk::{Answer, Bulk, ErrorCause, HoldReason, Settlement};
use crate::dead_letter::Letter;
use crate::record::HoldingId;

/// The number of a request, of a look-up, or of both in turn.
pub type RequestId = u64;

/// How the dispatch behaves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// Requests under way at once, at most, without those that do not come back; how many it is depends on how Elasticsearch bears them.
    pub concurrency: usize,
    /// Waiting between tries of the same thing.
    pub backoff: Backoff,
    /// Waiting between tries at an index that is held.
    pub hold: Backoff,
    /// What follows when an index is held for long.
    pub blocked: Blocked,
    /// How many indices may be made within an hour; what needs more is held.
    pub max_new_indices: usize,
}

/// What follows when an index is held for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// How long that is.
    pub after: Duration,
    /// True if its documents go to the dead letters then; else they wait on.
    pub dead_letter: bool,
}

impl Default for Blocked {
    fn default() -> Self {
        Self { after: Duration::from_secs(3600), dead_letter: false }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let base = Duration::from_millis(200);
        Self {
            concurrency: 16,
            backoff: Backoff { base, cap: Duration::from_secs(10) },
            hold: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(30) },
            blocked: Blocked::default(),
            max_new_indices: 500,
        }
    }
}

/// What came of a request.
#[derive(Debug)]
pub enum Outcome {
    /// HTTP 200 with a body that could be read.
    Answer(Answer),
    /// Another status.
    Status(u16, Option<ErrorCause>),
    /// The connection was refused: nothing was sent.
    NotSent(String),
    /// Sent, perhaps in part, and no usable answer.
    Unknown(String),
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameIs {
    /// An index.
    Index,
    /// Nothing yet: the first document makes it.
    Free,
    /// An alias or a data stream, as described.
    Other(String),
}

/// What a look-up found under an id.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// A document with this in its origin field.
    Origin(serde_json::Value),
    /// No document.
    Nothing,
    /// It can't be told, such as while no copy of the shard is there; the reason is for a person.
    Unknown(String),
}

impl Found {
    /// Why it can't be told.
    pub fn unknown(&self) -> Option<&String> {
        if let Self::Unknown(why) = self { Some(why) } else { None }
    }
}

/// What the dispatch is told.
#[derive(Debug)]
pub enum Input {
    /// A holding begins.
    Begin(HoldingId),
    /// A holding is over: nothing more is sent for it.
    End(HoldingId),
    /// A full body.
    Submit(Bulk),
    /// The index template is acknowledged, or not.
    Prepared(Result<(), String>),
    /// What an index name stands for.
    Checked(Arc<str>, Result<NameIs, String>),
    /// What came of a request.
    Answered(RequestId, Outcome),
    /// What a look-up found, in the order of its ids; the error, for a person, is about all of them.
    LookedUp(RequestId, Result<Vec<Found>, String>),
    /// Only time has passed.
    Tick,
}

/// What the dispatch asks its edge to do.
#[derive(Debug)]
pub enum Effect {
    /// Have the index template acknowledged.
    Prepare,
    /// Find out what an index name stands for.
    Check(Arc<str>),
    /// Send a bulk request.
    Send {
        /// The number to answer with.
        request: RequestId,
        /// The index, for the path.
        index: Arc<str>,
        /// The body.
        body: Bytes,
        /// How many documents it has.
        documents: usize,
    },
    /// Look documents up by id.
    LookUp {
        /// The number to answer with.
        request: RequestId,
        /// The index.
        index: Arc<str>,
        /// The ids, each with the name of the origin field that is wanted.
        ids: Vec<(String, Arc<str>)>,
    },
    /// Tell a worker what was settled.
    Settle(usize, Vec<Settlement>),
    /// Deliver a dead letter.
    Letter(Letter),
    /// Tell the operator.
    Tell(Notice),
    /// Items were judged; for the metrics: class and number.
    Judged(&'static str, usize),
}

/// Something that an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Elasticsearch as a whole does not take requests; they are tried again.
    Unavailable(String),
    /// It takes them again.
    Available,
    /// An index refuses its documents; they are kept and tried again.
    Held(Arc<str>, HoldReason, String),
    /// It takes them again.
    Released(Arc<str>),
    /// It was held, and nothing has waited for it for a while.
    Unneeded(Arc<str>),
}
