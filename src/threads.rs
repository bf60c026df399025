//! The threads of a process, explored by shuttle: reader, workers, dispatch, dead letters, and an Elasticsearch, each a thread; the
//! cores are the real ones, and so are the way to a worker and its rounds (`passage`), the memory limit with its parts (`budget`), and the
//! slots of documents. At each use of an atomic number or a channel shuttle decides which thread goes on, by chance or with few
//! changes (PCT), from a seed; a schedule that fails is printed and can be played again.
//!
//! Checked: nothing is committed that is not settled, and after a drained revoke or an orderly end everything is committed; what a worker tells
//! goes up; the ledger and the slots agree; no thread waits for ever; in the end the memory limit, its parts and the counts of what is queued
//! are back at nothing, and every document is there once.
//!
//! Not covered: librdkafka and its callbacks, tokio and its channel (one of shuttle's stands for it), the loops of the reader and the dispatch
//! themselves (they are written again here), time (what waits for it goes on at once or later), and orderings of memory weaker than
//! sequential consistency, which shuttle does not have.

mod command;
mod edge;
mod elastic;
mod others;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::planted::plant;
pub use command::command;

/// Faults that are planted in the code that is explored; each has to be found.
pub const PLANTED: &[(&str, &str)] = &[
    ("ReleaseTwice", "a part of a permit is given back by both"),
    ("CountAfterSend", "what is queued is counted after it was sent"),
    ("TellBeforeFree", "a worker hears of a letter whose slot is not free yet"),
    ("EffectsBackwards", "what a worker asks for in one round is carried out backwards"),
    ("LoseWhenBusy", "outcomes are lost while a worker has records waiting"),
    ("SleepThroughDue", "a worker does not ask when it wants to be told the time"),
];

/// How schedules are chosen.
#[derive(Debug, Clone, Copy)]
pub enum Schedules<'a> {
    /// Each decision by chance.
    Random,
    /// By priorities that change this often at most.
    Pct(usize),
    /// The one that a file has.
    Replay(&'a Path),
}

/// Runs a process from its start to its end under `number` schedules from a seed; a fault may be planted. A schedule that fails is
/// written into `folder`, if there is one.
///
/// # Errors
/// What the first schedule failed with that did.
pub fn explore(
    schedules: Schedules<'_>,
    (seed, number): (u64, usize),
    fault: &'static str,
    folder: Option<&Path>,
) -> Result<(), String> {
    let mut config = Config::new();
    // The cores have deep stacks, and there are few threads.
    config.stack_size = 1 << 20;
    config.silence_warnings = true;
    // Far more than any needs: whoever gets there waits in vain.
    config.max_steps = MaxSteps::FailAfter(200_000);
    config.failure_persistence = match folder {
        Some(folder) => FailurePersistence::File(Some(folder.to_owned())),
        None => FailurePersistence::None,
    };
    let scheduler: Box<dyn Scheduler + Send> = match schedules {
        Schedules::Random => Box::new(RandomScheduler::new_from_seed(seed, number)),
        Schedules::Pct(changes) => Box::new(PctScheduler::new_from_seed(seed, changes, number)),
        Schedules::Replay(file) => {
            let mut scheduler = ReplayScheduler::new_from_file(file).map_err(|error| error.to_string())?;
            // What a panic drops on its way out is not in it any more.
            scheduler.set_allow_incomplete();
            Box::new(scheduler)
        }
    };
    plant(fault);
    let ran = catch_unwind(AssertUnwindSafe(|| Runner::new(scheduler, config).run(edge::process)));
    plant("");
    ran.map(|_| ()).map_err(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map_or_else(|_| "a panic".to_owned(), |text| (*text).to_owned()),
    })
}
