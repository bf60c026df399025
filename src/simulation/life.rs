//! One life of one process: its cores, what its edges know, and what can be checked within a process.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::agenda::Event;
use super::mutant::Mutant;
use super::noted::Noted;
use super::plan::Plan;
use super::script::{self, Script};
use super::search;
use crate::backoff::Chance;
use crate::budget::Budget;
use crate::bulk::{Bulk, Settlement};
use crate::clock::Moment;
use crate::dispatch::{self, Dispatch};
use crate::promise::{self, Held, Order, Owed};
use crate::reader::{self, Ending, Reader, StartReason};
use crate::record::{HoldingId, Origin, TopicPartition};
use crate::worker::{self, Tally, Worker};

/// One of the cores of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Core {
    Reader,
    Worker(usize),
    Dispatch,
}

/// A holding as the reader's edge sees it.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) origin: Arc<Origin>,
    pub(super) worker: usize,
    pub(super) start: i64,
    /// The next offset to be read.
    pub(super) next: i64,
    /// What the client says of that.
    pub(super) position: i64,
    /// Where an error has moved the client away from, until it is put back.
    pub(super) moved: Option<i64>,
    pub(super) intake: bool,
    pub(super) paused: bool,
    /// One above the last record read.
    pub(super) received: i64,
    /// Its part of the memory limit.
    pub(super) part: Budget,
}

impl Fetch {
    /// Takes the client back to where an error has moved it away from, if that succeeds.
    pub(super) fn put_back(&mut self, succeeds: bool) {
        if succeeds && let Some(offset) = self.moved.take() {
            (self.next, self.position) = (offset, offset);
        }
    }
}

/// Records are taken in as long as there is room, and become up to three documents each, which are larger: this many times the limit…
const GROWN: usize = 5;
/// … and the bytes that the last ones to be taken in may come to.
const LAST: usize = 8 << 10;

/// A payload of the script.
type Payload = [u8; 2];

/// A place in the order of documents: offset and sub-document.
type Place = (i64, u32);

/// A process between its start and its end.
pub(super) struct Life {
    pub(super) slot: usize,
    pub(super) alive: bool,
    pub(super) stopping: bool,
    /// It has been in the group.
    pub(super) joined: bool,
    /// Rebalances that the group has told its client and the reader has not answered.
    pub(super) unanswered: usize,
    /// The next record that is fetched cannot be read.
    pub(super) corrupt: bool,
    /// It reads a partition no more, because of that.
    pub(super) stopped: bool,
    /// It is stopped, and nothing happens in it.
    pub(super) frozen: bool,
    /// What comes for it meanwhile.
    pub(super) parked: Vec<Event>,
    /// What the group took from it meanwhile, if it did.
    pub(super) lost: Option<Vec<TopicPartition>>,
    pub(super) ending: Option<Ending>,
    pub(super) reader: Reader,
    /// What the reader owes the group.
    pub(super) owed: Owed,
    pub(super) workers: Vec<Worker<Script>>,
    pub(super) dispatch: Dispatch,
    pub(super) budget: Budget,
    pub(super) fetches: BTreeMap<HoldingId, Fetch>,
    /// Holdings that ended to begin anew: all of what was read of them is settled.
    pub(super) anew: BTreeSet<HoldingId>,
    /// The making of each topic that it read first.
    makings: BTreeMap<Arc<str>, Arc<str>>,
    /// The partition of every holding that there was.
    pub(super) partitions: BTreeMap<HoldingId, TopicPartition>,
    pub(super) template: bool,
    /// What reads each topic, as it was told last.
    pub(super) routes: reader::Routes,
    /// Member id and generation, as last known.
    pub(super) credentials: (u64, u64),
    /// When each core is told the time next.
    pub(super) wakes: BTreeMap<Core, Moment>,
    /// A body that waits to change places with the next.
    pub(super) swapped: Option<Bulk>,
    /// The holdings that the dispatch was told of.
    live: Held,
    /// The holdings that the workers were told of.
    at_worker: Held,
    /// The holdings that an id was submitted for; a worker may be so late that a later holding's came first.
    holdings_of: search::ByText<Vec<(HoldingId, Place)>>,
    submitted: Order<Place>,
    sent: Order<Place>,
    /// Requests and look-ups that are under way.
    requests: BTreeSet<dispatch::RequestId>,
    /// How many may be.
    concurrency: usize,
    /// What was sent, by holding, offset and sub-document.
    sent_places: HashSet<(HoldingId, Place), FixedState>,
    /// The payload of each record that each holding was given, by its number.
    payloads: BTreeMap<HoldingId, Vec<Option<Payload>>>,
    received: u64,
    settled: u64,
    forgotten: u64,
    /// What the reader's and the dispatch's chances were at the start.
    pub(super) chances: [Chance; 2],
    /// Where its steps are written down, if they are.
    pub(super) noted: Option<Noted>,
}

