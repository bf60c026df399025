//! What a history is like: drawn from its seed before anything happens.

use std::sync::Arc;
use std::time::Duration;

use super::mischief::Blow;
use crate::backoff::{Backoff, Chance};
use crate::clock::Moment;
use crate::record::Route;
use crate::worker::BulkLimits;
use crate::{dispatch, reader};

/// The shape of one history.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Processes of the group.
    pub(super) members: usize,
    /// Topics and partitions of each.
    pub(super) topics: usize,
    pub(super) partitions: i32,
    /// Records of a partition at most.
    pub(super) records: u64,
    /// From here on nothing fails any more.
    pub(super) calm: Moment,
    /// How many requests in a hundred fail before that.
    pub(super) failing: u64,
    /// Mean time between what happens to the group and its processes.
    pub(super) mischief: Duration,
    /// Ends with a process that stops by itself once it has caught up.
    pub(super) catches_up: bool,
    /// What an answer takes at most, in milliseconds; most take a twentieth.
    pub(super) answers: u64,
    /// Documents that a request may have.
    pub(super) accepted: usize,
    /// Bytes that a process may have in flight.
    pub(super) memory: usize,
    /// The day goes on while the records are written, instead of each record having any.
    pub(super) midnight: bool,
    /// What never happens.
    pub(super) without: Vec<Blow>,
    pub(super) reader: reader::Settings,
    pub(super) dispatch: dispatch::Settings,
    pub(super) limits: BulkLimits,
}

impl Plan {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x5EED);
        let mut between = |low: u64, high: u64| low + chance.below(high - low + 1);
        let millis = Duration::from_millis;
        let restless = between(0, 2) == 0;
        let topics = between(1, 2) as usize;
        let route =
            |topic| (format!("t{topic}").into(), Arc::new(Route { version: "0000".into(), ..Route::default() }));
        Self {
            members: between(1, 3) as usize,
            topics,
            partitions: between(1, 3) as i32,
            records: between(0, 4) * between(0, 15),
            calm: Moment(millis(between(1_000, 40_000))),
            failing: between(0, 3) * between(0, 15),
            // Now and then partitions come and go faster than anything can be settled.
            mischief: millis(if restless { between(30, 300) } else { between(200, 8_000) }),
            catches_up: between(0, 3) == 0,
            answers: [200, 5_000][between(0, 1) as usize],
            accepted: [3, 1_000][between(0, 1) as usize],
            memory: [1 << 20, 1 << 20, between(500, 8_000) as usize][between(0, 2) as usize],
            midnight: between(0, 2) == 0,
            without: Vec::new(),
            reader: reader::Settings {
                workers: between(1, 2) as usize,
                drain_timeout: millis(if restless { between(1, 50) } else { between(20, 3_000) }),
                commit_interval: millis(between(10, 5_000)),
                start_at_end: between(0, 7) == 0,
                restart_out_of_range: between(0, 1) == 0,
                until_caught_up: false,
                max_uncommitted: reader::MaxUncommitted {
                    records: between(10, 200),
                    age: millis(between(100, 20_000)),
                },
                watch_interval: Duration::from_secs(10),
                routes: (0..topics).map(route).collect(),
            },
            dispatch: dispatch::Settings {
                concurrency: between(1, 4) as usize,
                backoff: Backoff { base: millis(between(1, 200)), cap: millis(between(200, 5_000)) },
                hold: Backoff { base: millis(between(50, 1_000)), cap: millis(between(1_000, 10_000)) },
                blocked: dispatch::Blocked { dead_letter: between(0, 5) == 0, after: millis(between(500, 20_000)) },
                max_new_indices: if between(0, 5) == 0 { between(1, 2) as usize } else { 500 },
            },
            limits: BulkLimits {
                max_bytes: [500, 5_000][between(0, 1) as usize],
                max_documents: between(1, 8) as usize,
                linger: millis([between(0, 300), between(300, 3_000)][between(0, 1) as usize]),
                max_document_bytes: 400,
            },
        }
    }
}
