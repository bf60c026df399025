//! The campaign, as a command.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use super::{Interrupt, kelp};
use crate::lab::campaign::{self, Fault, Options, Planted, Protocol, Search};
use crate::lab::elastic::Elastic;
use crate::lab::kafka::Kafka;
use crate::lab::opensearch::OpenSearch;
use crate::lab::servers::RunFolder;
use crate::lab::{Result, home};

/// What to play.
#[derive(Debug, Args)]
pub struct Chaos {
    /// Fixes the faults and the records, not the timing; a fresh one, which is printed, unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// How many rounds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// How many records a round writes to all topics together; a topic that is made again gets some more.
    #[arg(long, default_value_t = 60_000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
    /// How many processes run.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=16))]
    processes: u64,
    /// How many topics: written plainly, in transactions, compacted, and so on.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=16))]
    topics: u64,
    /// How many partitions each has.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(i32).range(1..=256))]
    partitions: i32,
    /// How many faults a round has.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=100))]
    steps: u64,
    /// Which faults; all unless given.
    #[arg(long, value_enum, value_delimiter = ',')]
    faults: Vec<Fault>,
    /// How the group divides its partitions.
    #[arg(long, value_enum, default_value = "cooperative")]
    protocol: Protocol,
    /// What documents are written to.
    #[arg(long, value_enum, default_value = "elasticsearch")]
    target: Target,
    /// Go on after a round in which something did not hold.
    #[arg(long)]
    keep_going: bool,
    /// The binary; target/release/kelp unless given.
    #[arg(long)]
    kelp: Option<PathBuf>,
    /// Where the logs of the processes go; target/lab/chaos-<seed> unless given.
    #[arg(long)]
    logs: Option<PathBuf>,
    /// memory_limit of each process, in MiB.
    #[arg(long, default_value_t = 64)]
    memory_limit: u64,
    /// How many MiB more a process may occupy than that.
    #[arg(long, default_value_t = 64)]
    memory_allowance: u64,
    /// Have librdkafka tell of itself in the logs: its property `debug`, such as cgrp,topic,fetch.
    #[arg(long)]
    debug: Option<String>,
    /// Spoil a document behind the campaign's back: it has to fail.
    #[arg(long, value_enum)]
    plant: Option<Plant>,
}

/// See [`Search`].
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Target {
    /// Elasticsearch 7.
    Elasticsearch,
    /// OpenSearch 3, which needs a JDK 21 or later.
    Opensearch,
}

/// See [`Planted`].
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Plant {
    /// A document is removed.
    Removed,
    /// A document is written twice.
    Copied,
}

/// Settings of the broker: members are missed soon, in the protocol of KIP-848 too, and compaction is quick.
const BROKER: [(&str, &str); 7] = [
    ("log.cleaner.backoff.ms", "500"),
    ("group.consumer.min.session.timeout.ms", "1000"),
    ("group.consumer.session.timeout.ms", "3000"),
    ("group.consumer.min.heartbeat.interval.ms", "100"),
    ("group.consumer.heartbeat.interval.ms", "500"),
    ("transaction.max.timeout.ms", "600000"),
    ("log.retention.check.interval.ms", "1000"),
];

/// Plays; true if everything held.
pub fn run(chaos: &Chaos, interrupt: &Interrupt) -> Result<bool> {
    let seed = match chaos.seed {
        Some(seed) => seed,
        None => SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64 % 1_000_000_000,
    };
    let logs = chaos.logs.clone().unwrap_or_else(|| home::folder().join(format!("chaos-{seed}")));
    std::fs::create_dir_all(&logs)?;
    let options = Options {
        seed,
        rounds: chaos.rounds,
        records: chaos.records,
        processes: usize::try_from(chaos.processes)?,
        topics: usize::try_from(chaos.topics)?,
        partitions: chaos.partitions,
        steps: usize::try_from(chaos.steps)?,
        faults: if chaos.faults.is_empty() { Fault::value_variants().to_vec() } else { chaos.faults.clone() },
        protocol: chaos.protocol,
        keep_going: chaos.keep_going,
        kelp: kelp(chaos.kelp.as_ref())?,
        logs: logs.canonicalize()?,
        memory_limit: chaos.memory_limit,
        memory_allowance: chaos.memory_allowance,
        patience: Duration::from_secs(180),
        debug: chaos.debug.clone(),
        planted: chaos.plant.map(|plant| match plant {
            Plant::Removed => Planted::Removed,
            Plant::Copied => Planted::Copied,
        }),
    };
    println!("seed {seed}; logs in {}", options.logs.display());
    let folder = RunFolder::new()?;
    let mut kafka = Kafka::start(folder.path(), &BROKER)?;
    let (mut elastic, mut opensearch) = (None, None);
    let search = match chaos.target {
        Target::Elasticsearch => {
            let node = elastic.insert(Elastic::start(folder.path())?);
            node.await_ready_while(&|| interrupt.check())?;
            Search::Elastic(node)
        }
        Target::Opensearch => {
            let node = OpenSearch::start()?.ok_or("OpenSearch needs a JDK 21 or later")?;
            Search::Open(opensearch.insert(node))
        }
    };
    kafka.await_ready_while(&|| interrupt.check())?;
    let mut say = |line: &str| -> Result<()> {
        println!("{line}");
        Ok(())
    };
    let report = campaign::run(&options, &mut kafka, search, &mut say, &|| interrupt.check())?;
    println!("{}", report.markdown());
    for violation in report.violations() {
        println!("does not hold: {violation}");
    }
    Ok(report.is_good())
}
