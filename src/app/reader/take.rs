//! Taking batches from the partitions whose workers have room, within the memory limit.

use std::sync::Arc;

use super::{ReaderLoop, State};
use crate::app::lag::Waiting;
use crate::budget::Budget;
use crate::kafka::FaultKind;
use crate::metrics::{PartitionMeters, TopicMeters};
use crate::reader::Input;
use crate::record::{Origin, RecordBatch};
use crate::telemetry::Tell;

/// What one batch is meant to have, in bytes and records.
const BATCH_BYTES: usize = 512 << 10;
const BATCH_RECORDS: usize = 2000;
/// What a record's documents are expected to take, compared with the record itself, until they are made.
const EXPECTED_GROWTH: usize = 3;

/// A holding, as its edge sees it.
pub(super) struct Held {
    pub(super) origin: Arc<Origin>,
    pub(super) worker: usize,
    /// Its part of the memory limit in use.
    pub(super) part: Budget,
    /// False once nothing more is to be taken.
    pub(super) intake: bool,
    /// True while it is read too far ahead, or what is in flight is not what its ledger says.
    pub(super) paused: bool,
    /// True once it was told that it has used up its share of the memory limit.
    pub(super) crowded: bool,
    /// The next offset: everything before it was taken, or is no record.
    pub(super) next: i64,
    /// Records and bytes of the last batch.
    pub(super) last: (usize, usize),
    pub(super) waiting: Waiting,
    /// The end and the committed offset at the last look.
    pub(super) seen: Option<(i64, i64)>,
    pub(super) meters: PartitionMeters,
    pub(super) topic: TopicMeters,
}

impl Held {
    /// All offsets below `next` are done with; `records` of those since the last time were records.
    pub(super) fn passed(&mut self, next: i64, records: usize) {
        let others = (next - self.next).saturating_sub(records as i64);
        self.topic.without_record(u64::try_from(others).unwrap_or(0));
        self.next = self.next.max(next);
    }
}

impl ReaderLoop {
    /// Takes a batch from every partition whose worker has room. True if there was any record.
    pub(super) fn take(&mut self, state: &mut State) -> bool {
        let mut busy = false;
        let count = state.held.len();
        state.turn = (state.turn + 1) % count.max(1);
        for step in 0..count {
            let index = (state.turn + step) % count;
            let held = &mut state.held[index];
            let worker = &self.workers[held.worker];
            if !held.intake || held.paused || !worker.has_room(&self.budget, &held.part) {
                continue;
            }
            let (records, bytes) = held.last;
            let average = bytes.checked_div(records).unwrap_or(1024).max(1);
            let max = (BATCH_BYTES / average).clamp(16, BATCH_RECORDS);
            let mut batch = RecordBatch::with_capacity(Arc::clone(&held.origin), 0, 0);
            let taken = self.consumer.take(&held.origin.partition, max, &mut batch);
            let origin = Arc::clone(&held.origin);
            let stops = taken.fault.as_ref().is_some_and(|fault| !matches!(fault.kind, FaultKind::Passing));
            held.intake &= !stops;
            if taken.records > 0 {
                self.fault_point.pass(taken.records as u64);
                busy = true;
                held.last = (taken.records, taken.bytes);
                held.topic.received(taken.records as u64, taken.bytes as u64);
                held.passed(batch.offset(batch.len() - 1) + 1, taken.records);
                state.progress.received += taken.records as u64;
                held.waiting.took(self.clock.now(), batch.offset(batch.len() - 1), batch.get(0).timestamp);
                let permit = held.part.take(batch.footprint());
                let reserve = self.budget.take(taken.bytes * EXPECTED_GROWTH);
                worker.records(batch, permit, reserve);
                let partition = origin.partition.clone();
                self.step(Input::Took { partition, records: taken.records as u64 }, state);
            }
            if let Some(fault) = taken.fault {
                let partition = origin.partition.clone();
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
                    self.step(stop, state);
                }
            }
            // A step may end holdings, whichever it is about: then the places are others.
            if state.held.len() != count {
                return true;
            }
        }
        busy
    }
}
