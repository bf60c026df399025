//! The real transform: a topic's pipeline, and its documents encoded into the worker's bodies.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Emit, Transform};
use crate::bulk::write_document;
use crate::dead_letter::Rejection;
use crate::event::Event;
use crate::pipeline::{self, Meter, Pipeline, Routes, Scratch, Sink};
use crate::record::{DropReason, Origin, Record, RecordBatch, Stage};

/// Runs the pipeline that each topic belongs to.
pub struct PipelineTransform {
    routes: Arc<Routes>,
    /// Of the topics that there was a record of.
    by_topic: HashMap<Arc<str>, Route>,
    meter: Box<dyn Fn(&Pipeline) -> Meter + Send>,
    on_failure: Box<dyn Fn(&Pipeline) + Send>,
}

struct Route {
    pipeline: Arc<Pipeline>,
    scratch: Scratch,
}

impl PipelineTransform {
    /// `routes` gives each topic's pipeline; `meter` makes what counts its processors' work for that topic; `on_failure`
    /// is told of each event that its pipeline failed on.
    pub fn new(
        routes: Arc<Routes>,
        meter: impl Fn(&Pipeline) -> Meter + Send + 'static,
        on_failure: impl Fn(&Pipeline) + Send + 'static,
    ) -> Self {
        Self { routes, by_topic: HashMap::new(), meter: Box::new(meter), on_failure: Box::new(on_failure) }
    }

    /// Looks a topic up that there was no record of before.
    fn open(&mut self, topic: &str) {
        if let Some(pipeline) = self.routes.of(topic) {
            let scratch = Scratch::counting((self.meter)(pipeline));
            self.by_topic.insert(topic.into(), Route { pipeline: Arc::clone(pipeline), scratch });
        }
    }
}

impl Transform for PipelineTransform {
    fn transform(&mut self, records: &RecordBatch, index: usize, emit: &mut Emit<'_>) {
        let record = records.get(index);
        if !self.by_topic.contains_key(record.topic) {
            self.open(record.topic);
        }
        let Some(Route { pipeline, scratch }) = self.by_topic.get_mut(record.topic) else {
            let reason = format!("no pipeline reads the topic {}", record.topic);
            return emit.rejected(0, Rejection { stage: Stage::Pipeline, reason, index: None });
        };
        let failed = || (self.on_failure)(pipeline);
        let mut sink = Encoder { origin: records.origin(), record: &record, failed: &failed, emit };
        pipeline.run(scratch, &record, &mut sink);
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
