//! The real transform: a topic's pipeline, and its documents encoded into the worker's bodies.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Emit, Transform};
use crate::bulk::write_document;
use crate::dead_letter::Rejection;
use crate::event::Event;
use crate::pipeline::{self, Pipeline, Scratch, Sink};
use crate::record::{DropReason, Origin, Record, RecordBatch, Stage};

/// Runs the pipeline that each topic belongs to.
pub struct PipelineTransform {
    by_topic: HashMap<Arc<str>, Arc<Pipeline>>,
    on_failure: Box<dyn Fn(&Pipeline) + Send>,
    scratch: Scratch,
}

impl PipelineTransform {
    /// `by_topic` gives each topic's pipeline; `on_failure` is told of each event that its pipeline failed on.
    pub fn new(by_topic: HashMap<Arc<str>, Arc<Pipeline>>, on_failure: impl Fn(&Pipeline) + Send + 'static) -> Self {
        Self { by_topic, on_failure: Box::new(on_failure), scratch: Scratch::default() }
    }
}

impl Transform for PipelineTransform {
    fn transform(&mut self, records: &RecordBatch, index: usize, emit: &mut Emit<'_>) {
        let record = records.get(index);
        let Some(pipeline) = self.by_topic.get(record.topic) else {
            let reason = format!("no pipeline reads the topic {}", record.topic);
            return emit.rejected(0, Rejection { stage: Stage::Pipeline, reason, index: None });
        };
        let failed = || (self.on_failure)(pipeline);
        let mut sink = Encoder { origin: records.origin(), record: &record, failed: &failed, emit };
        pipeline.run(&mut self.scratch, &record, &mut sink);
    }
}

struct Encoder<'a, 'b> {
    origin: &'a Origin,
    record: &'a Record<'a>,
    failed: &'a dyn Fn(),
    emit: &'a mut Emit<'b>,
}

impl Sink for Encoder<'_, '_> {
    fn document(&mut self, sub: u32, index: &str, event: &Event<'_>) {
        let (origin, record) = (self.origin, self.record);
        self.emit.document(sub, index, |body| {
            write_document(origin, record, sub, event, body);
            Ok(())
        });
    }

    fn dropped(&mut self, reason: DropReason, _sub: u32) {
        self.emit.dropped(reason);
    }

    fn rejected(&mut self, sub: u32, rejection: pipeline::Rejection) {
        self.emit.rejected(sub, rejection);
    }

    fn failed(&mut self) {
        (self.failed)();
    }
}
