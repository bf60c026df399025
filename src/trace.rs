//! A trace: what each core of a running process was told, when, and what came of it, so that the same can be lived through again
//! (`simulate trace`).
//!
//! One JSON object a line, numbered. The first names the format, then each core says with which settings and which chance it
//! begins, then every step of every core is one line: the moment, the input, the effects. A step is written before its effects are
//! carried out, so the order of lines is one in which everything can have happened, and no message is heard before it was sent.
//!
//! What records and documents say is not in it: of records there are offsets, timestamps and what the pipeline made of them, of
//! documents index, length and number, of faults of documents their kind. Effects are told in words, the same for the real step
//! and the replayed one: only their being equal matters.
//!
//! A core without a trace looks at one empty option a step. With one, a line is made in memory and written at once; nothing is
//! queued. Beyond the limit of bytes the last line says so, and nothing more is written.

mod dispatch;
mod errors;
mod replay;
mod runs;
mod worker;

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::backoff::Chance;
use crate::clock::Moment;
use crate::worker::{BulkLimits, Made};

pub use dispatch::{DispatchHeard, OutcomeHeard, dispatch_says};
pub use replay::{Replayed, replay};
pub use runs::{DocumentRun, SettledRun, documents};
pub use worker::{WorkerHeard, stamps, worker_says};

/// The number of this format; a replay refuses others.
pub const FORMAT: u32 = 1;
/// What the last line takes at most, in bytes.
const LAST_LINE: u64 = 128;

/// One line, with its number; numbers have no gaps.
#[derive(Debug, Deserialize)]
pub struct Numbered {
    /// From 0.
    pub n: u64,
    /// What it says.
    #[serde(flatten)]
    pub line: Line,
}

/// What a line says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Trace {
        /// [`FORMAT`].
        format: u32,
        /// The version of the program that wrote it.
        version: String,
    },
    /// The reader begins.
    ReaderBegins(Begins<crate::reader::Settings>),
    /// A worker begins.
    WorkerBegins {
        /// Its number.
        id: usize,
        /// When its bodies are full.
        limits: BulkLimits,
    },
    /// The dispatch begins.
    DispatchBegins(Begins<crate::dispatch::Settings>),
    /// A step of the reader.
    Reader(Step<crate::reader::Input>),
    /// A step of a worker.
    Worker {
        /// Its number.
        id: usize,
        /// What its transform made of the records, where it was given some.
        #[serde(default)]
        made: Made,
        /// The step.
        #[serde(flatten)]
        step: Step<WorkerHeard>,
    },
    /// A step of the dispatch.
    Dispatch(Step<DispatchHeard>),
    /// The last line of a trace that has reached its limit, or could not be written on.
    Cut {
        /// The limit, in bytes.
        limit: u64,
    },
}

/// How a core begins.
#[derive(Debug, Serialize, Deserialize)]
pub struct Begins<T> {
    /// Its settings.
    pub settings: T,
    /// What its chance is made with.
    pub seed: u64,
}

/// One step of a core.
#[derive(Debug, Deserialize)]
pub struct Step<T> {
    /// The moment, in nanoseconds since the process started.
    pub at: u64,
    /// What it was told.
    #[serde(rename = "in")]
    pub input: T,
    /// What came of it, in words.
    #[serde(rename = "out")]
    pub effects: Vec<String>,
}

/// What all cores of a process write to. Its clones write to the same.
#[derive(Clone)]
pub struct Trace {
    shared: Arc<Shared>,
}

struct Shared {
    is_open: AtomicBool,
    output: Mutex<Output>,
}

struct Output {
    to: Box<dyn Write + Send>,
    number: u64,
    limit: u64,
    left: u64,
}

impl Trace {
    /// Begins a trace of at most `limit` bytes. What cannot be written ends the trace, and nothing else.
    pub fn new(to: Box<dyn Write + Send>, limit: u64) -> Self {
        let output = Output { to, number: 0, limit, left: limit.saturating_sub(LAST_LINE) };
        let this = Self { shared: Arc::new(Shared { is_open: AtomicBool::new(true), output: Mutex::new(output) }) };
        this.put(&serde_json::json!({"trace": {"format": FORMAT, "version": env!("CARGO_PKG_VERSION")}}).to_string());
        this
    }

    /// What the reader writes with; before its first step.
    pub fn reader(&self, settings: &crate::reader::Settings, chance: &Chance) -> ReaderTrace {
        self.put(&serde_json::json!({"reader_begins": Begins { settings, seed: chance.seed() }}).to_string());
        ReaderTrace(self.pen("{\"reader\":{".to_owned()))
    }

    /// What worker `id` writes with; before its first step.
    pub fn worker(&self, id: usize, limits: &BulkLimits) -> WorkerTrace {
        self.put(&serde_json::json!({"worker_begins": {"id": id, "limits": limits}}).to_string());
        WorkerTrace(self.pen(format!("{{\"worker\":{{\"id\":{id},")))
    }

