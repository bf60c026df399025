//! The worker core: the holdings of one thread, their ledgers, and the bodies that it fills.
//!
//! `step(now, input) -> effects`, without input or output of its own: time is given, no lock or channel is inside, and
//! what turns a record into documents is a [`Transform`] that the edge brings along. The same code runs under the real
//! edges and under the simulator.
//!
//! Documents of a partition enter the bodies in offset order, and a body leaves when it is full, when the oldest document
//! in it has waited for the linger time, or when a holding that it has documents of is being drained.

mod audit;
mod body;
mod made;
mod messages;
mod transform;

use std::collections::HashMap;
use std::sync::Arc;

use crate::budget::{Budget, Permit};
use crate::bulk::{Batch, Settlement, Slots};
use crate::clock::Moment;
use crate::dead_letter::Letter;
use crate::ledger::{Contradiction, Counts, Ledger};
use crate::promise;
use crate::record::{DropReason, Fate, HoldingId, Origin, RecordBatch, Stage, TopicPartition};

pub use body::Emit;
use body::{Bodies, Unit};
pub use made::{Made, MadeUnit, MadeUnits};
pub use messages::{BulkLimits, Committable, Effect, Input, Tally};
pub use transform::{Incident, PipelineTransform, Pipelines};

/// Turns records into documents.
pub trait Transform {
    /// A holding begins; what is read under it is worked on by the version of the pipeline that its origin names.
    fn begin(&mut self, _origin: &Origin) {}

    /// A holding is over.
    fn end(&mut self, _holding: HoldingId) {}

    /// Gives everything that one record becomes to `emit`: at least one document, drop or rejection.
    fn transform(&mut self, records: &RecordBatch, index: usize, emit: &mut Emit<'_>);
}

struct Holding {
    origin: Arc<Origin>,
    ledger: Ledger,
    /// What the ledger occupies of the holding's part of the memory limit: it grows behind a record that does not settle.
    account: Option<Permit>,
    draining: bool,
    told: i64,
    /// What others have of this holding.
    slots: Slots,
    /// What it had at the last audit, if that was less than the ledger says.
    short: Option<(u64, u64)>,
    /// The ledger and the slots disagree: nothing more is committable.
    broken: bool,
}

/// The state of one worker.
pub struct Worker<T> {
    id: usize,
    transform: T,
    holdings: HashMap<HoldingId, Holding, foldhash::fast::RandomState>,
    bodies: Bodies,
    budget: Option<Budget>,
    units: Vec<Unit>,
    tally: Tally,
    next_audit: Moment,
    quiet: bool,
    /// What the transform makes, where somebody wants to know.
    made: Option<Box<Made>>,
}

impl<T: Transform> Worker<T> {
    /// A worker without holdings. `id` is its number among the workers of the process.
    pub fn new(id: usize, transform: T, limits: BulkLimits, budget: Option<Budget>) -> Self {
        Self {
            id,
            transform,
            holdings: HashMap::default(),
            bodies: Bodies::new(limits),
            budget,
            units: Vec::new(),
            tally: Tally::default(),
            next_audit: Moment::default(),
            quiet: true,
            made: None,
        }
    }

    /// Notes from now on what the transform makes of the records of each step.
    pub fn note_made(&mut self) {
        self.made = Some(Box::default());
    }

    /// What the transform made since this was last asked; nothing unless it is noted.
    pub fn take_made(&mut self) -> Option<Made> {
        self.made.as_deref_mut().map(std::mem::take)
    }

