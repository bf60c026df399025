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
mod spec;
mod step;
mod template;
mod time;
mod trace;

use std::borrow::Cow;
use std::path::Path;

pub use cases::{Difference, TestResult, parse_timestamp};
pub use meter::{Counts, Meter, SAMPLE, StepCount, StepInfo};
pub use routes::{Conflict, Overlap, Routes, TopicsPattern};
pub use trace::{Came, Change, Entry, Then, Trace, What};

use crate::clock::Moment;
use crate::codec::{Refusal, Source, Text};
use crate::event::{Event, Object, Value};
use crate::record::{DropReason, Record, Stage};
use crate::yaml::{Place, Problem};
use destination::IndexCache;
use spec::Spec;
use step::{Failure, Flow, Work, run_handlers, run_steps};
use trace::Recorder;

const TAG_PIPELINE_FAILURE: &str = "_pipeline_failure";
const TAG_CODEC_FAILURE: &str = "_codec_failure";

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

    /// Runs one record; every document, drop or rejection goes to the sink.
    pub fn run(&self, scratch: &mut Scratch, record: &Record<'_>, sink: &mut impl Sink) {
        if scratch.owner != Some(self.hash) {
            scratch.owner = Some(self.hash);
            scratch.index = IndexCache::default();
        }
        let text = match Text::new(record.payload, self.spec.max_payload) {
            Ok(text) => text,
            Err(Refusal::Dropped(reason)) => return sink.dropped(reason, 0),
            Err(Refusal::TooLarge { size, limit }) => {
                let reason = format!("the payload has {size} bytes, more than source.max_payload, which is {limit}");
                return sink.rejected(0, Rejection { stage: Stage::Codec, reason, index: None });
            }
        };
        let each = |sub, source: Source<'_>| self.document(scratch, record, (sub, &source), sink);
        if let Err(reason) = self.spec.codec.documents(&text, each) {
            sink.dropped(reason, 0);
        }
    }

    fn document(
        &self,
        scratch: &mut Scratch,
        record: &Record<'_>,
        (sub, source): (u32, &Source<'_>),
        sink: &mut impl Sink,
    ) {
        let (event, unread) = self.decode(source, record);
        let mut trace = scratch.trace.take();
        if let Some(recorder) = &mut trace {
            recorder.begin(sub, unread.as_deref());
        }
        let probe = scratch.meter.as_mut().map_or_else(Default::default, Meter::document);
        let mut work = Work { trace, probe, ..Work::new(event, record.timestamp, &self.spec.pipelines) };
        match self.process(&mut work, source, record, unread) {
            Ok(Flow::Drop) => sink.dropped(DropReason::Pipeline, sub),
            Ok(Flow::Continue) => self.deliver(&mut scratch.index, &mut work, (sub, None), sink),
            Err(Unhandled(why)) => {
                sink.failed();
                self.deliver(&mut scratch.index, &mut work, (sub, Some(&why)), sink);
            }
        }
        scratch.trace = work.trace;
    }

    /// Runs the processors and, where they fail, the handlers; an event that nobody handled is as it came, and marked.
    fn process<'a>(
        &'a self,
        work: &mut Work<'a>,
        source: &Source<'a>,
        record: &Record<'a>,
        unread: Option<String>,
    ) -> Result<Flow, Unhandled> {
        let outcome = match unread {
            None => run_steps(&self.spec.processors, work),
            Some(message) => Err(Failure { message, processor: "codec", tag: None, pipeline: &self.name }),
        };
        let outcome = match outcome {
            Err(failure) if !self.spec.on_failure.is_empty() => {
                if let Some(recorder) = &mut work.trace {
                    recorder.note(What::Handlers, Vec::new());
                }
                run_handlers(&self.spec.on_failure, failure, work)
            }
            outcome => outcome,
        };
        outcome.map_err(|failure| {
            if let Some(recorder) = &mut work.trace {
                recorder.note(What::AsItCame(failure.message.clone()), Vec::new());
            }
            let why = format!("{}: {}", failure.processor, failure.message);
            let (event, unread) = self.decode(source, record);
            work.event = event;
            mark(&mut work.event, failure, unread);
            Unhandled(why)
        })
    }

    /// The event as it came, and why it could not be read if it could not.
    fn decode<'a>(&'a self, source: &Source<'a>, record: &Record<'a>) -> (Event<'a>, Option<String>) {
        let mut decoded = source.decode();
        let root = decoded.event.root_mut();
        if let Some(value) = root.remove(&self.spec.origin) {
            root.insert(format!("{}_original", self.spec.origin), value);
        }
        if self.spec.uses_origin {
            root.insert(self.spec.origin.as_str(), Value::Object(origin(record)));
        }
        (decoded.event, decoded.failure)
    }

    /// `failed` is why the pipeline failed before, which is most likely why there is no index either.
    fn deliver(
        &self,
        cache: &mut IndexCache,
        work: &mut Work<'_>,
        (sub, failed): (u32, Option<&str>),
        sink: &mut impl Sink,
    ) {
        let destination = &self.spec.destination;
        let rejected = |reason: String, index| {
            let reason =
                failed.map_or(reason.clone(), |why| format!("{reason}; the pipeline had failed before: {why}"));
            Rejection { stage: Stage::Destination, reason, index }
        };
        let before = work.trace.is_some().then(|| trace::snapshot(work.event.root()));
        let settled = destination.settle_time(&mut work.event, work.record_millis);
        if let (Some(before), Some(recorder)) = (before, &mut work.trace) {
            match trace::since(&before, work.event.root()) {
                unchanged if unchanged.is_empty() => {}
                changes => recorder.note(What::Time, changes),
            }
        }
        let millis = match settled {
            Ok(millis) => millis,
            Err(reason) => return sink.rejected(sub, rejected(reason, None)),
        };
        match destination.index.resolve(cache, &work.event, millis, &destination.zone) {
            Ok(index) => sink.document(sub, index, &work.event),
            Err((reason, index)) => sink.rejected(sub, rejected(reason, index)),
        }
    }

    /// Runs the tests that stand in the file.
    pub fn run_tests(&self) -> Vec<TestResult> {
        self.spec.cases.iter().map(|case| case.run(self)).collect()
    }
}

