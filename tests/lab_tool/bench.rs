//! How fast Kelp is, with a real Kafka before it: against a sink that costs next to nothing, or against a real
//! Elasticsearch beside a loader that has nothing to do but send; and beside another program on the same topic.
//!
//! Machines are noisy: contenders take turns within one run, and ratios say more than rates.

mod kelp;
mod loader;
mod report;
mod rsyslog;

use clap::{Args, ValueEnum};

use self::report::{Contender, Measured, Summary};
use super::single::{Load, Produce, write_log};
use super::{Format, Interrupt};
use crate::lab::Result;
use crate::lab::elastic::Elastic;
use crate::lab::generate::Made;
use crate::lab::kafka::Kafka;
use crate::lab::servers::RunFolder;
use crate::lab::sink::Sink;

const TOPIC: &str = "web-access";
/// Every index of a run.
const INDICES: &str = "web-access-*";

/// What to measure.
#[derive(Debug, Args)]
pub struct Bench {
    #[command(flatten)]
    load: Load,
    /// How often to measure each contender; the median counts.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// Where the documents go: to a sink that accepts everything, or to a real Elasticsearch.
    #[arg(long, value_enum, default_value = "sink")]
    target: Target,
    /// Who else takes its turns. `loader` sends the bodies that Kelp made, and does nothing else. `rsyslog` (Debian's, with
    /// its modules for Kafka and Elasticsearch and liblognorm) reads the same topic.
    #[arg(long, value_enum)]
    with: Vec<Rival>,
    /// How to print the result.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    Sink,
    Elasticsearch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rival {
    Loader,
    Rsyslog,
}

/// What all contenders work on.
struct Stage<'a> {
    bench: &'a Bench,
    interrupt: &'a Interrupt,
    kafka: Kafka,
    elastic: Option<Elastic>,
    sink: Sink,
    made: Made,
    /// The number of the turn, for consumer groups of its own.
    turn: usize,
    /// Goes last: the servers have their data in it.
    folder: RunFolder,
}

impl Stage<'_> {
    fn url(&self) -> String {
        self.elastic.as_ref().map_or_else(|| self.sink.url(), |elastic| elastic.url().to_owned())
    }

    /// How many documents there have to be at the end.
    fn expected(&self) -> u64 {
        self.made.records - self.made.empty - self.made.tombstones
    }

    /// Forgets what the last contender has delivered.
    fn clear(&mut self) -> Result<()> {
        self.turn += 1;
        self.sink.reset();
        if let Some(elastic) = &self.elastic {
            for index in elastic.indices(INDICES)? {
                elastic.delete(&format!("/{index}"))?;
            }
        }
        Ok(())
    }

    /// How many documents have arrived.
    fn arrived(&self) -> Result<u64> {
        match &self.elastic {
            Some(elastic) => elastic.count(INDICES),
            None => Ok(self.sink.stats().documents),
        }
    }
}

/// Measures; true if every run has delivered the documents that it had to.
pub fn run(bench: &Bench, interrupt: &Interrupt) -> Result<bool> {
    let binary = super::kelp(bench.load.kelp.as_ref())?;
    let pipeline = bench.load.pipeline();
    let folder = RunFolder::new()?;
    let mut kafka = Kafka::start(folder.path(), &[])?;
    let mut elastic = match bench.target {
        Target::Sink => None,
        Target::Elasticsearch => Some(Elastic::start(folder.path())?),
    };
    kafka.await_ready_while(&|| interrupt.check())?;
    kafka.create_topic(TOPIC, bench.load.partitions)?;
    let made = write_log(&Produce::new(kafka.bootstrap(), TOPIC, &bench.load), interrupt)?;
    if let Some(elastic) = &mut elastic {
        elastic.await_ready_while(&|| interrupt.check())?;
    }
    let sink = Sink::start("127.0.0.1:0")?;
    let mut stage = Stage { bench, interrupt, folder, kafka, made, sink, elastic, turn: 0 };

    let kelp = kelp::Runner { binary, pipeline };
    let loader = match bench.with.contains(&Rival::Loader) {
        true => Some(loader::Loader::record(&mut stage, &kelp)?),
        false => None,
    };
    let rsyslog = match bench.with.contains(&Rival::Rsyslog) {
        true => Some(rsyslog::Runner::new()?),
        false => None,
    };
    if let (Some(loader), Target::Elasticsearch) = (&loader, bench.target) {
        eprintln!("warming Elasticsearch up");
        stage.clear()?;
        loader.run(&stage)?;
    }
    let mut contenders = vec![Contender::new("kelp")];
    contenders.extend(loader.as_ref().map(|_| Contender::new("loader")));
    contenders.extend(rsyslog.as_ref().map(|_| Contender::new("rsyslog")));
    let mut complete = true;
    for number in 1..=bench.repeat.max(1) {
        for contender in &mut contenders {
            stage.clear()?;
            let measured: Measured = match contender.name {
                "kelp" => kelp.run(&stage)?,
                "loader" => loader.as_ref().ok_or("no loader")?.run(&stage)?,
                _ => rsyslog.as_ref().ok_or("no rsyslog")?.run(&stage)?,
            };
            eprintln!("run {number}, {}: {:.0} records/s", contender.name, measured.rate());
            // Others count what is empty in their own way.
            if contender.name != "rsyslog" && measured.documents != stage.expected() as f64 {
                eprintln!("{} delivered {} of {} documents", contender.name, measured.documents, stage.expected());
                complete = false;
            }
            contender.runs.push(measured);
        }
    }
    let cores = std::thread::available_parallelism()?.get();
    let target = match bench.target {
        Target::Sink => "sink",
        Target::Elasticsearch => "elasticsearch",
    };
    Summary::new(target, &bench.load, cores, contenders).print(bench.format)?;
    Ok(complete)
}
