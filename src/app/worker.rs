//! The thread of one worker: what the core asks for is carried out; its rounds are those of `passage`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::sync::mpsc::UnboundedSender;

use super::clock::Clock;
use super::fault_point::{FaultPoint, Later};
use super::messages::{ToLetters, ToReader};
use crate::admin::Heart;
use crate::budget::Permit;
use crate::clock::Moment;
use crate::dispatch;
use crate::exit::ExitStatus;
use crate::metrics::{Metrics, TopicMeters};
use crate::passage::{Seat, ToWorker, round};
use crate::pipeline::Pipeline;
use crate::record::{DropReason, Fate, Record, RecordBatch, Stage};
use crate::sync::mpsc::Receiver;
use crate::telemetry::{Tell, Teller, exit_now};
use crate::trace::WorkerTrace;
use crate::worker::{Effect, Incident, Input, PipelineTransform, Pipelines, Worker};

/// Everything that the thread of a worker has.
pub struct WorkerLoop {
    /// The core.
    pub core: Worker<PipelineTransform>,
    /// To the dispatch.
    pub dispatch: UnboundedSender<dispatch::Input>,
    /// To the reader.
    pub reader: Sender<ToReader>,
    /// To the dead letters.
    pub letters: Sender<ToLetters>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The process's clock.
    pub clock: Clock,
    /// Says that the thread is alive.
    pub heart: Heart,
    /// For tests.
    pub fault_point: FaultPoint,
    /// Where its steps are written down, if they are.
    pub trace: Option<WorkerTrace>,
    /// What counts the records of each topic.
    pub meters: HashMap<Arc<str>, TopicMeters>,
}

/// Counts what happened to a record, and logs it where that says more than the count.
pub(super) fn tell_incident(
    metrics: &Metrics,
    teller: &Teller,
    pipeline: &Pipeline,
    record: &Record<'_>,
    incident: Incident<'_>,
) {
    let name = pipeline.name();
    match incident {
        Incident::Failed => metrics.pipeline_failures.with_label_values(&[name]).inc(),
        Incident::GrokTimeout(pattern) => {
            metrics.grok_timeouts.with_label_values(&[name]).inc();
            if let Tell::Now { suppressed } = teller.note(&format!("grok timeout of {name}: {pattern}")) {
                tracing::warn!(
                    pipeline = name,
                    pattern,
                    topic = record.topic,
                    partition = record.partition,
                    offset = record.offset,
                    suppressed,
                    "grok timeout: the pattern used up its budget on a record"
                );
            }
        }
    }
}

impl WorkerLoop {
    /// Runs until nobody can send to it any more. `open` is the part of the memory limit for bodies that are being filled.
    pub fn run(mut self, inbox: &Receiver<ToWorker>, mut open: Permit) {
        if self.trace.is_some() {
            self.core.note_made();
        }
        self.heart.beat(self.clock.now());
        while round(&mut self, inbox, &mut open) {
            self.heart.beat(self.clock.now());
        }
    }

    fn meters(&mut self, topic: &Arc<str>) -> &TopicMeters {
        self.meters.entry(Arc::clone(topic)).or_insert_with(|| self.metrics.topic(topic))
    }
}

impl Seat for WorkerLoop {
    type Transform = PipelineTransform;

    fn core(&mut self) -> &mut Worker<PipelineTransform> {
        &mut self.core
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn step(&mut self, input: Input, quiet: bool, effects: &mut Vec<Effect>) {
        let now = self.clock.now();
        let Some(trace) = &mut self.trace else { return self.core.step(now, input, effects) };
        let before = effects.len();
        trace.hears(now, &input, quiet);
        self.core.step(now, input, effects);
        trace.says(self.core.take_made(), &effects[before..]);
    }

    fn install(&mut self, pipelines: &Pipelines) {
        self.core.transform_mut().install(pipelines);
    }

    fn works_on(&mut self, records: Option<&RecordBatch>) {
        let Some(records) = records else { return self.heart.is_at(None) };
        let partition = &records.origin().partition;
        let from = records.iter().next().map_or(0, |record| record.offset);
        self.heart.is_at(Some(format!("{partition} from offset {from}")));
        self.fault_point.pass(records.len() as u64);
    }

    fn carry_out(&mut self, effect: Effect) {
        // Those who listen are gone only when the process is about to end.
        let heard = match effect {
            Effect::Submit(bulk) => {
                match self.fault_point.due() {
                    None => {}
                    Some(Later::Occupy) => bulk.batches[0].slots.occupy(1),
                    // Nobody drops it: what is lost is not freed.
                    Some(Later::Lose) => return std::mem::forget(bulk),
                }
                self.dispatch.send(dispatch::Input::Submit(bulk)).is_ok()
            }
            Effect::Letter(letter) => self.letters.send(ToLetters::Deliver(letter)).is_ok(),
            Effect::Committable(moved) => self.reader.send(ToReader::Committable(moved)).is_ok(),
            Effect::Drained(holding) => self.reader.send(ToReader::Drained(holding)).is_ok(),
            Effect::Counted(tally) => {
                let counts = tally.counts;
                let meters = self.meters(&tally.topic);
                for (fate, count) in [
                    (Fate::Indexed, counts.indexed),
                    (Fate::Duplicate, counts.duplicate),
                    (Fate::DeadLettered(Stage::Elasticsearch), counts.dead_lettered),
                ] {
                    meters.settled(fate, count);
                }
                for (reason, count) in DropReason::ALL.into_iter().zip(tally.dropped) {
                    meters.settled(Fate::Dropped(reason), count);
                }
                self.metrics.in_flight_records.add(counts.received as i64 - counts.settled() as i64);
                true
            }
            Effect::Forgotten { topic, records } => {
                self.meters(&topic).given_up(records);
                self.metrics.in_flight_records.sub(records as i64);
                true
            }
            Effect::Mismatch(holding, why) => self.reader.send(ToReader::Mismatch(holding, why)).is_ok(),
            Effect::Fault(partition, fault) => {
                tracing::error!(%partition, %fault, "the ledger is contradicted: nothing more is committed; please report this");
                exit_now(ExitStatus::Fault)
            }
        };
        if !heard {
            tracing::debug!("an effect of a worker came too late to be heard");
        }
    }
}
