//! The reader's thread, which is the process: it begins the others, reads partitions, is given and taken partitions, and comes to an
//! orderly end. What a reader of Kafka does is done here with numbers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::mpsc::{Receiver, Sender, channel};
use shuttle::thread;

use super::elastic::{self, Oracle};
use super::others::{ByOffset, Clock, ToDispatch, ToLetters, ToReader, WorkerSeat, becomes, run_dispatch, run_letters};
use crate::backoff::{Backoff, Chance};
use crate::budget::Budget;
use crate::bulk::document_id;
use crate::clock::Moment;
use crate::dispatch::{self, Dispatch};
use crate::passage::{WorkerHandle, round, to_worker};
use crate::promise::{self, Owed};
use crate::reader;
use crate::reader::{CommitResult, Effect, Ending, Input, MaxUncommitted, Reader, Resolved, Routes, Settings, Start};
use crate::record::{HoldingId, Origin, RecordBatch, TopicPartition};
use crate::sync::hear;
use crate::worker::{self, BulkLimits, Worker};

const WORKERS: usize = 2;
const PARTITIONS: i32 = 3;
/// Records of each partition.
const RECORDS: i64 = 7;
/// Little enough that it is full now and then.
const MEMORY: usize = 900;
/// No process looks at its clock that often.
const PATIENCE: Duration = Duration::from_secs(200);
const NEVER: Duration = Duration::from_secs(36_000);

struct Held {
    origin: Arc<Origin>,
    worker: usize,
    part: Budget,
    intake: bool,
    paused: bool,
    next: i64,
}

struct Edge {
    core: Reader,
    owed: Owed,
    clock: Clock,
    workers: Vec<WorkerHandle>,
    dispatch: Sender<ToDispatch>,
    budget: Budget,
    oracle: Oracle,
    held: Vec<Held>,
    committed: BTreeMap<TopicPartition, (i64, String)>,
    /// Partitions that are to be given again once they are given back.
    back: Vec<TopicPartition>,
    /// They were lost, and need not be settled.
    lost: bool,
    ending: Option<Ending>,
}

/// A process from its start to its end.
pub(super) fn process() {
    let (clock, oracle, budget) = (Clock::default(), Oracle::default(), Budget::new(MEMORY));
    let (to_reader, inbox) = channel();
    let (to_dispatch, dispatch_inbox) = channel();
    let (to_letters, letters_inbox) = channel();
    let (to_elastic, elastic_inbox) = channel();
    let (workers, inboxes): (Vec<_>, Vec<_>) = (0..WORKERS).map(|_| to_worker()).unzip();
    let mut threads = Vec::new();
    for (id, inbox) in inboxes.into_iter().enumerate() {
        let limits = BulkLimits {
            max_bytes: 10_000,
            max_documents: 3,
            linger: Duration::from_millis(20),
            max_document_bytes: 10_000,
        };
        let mut seat = WorkerSeat {
            core: Worker::new(id, ByOffset, limits, Some(budget.clone())),
            clock: clock.clone(),
            dispatch: to_dispatch.clone(),
            letters: to_letters.clone(),
            reader: to_reader.clone(),
            told: BTreeMap::new(),
        };
        let mut open = budget.take(0);
        threads.push(thread::spawn(move || while round(&mut seat, &inbox, &mut open) {}));
    }
    drop(to_reader);
    let backoff = Backoff { base: Duration::from_millis(2), cap: Duration::from_millis(8) };
    let settings = dispatch::Settings { concurrency: 4, backoff, ..dispatch::Settings::default() };
    let core = Dispatch::new(settings, Chance::new(1));
    let (clock_there, handles, ask, letters) = (clock.clone(), workers.clone(), to_elastic.clone(), to_letters.clone());
    let dispatching =
        thread::spawn(move || run_dispatch(core, (&dispatch_inbox, &clock_there), &handles, (&ask, &letters)));
    let (handles, there) = (workers.clone(), oracle.clone());
    let lettering = thread::spawn(move || run_letters(&letters_inbox, &handles, &there));
    let (answers, there) = (to_dispatch.clone(), oracle.clone());
    let answering = thread::spawn(move || elastic::run(&elastic_inbox, &answers, &there));

    let (parts, queued) = (workers.clone(), budget.clone());
    let edge = Edge {
        core: Reader::new(settings_of_reader(), Chance::new(2)),
        owed: Owed::default(),
        clock,
        workers,
        dispatch: to_dispatch.clone(),
        budget,
        oracle: oracle.clone(),
        held: Vec::new(),
        committed: BTreeMap::new(),
        back: Vec::new(),
        lost: false,
        ending: None,
    };
    let (ending, committed) = edge.run(&inbox);
    // The others end: first who sends, then who is sent to.
    assert!(to_dispatch.send(ToDispatch::Stop).is_ok());
    dispatching.join().expect("the dispatch");
    assert!(to_elastic.send(elastic::Asked::Stop).is_ok());
    answering.join().expect("elasticsearch");
    assert!(to_letters.send(ToLetters::Stop).is_ok());
    lettering.join().expect("the dead letters");
    let waiting: Vec<usize> = parts.iter().map(WorkerHandle::queued).collect();
    drop((parts, to_dispatch, to_letters, to_elastic));
    for thread in threads {
        thread.join().expect("a worker");
    }
    drop(inbox);
    assert_eq!(ending, Ending::Complete, "an orderly end leaves nothing behind");
    assert_eq!(waiting, [0; WORKERS], "bytes that wait for workers");
    assert_eq!(queued.used(), 0, "bytes of the memory limit are not given back");
    for partition in partitions() {
        assert_eq!(committed.get(&partition).map(|(offset, _)| *offset), Some(RECORDS), "{partition}");
    }
}

