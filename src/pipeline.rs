//! Event to documents, as a YAML file says: source, processors, destination, and tests of its own.
//!
//! The vocabulary is that of Elasticsearch's ingest pipelines, and means what it means there. A file is compiled once,
//! telling all its faults with their places; what runs then is immutable and shared between threads. What becomes of a
//! record is a function of the record and the file alone: no clock, no chance, no look-up.
//!
//! A failure that nobody handles: the document is indexed *as it came from the codec*, tagged `_pipeline_failure`
//! (`_codec_failure` if the codec could not read it), with the reason in `error.message` and the processor in
//! `error.processor`. The changes that were made until then are undone by decoding the record again, so that the usual
//! way pays nothing for it.

mod calls;
mod cases;
mod compile;
mod condition;
mod destination;
mod field;
mod meter;
mod overlap;
mod processors;
mod regex;
mod routes;
mod run;
mod spec;
mod step;
mod template;
mod time;
mod trace;

use std::path::Path;

pub use cases::{Difference, TestResult, parse_timestamp};
pub use meter::{Counts, Meter, SAMPLE, StepCount, StepInfo};
pub use routes::{Conflict, Overlap, Routes, TopicsPattern};
pub use trace::{Came, Change, Entry, Then, Trace, What};

use crate::clock::Moment;
use crate::event::Event;
use crate::record::DropReason;
use crate::yaml::{Place, Problem};
use destination::IndexCache;
use spec::Spec;
use trace::Recorder;

/// A compiled pipeline.
pub struct Pipeline {
    file: String,
    name: String,
    version: String,
    hash: u64,
    spec: Spec,
}

/// Takes what becomes of records.
pub trait Sink {
    /// A document: its number within the record, its index, its fields. The field of the origin's name is no part of it:
    /// it is there only where the pipeline reads it, and whoever writes the document puts the origin in its place.
    fn document(&mut self, sub: u32, index: &str, event: &Event<'_>);
    /// A document, or a record without documents, that was dropped by a rule.
    fn dropped(&mut self, reason: DropReason, sub: u32);
    /// A document, or a whole record, that can't be indexed.
    fn rejected(&mut self, sub: u32, rejection: Rejection);
    /// The codec or a processor failed and nobody handled it. For the counts: the document follows, tagged.
    fn failed(&mut self) {}
    /// This pattern of a grok processor used up its budget, which is a failure of the processor, handled or not. For the counts.
    fn timed_out(&mut self, _pattern: &str) {}
}

pub use crate::record::Rejection;

/// What is kept from one record to the next: texts of dates, buffers. Any pipeline can use any scratch; it is of most
/// use when one pipeline keeps to one.
#[derive(Debug, Default)]
pub struct Scratch {
    owner: Option<u64>,
    index: IndexCache,
    trace: Option<Box<Recorder>>,
    meter: Option<Meter>,
}

impl Scratch {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes one that writes down what is done with each record that it is used for.
    pub fn explaining() -> Self {
        Self { trace: Some(Box::default()), ..Self::default() }
    }

    /// Takes what was written down since it was taken last, a trace for each document.
    pub fn take_traces(&mut self) -> Vec<Trace> {
        self.trace.as_mut().map(|recorder| recorder.take()).unwrap_or_default()
    }

    /// Makes an empty one that counts what each processor of one pipeline does. Another pipeline must not use it.
    pub fn counting(meter: Meter) -> Self {
        Self { meter: Some(meter), ..Self::default() }
    }
}

impl Pipeline {
    /// Reads and compiles a file.
    ///
    /// # Errors
    /// All the faults of the file; one without a line if it can't be read at all.
    pub fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::compile(&file, &text),
            Err(error) => {
                Err(vec![Problem { file, line: 0, column: 0, what: format!("can't be read: {error}"), hint: None }])
            }
        }
    }

    /// Compiles a file's text. The pipeline's name is the stem of `file`.
    ///
    /// # Errors
    /// All the faults of the text.
    pub fn compile(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let mut spec = spec::compile(file, text)?;
        let name = Path::new(file).file_stem().map_or(file.into(), |stem| stem.to_string_lossy());
        spec.pipelines.name = name.clone().into_owned();
        let hash = fnv1a(text.as_bytes());
        Ok(Self { file: file.to_owned(), name: name.into_owned(), version: format!("{hash:016x}"), hash, spec })
    }

    /// The stem of the file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// 16 hexadecimal digits that change with the file's bytes and with nothing else (FNV-1a, 64 bits).
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the file says about itself.
    pub fn description(&self) -> Option<&str> {
        self.spec.description.as_deref()
    }

    /// The file that it was compiled from, as problems name it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The pattern of further topics that it reads.
    pub fn topics_pattern(&self) -> Option<&TopicsPattern> {
        self.spec.topics_pattern.as_ref()
    }

    /// The topics that it reads by name.
    pub fn topics(&self) -> &[String] {
        &self.spec.topics
    }

    /// Where each of the topics is named in the file, in the same order.
    pub fn topic_places(&self) -> &[Place] {
        &self.spec.topic_places
    }

    /// What is no fault of the file and yet hardly meant.
    pub fn warnings(&self) -> &[Problem] {
        &self.spec.warnings
    }

    /// The name of the field that tells where a document came from.
    pub fn origin_field(&self) -> &str {
        &self.spec.origin
    }

    /// The indices that it writes to, as a pattern for an index template; `None` if their names have no common beginning.
    pub fn index_pattern(&self) -> Option<String> {
        self.spec.destination.index.wildcard()
    }

    /// Every processor, handlers included.
    pub fn steps(&self) -> &[StepInfo] {
        &self.spec.steps
    }

    /// A meter for one thread's runs of this pipeline.
    pub fn meter(&self, clock: impl Fn() -> Moment + Send + 'static) -> Meter {
        Meter::new(self.spec.steps.len(), clock)
    }

    /// Runs the tests that stand in the file.
    pub fn run_tests(&self) -> Vec<TestResult> {
        self.spec.cases.iter().map(|case| case.run(self)).collect()
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod module_tests;
#[cfg(test)]
mod tests;
