//! The real transform: a topic's pipeline, and its documents encoded into the worker's bodies.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Emit, Transform};
use crate::bulk::write_document;
use crate::dead_letter::Rejection;
use crate::event::Event;
use crate::pipeline::{self, Meter, Pipeline, Scratch, Sink};
use crate::record::{DropReason, HoldingId, Origin, Record, RecordBatch, Stage};

/// The pipelines in force, by topic.
pub type Pipelines = HashMap<Arc<str>, Arc<Pipeline>>;

/// Runs, for each holding, the pipeline that its topic belonged to when it began.
pub struct PipelineTransform {
    /// The versions that are in force or worked with, by a number.
    routes: HashMap<u64, Route>,
    in_force: HashMap<Arc<str>, u64>,
    by_holding: HashMap<HoldingId, u64>,
    /// The one that was used last: records come in batches of one holding.
    last: Option<(HoldingId, u64)>,
    next: u64,
    meter: Box<dyn Fn(&Pipeline) -> Meter + Send>,
    tell: Box<Tell>,
}

/// Is told what happens to records.
type Tell = dyn Fn(&Pipeline, &Record<'_>, Incident<'_>) + Send;

/// What somebody may want to know of how a record was worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incident<'a> {
    /// The pipeline failed on an event, and nobody handled it.
    Failed,
    /// This pattern used up its budget.
    GrokTimeout(&'a str),
}

struct Route {
    pipeline: Arc<Pipeline>,
    scratch: Scratch,
}

impl PipelineTransform {
    /// `meter` makes what counts the work of a pipeline's processors for one topic; `tell` is told what happens to records.
    pub fn new(
        in_force: &Pipelines,
        meter: impl Fn(&Pipeline) -> Meter + Send + 'static,
        tell: impl Fn(&Pipeline, &Record<'_>, Incident<'_>) + Send + 'static,
    ) -> Self {
        let mut this = Self {
            routes: HashMap::new(),
            in_force: HashMap::new(),
            by_holding: HashMap::new(),
            last: None,
            next: 0,
            meter: Box::new(meter),
            tell: Box::new(tell),
        };
        this.install(in_force);
        this
    }

    /// From now on holdings begin with these. Those that have begun keep theirs.
    pub fn install(&mut self, in_force: &Pipelines) {
        let before = std::mem::take(&mut self.in_force);
        for (topic, pipeline) in in_force {
            let same = |id: &&u64| {
                self.routes.get(*id).is_some_and(|route| {
                    (route.pipeline.name(), route.pipeline.version()) == (pipeline.name(), pipeline.version())
                })
            };
            let id = before.get(topic).filter(same).copied().unwrap_or_else(|| {
                self.next += 1;
                let scratch = Scratch::counting((self.meter)(pipeline));
                self.routes.insert(self.next, Route { pipeline: Arc::clone(pipeline), scratch });
                self.next
            });
            self.in_force.insert(Arc::clone(topic), id);
        }
        self.forget_unused();
    }

    fn forget_unused(&mut self) {
        let (in_force, by_holding) = (&self.in_force, &self.by_holding);
        self.routes.retain(|id, _| in_force.values().chain(by_holding.values()).any(|used| used == id));
    }
}

impl Transform for PipelineTransform {
    fn begin(&mut self, origin: &Origin) {
        let Some(id) = self.in_force.get(&origin.partition.topic) else { return };
        // Another version than the origin names would write what nobody asked for.
        if self.routes.get(id).is_some_and(|route| route.pipeline.version() == &*origin.route.version) {
            self.by_holding.insert(origin.holding, *id);
        }
    }

    fn end(&mut self, holding: HoldingId) {
        self.by_holding.remove(&holding);
        self.last.take_if(|(last, _)| *last == holding);
        self.forget_unused();
    }

    fn transform(&mut self, records: &RecordBatch, index: usize, emit: &mut Emit<'_>) {
        let record = records.get(index);
        let holding = records.origin().holding;
        if self.last.is_none_or(|(last, _)| last != holding) {
            self.last = self.by_holding.get(&holding).map(|id| (holding, *id));
        }
        let Some(Route { pipeline, scratch }) = self.last.and_then(|(_, id)| self.routes.get_mut(&id)) else {
            let reason = format!("no pipeline reads the topic {}", record.topic);
            return emit.rejected(0, Rejection { stage: Stage::Pipeline, reason, index: None });
        };
        let tell = |incident: Incident<'_>| (self.tell)(pipeline, &record, incident);
        let mut sink = Encoder { origin: records.origin(), record: &record, tell: &tell, emit };
        pipeline.run(scratch, &record, &mut sink);
    }
}

struct Encoder<'a, 'b> {
    origin: &'a Origin,
    record: &'a Record<'a>,
    tell: &'a dyn Fn(Incident<'_>),
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
        (self.tell)(Incident::Failed);
    }

    fn timed_out(&mut self, pattern: &str) {
        (self.tell)(Incident::GrokTimeout(pattern));
    }
}