fn partitions() -> Vec<TopicPartition> {
    (0..PARTITIONS).map(|number| TopicPartition::new("t", number)).collect()
}

fn settings_of_reader() -> Settings {
    Settings {
        workers: WORKERS,
        drain_timeout: NEVER,
        commit_interval: Duration::from_millis(10),
        start_at_end: false,
        restart_out_of_range: false,
        until_caught_up: false,
        max_uncommitted: MaxUncommitted { records: 1000, age: NEVER },
        watch_interval: NEVER,
        routes: Routes::from([("t".into(), Arc::default())]),
    }
}

impl Edge {
    fn run(mut self, inbox: &Receiver<ToReader>) -> (Ending, BTreeMap<TopicPartition, (i64, String)>) {
        self.step(Input::Assigned(partitions()));
        let mut rebalances = thread_rng().gen_range(0..3);
        let mut stopping = false;
        while self.ending.is_none() {
            let busy = self.take();
            while let Ok(message) = inbox.try_recv() {
                self.hears(message);
            }
            if rebalances > 0 && self.back.is_empty() && !self.held.is_empty() && thread_rng().gen_bool(0.2) {
                rebalances -= 1;
                let partition = self.held[thread_rng().gen_range(0..self.held.len())].origin.partition.clone();
                self.back.push(partition.clone());
                self.lost = thread_rng().gen_bool(0.5);
                self.step(Input::Revoked { partitions: vec![partition], lost: self.lost });
            }
            let now = self.clock.now();
            assert!(now < Moment(PATIENCE), "it does not come to its end: {}", self.told());
            if self.core.wake_at().is_some_and(|due| due <= now) {
                self.step(Input::Tick);
            }
            let read = self.held.len() == PARTITIONS as usize && self.held.iter().all(|held| held.next == RECORDS);
            if !stopping && read && rebalances == 0 {
                stopping = true;
                self.step(Input::Shutdown(Moment(NEVER)));
            }
            // Where there is something to read, room for it comes without a word; where there is not, only a message helps.
            let waits = self.held.iter().any(|held| held.intake && held.next < RECORDS) || self.soon();
            if busy || self.ending.is_some() {
                continue;
            }
            // Whoever could have its partition taken need not wait for anything else.
            let waits = waits || rebalances > 0;
            if let Ok(message) = hear(inbox, Duration::ZERO, waits) {
                self.hears(message);
            }
        }
        (self.ending.expect("that is why it ends"), self.committed)
    }

    fn told(&self) -> String {
        let held = self.held.iter().map(|held| {
            let (partition, used) = (&held.origin.partition, held.part.used());
            format!("{partition} read to {}, {used} bytes", held.next)
        });
        let held: Vec<_> = held.collect();
        let queued: Vec<_> = self.workers.iter().map(WorkerHandle::queued).collect();
        format!("{held:?}, {} bytes used, {queued:?} queued, committed {:?}", self.budget.used(), self.committed)
    }

    /// Something is due before anybody would have forgotten it.
    fn soon(&self) -> bool {
        self.core.wake_at().is_some_and(|due| due < Moment(NEVER / 2))
    }

    fn hears(&mut self, message: ToReader) {
        match message {
            ToReader::Committable(moved) => self.step(Input::Committable(moved)),
            ToReader::Drained(holding) => self.step(Input::Drained(holding)),
            ToReader::Mismatch(why) => panic!("{why}"),
        }
    }

    /// Takes a batch from every partition whose worker has room.
    fn take(&mut self) -> bool {
        let mut took = Vec::new();
        for held in &mut self.held {
            let worker = &self.workers[held.worker];
            if !held.intake || held.paused || held.next == RECORDS || !worker.has_room(&self.budget, &held.part) {
                continue;
            }
            let mut records = RecordBatch::with_capacity(Arc::clone(&held.origin), 0, 0);
            let to = (held.next + 2).min(RECORDS);
            (held.next..to).for_each(|offset| records.push(offset, Some(offset), None, None));
            let number = (to - held.next) as u64;
            held.next = to;
            let (permit, reserve) = (held.part.take(records.footprint()), self.budget.take(60));
            worker.records(records, permit, reserve);
            took.push((held.origin.partition.clone(), number));
        }
        let busy = !took.is_empty();
        for (partition, records) in took {
            self.step(Input::Took { partition, records });
        }
        busy
    }

