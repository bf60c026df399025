//! An account of a trace beside the cores', made of what they were told alone: which records were received under which holding, and which of
//! them are settled. Against it stand what is committed, what is counted and what is sent.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Checked;
use super::fill::{batch, fill, places};
use crate::bulk::{Batch, Bulk, DocumentRef, Slots};
use crate::ledger::Counts;
use crate::promise::{self, Held, Order};
use crate::record::{HoldingId, Origin, TopicPartition};
use crate::trace::{DispatchHeard, DocumentRun, WorkerHeard, stamps};
use crate::worker::{Made, MadeUnit};
use crate::{dispatch, reader, worker};

/// A record that was received.
struct Row {
    offset: i64,
    timestamp: i64,
    /// Documents and letters that are not settled.
    pending: usize,
    /// Its documents, by number, with their bytes.
    documents: Vec<(u32, usize)>,
}

/// What is known of a holding.
struct Table {
    origin: Arc<Origin>,
    /// The number of the first row; those before are settled.
    first: u64,
    rows: VecDeque<Row>,
    /// Nothing at or above this was received, or is known to be no record.
    read_to: i64,
    slots: Option<Slots>,
    at_worker: bool,
    /// The last document submitted to each index: number of the record, and of its document.
    submitted: Order<(u64, u32)>,
}

impl Table {
    fn row(&mut self, seq: u64) -> Option<&mut Row> {
        self.rows.get_mut(usize::try_from(seq.checked_sub(self.first)?).ok()?)
    }

    fn forget_settled(&mut self) {
        while self.rows.front().is_some_and(|row| row.pending == 0) {
            self.rows.pop_front();
            self.first += 1;
        }
    }
}

/// Counts of one worker.
#[derive(Default)]
struct Sums {
    counts: Counts,
    forgotten: u64,
}

#[derive(Default)]
pub(super) struct Account {
    tables: BTreeMap<HoldingId, Table>,
    sums: BTreeMap<usize, Sums>,
    /// The holding of each partition that the reader has, and where it began.
    held: BTreeMap<TopicPartition, (HoldingId, i64)>,
    /// The holdings that the dispatch was told of and that are not over.
    live: Held,
}

impl Account {
    pub(super) fn origin(&self, holding: HoldingId) -> Option<Arc<Origin>> {
        self.tables.get(&holding).map(|table| Arc::clone(&table.origin))
    }

    pub(super) fn worker_hears(&mut self, id: usize, input: &WorkerHeard, made: &Made) -> Checked {
        match input {
            WorkerHeard::Begin { origin, position } => {
                let table = Table {
                    origin: Arc::clone(origin),
                    first: 0,
                    rows: VecDeque::new(),
                    read_to: *position,
                    slots: None,
                    at_worker: true,
                    submitted: Order::default(),
                };
                self.tables.insert(origin.holding, table);
            }
            WorkerHeard::Records { holding, offsets, timestamps } => {
                let table = self.tables.get_mut(holding).filter(|table| table.at_worker);
                let table =
                    table.ok_or(format!("worker {id} is given records of {holding}, which it does not have"))?;
                for (index, (offset, timestamp)) in stamps(offsets, timestamps).into_iter().enumerate() {
                    let mut row = Row { offset, timestamp, pending: 0, documents: Vec::new() };
                    for (unit, _) in made.of(index) {
                        match unit {
                            MadeUnit::Document(sub, _, bytes) => {
                                row.pending += 1;
                                row.documents.push((sub, bytes));
                            }
                            MadeUnit::Rejected(..) => row.pending += 1,
                            MadeUnit::Dropped(_) => {}
                        }
                    }
                    table.rows.push_back(row);
                    table.read_to = table.read_to.max(offset + 1);
                }
                table.forget_settled();
            }
            WorkerHeard::Position { holding, position } => {
                if let Some(table) = self.tables.get_mut(holding) {
                    table.read_to = table.read_to.max(*position);
                }
            }
            WorkerHeard::Settled(runs) => {
                for settlement in runs.iter().flat_map(|run| run.each()) {
                    let Some(table) = self.tables.get_mut(&settlement.holding).filter(|table| table.at_worker) else {
                        continue;
                    };
                    let row = table.row(settlement.seq).filter(|row| row.pending > 0);
                    let row = row.ok_or(format!("{settlement:?}: it was settled before, or never received"))?;
                    row.pending -= 1;
                    if let Some(slots) = &table.slots {
                        slots.free(1);
                    }
                    table.forget_settled();
                }
            }
            WorkerHeard::End(holding) => {
                if let Some(table) = self.tables.get_mut(holding) {
                    table.at_worker = false;
                }
                self.forget_over(*holding);
            }
            WorkerHeard::Drain(_) | WorkerHeard::Tick { .. } => {}
        }
        Ok(())
    }