    /// Takes one input, and appends what is to be done to `effects`.
    pub fn step(&mut self, now: Moment, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Begin { origin, position } => {
                let ledger = Ledger::new(position);
                let id = origin.holding;
                self.transform.begin(&origin);
                let holding = Holding {
                    origin,
                    ledger,
                    account: None,
                    draining: false,
                    told: position,
                    slots: Slots::default(),
                    short: None,
                    broken: false,
                };
                self.holdings.insert(id, holding);
            }
            Input::Records { records, permit } => self.records(now, records, permit, effects),
            Input::Position { holding, position } => {
                if let Some(held) = self.holdings.get_mut(&holding) {
                    held.ledger.at_position(position);
                }
                self.report(holding, effects);
            }
            Input::Settled(settlements) => self.settle(&settlements, effects),
            Input::Drain(holding) => {
                if let Some(held) = self.holdings.get_mut(&holding) {
                    held.draining = true;
                    self.seal(|bodies, seal| bodies.seal_holding(holding, seal), effects);
                }
                self.report(holding, effects);
            }
            Input::End(holding) => {
                let over = self.holdings.remove(&holding);
                effects.extend(over.map(|held| Effect::Forgotten {
                    topic: Arc::clone(&held.origin.partition.topic),
                    records: held.ledger.in_flight(),
                }));
                self.bodies.forget(holding);
                self.transform.end(holding);
            }
            Input::Tick => {
                self.seal(|bodies, seal| bodies.seal_older(now, seal), effects);
                self.audit(now, effects);
            }
        }
    }

    /// When the worker wants to be told the time again, if nothing else comes before.
    pub fn wake_at(&self) -> Option<Moment> {
        let audit = self.holdings.values().any(|held| !held.ledger.is_settled()).then_some(self.next_audit);
        [self.bodies.oldest_deadline(), audit].into_iter().flatten().min()
    }

    /// What turns records into documents.
    pub fn transform_mut(&mut self) -> &mut T {
        &mut self.transform
    }

    /// Bytes in bodies that are not sent yet.
    pub fn open_bytes(&self) -> usize {
        self.bodies.bytes()
    }

    /// Records in flight over all holdings.
    pub fn in_flight(&self) -> u64 {
        self.holdings.values().map(|held| held.ledger.in_flight()).sum()
    }

    /// The counts of a holding.
    pub fn counts(&self, holding: HoldingId) -> Option<Counts> {
        self.holdings.get(&holding).map(|held| held.ledger.counts())
    }

    fn records(&mut self, now: Moment, records: RecordBatch, mut permit: Option<Permit>, effects: &mut Vec<Effect>) {
        let holding = records.origin().holding;
        self.begin_audits(now);
        let Some(held) = self.holdings.get_mut(&holding) else { return };
        let stamps = records.iter().map(|record| (record.offset, record.timestamp.unwrap_or(-1)));
        let first_seq = match held.ledger.receive(stamps) {
            Ok(first_seq) => first_seq,
            Err(fault) => {
                effects.push(Effect::Fault(held.origin.partition.clone(), fault));
                return;
            }
        };
        if held.account.is_none() {
            held.account = permit.as_mut().map(|permit| permit.split(0));
        }
        flush(&mut self.tally, &held.origin.partition.topic, effects);
        self.tally.counts.received += records.len() as u64;
        let slots = held.slots.clone();
        let batch = Arc::new(Batch { records, first_seq, permit, slots });
        let mut occupied = 0;
        for index in 0..batch.records.len() {
            self.units.clear();
            let made = self.made.as_deref_mut();
            let mut emit = Emit::new(&mut self.bodies, (&mut self.units, made), &batch, index, now);
            self.transform.transform(&batch.records, index, &mut emit);
            let made = self.units.iter().filter(|unit| !matches!(unit, Unit::Dropped(_))).count();
            occupied += made;
            self.enter(&batch, index, effects);
            let (id, budget) = (self.id, self.budget.as_ref());
            self.bodies.seal_full(&mut |open| effects.push(Effect::Submit(open.into_bulk(id, budget))));
        }
        // Nobody else has anything of it before this step is over.
        batch.slots.occupy(occupied);
        self.report(holding, effects);
    }

    /// Enters what the transform made of a record into the ledger.
    fn enter(&mut self, batch: &Arc<Batch>, index: usize, effects: &mut Vec<Effect>) {
        let origin = batch.records.origin();
        let Some(held) = self.holdings.get_mut(&origin.holding) else { return };
        let seq = batch.first_seq + index as u64;
        if let Err(fault) = held.ledger.units(seq, self.units.len() as u32) {
            effects.push(Effect::Fault(origin.partition.clone(), fault));
            return;
        }
        for unit in self.units.drain(..) {
            match unit {
                Unit::Document => {}
                Unit::Dropped(reason) => {
                    let settled = held.ledger.settle(seq, Fate::Dropped(reason));
                    count(&mut self.tally, settled, &origin.partition, effects);
                }
                Unit::Rejected { sub, rejection } => effects.push(Effect::Letter(Letter {
                    worker: self.id,
                    batch: Arc::clone(batch),
                    record: index as u32,
                    sub,
                    rejection,
                })),
            }
        }
    }

