//! The campaign: rounds of random faults on real servers, and after each the whole truth.
//!
//! A seed fixes the plan: which faults, in which order, on whom, and the weather of the proxy. It does not fix when the
//! kernel lets whom run, so a seed that found something is a place to look again, not a replay.
//!
//! Everything is judged from outside: by the oracle that produced the records, the documents and letters that are there,
//! the commits as Kafka tells them, the proxy's log of submissions, the kernel's account of memory; only that the counts
//! of a process add up is asked of the process.

mod carry;
mod commits;
mod crew;
mod plan;
mod report;
mod round;
mod search;
mod stage;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

pub use plan::{Fault, Protocol};
pub use report::Report;
pub use search::Search;

use super::Result;
use super::generate::Random;
use super::kafka::Kafka;
use stage::Stage;

/// What a campaign is to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Decides everything that is decided by chance.
    pub seed: u64,
    /// How many rounds.
    pub rounds: u64,
    /// How many records a round produces, over all topics.
    pub records: u64,
    /// How many processes run when nothing is wrong.
    pub processes: usize,
    /// How many topics: one written plainly, one in transactions, one compacted, and so on.
    pub topics: usize,
    /// Partitions of each.
    pub partitions: i32,
    /// How many faults a round has.
    pub steps: usize,
    /// Which faults there may be.
    pub faults: Vec<Fault>,
    /// How the group divides partitions.
    pub protocol: Protocol,
    /// Go on after a round in which something did not hold.
    pub keep_going: bool,
    /// The binary.
    pub kelp: PathBuf,
    /// Where the processes' logs go.
    pub logs: PathBuf,
    /// `memory_limit` of each process, in MiB.
    pub memory_limit: u64,
    /// How much more a process may occupy than that, in MiB: program, libraries, threads, what librdkafka holds for each
    /// partition, and what the allocator keeps.
    pub memory_allowance: u64,
    /// How long waiting for anything may take before that counts as never.
    pub patience: Duration,
    /// What librdkafka tells of itself in the logs (its property `debug`), if anything.
    pub debug: Option<String>,
    /// Spoil something behind the campaign's own back, to see that it notices.
    pub planted: Option<Planted>,
}

/// Faults that a campaign has to notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// A document is removed.
    Removed,
    /// A document is written a second time, into another index.
    Copied,
}

/// Runs a campaign on servers that nobody else uses. `say` is told each round's line; `check` fails when the user has had
/// enough.
///
/// # Errors
/// Something could not be carried out. What did not hold is in the report, not an error.
pub fn run(
    options: &Options,
    kafka: &mut Kafka,
    search: Search<'_>,
    say: &mut dyn FnMut(&str) -> Result<()>,
    check: &dyn Fn() -> Result<()>,
) -> Result<Report> {
    let mut random = Random::new(options.seed);
    let mut plan = plan::Plan::new(options);
    let mut report = Report::new(options);
    let mut stage = Stage::new(options, kafka, search, check)?;
    for number in 1..=options.rounds {
        check()?;
        let steps = plan.round(&mut random);
        let round = round::play(&mut stage, number, &steps, &mut random)?;
        say(&round.line())?;
        let good = round.violations.is_empty();
        report.add(round);
        if !good && !options.keep_going {
            break;
        }
    }
    stage.end(&mut report)?;
    Ok(report)
}

/// The kinds of faults that were not carried out.
pub fn left_out(options: &Options, report: &Report) -> BTreeSet<Fault> {
    options.faults.iter().copied().filter(|fault| report.times(*fault) == 0).collect()
}
