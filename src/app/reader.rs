//! The thread of the reader, which alone owns the consumer: it polls, hands records to the workers that have room, lets the
//! core decide about rebalances and commits, and carries out what the core asks for. It never waits for a worker.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::clock::{Clock, wall_millis};
use super::fault_point::FaultPoint;
use super::lag::{Paces, Waiting};
use super::messages::{ToReader, ToWorker, WorkerHandle};
use super::progress::Progress;
use crate::admin::{Condition, Health, Heart};
use crate::budget::Budget;
use crate::clock::Moment;
use crate::dispatch;
use crate::exit::ExitStatus;
use crate::kafka::{Consumer, ConsumerEvent, FaultKind};
use crate::metrics::{Metrics, PartitionMeters, TopicMeters};
use crate::pipeline::Routes;
use crate::reader::{CommitResult, Effect, Ending, Input, Notice, OutOfRange, Reader, Resolved, Start};
use crate::record::{Origin, RecordBatch, TopicPartition};
use crate::telemetry::{Tell, Teller, exit_now};
use crate::worker::Input as WorkerInput;

/// How long the main queue is waited on when no partition has anything.
const IDLE: Duration = Duration::from_millis(10);
/// Bytes of records that may wait in front of a worker.
const QUEUE_BYTES: usize = 4 << 20;
/// What one batch is meant to have, in bytes and records.
const BATCH_BYTES: usize = 512 << 10;
const BATCH_RECORDS: usize = 2000;
/// What a record's documents are expected to take, compared with the record itself, until they are made.
const EXPECTED_GROWTH: usize = 3;
/// How long the broker may take to answer about partitions.
const ASK: Duration = Duration::from_secs(10);
/// How often positions and lag are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Everything that the thread of the reader has.
pub struct ReaderLoop {
    /// The consumer.
    pub consumer: Consumer,
    /// The core.
    pub core: Reader,
    /// Which pipeline each topic belongs to.
    pub routes: Arc<Routes>,
    /// What is sent to it.
    pub inbox: Receiver<ToReader>,
    /// The workers, by number.
    pub workers: Vec<WorkerHandle>,
    /// To the dispatch.
    pub dispatch: UnboundedSender<dispatch::Input>,
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
}

/// A holding, as its edge sees it.
struct Held {
    origin: Arc<Origin>,
    worker: usize,
    /// Its part of the memory limit in use.
    part: Budget,
    /// False once nothing more is to be taken.
    intake: bool,
    position_told: i64,
    /// Records and bytes of the last batch.
    last: (usize, usize),
    /// The offset of the last record taken.
    last_offset: i64,
    /// The offset of the last error: a position just above it says nothing about a record there.
    fault_offset: Option<i64>,
    waiting: Waiting,
    /// The end and the committed offset at the last look.
    seen: Option<(i64, i64)>,
    meters: PartitionMeters,
    topic: TopicMeters,
}

/// False for a position that an error, not a record, may have moved: nobody has read what lies below it. `last` is the
/// offset of the last record taken, `fault` that of the last error.
fn may_believe(position: i64, last: i64, fault: Option<i64>) -> bool {
    fault.is_none_or(|fault| last >= fault || position > fault + 1)
}

/// What the loop keeps between its rounds.
#[derive(Default)]
struct State {
    held: Vec<Held>,
    ends: HashMap<TopicPartition, i64>,
    looked: Moment,
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
            self.heart.beat(self.clock.now().0.as_millis() as u64);
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

