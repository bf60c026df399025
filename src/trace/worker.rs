//! What a worker is told and asks for, as it stands in a trace.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::runs::{SettledRun, documents, settled, show_letter, show_submit};
use crate::record::{HoldingId, Origin};
use crate::worker::{Effect, Input};

/// An input of a worker without what its records say.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerHeard {
    /// A holding begins.
    Begin {
        /// The holding and its partition.
        origin: Arc<Origin>,
        /// The next offset.
        position: i64,
    },
    /// Records.
    Records {
        /// Their holding.
        holding: HoldingId,
        /// Their offsets by runs: the first of each, and how many follow each other.
        offsets: Vec<(i64, i64)>,
        /// Their timestamps, −1 for none: the first, then how much later than the one before each is.
        timestamps: Vec<i64>,
    },
    /// The consumer's position.
    Position {
        /// The holding.
        holding: HoldingId,
        /// The next offset.
        position: i64,
    },
    /// Outcomes.
    Settled(Vec<SettledRun>),
    /// Nothing more will be read for this holding.
    Drain(HoldingId),
    /// The holding is over.
    End(HoldingId),
    /// Only time has passed.
    Tick {
        /// Whether nothing waited to be heard.
        quiet: bool,
    },
}

impl WorkerHeard {
    /// What a worker is told.
    pub fn of(input: &Input, quiet: bool) -> Self {
        match input {
            Input::Begin { origin, position } => Self::Begin { origin: Arc::clone(origin), position: *position },
            Input::Records { records, .. } => {
                let mut offsets: Vec<(i64, i64)> = Vec::new();
                let mut timestamps = Vec::with_capacity(records.len());
                let mut before = 0;
                for record in records.iter() {
                    match offsets.last_mut() {
                        Some((first, count)) if *first + *count == record.offset => *count += 1,
                        _ => offsets.push((record.offset, 1)),
                    }
                    let timestamp = record.timestamp.unwrap_or(-1);
                    timestamps.push(timestamp - before);
                    before = timestamp;
                }
                Self::Records { holding: records.origin().holding, offsets, timestamps }
            }
            Input::Position { holding, position } => Self::Position { holding: *holding, position: *position },
            Input::Settled(settlements) => Self::Settled(settled(settlements)),
            Input::Drain(holding) => Self::Drain(*holding),
            Input::End(holding) => Self::End(*holding),
            Input::Tick => Self::Tick { quiet },
        }
    }
}

/// The offsets and timestamps of records, one by one.
pub fn stamps(offsets: &[(i64, i64)], timestamps: &[i64]) -> Vec<(i64, i64)> {
    let offsets = offsets.iter().flat_map(|(first, count)| *first..first.saturating_add(*count));
    let mut timestamp = 0_i64;
    let timestamps = timestamps.iter().map(|later| {
        timestamp = timestamp.wrapping_add(*later);
        timestamp
    });
    offsets.zip(timestamps.collect::<Vec<_>>()).collect()
}

/// What is told of an effect of a worker.
pub fn worker_says(effect: &Effect) -> String {
    match effect {
        Effect::Submit(bulk) => show_submit(&bulk.index, bulk.body.len(), &documents(bulk)),
        Effect::Letter(letter) => show_letter(letter),
        other => format!("{other:?}"),
    }
}