    fn settle(&mut self, settlements: &[Settlement], effects: &mut Vec<Effect>) {
        let mut touched: Vec<HoldingId> = Vec::new();
        for run in settlements.chunk_by(|a, b| a.holding == b.holding) {
            let Some(holding) = run.first().map(|settlement| settlement.holding) else { continue };
            // A holding that is over settles nothing: its records belong to the next owner.
            let Some(held) = self.holdings.get_mut(&holding) else { continue };
            for settlement in run {
                let settled = held.ledger.settle(settlement.seq, settlement.fate);
                if self.tally.topic != held.origin.partition.topic {
                    flush(&mut self.tally, &held.origin.partition.topic, effects);
                }
                count(&mut self.tally, settled, &held.origin.partition, effects);
            }
            if !touched.contains(&holding) {
                touched.push(holding);
            }
        }
        for holding in touched {
            self.report(holding, effects);
        }
    }

    /// Tells what changed for a holding.
    fn report(&mut self, holding: HoldingId, effects: &mut Vec<Effect>) {
        let Some(held) = self.holdings.get_mut(&holding) else { return };
        let occupied = held.ledger.footprint();
        if let Some(account) = held.account.as_mut().filter(|account| account.bytes() != occupied) {
            account.resize(occupied);
        }
        flush(&mut self.tally, &held.origin.partition.topic, effects);
        let (slots, units) = (held.slots.count(), held.ledger.pending_units());
        if let Err(why) = promise::nothing_settled_in_flight(slots, units)
            && !std::mem::replace(&mut held.broken, true)
        {
            effects.push(Effect::Mismatch(holding, why));
        }
        let offset = held.ledger.committable();
        if offset > held.told && !held.broken {
            held.told = offset;
            let (records, oldest) = (held.ledger.below_watermark(), held.ledger.oldest_timestamp());
            effects.push(Effect::Committable(Committable { holding, offset, records, oldest }));
        }
        if held.draining && held.ledger.is_settled() && !held.broken {
            held.draining = false;
            effects.push(Effect::Drained(holding));
        }
    }

    fn seal(&mut self, which: impl FnOnce(&mut Bodies, &mut dyn FnMut(body::Open)), effects: &mut Vec<Effect>) {
        let (id, budget) = (self.id, self.budget.as_ref());
        which(&mut self.bodies, &mut |open| effects.push(Effect::Submit(open.into_bulk(id, budget))));
    }
}

/// Counts a settled record; a contradiction becomes a fault.
fn count(
    tally: &mut Tally,
    settled: Result<Option<Fate>, Contradiction>,
    partition: &TopicPartition,
    effects: &mut Vec<Effect>,
) {
    match settled {
        Ok(None) => {}
        Ok(Some(Fate::Indexed)) => tally.counts.indexed += 1,
        Ok(Some(Fate::Duplicate)) => tally.counts.duplicate += 1,
        Ok(Some(Fate::DeadLettered(
            Stage::Codec | Stage::Pipeline | Stage::Destination | Stage::Encode | Stage::Elasticsearch,
        ))) => tally.counts.dead_lettered += 1,
        Ok(Some(Fate::Dropped(reason))) => {
            tally.counts.dropped += 1;
            if let Some(at) = DropReason::ALL.iter().position(|each| *each == reason) {
                tally.dropped[at] += 1;
            }
        }
        Err(fault) => effects.push(Effect::Fault(partition.clone(), fault)),
    }
}

/// Gives out what was counted, for `topic` unless it was counted for another one before.
fn flush(tally: &mut Tally, topic: &Arc<str>, effects: &mut Vec<Effect>) {
    if tally.counts != Counts::default() {
        let mut full = std::mem::take(tally);
        if full.topic.is_empty() {
            full.topic = Arc::clone(topic);
        }
        effects.push(Effect::Counted(full));
    }
    tally.topic = Arc::clone(topic);
}

#[cfg(test)]
mod tests;
