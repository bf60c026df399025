//! The commands that do one thing.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use super::progress::Progress;
use super::{Format, Interrupt};
use crate::lab::elastic::Client;
use crate::lab::generate::{Generator, Made};
use crate::lab::process::Process;
use crate::lab::produce::{Message, produce as produce_messages, produce_log};
use crate::lab::sink::Sink;
use crate::lab::{Census, Result, Servers, home, kafka};

/// Where and what to produce.
#[derive(Debug, Args)]
pub struct Produce {
    /// Kafka's host:port.
    #[arg(long, default_value = "localhost:9092")]
    pub bootstrap: String,
    /// The topic to write to.
    #[arg(long, default_value = "web-access")]
    pub topic: String,
    /// How many partitions it has or gets.
    #[arg(long, default_value_t = 8)]
    pub partitions: i32,
    /// How many records to write.
    #[arg(long, default_value_t = 1_000_000)]
    pub records: u64,
    /// The same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

impl Produce {
    /// A load's records for a topic of this broker.
    pub fn new(bootstrap: &str, topic: &str, load: &Load) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            topic: topic.into(),
            partitions: load.partitions,
            records: load.records,
            seed: load.seed,
        }
    }
}

/// What the larger commands work on, and by which program.
#[derive(Debug, Args)]
pub struct Load {
    /// How many access-log lines to write.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub records: u64,
    /// How many partitions the topic gets.
    #[arg(long, default_value_t = 8)]
    pub partitions: i32,
    /// The same seed gives the same lines.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The binary; target/release/kelp unless given.
    #[arg(long)]
    pub kelp: Option<PathBuf>,
    /// The pipeline; the shipped pipelines/web-access.yaml unless given. It has to read the topic `web-access` and to
    /// write to indices that begin with `web-access-`.
    #[arg(long)]
    pipeline: Option<PathBuf>,
    /// Further lines for kelp.yaml, such as 'memory_limit: 64MiB'.
    #[arg(long = "set")]
    pub more: Vec<String>,
}

impl Load {
    /// The pipeline's file.
    pub fn pipeline(&self) -> PathBuf {
        self.pipeline.clone().unwrap_or_else(|| home::project().join("pipelines/web-access.yaml"))
    }
}

