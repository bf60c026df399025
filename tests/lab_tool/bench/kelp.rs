//! Kelp's turn.

use std::path::PathBuf;
use std::time::Duration;

use super::Stage;
use super::report::Measured;
use crate::lab::Result;
use crate::lab::kelp::{Config, Kelp};
use crate::lab::process::{Process, Usage};

/// The binary, and what it runs.
pub struct Runner {
    pub binary: PathBuf,
    pub pipeline: PathBuf,
}

impl Runner {
    /// Reads the topic from its beginning to its end.
    pub fn run(&self, stage: &Stage<'_>) -> Result<Measured> {
        let (mut kelp, seconds) = self.run_to(stage, &stage.url())?;
        let usage = kelp.usage();
        measure(stage, kelp.process(), usage, seconds)
    }

    /// The same, to another address; gives the ended process and the seconds that it took.
    pub fn run_to(&self, stage: &Stage<'_>, url: &str) -> Result<(Kelp, f64)> {
        let group = format!("bench-{}", stage.turn);
        let mut config = Config::new(stage.kafka.bootstrap(), &group, url, &[&self.pipeline]);
        config.more = stage.bench.load.more.clone();
        let mut kelp = Kelp::start(&self.binary, stage.folder.path(), &config, &["--until-caught-up"])?;
        while kelp.process().try_wait()?.is_none() {
            stage.interrupt.check()?;
            std::thread::sleep(Duration::from_millis(20));
        }
        let seconds = kelp.process().started().elapsed().as_secs_f64();
        kelp.expect_exit(0, Duration::ZERO)?;
        Ok((kelp, seconds))
    }
}

/// What a process took that has read the topic in so many seconds.
pub fn measure(stage: &Stage<'_>, process: &Process, usage: Usage, seconds: f64) -> Result<Measured> {
    let documents = stage.arrived()? as f64;
    let mut measured = Measured {
        overall_per_second: documents / seconds,
        cpu_seconds_per_million: Some(usage.cpu.as_secs_f64() * 1e6 / documents),
        peak_memory_mib: Some(usage.peak_memory as f64 / f64::from(1 << 20)),
        documents,
        ..Measured::default()
    };
    if stage.elastic.is_none() {
        let stats = stage.sink.stats();
        let (first, last) = stats.first.zip(stats.last).ok_or("no bulk reached the sink")?;
        let after_first = (stats.documents - stats.first_documents) as f64;
        measured.first_bulk_seconds = Some((first - process.started()).as_secs_f64());
        measured.steady_per_second = Some(after_first / (last - first).as_secs_f64().max(0.001));
        measured.bytes_per_document = Some(stats.bytes as f64 / documents);
        measured.requests = Some(stats.requests as f64);
    }
    Ok(measured)
}