    /// What is submitted stays in its slots until it is settled, though nobody has it here.
    pub(super) fn worker_says(&mut self, id: usize, effect: worker::Effect) -> Checked {
        use worker::Effect;
        match effect {
            Effect::Submit(bulk) => {
                for document in &bulk.documents {
                    let batch = bulk.batch(document);
                    let seq = batch.first_seq + u64::from(document.record);
                    let holding = batch.records.origin().holding;
                    self.keeps(holding, &batch.slots);
                    let table =
                        self.tables.get_mut(&holding).ok_or(format!("{holding} is submitted and has not begun"))?;
                    table.submitted.next(holding, &bulk.index, (seq, document.sub))?;
                }
            }
            Effect::Letter(letter) => self.keeps(letter.holding(), &letter.batch.slots),
            Effect::Counted(tally) => {
                let sums = &mut self.sums.entry(id).or_default().counts;
                sums.received += tally.counts.received;
                sums.indexed += tally.counts.indexed;
                sums.duplicate += tally.counts.duplicate;
                sums.dropped += tally.counts.dropped;
                sums.dead_lettered += tally.counts.dead_lettered;
            }
            Effect::Forgotten { records, .. } => self.sums.entry(id).or_default().forgotten += records,
            Effect::Committable(moved) => {
                let table = self.tables.get(&moved.holding).filter(|table| table.at_worker);
                let table = table.ok_or(format!("worker {id} tells of {}, which it does not have", moved.holding))?;
                check_settled(table, moved.offset)?;
            }
            Effect::Drained(holding) => {
                let open = self.tables.get(&holding).is_none_or(|table| !table.rows.is_empty());
                if open {
                    return Err(format!("{holding} is drained, and not everything of it is settled"));
                }
            }
            Effect::Mismatch(..) | Effect::Fault(..) => {}
        }
        Ok(())
    }

    /// One thing of a holding is somebody's: dropping it here frees a slot that is not free.
    fn keeps(&mut self, holding: HoldingId, slots: &Slots) {
        slots.occupy(1);
        if let Some(table) = self.tables.get_mut(&holding) {
            table.slots.get_or_insert_with(|| slots.clone());
        }
    }

    /// Received is settled, forgotten or in flight.
    pub(super) fn check_counts(&self, id: usize, in_flight: u64) -> Checked {
        let Some(Sums { counts, forgotten }) = self.sums.get(&id) else { return Ok(()) };
        promise::accounted(counts.received, counts.settled(), *forgotten, in_flight)
            .map_err(|why| format!("worker {id}: {why}"))
    }

    pub(super) fn reader_says(&mut self, effect: &reader::Effect) -> Checked {
        use reader::Effect;
        match effect {
            Effect::Assign(starts) | Effect::Restart(starts) => starts.iter().for_each(|start| self.holds(start)),
            Effect::Renew(start) => self.holds(start),
            Effect::End(holding) => self.held.retain(|_, (held, _)| held != holding),
            Effect::Commit(entries) => {
                for entry in entries {
                    let Some((holding, start)) = self.held.get(&entry.partition) else {
                        return Err(format!("{} is committed, and not held", entry.partition));
                    };
                    match self.tables.get(holding) {
                        Some(table) => check_settled(table, entry.offset)?,
                        // Its worker has not heard of it yet.
                        None if entry.offset <= *start => {}
                        None => {
                            return Err(format!("{} is committed at {}, and not read", entry.partition, entry.offset));
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn holds(&mut self, start: &reader::Start) {
        self.held.insert(start.origin.partition.clone(), (start.origin.holding, start.position));
    }

    pub(super) fn dispatch_hears(&mut self, input: &DispatchHeard) {
        match input {
            DispatchHeard::Begin(holding) => self.live.begin(*holding),
            DispatchHeard::End(holding) => {
                self.live.end(*holding);
                self.forget_over(*holding);
            }
            _ => {}
        }
    }

    /// What is sent is sent for live holdings.
    pub(super) fn dispatch_says(&mut self, effect: &dispatch::Effect) -> Checked {
        let dispatch::Effect::Send { body, .. } = effect else { return Ok(()) };
        places(body).into_iter().try_for_each(|(holding, offset, _)| {
            self.live.tells(holding).map_err(|why| format!("offset {offset} is sent: {why}"))
        })
    }

    fn forget_over(&mut self, holding: HoldingId) {
        if !self.live.has(holding) && self.tables.get(&holding).is_some_and(|table| !table.at_worker) {
            self.tables.remove(&holding);
        }
    }

    /// A bulk as the dispatch was given it then.
    pub(super) fn bulk(
        &mut self,
        (worker, index, bytes): (usize, Arc<str>, usize),
        runs: &[DocumentRun],
    ) -> Result<Bulk, String> {
        let (mut body, mut documents, mut batches) = (Vec::new(), Vec::new(), Vec::new());
        let mut known = true;
        for DocumentRun(holding, first, count, sub) in runs.iter().copied() {
            // It may have ended while this was on its way; then nobody will look at it.
            let Some(table) = self.tables.get_mut(&holding) else {
                known = false;
                continue;
            };
            let mut stamps = Vec::new();
            for seq in first..first + count {
                let row = table
                    .row(seq)
                    .ok_or(format!("record {seq} of {holding} is submitted, and is settled, or unknown"))?;
                let made = row.documents.iter().find(|(made, _)| *made == sub);
                let (_, bytes) = *made.ok_or(format!("record {seq} of {holding} has no document {sub}"))?;
                let (batch, record, start) = (batches.len() as u32, stamps.len() as u32, body.len() as u32);
                documents.push(DocumentRef { batch, record, sub, start });
                fill(&mut body, (holding, row.offset, sub), bytes);
                stamps.push((row.offset, row.timestamp));
            }
            let records = batch(&table.origin, &stamps);
            batches.push(Arc::new(Batch { records, first_seq: first, permit: None, slots: Slots::default() }));
        }
        if known && body.len() != bytes {
            return Err(format!("a body of {bytes} bytes is submitted, and its documents have {}", body.len()));
        }
        Ok(Bulk { worker, index, body: body.into(), documents, batches, permit: None })
    }
}

/// Everything below the offset was received, or is no record, and is settled.
fn check_settled(table: &Table, offset: i64) -> Checked {
    let partition = &table.origin.partition;
    let open = table.rows.iter().find(|row| row.pending > 0).map(|row| row.offset);
    promise::passes_settled_only(partition, offset, table.read_to, open)
}
