//! The main job, done and proved.

use std::time::{Duration, Instant};

use clap::Args;

use super::progress::Progress;
use super::single::{Load, Produce, keep, write_log};
use super::{Interrupt, kelp};
use crate::lab::kelp::{Config, Metrics};
use crate::lab::process::Usage;
use crate::lab::{Census, Kelp, Result, Servers};

const TOPIC: &str = "web-access";

/// What to show.
#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    load: Load,
    /// Leave the servers up, print their addresses and wait for Ctrl-C.
    #[arg(long)]
    keep: bool,
}

/// Runs it; true if the census is good.
pub fn run(demo: &Demo, interrupt: &Interrupt) -> Result<bool> {
    let binary = kelp(demo.load.kelp.as_ref())?;
    let pipeline = demo.load.pipeline();
    eprintln!("starting Kafka and Elasticsearch");
    let mut servers = Servers::start_while(&[], || interrupt.check())?;
    servers.kafka.create_topic(TOPIC, demo.load.partitions)?;
    let bootstrap = servers.kafka.bootstrap().to_owned();
    write_log(&Produce::new(&bootstrap, TOPIC, &demo.load), interrupt)?;

    let mut config = Config::new(&bootstrap, "demo", servers.elastic.url(), &[&pipeline]);
    config.more = demo.load.more.clone();
    let mut kelp = Kelp::start(&binary, servers.folder(), &config, &["--until-caught-up"])?;
    let (seconds, usage) = follow(&mut kelp, demo.load.records, interrupt)?;

    eprintln!("taking the census");
    let mut census = Census::new(&bootstrap, &servers.elastic, TOPIC, &format!("{TOPIC}-*"));
    census.check_ids = true;
    let report = census.take()?;
    println!("{report}");
    println!("  kelp run --until-caught-up  {seconds:>8.1} s");
    println!("  rate                        {:>8.0} records/s", report.produced as f64 / seconds);
    println!("  peak memory                 {:>8} MiB", usage.peak_memory >> 20);
    println!("  CPU                         {:>8.1} s", usage.cpu.as_secs_f64());
    if demo.keep {
        keep(&mut servers, interrupt)?;
    }
    Ok(report.is_good())
}

/// Shows how far Kelp is until it ends; gives the seconds that it took and what it used.
fn follow(kelp: &mut Kelp, records: u64, interrupt: &Interrupt) -> Result<(f64, Usage)> {
    let mut progress = Progress::new();
    let mut window = Window::default();
    while kelp.process().try_wait()?.is_none() {
        interrupt.check()?;
        if let Ok(metrics) = kelp.metrics() {
            let line = window.line(&metrics, records);
            progress.show(|| line)?;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let seconds = progress.seconds();
    progress.done("")?;
    kelp.expect_exit(0, Duration::ZERO)?;
    Ok((seconds, kelp.usage()))
}

/// The rate over the last seconds, and what follows from it.
#[derive(Default)]
struct Window(std::collections::VecDeque<(Instant, f64)>);

impl Window {
    fn line(&mut self, metrics: &Metrics, records: u64) -> String {
        let settled = metrics.sum("kelp_records_settled_total").unwrap_or(0.0);
        let now = Instant::now();
        self.0.push_back((now, settled));
        while self.0.len() > 2 && now.duration_since(self.0[0].0) > Duration::from_secs(5) {
            self.0.pop_front();
        }
        let (then, before) = self.0[0];
        let rate = (settled - before) / now.duration_since(then).as_secs_f64().max(0.001);
        let mut line = format!("kelp: {settled:.0} of {records} records, {rate:.0}/s");
        if let Some(lag) = metrics.sum("kelp_lag_records") {
            line.push_str(&format!(", lag {lag:.0}"));
        }
        // The first records that are settled are those that need no index; they say nothing about the rest.
        if settled > records as f64 / 100.0 && rate > 0.0 {
            line.push_str(&format!(", {:.0} s left", (records as f64 - settled).max(0.0) / rate));
        }
        line
    }
}