    /// Takes a batch from every partition whose worker has room. True if there was any record.
    fn take(&mut self, state: &mut State) -> bool {
        let mut busy = false;
        let count = state.held.len();
        state.turn = (state.turn + 1) % count.max(1);
        for step in 0..count {
            let index = (state.turn + step) % count;
            let held = &mut state.held[index];
            let worker = &self.workers[held.worker];
            let free = self.budget.free();
            // A partition may use as much as is free beyond it: one whose index is blocked never takes all.
            let share = free > 0 && held.part.used() < free;
            if !held.intake || !share || worker.queued.load(Ordering::Relaxed) >= QUEUE_BYTES {
                continue;
            }
            let (records, bytes) = held.last;
            let average = bytes.checked_div(records).unwrap_or(1024).max(1);
            let max = (BATCH_BYTES / average).clamp(16, BATCH_RECORDS);
            let mut batch = RecordBatch::with_capacity(Arc::clone(&held.origin), 0, 0);
            let taken = self.consumer.take(&held.origin.partition, max, &mut batch);
            if taken.records > 0 {
                self.fault_point.pass(taken.records as u64);
                busy = true;
                held.last = (taken.records, taken.bytes);
                held.last_offset = batch.offset(batch.len() - 1);
                held.waiting.took(self.clock.now(), held.last_offset, batch.get(0).timestamp);
                held.topic.received(taken.records as u64, taken.bytes as u64);
                state.progress.received += taken.records as u64;
                let bytes = batch.footprint();
                let permit = Some(held.part.take(bytes));
                let reserve = self.budget.take(taken.bytes * EXPECTED_GROWTH);
                worker.queued.fetch_add(bytes, Ordering::Relaxed);
                let input = WorkerInput::Records { records: batch, permit };
                if worker.sender.send(ToWorker::Records { input, reserve, bytes }).is_err() {
                    tracing::debug!("a worker is gone already");
                }
            }
            if let Some(fault) = taken.fault {
                held.fault_offset = held.fault_offset.max(Some(fault.offset));
                let partition = held.origin.partition.clone();
                let key = format!("partition {partition} {}", fault.name);
                if let Tell::Now { suppressed } = self.teller.note(&key) {
                    tracing::warn!(%partition, error = fault.name, reason = fault.text, suppressed, "kafka reports an error of a partition");
                }
                self.metrics.kafka_errors.with_label_values(&[&*fault.name]).inc();
                let stop = match fault.kind {
                    FaultKind::OutOfRange => Some(Input::OutOfRange(partition)),
                    FaultKind::Corrupt => Some(Input::Corrupt(partition)),
                    FaultKind::Passing => None,
                };
                if let Some(stop) = stop {
                    held.intake = false;
                    self.step(stop, state);
                    return true;
                }
            }
        }
        busy
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
                tracing::info!(partitions = show(&partitions), lost, "the group takes partitions back");
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
            ToReader::Topics(topics) => {
                let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
                if let Err(error) = self.consumer.subscribe(&topics) {
                    tracing::error!(%error, "the topics cannot be subscribed to; reading those from before");
                }
                Input::Tick
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
            self.core.step(self.clock.now(), input, &mut effects);
            for effect in effects {
                inputs.extend(self.carry_out(effect, state));
            }
        }
        if self.core.is_assigned() {
            self.health.holds(Condition::Assigned);
        }
        self.metrics.partitions_held.set(self.core.held() as i64);
    }

    fn carry_out(&mut self, effect: Effect, state: &mut State) -> Option<Input> {
        match effect {
            Effect::Resolve(partitions) => return Some(Input::Resolved(self.resolve(&partitions))),
            Effect::Assign(starts) => self.assign(starts, state),
            Effect::Drain(holding) => {
                if let Some(held) = state.held.iter_mut().find(|held| held.origin.holding == holding) {
                    held.intake = false;
                    self.workers[held.worker].send(WorkerInput::Drain(holding));
                }
            }
            Effect::End(holding) => {
                if let Some(at) = state.held.iter().position(|held| held.origin.holding == holding) {
                    let held = state.held.swap_remove(at);
                    self.workers[held.worker].send(WorkerInput::End(holding));
                    self.tell_dispatch(dispatch::Input::End(holding));
                    state.ends.remove(&held.origin.partition);
                    self.metrics.forget_partition(&held.origin.partition);
                }
            }
            Effect::Unassign(partitions) => {
                if let Err(error) = self.consumer.unassign(&partitions) {
                    tracing::warn!(%error, "partitions could not be given back");
                }
                tracing::info!(partitions = show(&partitions), "gave partitions back");
            }
            Effect::Commit(entries) => {
                let list: Vec<_> = entries
                    .iter()
                    .map(|entry| (entry.partition.clone(), entry.offset, entry.metadata.clone()))
                    .collect();
                if let Err(error) = self.consumer.commit(&list) {
                    self.metrics.commits.with_label_values(&["refused"]).inc();
                    let refused = Some(error.to_string());
                    let results = entries.into_iter().map(|entry| CommitResult {
                        partition: entry.partition,
                        offset: entry.offset,
                        refused: refused.clone(),
                    });
                    return Some(Input::Committed(results.collect()));
                }
            }
            Effect::Tell(notice) => self.tell(notice),
            Effect::Leave(ending) => state.ending = Some(ending),
        }
        None
    }

