//! The thread of the reader, which alone owns the consumer: it polls, hands records to the workers that have room, lets the
//! core decide about rebalances and commits, and carries out what the core asks for. It never waits for a worker.

mod carry;
mod look;
mod take;
mod tell;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::asker::Question;
use super::clock::Clock;
use super::fault_point::FaultPoint;
use super::lag::Paces;
use super::messages::{ToLetters, ToReader};
use super::progress::Progress;
use super::stall::Stalls;
use crate::admin::{Condition, Health, Heart};
use crate::budget::Budget;
use crate::clock::Moment;
use crate::dispatch;
use crate::exit::ExitStatus;
use crate::kafka::{Consumer, ConsumerEvent};
use crate::metrics::Metrics;
use crate::passage::WorkerHandle;
use crate::promise::Owed;
use crate::reader::{self, CommitResult, Ending, Input, Reader};
use crate::record::TopicPartition;
use crate::telemetry::{Tell, Teller, exit_now};
use crate::trace::ReaderTrace;

use take::Held;
use tell::show;

/// How long the main queue is waited on when no partition has anything.
const IDLE: Duration = Duration::from_millis(10);
/// How often positions and lag are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Everything that the thread of the reader has.
pub struct ReaderLoop {
    /// The consumer.
    pub consumer: Consumer,
    /// The core.
    pub core: Reader,
    /// What is sent to it.
    pub inbox: Receiver<ToReader>,
    /// The workers, by number.
    pub workers: Vec<WorkerHandle>,
    /// To the thread that asks the broker.
    pub asker: Sender<Question>,
    /// To the dispatch.
    pub dispatch: UnboundedSender<dispatch::Input>,
    /// To the dead letters.
    pub letters: Sender<ToLetters>,
    /// The memory limit.
    pub budget: Budget,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is not ready.
    pub health: Arc<Health>,
    /// What was told.
    pub teller: Arc<Teller>,
    /// The process's clock.
    pub clock: Clock,
    /// Says that the thread is alive.
    pub heart: Heart,
    /// For tests.
    pub fault_point: FaultPoint,
    /// The partitions that do not move.
    pub stalls: Stalls,
    /// True while Elasticsearch does not take what it is given.
    pub refused: Arc<AtomicBool>,
    /// Where its steps are written down, if they are.
    pub trace: Option<ReaderTrace>,
}

/// What the loop keeps between its rounds.
#[derive(Default)]
struct State {
    owed: Owed,
    held: Vec<Held>,
    ends: HashMap<TopicPartition, i64>,
    looked: Moment,
    looked_for_stalls: Moment,
    ending: Option<Ending>,
    turn: usize,
    progress: Progress,
    paces: Paces,
}

impl ReaderLoop {
    /// Runs until everything is done; gives the consumer back, to be closed.
    pub fn run(mut self) -> (Ending, Consumer) {
        let mut state = State::default();
        loop {
            self.heart.beat(self.clock.now());
            let busy = self.take(&mut state);
            for event in self.consumer.poll(if busy { Duration::ZERO } else { IDLE }) {
                self.event(event, &mut state);
            }
            while let Ok(message) = self.inbox.try_recv() {
                self.message(message, &mut state);
            }
            let now = self.clock.now();
            if self.core.wake_at().is_some_and(|due| due <= now) {
                self.step(Input::Tick, &mut state);
            }
            if now.since(state.looked) >= LOOK {
                state.looked = now;
                self.look(&mut state);
            }
            if let Some(ending) = state.ending {
                return (ending, self.consumer);
            }
        }
    }

    fn event(&mut self, event: ConsumerEvent, state: &mut State) {
        match event {
            ConsumerEvent::Assign(partitions) => {
                self.metrics.rebalances.with_label_values(&["assign"]).inc();
                tracing::info!(partitions = show(&partitions), "the group assigns partitions");
                self.step(Input::Assigned(partitions), state);
            }
            ConsumerEvent::Revoke { partitions, lost } => {
                self.metrics.rebalances.with_label_values(&[if lost { "lost" } else { "revoke" }]).inc();
                if lost {
                    tracing::warn!(
                        partitions = show(&partitions),
                        "partitions are lost: the group's coordinator was not heard for the session timeout; they are read by others, or again once it is"
                    );
                } else {
                    tracing::info!(partitions = show(&partitions), "the group takes partitions back");
                }
                self.step(Input::Revoked { partitions, lost }, state);
            }
            ConsumerEvent::Committed(results) => {
                for (_, _, result) in &results {
                    self.metrics.commits.with_label_values(&[if result.is_ok() { "ok" } else { "refused" }]).inc();
                }
                let results = results
                    .into_iter()
                    .map(|(partition, offset, result)| CommitResult { partition, offset, refused: result.err() })
                    .collect();
                self.step(Input::Committed(results), state);
            }
            ConsumerEvent::Statistics(statistics) => {
                for (partition, end) in statistics.ends() {
                    state.ends.insert(partition, end);
                }
            }
            ConsumerEvent::Reach(None) => self.health.holds(Condition::Kafka),
            ConsumerEvent::Reach(Some(why)) => self.health.fails(Condition::Kafka, why),
            ConsumerEvent::Error { name, text } => {
                self.metrics.kafka_errors.with_label_values(&[&*name]).inc();
                if let Tell::Now { suppressed } = self.teller.note(&format!("kafka {name}")) {
                    tracing::warn!(error = name, reason = text, suppressed, "kafka reports an error; going on");
                }
            }
            ConsumerEvent::Fatal(reason) => {
                tracing::error!(reason, "a fatal kafka error: nothing more is committed");
                exit_now(ExitStatus::Fault);
            }
        }
    }

    fn message(&mut self, message: ToReader, state: &mut State) {
        let input = match message {
            ToReader::Committable(moved) => {
                if let Some(held) = state.held.iter_mut().find(|held| held.origin.holding == moved.holding) {
                    held.waiting.settled(self.clock.now(), moved.offset, moved.oldest);
                }
                Input::Committable(moved)
            }
            ToReader::Drained(holding) => Input::Drained(holding),
            ToReader::Mismatch(holding, why) => Input::Mismatch(holding, why),
            ToReader::Resolved(answer) => Input::Resolved(answer),
            ToReader::Watched(ids) => Input::Watched(ids),
            ToReader::Reload(reload, pipelines) => {
                // Before any holding that is to be read with them begins.
                for worker in &self.workers {
                    worker.install(&pipelines);
                }
                Input::Reload(reload)
            }
            ToReader::Shutdown(within) => {
                self.health.fails(Condition::Intake, "draining before the end");
                Input::Shutdown(self.clock.now() + within)
            }
        };
        self.step(input, state);
    }

    fn step(&mut self, input: Input, state: &mut State) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut effects = Vec::new();
            let now = self.clock.now();
            reader::owes(&mut state.owed, &input);
            if let Some(trace) = &mut self.trace {
                trace.hears(now, &input);
            }
            self.core.step(now, input, &mut effects);
            if let Some(trace) = &mut self.trace {
                trace.says(&effects);
            }
            for effect in effects {
                if let Err(reason) = reader::answers(&mut state.owed, &effect) {
                    tracing::error!(
                        reason,
                        "the group would be told what it did not ask for; this is a fault of ours: nothing more is committed"
                    );
                    exit_now(ExitStatus::Fault);
                }
                inputs.extend(self.carry_out(effect, state));
            }
        }
        if self.core.is_assigned() {
            self.health.holds(Condition::Assigned);
        }
        self.metrics.partitions_held.set(self.core.held() as i64);
        self.metrics.partitions_reloading.set(self.core.barriers() as i64);
    }
}