    fn step(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            reader::owes(&mut self.owed, &input);
            let mut effects = Vec::new();
            self.core.step(self.clock.now(), input, &mut effects);
            for effect in effects {
                reader::answers(&mut self.owed, &effect).unwrap_or_else(|why| panic!("{why}"));
                inputs.extend(self.carry_out(effect));
            }
        }
    }

    fn to_worker(&self, holding: HoldingId, input: worker::Input) {
        if let Some(held) = self.held.iter().find(|held| held.origin.holding == holding) {
            self.workers[held.worker].send(input);
        }
    }

    fn to_dispatch(&self, input: dispatch::Input) {
        assert!(self.dispatch.send(ToDispatch::Input(input)).is_ok(), "the dispatch outlives the reader");
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Resolve(_, partitions) => {
                let resolved = |partition: TopicPartition| Resolved {
                    committed: self.committed.get(&partition).cloned(),
                    partition,
                    incarnation: "i".into(),
                    bounds: (0, RECORDS),
                };
                return Some(Input::Resolved(Ok(partitions.into_iter().map(resolved).collect())));
            }
            Effect::Assign(starts) => starts.into_iter().for_each(|start| self.begin(start)),
            Effect::Position(holding, position) => {
                self.to_worker(holding, worker::Input::Position { holding, position })
            }
            Effect::Drain(holding) => {
                self.held.iter_mut().filter(|held| held.origin.holding == holding).for_each(|held| held.intake = false);
                self.to_worker(holding, worker::Input::Drain(holding));
            }
            Effect::End(holding) => {
                self.to_worker(holding, worker::Input::End(holding));
                self.to_dispatch(dispatch::Input::End(holding));
                let at = self.held.iter().position(|held| held.origin.holding == holding)?;
                let held = self.held.swap_remove(at);
                let partition = &held.origin.partition;
                let committed = self.committed.get(partition).map_or(0, |(offset, _)| *offset);
                let lost = self.lost && self.back.contains(partition);
                assert!(
                    lost || committed == held.next,
                    "{partition} was read to {} and ends committed at {committed}",
                    held.next
                );
            }
            Effect::Unassign(partitions) => {
                self.back.retain(|back| !partitions.contains(back));
                return Some(Input::Assigned(partitions));
            }
            Effect::Commit(entries) => {
                let mut results = Vec::new();
                for entry in entries {
                    self.check_commit(&entry.partition, entry.offset);
                    self.committed.insert(entry.partition.clone(), (entry.offset, entry.metadata));
                    results.push(CommitResult { partition: entry.partition, offset: entry.offset, refused: None });
                }
                return Some(Input::Committed(results));
            }
            Effect::Pause(holding) | Effect::Resume(holding) => panic!("{holding} is not read that far ahead"),
            Effect::Renew(start) => panic!("nothing was loaded again: {start:?}"),
            Effect::Restart(starts) => panic!("nothing begins anew: {starts:?}"),
            Effect::Leave(ending) => self.ending = Some(ending),
            Effect::Tell(crate::reader::Notice::NotDrained(partition)) => panic!("{partition} is given back undrained"),
            Effect::Watch(_) | Effect::Subscribe(_) | Effect::Tell(_) => {}
        }
        None
    }

    fn begin(&mut self, Start { origin, position, worker, .. }: Start) {
        self.to_dispatch(dispatch::Input::Begin(origin.holding));
        self.workers[worker].send(worker::Input::Begin { origin: Arc::clone(&origin), position });
        let part = self.budget.part();
        self.held.push(Held { origin, worker, part, intake: true, paused: false, next: position });
    }

    /// Everything below the offset is in Elasticsearch or among the dead letters.
    fn check_commit(&self, partition: &TopicPartition, offset: i64) {
        let held = self.held.iter().find(|held| held.origin.partition == *partition);
        let held = held.unwrap_or_else(|| panic!("{partition} is committed and not held"));
        let known = self.oracle.known();
        for below in 0..offset {
            let id = document_id(&held.origin, below, 0);
            let settled = match becomes(below) {
                None => true,
                Some(false) => known.letters.contains(&id),
                Some(true) => known.stored.contains_key(&id),
            };
            let open = Some(below).filter(|_| !settled);
            promise::passes_settled_only(partition, offset, RECORDS, open).unwrap_or_else(|why| panic!("{why}: {id}"));
        }
    }
}