    /// Asks the broker all that has to be known before partitions are read.
    fn resolve(&mut self, partitions: &[TopicPartition]) -> Result<Vec<Resolved>, String> {
        let mut topics: Vec<&str> = partitions.iter().map(|partition| &*partition.topic).collect();
        topics.sort_unstable();
        topics.dedup();
        let ids = self.consumer.topic_ids(&topics, ASK)?;
        let committed = self.consumer.committed(partitions, ASK)?;
        let mut resolved = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let incarnation =
                ids.get(&*partition.topic).ok_or_else(|| format!("no id of topic {}", partition.topic))?;
            resolved.push(Resolved {
                partition: partition.clone(),
                incarnation: Arc::clone(incarnation),
                committed: committed.get(partition).cloned(),
                bounds: self.consumer.bounds(partition, ASK)?,
                field: self.routes.of(&partition.topic).map_or("kafka", |pipeline| pipeline.origin_field()).into(),
            });
        }
        Ok(resolved)
    }

    fn assign(&mut self, starts: Vec<Start>, state: &mut State) {
        let list: Vec<_> = starts.iter().map(|start| (start.origin.partition.clone(), start.position)).collect();
        if let Err(error) = self.consumer.assign(&list) {
            // Without its partitions this process would sit in the group and read nothing: better to start again.
            tracing::error!(%error, "the partitions that the group assigned could not be taken");
            exit_now(ExitStatus::Fault);
        }
        for Start { origin, position, worker } in starts {
            let partition = &origin.partition;
            tracing::info!(%partition, position, worker, incarnation = %origin.incarnation, "reading a partition");
            self.tell_dispatch(dispatch::Input::Begin(origin.holding));
            self.workers[worker].send(WorkerInput::Begin { origin: Arc::clone(&origin), position });
            state.held.push(Held {
                worker,
                part: self.budget.part(),
                intake: true,
                position_told: position,
                last: (0, 0),
                last_offset: position - 1,
                fault_offset: None,
                waiting: Waiting::new(self.clock.now()),
                seen: None,
                meters: self.metrics.partition(partition),
                topic: self.metrics.topic(&partition.topic),
                origin,
            });
        }
    }

    /// Tells the workers the positions of partitions that stand still, and shows the lag.
    fn look(&mut self, state: &mut State) {
        let partitions: Vec<_> =
            state.held.iter().filter(|held| held.intake).map(|held| held.origin.partition.clone()).collect();
        let positions = self.consumer.positions(&partitions);
        let now = self.clock.now();
        let mut lag = 0;
        let committed: HashMap<_, _> =
            self.core.progress().map(|(partition, committed, end)| (partition.clone(), (committed, end))).collect();
        for held in &mut state.held {
            let partition = &held.origin.partition;
            if let Some(position) = positions.get(partition)
                && *position > held.position_told
                && may_believe(*position, held.last_offset, held.fault_offset)
            {
                held.position_told = *position;
                let holding = held.origin.holding;
                self.workers[held.worker].send(WorkerInput::Position { holding, position: *position });
            }
            let Some((committed, end)) = committed.get(partition) else { continue };
            let end = state.ends.get(partition).copied().unwrap_or(*end).max(*end);
            let behind = (end - committed).max(0);
            lag += behind;
            held.meters.lag_records.set(behind);
            held.meters.committed_offset.set(*committed);
            held.meters.lag_seconds.set(held.waiting.age(now, wall_millis(), behind));
            let (end_before, committed_before) = held.seen.replace((end, *committed)).unwrap_or((end, *committed));
            state.paces.partition(&partition.topic, behind, end - end_before, committed - committed_before);
        }
        state.paces.show(now, &self.metrics);
        state.progress.tell(now, lag, self.metrics.in_flight_records.get());
        self.teller.summarise();
    }

    fn tell_dispatch(&self, input: dispatch::Input) {
        if self.dispatch.send(input).is_err() {
            tracing::debug!("the dispatch is gone already");
        }
    }

    fn tell(&self, notice: Notice) {
        match notice {
            Notice::NotResolved(why) => {
                self.health.fails(Condition::Assigned, format!("the broker does not say where to read on: {why}"));
                if let Tell::Now { suppressed } = self.teller.note("not resolved") {
                    tracing::warn!(why, suppressed, "the broker does not say where to read on; asking again");
                }
            }
            Notice::TopicMadeAgain(partition) => {
                tracing::warn!(%partition, "the topic was made again since the last commit: reading it from its beginning");
            }
            Notice::OutOfRange(partition, OutOfRange::Stopped) => {
                self.metrics.set_partition_stopped(&partition, "out_of_range", true);
                tracing::error!(%partition, "retention overtook the committed offset: the partition is stopped, as records are missing; to go on at the first offset that there is, set kafka.out_of_range: beginning");
            }
            Notice::OutOfRange(partition, OutOfRange::Restarted { skipped }) => {
                let topic = &*partition.topic;
                self.metrics.offsets_skipped.with_label_values(&[topic]).inc_by(u64::try_from(skipped).unwrap_or(0));
                tracing::warn!(%partition, skipped, "retention overtook the committed offset: going on at the first offset that there is");
            }
            Notice::Corrupt(partition) => {
                self.metrics.set_partition_stopped(&partition, "corrupt", true);
                tracing::error!(%partition, "a record cannot be read: the partition is stopped, as going on would pass the record over; look at the broker's log and disk, then start again");
            }
            Notice::CommitRefused(result) => {
                let refused = result.refused.unwrap_or_default();
                if let Tell::Now { suppressed } = self.teller.note(&format!("commit {refused}")) {
                    tracing::warn!(partition = %result.partition, offset = result.offset, refused, suppressed, "a commit was refused; the next one makes up for it");
                }
            }
            Notice::NotDrained(partition) => {
                tracing::warn!(%partition, "given back with records in flight; their next owner will find them as duplicates");
            }
            Notice::Placed(load) => {
                let idle = load.iter().filter(|partitions| **partitions == 0).count();
                for (worker, partitions) in load.iter().enumerate() {
                    self.metrics.worker_partitions.with_label_values(&[&worker.to_string()]).set(*partitions as i64);
                }
                if idle > 0 {
                    tracing::info!(threads = load.len(), idle, "there are more threads than partitions");
                }
            }
        }
    }
}

/// Partitions for the log, in short.
fn show(partitions: &[TopicPartition]) -> String {
    let mut text = partitions.iter().take(20).map(ToString::to_string).collect::<Vec<_>>().join(" ");
    if partitions.len() > 20 {
        text.push_str(&format!(" and {} more", partitions.len() - 20));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::may_believe;

    #[test]
    fn a_position_that_an_error_moved_is_not_believed() {
        assert!(may_believe(8, 7, None));
        // The error spoke of offset 8, the next to be read, and moved the position past it.
        assert!(!may_believe(9, 7, Some(8)));
        // Record 8 came after all; or markers beyond it were passed.
        assert!(may_believe(9, 8, Some(8)) && may_believe(12, 7, Some(8)));
        // An error that speaks of no offset.
        assert!(may_believe(8, 7, Some(-1001)));
    }
}
