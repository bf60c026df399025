//! The thread of one worker: takes what is sent to it, lets the core decide, and carries out what the core asks for.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::clock::Clock;
use super::fault_point::FaultPoint;
use super::messages::{ToLetters, ToReader, ToWorker};
use crate::admin::Heart;
use crate::budget::Permit;
use crate::dispatch;
use crate::exit::ExitStatus;
use crate::metrics::{Metrics, TopicMeters};
use crate::record::{DropReason, Fate, Stage};
use crate::telemetry::exit_now;
use crate::trace::WorkerTrace;
use crate::worker::{Effect, Input, PipelineTransform, Worker};

/// The longest that a worker sleeps, so that its heart is seen to beat.
const NAP: Duration = Duration::from_secs(1);

/// Everything that the thread of a worker has.
pub struct WorkerLoop {
    /// The core.
    pub core: Worker<PipelineTransform>,
    /// What is sent to it.
    pub inbox: Receiver<ToWorker>,
    /// Bytes of records that wait in the inbox.
    pub queued: Arc<AtomicUsize>,
    /// The part of the memory limit for bodies that are being filled.
    pub open: Permit,
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
}

impl WorkerLoop {
    /// Runs until nobody can send to it any more.
    pub fn run(mut self) {
        let mut effects = Vec::new();
        let mut meters = HashMap::new();
        if self.trace.is_some() {
            self.core.note_made();
        }
        loop {
            self.heart.beat(self.clock.now().0.as_millis() as u64);
            let now = self.clock.now();
            let due = self.core.wake_at();
            let wait = due.map_or(NAP, |due| due.since(now).min(NAP));
            let heard = self.inbox.recv_timeout(wait);
            let quiet = heard.is_err();
            self.core.is_quiet(quiet);
            match heard {
                Ok(ToWorker::Install(pipelines)) => self.core.transform_mut().install(&pipelines),
                Ok(ToWorker::Input(input)) => self.step(input, quiet, &mut effects),
                Ok(ToWorker::Records { input, reserve, bytes }) => {
                    if let Input::Records { records, .. } = &input {
                        let partition = &records.origin().partition;
                        let from = records.iter().next().map_or(0, |record| record.offset);
                        self.heart.is_at(Some(format!("{partition} from offset {from}")));
                        self.fault_point.pass(records.len() as u64);
                    }
                    self.step(input, quiet, &mut effects);
                    self.heart.is_at(None);
                    self.queued.fetch_sub(bytes, Ordering::Relaxed);
                    drop(reserve);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = self.clock.now();
            if self.core.wake_at().is_some_and(|due| due <= now) {
                self.step(Input::Tick, quiet, &mut effects);
            }
            self.open.resize(self.core.open_bytes() + self.core.ledger_bytes());
            for effect in effects.drain(..) {
                self.carry_out(effect, &mut meters);
            }
        }
    }

    fn step(&mut self, input: Input, quiet: bool, effects: &mut Vec<Effect>) {
        let now = self.clock.now();
        let Some(trace) = &mut self.trace else { return self.core.step(now, input, effects) };
        let before = effects.len();
        trace.hears(now, &input, quiet);
        self.core.step(now, input, effects);
        trace.says(self.core.take_made(), &effects[before..]);
    }

    fn carry_out(&self, effect: Effect, meters: &mut HashMap<Arc<str>, TopicMeters>) {
        // Those who listen are gone only when the process is about to end.
        let heard = match effect {
            Effect::Submit(bulk) => self.dispatch.send(dispatch::Input::Submit(bulk)).is_ok(),
            Effect::Letter(letter) => self.letters.send(ToLetters::Deliver(letter)).is_ok(),
            Effect::Committable(moved) => self.reader.send(ToReader::Committable(moved)).is_ok(),
            Effect::Drained(holding) => self.reader.send(ToReader::Drained(holding)).is_ok(),
            Effect::Counted(tally) => {
                let topic = &tally.topic;
                let meters = meters.entry(Arc::clone(topic)).or_insert_with(|| self.metrics.topic(topic));
                let counts = tally.counts;
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
            Effect::Forgotten(records) => {
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
