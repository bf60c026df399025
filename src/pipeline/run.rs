//! One record through a pipeline: decoded, worked on, and given to whoever writes it down.

use std::borrow::Cow;

use super::destination::IndexCache;
use super::step::{Failure, Flow, Work, run_handlers, run_steps};
use super::trace;
use super::{Meter, Pipeline, Scratch, Sink, What};
use crate::codec::{Refusal, Source, Text};
use crate::event::{Event, Object, Value};
use crate::record::{DropReason, Record, Rejection, Stage};

const TAG_PIPELINE_FAILURE: &str = "_pipeline_failure";
const TAG_CODEC_FAILURE: &str = "_codec_failure";

impl Pipeline {
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
        let processed = self.process(&mut work, source, record, unread);
        work.timeouts.drain(..).for_each(|pattern| sink.timed_out(pattern));
        match processed {
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
