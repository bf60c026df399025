//! How fast Kelp itself is: a real Kafka before it, a sink that costs next to nothing behind it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::single::{Produce, write_log};
use super::{Format, Interrupt, kelp};
use crate::lab::kafka::Kafka;
use crate::lab::kelp::Config;
use crate::lab::servers::RunFolder;
use crate::lab::sink::Sink;
use crate::lab::{Kelp, Result, home};

const TOPIC: &str = "web-access";

/// What to measure.
#[derive(Debug, Args)]
pub struct Bench {
    /// How many access-log lines to write once and read each time.
    #[arg(long, default_value_t = 2_000_000)]
    records: u64,
    /// How many partitions the topic gets.
    #[arg(long, default_value_t = 8)]
    partitions: i32,
    /// The same seed gives the same lines.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often to measure; the median counts.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// The binary; target/release/kelp unless given.
    #[arg(long)]
    kelp: Option<PathBuf>,
    /// The pipeline; the shipped pipelines/web-access.yaml unless given. It has to read the topic `web-access`.
    #[arg(long)]
    pipeline: Option<PathBuf>,
    /// Further lines for kelp.yaml, such as 'threads: 1'.
    #[arg(long = "set")]
    more: Vec<String>,
    /// How to print the result.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// One measurement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Measured {
    /// From the start of the process to its first bulk, whole at the sink.
    pub first_bulk_seconds: f64,
    /// Documents that came after the first bulk, in each second between it and the last.
    pub steady_per_second: f64,
    /// Records in each second between the start of the process and its end.
    pub overall_per_second: f64,
    /// User and system time of the process, for a million records.
    pub cpu_seconds_per_million: f64,
    /// Resident memory at its highest.
    pub peak_memory_mib: f64,
    /// How many documents the sink has seen.
    pub documents: f64,
    /// Of how many bulks.
    pub requests: f64,
}

#[derive(Debug, Serialize)]
struct Summary {
    records: u64,
    partitions: i32,
    cores: usize,
    median: Measured,
    runs: Vec<Measured>,
}

/// Measures; true if every run has delivered the same number of documents.
pub fn run(bench: &Bench, interrupt: &Interrupt) -> Result<bool> {
    let binary = kelp(bench.kelp.as_ref())?;
    let pipeline = bench.pipeline.clone().unwrap_or_else(|| home::project().join("pipelines/web-access.yaml"));
    let folder = RunFolder::new()?;
    let mut kafka = Kafka::start(folder.path(), &[])?;
    kafka.await_ready()?;
    interrupt.check()?;
    kafka.create_topic(TOPIC, bench.partitions)?;
    let produce = Produce {
        bootstrap: kafka.bootstrap().to_owned(),
        topic: TOPIC.into(),
        partitions: bench.partitions,
        records: bench.records,
        seed: bench.seed,
    };
    let made = write_log(&produce, interrupt)?;
    let sink = Sink::start("127.0.0.1:0")?;
    let mut runs = Vec::new();
    for number in 1..=bench.repeat.max(1) {
        sink.reset();
        let mut config = Config::new(&produce.bootstrap, &format!("bench-{number}"), &sink.url(), &[&pipeline]);
        config.more = bench.more.clone();
        let mut kelp = Kelp::start(&binary, folder.path(), &config, &["--until-caught-up"])?;
        let measured = measure(&mut kelp, &sink, bench.records, interrupt)?;
        eprintln!("run {number}: {:.0} records/s", measured.steady_per_second);
        runs.push(measured);
    }
    let median = Measured {
        first_bulk_seconds: median(&runs, |run| run.first_bulk_seconds),
        steady_per_second: median(&runs, |run| run.steady_per_second),
        overall_per_second: median(&runs, |run| run.overall_per_second),
        cpu_seconds_per_million: median(&runs, |run| run.cpu_seconds_per_million),
        peak_memory_mib: median(&runs, |run| run.peak_memory_mib),
        documents: median(&runs, |run| run.documents),
        requests: median(&runs, |run| run.requests),
    };
    let cores = std::thread::available_parallelism()?.get();
    let expected = made.records - made.empty - made.tombstones;
    let complete = runs.iter().all(|run| run.documents == expected as f64);
    let summary = Summary { records: bench.records, partitions: bench.partitions, cores, median, runs };
    print(&summary, bench.format)?;
    if !complete {
        eprintln!("a run has not delivered the {expected} documents that there are");
    }
    Ok(complete)
}

/// Waits for the end of a run and reads what it took.
fn measure(kelp: &mut Kelp, sink: &Sink, records: u64, interrupt: &Interrupt) -> Result<Measured> {
    let started = kelp.process().started();
    while kelp.process().try_wait()?.is_none() {
        interrupt.check()?;
        std::thread::sleep(Duration::from_millis(20));
    }
    let whole = started.elapsed().as_secs_f64();
    kelp.expect_exit(0, Duration::ZERO)?;
    let (usage, stats) = (kelp.usage(), sink.stats());
    let (first, last) = stats.first.zip(stats.last).ok_or("no bulk reached the sink")?;
    let after_first = (stats.documents - stats.first_documents) as f64;
    Ok(Measured {
        first_bulk_seconds: (first - started).as_secs_f64(),
        steady_per_second: after_first / (last - first).as_secs_f64().max(0.001),
        overall_per_second: records as f64 / whole,
        cpu_seconds_per_million: usage.cpu.as_secs_f64() * 1e6 / records as f64,
        peak_memory_mib: usage.peak_memory as f64 / f64::from(1 << 20),
        documents: stats.documents as f64,
        requests: stats.requests as f64,
    })
}

fn median(runs: &[Measured], of: impl Fn(&Measured) -> f64) -> f64 {
    let mut values: Vec<_> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

fn print(summary: &Summary, format: Format) -> Result<()> {
    if format == Format::Json {
        println!("{}", serde_json::to_string(summary)?);
        return Ok(());
    }
    let (count, records) = (summary.runs.len(), summary.records);
    println!("{records} records, {} partitions, {} cores, {count} runs", summary.partitions, summary.cores);
    println!("{:<34}{:>12}{:>12}{:>12}", "", "median", "least", "most");
    let row = |name: &str, digits: usize, of: fn(&Measured) -> f64| {
        let values = || summary.runs.iter().map(of);
        let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
        println!("{name:<34}{:>12.digits$}{least:>12.digits$}{most:>12.digits$}", of(&summary.median));
    };
    row("start to first bulk, s", 3, |run| run.first_bulk_seconds);
    row("records/s, first to last bulk", 0, |run| run.steady_per_second);
    row("records/s, start to exit", 0, |run| run.overall_per_second);
    row("CPU s per million records", 2, |run| run.cpu_seconds_per_million);
    row("peak memory, MiB", 0, |run| run.peak_memory_mib);
    row("bulk requests", 0, |run| run.requests);
    println!("{}", serde_json::to_string(summary)?);
    Ok(())
}
