//! The bare loader: sends bodies that lie ready, as many at once as Kelp does, and looks at nothing but the status. What it
//! reaches is what the target can take.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::Stage;
use super::kelp::Runner;
use super::report::Measured;
use crate::lab::Result;
use crate::lab::sink::{Recorded, Sink};

/// How many requests are out at once: Kelp's default for `elasticsearch.concurrency`.
const CONCURRENCY: usize = 4;

/// The bodies of one run of Kelp.
pub struct Loader {
    bodies: Vec<Recorded>,
}

impl Loader {
    /// Lets Kelp read the topic once, and keeps what it sends.
    pub fn record(stage: &mut Stage<'_>, kelp: &Runner) -> Result<Self> {
        eprintln!("recording what kelp sends");
        stage.clear()?;
        let folder: PathBuf = stage.folder.path().join("bodies");
        std::fs::create_dir_all(&folder)?;
        let own = Sink::recording("127.0.0.1:0", &folder)?;
        kelp.run_to(stage, &own.url())?;
        Ok(Self { bodies: own.recorded() })
    }

    /// Sends them all.
    pub fn run(&self, stage: &Stage<'_>) -> Result<Measured> {
        let url = stage.url();
        let next = AtomicUsize::new(0);
        let http = reqwest::blocking::Client::builder().timeout(Duration::from_secs(300)).no_proxy().build()?;
        let started = Instant::now();
        std::thread::scope(|scope| -> Result<()> {
            let send = || -> Result<()> {
                while let Some(body) = self.bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    stage.interrupt.check()?;
                    let bytes = std::fs::read(&body.file)?;
                    let request = http.post(format!("{url}{}", body.path));
                    let answer = request.header("content-type", "application/x-ndjson").body(bytes).send()?;
                    let answer = answer.error_for_status()?.bytes()?;
                    // The beginning says it; the items are Kelp's to read.
                    let head = String::from_utf8_lossy(&answer[..answer.len().min(64)]).into_owned();
                    if !head.contains("\"errors\":false") {
                        return Err(format!("the loader's bulk had failures: {head}").into());
                    }
                }
                Ok(())
            };
            let threads: Vec<_> = (0..CONCURRENCY).map(|_| scope.spawn(send)).collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a loader's thread panicked")?)
        })?;
        let seconds = started.elapsed().as_secs_f64();
        let documents = stage.arrived()? as f64;
        Ok(Measured {
            overall_per_second: documents / seconds,
            documents,
            requests: Some(self.bodies.len() as f64),
            ..Measured::default()
        })
    }
}