/// What to hold against what.
#[derive(Debug, Args)]
pub struct Take {
    /// Kafka's host:port.
    #[arg(long, default_value = "localhost:9092")]
    bootstrap: String,
    /// Elasticsearch's http://host:port.
    #[arg(long, default_value = "http://localhost:9200")]
    elasticsearch: String,
    /// The topics that were produced to.
    #[arg(long = "topic", default_value = "web-access")]
    topics: Vec<String>,
    /// The pattern of every index of the run.
    #[arg(long, default_value = "web-access-*")]
    indices: String,
    /// The topic of dead letters.
    #[arg(long, default_value = "kelp.dead-letters")]
    dead_letters: String,
    /// The field of a document that tells where it came from.
    #[arg(long, default_value = "kafka")]
    origin_field: String,
    /// A record may become many documents.
    #[arg(long)]
    many: bool,
    /// A document's id has to end with its partition and offset.
    #[arg(long)]
    check_ids: bool,
    /// How to print the result.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Lines from somewhere, for a topic.
#[derive(Debug, Args)]
pub struct Send {
    /// Kafka's host:port.
    #[arg(long, default_value = "localhost:9092")]
    bootstrap: String,
    /// The topic to write to.
    #[arg(long)]
    topic: String,
    /// How many partitions it gets, if it is not there.
    #[arg(long, default_value_t = 1)]
    partitions: i32,
}

/// See [`super::Command::Send`].
pub fn send(send: &Send) -> Result<bool> {
    make_topic(&send.bootstrap, &send.topic, send.partitions)?;
    let lines = std::io::stdin().lines().collect::<std::io::Result<Vec<String>>>()?;
    let numbered = lines.into_iter().enumerate();
    let messages: Vec<_> =
        numbered.map(|(number, line)| Message::new(number as i32 % send.partitions.max(1), line)).collect();
    produce_messages(&send.bootstrap, &send.topic, &messages)?;
    eprintln!("wrote {} records to {}", messages.len(), send.topic);
    Ok(true)
}

fn make_topic(bootstrap: &str, topic: &str, partitions: i32) -> Result<()> {
    match kafka::create_topic(bootstrap, topic, partitions, &[]) {
        Err(error) if !error.to_string().contains("already exists") => Err(error),
        _ => Ok(()),
    }
}

/// See [`super::Command::Servers`].
pub fn servers(interrupt: &Interrupt) -> Result<bool> {
    let mut servers = Servers::start_while(&[], || interrupt.check())?;
    keep(&mut servers, interrupt)?;
    Ok(true)
}

/// Prints the addresses and keeps the servers until Ctrl-C.
pub fn keep(servers: &mut Servers, interrupt: &Interrupt) -> Result<()> {
    println!("Kafka          {}", servers.kafka.bootstrap());
    println!("Elasticsearch  {}", servers.elastic.url());
    println!("Files          {}", servers.folder().display());
    println!(
        "Either may be stopped (kill {}, {}): it is started again",
        servers.kafka.process().pid(),
        servers.elastic.process().pid()
    );
    println!("{} s later with its data. Ctrl-C stops both and removes their data", AWAY.as_secs());
    let (mut kafka, mut elastic) = (None, None);
    interrupt.wait(|| {
        if is_due(servers.kafka.process(), "Kafka", &mut kafka)? {
            servers.kafka.start_again()?;
            println!("Kafka is up again, as process {}", servers.kafka.process().pid());
        }
        if is_due(servers.elastic.process(), "Elasticsearch", &mut elastic)? {
            servers.elastic.start_again()?;
            println!("Elasticsearch is up again, as process {}", servers.elastic.process().pid());
        }
        Ok(())
    })
}

/// For so long a server that was stopped is away.
const AWAY: Duration = Duration::from_secs(20);

/// True once a server has been away for long enough; `gone` is since when it is.
fn is_due(process: &mut Process, name: &str, gone: &mut Option<Instant>) -> Result<bool> {
    let Some(status) = process.try_wait()? else { return Ok(false) };
    let since = *gone.get_or_insert_with(|| {
        println!("{name} has ended ({status})");
        Instant::now()
    });
    let due = since.elapsed() >= AWAY;
    if due {
        *gone = None;
    }
    Ok(due)
}

/// See [`super::Command::Produce`].
pub fn produce(produce: &Produce, interrupt: &Interrupt) -> Result<bool> {
    make_topic(&produce.bootstrap, &produce.topic, produce.partitions)?;
    write_log(produce, interrupt)?;
    Ok(true)
}

/// Writes the log to a topic that is there.
pub fn write_log(produce: &Produce, interrupt: &Interrupt) -> Result<Made> {
    let log = Generator::new(produce.seed, produce.records, produce.partitions);
    let mut progress = Progress::new();
    let made = produce_log(&produce.bootstrap, &produce.topic, log, |done| {
        let rate = done as f64 / progress.seconds();
        interrupt.check()?;
        progress.show(|| format!("producing: {done} of {} records, {rate:.0}/s", produce.records))
    })?;
    let (seconds, megabytes) = (progress.seconds(), made.bytes / 1_000_000);
    progress.done(&format!(
        "produced {} records of {megabytes} MB in {seconds:.1} s ({} malformed, {} empty, {} tombstones)",
        made.records, made.malformed, made.empty, made.tombstones,
    ))?;
    Ok(made)
}

/// See [`super::Command::Census`].
pub fn census(take: &Take) -> Result<bool> {
    let elastic = Client::new(&take.elasticsearch)?;
    let mut census = Census::new(&take.bootstrap, &elastic, "", &take.indices);
    census.topics = take.topics.clone();
    census.dead_letters = Some(take.dead_letters.clone());
    census.origin_field = take.origin_field.clone();
    census.many = take.many;
    census.check_ids = take.check_ids;
    let report = census.take()?;
    match take.format {
        Format::Text => print!("{report}"),
        Format::Json => println!("{}", serde_json::to_string(&report)?),
    }
    Ok(report.is_good())
}

/// See [`super::Command::Sink`].
pub fn sink(listen: &str, interrupt: &Interrupt) -> Result<bool> {
    let sink = Sink::start(listen)?;
    println!("sink  {}", sink.url());
    interrupt.wait(|| Ok(()))?;
    let stats = sink.stats();
    println!("{} documents, {} bytes, {} requests", stats.documents, stats.bytes, stats.requests);
    Ok(true)
}