    /// What the dispatch writes with; before its first step.
    pub fn dispatch(&self, settings: &crate::dispatch::Settings, chance: &Chance) -> DispatchTrace {
        self.put(&serde_json::json!({"dispatch_begins": Begins { settings, seed: chance.seed() }}).to_string());
        DispatchTrace(self.pen("{\"dispatch\":{".to_owned()))
    }

    fn pen(&self, begin: String) -> Pen {
        Pen { trace: self.clone(), begin, line: Vec::new() }
    }

    fn is_open(&self) -> bool {
        self.shared.is_open.load(Ordering::Relaxed)
    }

    /// Writes one JSON object, with its number put in front.
    fn put(&self, object: &str) {
        let mut output = self.shared.output.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_open() {
            return;
        }
        let line = format!("{{\"n\":{},{}\n", output.number, &object[1..]);
        output.number += 1;
        if line.len() as u64 <= output.left {
            output.left -= line.len() as u64;
            match output.to.write_all(line.as_bytes()) {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(%error, "the trace cannot be written on: it ends here, the service goes on; see whether the disk is full");
                }
            }
        } else {
            let (number, limit) = (output.number - 1, output.limit);
            let last = format!("{{\"n\":{number},\"cut\":{{\"limit\":{limit}}}}}\n");
            match output.to.write_all(last.as_bytes()) {
                Ok(()) => tracing::warn!(
                    limit,
                    "the trace has reached its limit and is cut, the service goes on; trace.limit raises it"
                ),
                Err(error) => tracing::error!(%error, "the trace cannot be written on"),
            }
        }
        self.shared.is_open.store(false, Ordering::Relaxed);
    }
}

/// A line that is being made.
struct Pen {
    trace: Trace,
    begin: String,
    line: Vec<u8>,
}

impl Pen {
    fn hears<T: Serialize>(&mut self, now: Moment, input: impl FnOnce() -> T) {
        self.line.clear();
        if !self.trace.is_open() {
            return;
        }
        let input = &input();
        self.line.extend_from_slice(self.begin.as_bytes());
        self.add("\"at\":", &(now.0.as_nanos() as u64));
        self.add(",\"in\":", input);
    }

    fn says(&mut self, effects: Vec<String>) {
        self.add(",\"out\":", &effects);
        self.line.extend_from_slice(b"}}");
        if let Ok(line) = std::str::from_utf8(&self.line) {
            self.trace.put(line);
        }
        // One large line must not be kept for ever.
        self.line = Vec::new();
    }

    fn add(&mut self, key: &str, value: &impl Serialize) {
        self.line.extend_from_slice(key.as_bytes());
        if let Err(error) = serde_json::to_writer(&mut self.line, value) {
            tracing::error!(%error, "a line of the trace cannot be made; please report this");
        }
    }

    /// False if the input was not noted: the trace had ended.
    fn has_heard(&self) -> bool {
        !self.line.is_empty()
    }
}

/// Notes the steps of the reader.
pub struct ReaderTrace(Pen);

impl ReaderTrace {
    /// The reader is about to be told something.
    pub fn hears(&mut self, now: Moment, input: &crate::reader::Input) {
        self.0.hears(now, || input);
    }

    /// What came of it, before it is carried out.
    pub fn says(&mut self, effects: &[crate::reader::Effect]) {
        if self.0.has_heard() {
            self.0.says(effects.iter().map(reader_says).collect());
        }
    }
}

/// What is told of an effect of the reader.
pub fn reader_says(effect: &crate::reader::Effect) -> String {
    format!("{effect:?}")
}

/// Notes the steps of one worker.
pub struct WorkerTrace(Pen);

impl WorkerTrace {
    /// The worker is about to be told something; `quiet` as it was told before.
    pub fn hears(&mut self, now: Moment, input: &crate::worker::Input, quiet: bool) {
        self.0.hears(now, || WorkerHeard::of(input, quiet));
    }

    /// What came of it, before it is carried out; `made` is what the transform made.
    pub fn says(&mut self, made: Option<Made>, effects: &[crate::worker::Effect]) {
        if self.0.has_heard() {
            if let Some(made) = made.filter(|made| !made.records.is_empty()) {
                self.0.add(",\"made\":", &made);
            }
            self.0.says(effects.iter().map(worker_says).collect());
        }
    }
}

/// Notes the steps of the dispatch.
pub struct DispatchTrace(Pen);

impl DispatchTrace {
    /// The dispatch is about to be told something.
    pub fn hears(&mut self, now: Moment, input: &crate::dispatch::Input) {
        self.0.hears(now, || DispatchHeard::of(input));
    }

    /// What came of it, before it is carried out.
    pub fn says(&mut self, effects: &[crate::dispatch::Effect]) {
        if self.0.has_heard() {
            self.0.says(effects.iter().map(dispatch_says).collect());
        }
    }
}

#[cfg(test)]
mod tests;