/// A failure that nobody handled, in words.
struct Unhandled(String);

/// Marks an event that a pipeline failed on.
fn mark<'a>(event: &mut Event<'a>, failure: Failure<'a>, unread: Option<String>) {
    let mut error = match event.root_mut().remove("error") {
        Some(Value::Object(error)) => error,
        None => Object::new(),
        // What is no object is kept within the one that takes its place.
        Some(other) => [(Cow::Borrowed("original"), other)].into_iter().collect(),
    };
    let of_codec = failure.processor == "codec";
    let message = match unread {
        Some(reason) if !of_codec => format!("{reason}; on_failure: {}", failure.message),
        _ => failure.message,
    };
    error.insert("message", Value::String(Cow::Owned(message)));
    if !of_codec {
        let mut processor = Object::new();
        processor.insert("type", Value::str(failure.processor));
        if let Some(tag) = failure.tag {
            processor.insert("tag", Value::str(tag));
        }
        error.insert("processor", Value::Object(processor));
    }
    event.root_mut().insert("error", Value::Object(error));
    event.add_tag(if of_codec { TAG_CODEC_FAILURE } else { TAG_PIPELINE_FAILURE });
}

/// Where a record came from, for pipelines that look at it. The timestamp is in milliseconds since 1970; what is no UTF-8
/// in key and headers has U+FFFD in its stead; a header that comes more than once is a list.
fn origin<'a>(record: &Record<'a>) -> Object<'a> {
    let mut origin = Object::with_capacity(6);
    origin.insert("topic", Value::str(record.topic));
    origin.insert("partition", Value::Int(i64::from(record.partition)));
    origin.insert("offset", Value::Int(record.offset));
    if let Some(timestamp) = record.timestamp {
        origin.insert("timestamp", Value::Int(timestamp));
    }
    if let Some(key) = record.key {
        origin.insert("key", Value::String(String::from_utf8_lossy(key)));
    }
    let mut headers = Object::new();
    for (name, value) in record.headers.iter() {
        let (name, value) = (String::from_utf8_lossy(name), value.map(String::from_utf8_lossy));
        let value = value.map_or(Value::Null, Value::String);
        match headers.get_mut(&name) {
            None => drop(headers.insert(name, value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![std::mem::replace(first, Value::Null), value]),
        }
    }
    if !headers.is_empty() {
        origin.insert("headers", Value::Object(headers));
    }
    origin
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