impl Life {
    pub(super) fn new(slot: usize, number: usize, plan: &Plan, mutant: Option<Mutant>, chance: &mut Chance) -> Self {
        let budget = Budget::new(plan.memory);
        let chances = [chance.fork(), chance.fork()];
        let [of_reader, of_dispatch] = chances.clone();
        let worker = |id| {
            let suffix = |planted| if mutant == Some(planted) { format!("-{number}") } else { String::new() };
            let script = Script {
                id_suffix: suffix(Mutant::RandomIds),
                index_suffix: suffix(Mutant::IndexByProcess),
                newest: mutant == Some(Mutant::NewestVersion),
                ..Script::default()
            };
            Worker::new(id, script, plan.limits.clone(), Some(budget.clone()))
        };
        Self {
            slot,
            alive: true,
            stopping: false,
            joined: false,
            unanswered: 0,
            corrupt: false,
            stopped: false,
            frozen: false,
            parked: Vec::new(),
            lost: None,
            ending: None,
            reader: Reader::new(plan.reader.clone(), of_reader),
            owed: Owed::default(),
            workers: (0..plan.reader.workers).map(worker).collect(),
            dispatch: Dispatch::new(plan.dispatch.clone(), of_dispatch),
            fetches: BTreeMap::new(),
            anew: BTreeSet::new(),
            makings: BTreeMap::new(),
            partitions: BTreeMap::new(),
            template: false,
            routes: plan.reader.routes.clone(),
            credentials: (0, 0),
            wakes: BTreeMap::new(),
            swapped: None,
            live: Held::default(),
            at_worker: Held::default(),
            holdings_of: search::ByText::default(),
            submitted: Order::default(),
            sent: Order::default(),
            requests: BTreeSet::new(),
            concurrency: plan.dispatch.concurrency,
            sent_places: HashSet::default(),
            payloads: BTreeMap::new(),
            received: 0,
            settled: 0,
            forgotten: 0,
            chances,
            noted: None,
            budget,
        }
    }

    /// When a core wants to be told the time.
    pub(super) fn wake_at(&self, core: Core) -> Option<Moment> {
        match core {
            Core::Reader => self.reader.wake_at(),
            Core::Worker(worker) => self.workers[worker].wake_at(),
            Core::Dispatch => self.dispatch.wake_at(),
        }
    }

    /// The latest holding of the same partition.
    pub(super) fn latest(&self, holding: HoldingId) -> HoldingId {
        let partition = self.partitions.get(&holding);
        let same = self.partitions.iter().filter(|(_, other)| Some(*other) == partition);
        same.map(|(other, _)| *other).max().unwrap_or(holding)
    }

    /// True if it has been in the group, and something of that time is not given back, or not even begun.
    pub(super) fn holds_still(&self) -> bool {
        self.joined && !(self.fetches.is_empty() && self.unanswered == 0)
    }

    /// True if nothing is in flight and nothing waits.
    pub(super) fn is_idle(&self) -> bool {
        let nothing = self.workers.iter().all(|worker| worker.in_flight() == 0) && self.dispatch.is_idle();
        // Records may be on their way to a worker.
        nothing && self.budget.used() == 0
    }

    /// What the dispatch is about to be told.
    pub(super) fn note_dispatch(&mut self, input: &dispatch::Input) {
        match input {
            dispatch::Input::Begin(holding) => self.live.begin(*holding),
            dispatch::Input::End(holding) => self.live.end(*holding),
            dispatch::Input::Answered(request, _) | dispatch::Input::LookedUp(request, _) => {
                self.requests.remove(request);
            }
            _ => {}
        }
    }

    /// Partitions are read once at a time, and a topic that was made again is not read from its end.
    pub(super) fn check_start(&mut self, start: &reader::Start) -> Result<(), String> {
        let partition = &start.origin.partition;
        let incarnation = &start.origin.incarnation;
        let first = self.makings.entry(Arc::clone(&partition.topic)).or_insert_with(|| Arc::clone(incarnation));
        if start.reason == StartReason::End && first != incarnation {
            return Err(format!("the topic of {partition} was made again, and it begins at its end"));
        }
        match self.fetches.values().find(|fetch| fetch.origin.partition == *partition) {
            Some(other) => {
                Err(format!("{partition} begins as {} and is held as {}", start.origin.holding, other.origin.holding))
            }
            None => Ok(()),
        }
    }

    /// A body is whole, and its documents come in the order of their records.
    pub(super) fn check_submit(&mut self, bulk: &Bulk) -> Result<(), String> {
        let lines = search::parse(&bulk.body);
        if lines.len() != bulk.documents.len() || lines.is_empty() {
            return Err(format!("a body of {} documents says that it has {}", lines.len(), bulk.documents.len()));
        }
        for (line, document) in lines.iter().zip(&bulk.documents) {
            if document.start as usize != line.start {
                return Err(format!("{} does not stand where its body says", line.id));
            }
            let batch = bulk.batch(document);
            let origin = batch.records.origin();
            if line.version != &*origin.route.version {
                return Err(format!("{} is made by version {} for {origin:?}", line.id, line.version));
            }
            let holding = origin.holding;
            let place = (batch.records.offset(document.record as usize), document.sub);
            self.submitted.next(holding, &bulk.index, place)?;
            match self.holdings_of.get_mut(line.id) {
                Some(holdings) => holdings.push((holding, place)),
                None => drop(self.holdings_of.insert(line.id.to_owned(), vec![(holding, place)])),
            }
        }
        Ok(())
    }

    /// No more requests are under way than may be; as many again where some do not come back.
    pub(super) fn check_request(&mut self, request: dispatch::RequestId) -> Result<(), String> {
        self.requests.insert(request);
        match self.requests.len() {
            number if number > 2 * self.concurrency => Err(format!("{number} requests are under way")),
            _ => Ok(()),
        }
    }

    /// A request is sent for live holdings alone, after the template, and first sent in order.
    pub(super) fn check_send(&mut self, index: &Arc<str>, ids: &[&str]) -> Result<(), String> {
        if !self.template {
            return Err("a request is sent before the template is acknowledged".to_owned());
        }
        for id in ids {
            let Some(holdings) = self.holdings_of.get(*id) else {
                return Err(format!("{id} is sent and was never submitted"));
            };
            let Some(&(holding, place)) = holdings.iter().find(|(holding, _)| self.live.has(*holding)) else {
                return Err(format!("{id} is sent for {holdings:?}, which are over"));
            };
            if self.sent_places.insert((holding, place)) {
                self.sent.next(holding, index, place)?;
            }
        }
        Ok(())
    }

    /// What a worker is about to be told.
    pub(super) fn note_worker(&mut self, input: &worker::Input) {
        match input {
            worker::Input::Begin { origin, .. } => self.at_worker.begin(origin.holding),
            worker::Input::End(holding) => self.at_worker.end(*holding),
            worker::Input::Records { records, .. } => {
                let payloads = self.payloads.entry(records.origin().holding).or_default();
                payloads.extend(records.iter().map(|record| record.payload.and_then(|each| each.try_into().ok())));
            }
            _ => {}
        }
    }

    /// A worker says something of a holding.
    pub(super) fn check_told(&self, holding: HoldingId) -> Result<(), String> {
        self.at_worker.tells(holding)
    }

    /// Nobody has more in memory than may be.
    pub(super) fn check_memory(&self) -> Result<(), String> {
        let limit = self.budget.limit();
        promise::within_memory(self.budget.used(), limit, limit * GROWN + LAST)
    }

    /// Nothing is settled as what it cannot have become.
    pub(super) fn check_fates(&self, settlements: &[Settlement]) -> Result<(), String> {
        for Settlement { holding, seq, fate } in settlements {
            let payload = self.payloads.get(holding).and_then(|payloads| payloads.get(*seq as usize));
            if payload.is_none_or(|payload| !script::can_become(payload.as_ref().map(|each| &each[..]), *fate)) {
                return Err(format!("record {seq} of {holding} is settled as {fate:?}, and is {payload:?}"));
            }
        }
        Ok(())
    }

    pub(super) fn count(&mut self, tally: &Tally) {
        self.received += tally.counts.received;
        self.settled += tally.counts.settled();
    }

    pub(super) fn forgot(&mut self, records: u64) {
        self.forgotten += records;
    }

    /// Received is settled, forgotten or in flight.
    pub(super) fn check_counts(&self) -> Result<(), String> {
        let in_flight: u64 = self.workers.iter().map(Worker::in_flight).sum();
        let Self { received, settled, forgotten, .. } = self;
        promise::accounted(*received, *settled, *forgotten, in_flight)
    }
}
