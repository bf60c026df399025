//! The edges: each event becomes an input of a core, each effect a message or a request; and here the planted faults sit.

use std::sync::Arc;
use std::time::Duration;

use super::broker::{CommitRequest, LifeId};
use super::life::{Core, Fetch};
use super::mutant::Mutant;
use super::search::{self, Reaction};
use super::world::{Channel, Event, World};
use crate::bulk::{Bulk, Item, Settlement};
use crate::dead_letter::Letter;
use crate::dispatch::{self, Outcome};
use crate::reader::{self, Ending};
use crate::record::{HoldingId, RecordBatch};
use crate::worker;

type Checked = Result<(), String>;

impl World {
    fn has(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    fn failing(&self) -> u64 {
        if self.is_calm { 0 } else { self.plan.failing }
    }

    /// One event.
    pub(super) fn handle(&mut self, event: Event) -> Checked {
        match event {
            Event::Reader(life, input) => self.reader(life, input)?,
            Event::Worker(life, worker, input) => self.worker(life, worker, input)?,
            Event::Dispatch(life, input) => self.dispatch(life, input)?,
            Event::Wake(life, core) => self.wake(life, core)?,
            Event::Poll(life) => self.poll(life),
            Event::Start(slot) => self.start(slot),
            Event::Mischief => self.mischief(),
            Event::Weather => self.weather(),
            Event::Calm => self.calm(),
            Event::Late(index, body) => self.late(&index, &body),
            Event::Commit(request) => self.commit(&request)?,
            Event::Letter(life, letter) => self.letter(life, letter),
            Event::Expire(life) => {
                let (_, events) = self.broker.remove(life, &mut self.chance);
                self.group(events);
            }
            Event::Unassigned(life, partitions) => {
                let events = self.broker.unassigned(life, &partitions);
                self.group(events);
            }
            // What follows concerns a process that may be gone.
            Event::Join(life) if self.lives[life].alive => {
                let events = self.broker.join(life, &mut self.chance);
                self.group(events);
            }
            Event::Learn(life, partitions) if self.lives[life].alive => {
                self.group(vec![(life, super::broker::GroupEvent::Revoked(partitions, true))]);
                self.later(500, Event::Join(life));
            }
            Event::Resolve(life, partitions) if self.lives[life].alive => {
                let failing = self.failing();
                let answer = if self.chance.hits(failing, 100) {
                    Err("the broker does not answer".to_owned())
                } else {
                    Ok(self.broker.resolve(partitions))
                };
                self.later(100, Event::Reader(life, reader::Input::Resolved(answer)));
            }
            Event::Prepare(life) if self.lives[life].alive => {
                let failing = self.failing();
                let refused = self.search.down || self.chance.hits(failing, 100);
                self.lives[life].template |= !refused;
                let told = if refused && !self.has(Mutant::SkipTemplate) { Err("down".to_owned()) } else { Ok(()) };
                self.later(50, Event::Dispatch(life, dispatch::Input::Prepared(told)));
            }
            Event::Check(life, index) if self.lives[life].alive => {
                let failing = self.failing();
                let found = self.search.check(&index, failing, &mut self.chance);
                self.later(50, Event::Dispatch(life, dispatch::Input::Checked(index, found)));
            }
            Event::LookUp(life, request, index, ids) if self.lives[life].alive => {
                self.look_up(life, request, &index, &ids)
            }
            Event::Bulk(life, request, index, body) => self.bulk(life, request, index, body),
            Event::Join(_)
            | Event::Learn(..)
            | Event::Resolve(..)
            | Event::Prepare(_)
            | Event::Check(..)
            | Event::LookUp(..) => {}
        }
        Ok(())
    }

    /// Has a core told the time when it wants to be.
    fn arrange(&mut self, life: LifeId, core: Core) {
        let this = &mut self.lives[life];
        if let Some(at) = this.wake_at(core, self.now)
            && this.wakes.get(&core).is_none_or(|before| at < *before || *before < self.now)
        {
            this.wakes.insert(core, at.max(self.now));
            self.queue(at, Event::Wake(life, core));
        }
    }

    fn wake(&mut self, life: LifeId, core: Core) -> Checked {
        if !self.lives[life].alive {
            return Ok(());
        }
        self.lives[life].wakes.remove(&core);
        match core {
            Core::Reader => self.reader(life, reader::Input::Tick)?,
            Core::Worker(worker) => self.worker(life, worker, worker::Input::Tick)?,
            Core::Dispatch => self.dispatch(life, dispatch::Input::Tick)?,
        }
        let this = &self.lives[life];
        match this.wake_at(core, self.now).filter(|at| this.alive && *at <= self.now) {
            Some(at) => Err(format!("p{life} {core:?} was told the time and wants it again at {:?}", at.0)),
            None => Ok(()),
        }
    }

    // The reader's edge.

    fn reader(&mut self, life: LifeId, input: reader::Input) -> Checked {
        if !self.lives[life].alive {
            return Ok(());
        }
        self.note(|| format!("p{life} reader <- {input:?}"));
        let mut effects = Vec::new();
        self.lives[life].reader.step(self.now, input, &mut effects);
        let mut over = Vec::new();
        for effect in effects {
            if !matches!(effect, reader::Effect::Tell(reader::Notice::Placed(_))) {
                self.note(|| format!("p{life} reader -> {effect:?}"));
            }
            match effect {
                reader::Effect::Resolve(partitions) => self.later(200, Event::Resolve(life, partitions)),
                reader::Effect::Assign(starts) => starts.into_iter().try_for_each(|start| self.begin(life, start))?,
                reader::Effect::Drain(holding) => self.drain(life, holding),
                reader::Effect::End(holding) => over.extend(self.over(life, holding)),
                reader::Effect::Unassign(partitions) => self.later(50, Event::Unassigned(life, partitions)),
                reader::Effect::Commit(entries) => self.send_commit(life, entries),
                reader::Effect::Tell(reader::Notice::NotDrained(_)) => self.tally("undrained revokes", 1),
                reader::Effect::Tell(_) => {}
                reader::Effect::Leave(ending) => self.leave(life, ending, &over)?,
            }
        }
        self.arrange(life, Core::Reader);
        Ok(())
    }

    fn begin(&mut self, life: LifeId, start: reader::Start) -> Checked {
        self.lives[life].check_start(&start)?;
        let reader::Start { origin, mut position, worker } = start;
        let holding = origin.holding;
        let fetch = Fetch {
            origin: Arc::clone(&origin),
            worker,
            position,
            told: position,
            intake: true,
            received: position,
            start: position,
        };
        self.lives[life].partitions.insert(holding, origin.partition.clone());
        self.lives[life].fetches.insert(holding, fetch);
        // The dispatch hears of a holding before its worker does.
        let begin = Event::Dispatch(life, dispatch::Input::Begin(holding));
        let known = self.send(life, Channel::ReaderDispatch, self.now, begin);
        if self.has(Mutant::StartLate) {
            position += 1;
            self.lives[life].fetches.entry(holding).and_modify(|fetch| fetch.position = position);
        }
        let begin = Event::Worker(life, worker, worker::Input::Begin { origin, position });
        self.send(life, Channel::ReaderWorker(worker), known, begin);
        Ok(())
    }

    fn drain(&mut self, life: LifeId, holding: HoldingId) {
        let keep = self.has(Mutant::KeepReading);
        let Some(fetch) = self.lives[life].fetches.get_mut(&holding) else { return };
        fetch.intake = keep;
        let worker = fetch.worker;
        let drain = Event::Worker(life, worker, worker::Input::Drain(holding));
        self.send(life, Channel::ReaderWorker(worker), self.now, drain);
    }

    fn over(&mut self, life: LifeId, holding: HoldingId) -> Option<Fetch> {
        if self.has(Mutant::KeepReading) {
            return None;
        }
        let fetch = self.lives[life].fetches.remove(&holding)?;
        let worker = fetch.worker;
        self.send(
            life,
            Channel::ReaderWorker(worker),
            self.now,
            Event::Worker(life, worker, worker::Input::End(holding)),
        );
        let end = Event::Dispatch(life, dispatch::Input::End(holding));
        self.send(life, Channel::ReaderDispatch, self.now, end);
        Some(fetch)
    }

    fn send_commit(&mut self, life: LifeId, mut entries: Vec<reader::CommitEntry>) {
        if self.has(Mutant::CommitPosition) {
            for entry in &mut entries {
                let fetch = self.lives[life].fetches.values().find(|fetch| fetch.origin.partition == entry.partition);
                entry.offset = fetch.map_or(entry.offset, |fetch| fetch.position);
            }
        }
        if self.broker.is_member(life) {
            self.lives[life].credentials = self.broker.credentials(life);
        }
        let credentials = self.lives[life].credentials;
        self.send(life, Channel::Commits, self.now, Event::Commit(CommitRequest { life, credentials, entries }));
    }

    fn commit(&mut self, request: &CommitRequest) -> Checked {
        let failing = self.failing() > 0;
        let mut results = self.broker.commit(request, &mut self.chance, failing);
        for (entry, result) in request.entries.iter().zip(&mut results) {
            if entry.metadata != "kelp:i1" {
                return Err(format!("{} is committed with metadata {}", entry.partition, entry.metadata));
            }
            let applied = result.refused.as_ref().is_none_or(|why| why == "timed out");
            self.tally(if applied { "commits" } else { "refused commits" }, 1);
            if applied {
                self.oracle.check_commit(&entry.partition, entry.offset, &self.broker, &self.search)?;
            }
            if self.has(Mutant::RefusalIsCommit) {
                result.refused = None;
            }
        }
        self.later(200, Event::Reader(request.life, reader::Input::Committed(results)));
        Ok(())
    }

    fn leave(&mut self, life: LifeId, ending: Ending, over: &[Fetch]) -> Checked {
        self.lives[life].ending = Some(ending);
        self.tally(if ending == Ending::Complete { "complete endings" } else { "unsettled endings" }, 1);
        let lost = !self.broker.is_member(life);
        for fetch in over.iter().filter(|_| ending == Ending::Complete && !lost && !self.plan.reader.until_caught_up) {
            let partition = &fetch.origin.partition;
            let committed = self.broker.committed.get(partition).map_or(i64::MIN, |(offset, _)| *offset);
            if fetch.received > fetch.start
                && committed < fetch.received
                && self.broker.owns(life, partition)
                && !self.broker.logs[partition].is_empty()
            {
                return Err(format!(
                    "p{life} ends complete, with {partition} read to {} and committed to {committed}",
                    fetch.received
                ));
            }
        }
        if self.plan.reader.until_caught_up && ending != Ending::Complete {
            return Err(format!("p{life} has caught up, and ends {ending}"));
        }
        self.left(life);
        Ok(())
    }

    /// Reads a little of each partition.
    fn poll(&mut self, life: LifeId) {
        self.look();
        if !self.lives[life].alive {
            return;
        }
        let holdings: Vec<HoldingId> = self.lives[life].fetches.keys().copied().collect();
        for holding in holdings {
            self.fetch(life, holding);
        }
        let next = self.now + Duration::from_millis(10) + self.delay(150);
        self.queue(next, Event::Poll(life));
    }

    fn fetch(&mut self, life: LifeId, holding: HoldingId) {
        let most = self.chance.below(9) as usize;
        let this = &mut self.lives[life];
        let Some(fetch) = this.fetches.get_mut(&holding) else { return };
        if !fetch.intake || this.workers[fetch.worker].in_flight() > 60 {
            return;
        }
        let worker = fetch.worker;
        let log = &self.broker.logs[&fetch.origin.partition];
        let entries = log.read(fetch.position, most);
        if let Some(last) = entries.last() {
            fetch.position = last.offset + 1;
            fetch.received = fetch.position;
            let mut records = RecordBatch::with_capacity(Arc::clone(&fetch.origin), entries.len(), 64);
            for entry in entries {
                records.push(entry.offset, entry.timestamp, None, entry.payload.as_deref());
            }
            let permit = Some(this.budget.take(records.footprint()));
            let input = worker::Input::Records { records, permit };
            self.send(life, Channel::ReaderWorker(worker), self.now, Event::Worker(life, worker, input));
        } else if log.read(fetch.position, 1).is_empty() {
            // Past the last record the position goes on to the end.
            fetch.position = fetch.position.max(log.end());
        }
        let Some(fetch) = self.lives[life].fetches.get_mut(&holding) else { return };
        if fetch.position > fetch.told && self.chance.hits(1, 3) {
            fetch.told = fetch.position;
            let position = fetch.position;
            let input = worker::Input::Position { holding, position };
            self.send(life, Channel::ReaderWorker(worker), self.now, Event::Worker(life, worker, input));
        }
    }

    // The worker's edge.

    fn worker(&mut self, life: LifeId, worker: usize, input: worker::Input) -> Checked {
        if !self.lives[life].alive {
            return Ok(());
        }
        self.note(|| format!("p{life} worker {worker} <- {}", short(&input)));
        let mut effects = Vec::new();
        let this = &mut self.lives[life];
        this.workers[worker].step(self.now, input, &mut effects);
        let reader = Channel::WorkerReader(worker);
        for effect in effects {
            match effect {
                worker::Effect::Submit(bulk) => self.submit(life, worker, bulk)?,
                worker::Effect::Letter(letter) => self.send_letter(life, letter),
                worker::Effect::Committable(moved) => {
                    let input = reader::Input::Committable(moved);
                    self.send(life, reader, self.now, Event::Reader(life, input));
                }
                worker::Effect::Drained(holding) => {
                    let input = reader::Input::Drained(holding);
                    self.send(life, reader, self.now, Event::Reader(life, input));
                }
                worker::Effect::Counted(tally) => {
                    self.lives[life].count(&tally);
                    self.tally("records", tally.counts.received);
                    self.tally("indexed", tally.counts.indexed);
                    self.tally("duplicate", tally.counts.duplicate);
                    self.tally("dropped", tally.counts.dropped);
                }
                worker::Effect::Forgotten(records) => self.lives[life].forgot(records),
                worker::Effect::Fault(partition, fault) => return Err(format!("p{life} {partition}: {fault}")),
            }
        }
        self.lives[life].check_counts()?;
        self.arrange(life, Core::Worker(worker));
        Ok(())
    }

    fn submit(&mut self, life: LifeId, worker: usize, bulk: Bulk) -> Checked {
        self.lives[life].check_submit(&bulk)?;
        let mut bulks = vec![bulk];
        if self.has(Mutant::SwapBodies) {
            let held = self.lives[life].swapped.take();
            match held {
                Some(held) => bulks.push(held),
                None => self.lives[life].swapped = bulks.pop(),
            }
        }
        for bulk in bulks {
            let submit = Event::Dispatch(life, dispatch::Input::Submit(bulk));
            self.send(life, Channel::WorkerDispatch(worker), self.now, submit);
        }
        Ok(())
    }

    // The dispatch's edge.

    fn dispatch(&mut self, life: LifeId, mut input: dispatch::Input) -> Checked {
        if !self.lives[life].alive {
            return Ok(());
        }
        if self.has(Mutant::ForgetEnd) && matches!(input, dispatch::Input::End(_)) {
            self.lives[life].note_dispatch(&input);
            return Ok(());
        }
        if let dispatch::Input::Answered(_, outcome) = &mut input {
            self.plant(outcome);
        }
        self.note(|| format!("p{life} dispatch <- {}", brief(&input)));
        let mut effects = Vec::new();
        let this = &mut self.lives[life];
        this.note_dispatch(&input);
        this.dispatch.step(self.now, input, &mut effects);
        for effect in effects {
            match effect {
                dispatch::Effect::Prepare => self.later(100, Event::Prepare(life)),
                dispatch::Effect::Check(index) => self.later(100, Event::Check(life, index)),
                dispatch::Effect::Send { request, index, body, documents } => {
                    let ids: Vec<String> = search::parse(&body).into_iter().map(|line| line.id).collect();
                    self.note(|| format!("p{life} dispatch -> send {request} to {index}: {ids:?}"));
                    self.tally("bulk requests", 1);
                    if ids.len() != documents {
                        return Err(format!("a request of {} documents says that it has {documents}", ids.len()));
                    }
                    self.lives[life].check_send(&index, &ids)?;
                    self.later(100, Event::Bulk(life, request, index, body));
                }
                dispatch::Effect::LookUp { request, index, ids } => {
                    self.tally("look-ups", 1);
                    let ids = ids.into_iter().map(|(id, _)| id).collect();
                    self.later(100, Event::LookUp(life, request, index, ids));
                }
                dispatch::Effect::Settle(worker, settlements) => self.settle(life, worker, settlements),
                dispatch::Effect::Letter(letter) => self.send_letter(life, letter),
                dispatch::Effect::Tell(notice) => self.note(|| format!("p{life} dispatch -> {notice:?}")),
                dispatch::Effect::Judged(..) => {}
            }
        }
        self.arrange(life, Core::Dispatch);
        Ok(())
    }

    fn plant(&self, outcome: &mut Outcome) {
        if let Outcome::Answer(answer) = outcome
            && self.has(Mutant::RetryIsDone)
        {
            for item in answer.items.iter_mut().filter(|item| item.status == 429 || item.status == 503) {
                *item = Item { status: 201, ..Item::default() };
            }
        }
    }

    fn settle(&mut self, life: LifeId, worker: usize, mut settlements: Vec<Settlement>) {
        if self.has(Mutant::SettleTwice) && self.chance.hits(1, 20) {
            settlements.extend_from_within(..);
        }
        if self.has(Mutant::SettleStale) {
            for settlement in &mut settlements {
                settlement.holding = self.lives[life].latest(settlement.holding);
            }
        }
        self.note(|| format!("p{life} dispatch -> settle {settlements:?}"));
        let input = worker::Input::Settled(settlements);
        self.send(life, Channel::DispatchWorker(worker), self.now, Event::Worker(life, worker, input));
    }

    fn look_up(&mut self, life: LifeId, request: dispatch::RequestId, index: &str, ids: &[String]) {
        let failing = self.failing();
        let mut found = self.search.look_up(index, ids, failing, &mut self.chance);
        if let (true, Ok(found)) = (self.has(Mutant::ConflictIsOurs), &mut found) {
            for (id, found) in ids.iter().zip(found) {
                let expected = &self.oracle.expected[id];
                let mut batch = RecordBatch::with_capacity(
                    Arc::new(crate::record::Origin {
                        holding: HoldingId(0),
                        partition: expected.partition.clone(),
                        incarnation: "i1".into(),
                        field: "kafka".into(),
                    }),
                    1,
                    0,
                );
                batch.push(expected.offset, expected.timestamp, None, None);
                *found = Some(crate::bulk::origin_json(&batch.get(0)));
            }
        }
        self.later(100, Event::Dispatch(life, dispatch::Input::LookedUp(request, found)));
    }

    fn bulk(&mut self, life: LifeId, request: dispatch::RequestId, index: Arc<str>, body: bytes::Bytes) {
        let failing = self.failing();
        let Reaction { mut outcome, applied_late } = self.search.arrive(&index, &body, failing, &mut self.chance);
        let documents = search::parse(&body).len();
        let done = || Item { status: 201, ..Item::default() };
        match &mut outcome {
            Outcome::Answer(answer) if self.has(Mutant::FillShortAnswers) => {
                answer.items.resize_with(documents, done);
            }
            Outcome::Unknown(_) if self.has(Mutant::SilenceIsDone) => {
                let items = (0..documents).map(|_| done()).collect();
                outcome = Outcome::Answer(crate::bulk::Answer { items });
            }
            _ => {}
        }
        if applied_late {
            self.tally("late requests", 1);
            self.later(20_000, Event::Late(index, body));
        }
        let most = if matches!(outcome, Outcome::Unknown(_)) { 5_000 } else { self.plan.answers };
        self.later(most, Event::Dispatch(life, dispatch::Input::Answered(request, outcome)));
    }

    pub(super) fn late(&mut self, index: &str, body: &[u8]) {
        let lines = search::parse(body);
        self.search.apply(index, &lines, 0, &mut self.chance);
    }

    // The sink of the dead letters.

    fn send_letter(&mut self, life: LifeId, letter: Letter) {
        self.note(|| format!("p{life} letter {}: {}", letter.id(), letter.rejection.reason));
        if self.has(Mutant::SettleLettersEarly) {
            let input = worker::Input::Settled(vec![letter.settlement()]);
            self.later(1, Event::Worker(life, letter.worker, input));
            return self.later(20_000, Event::Letter(life, letter));
        }
        self.later(500, Event::Letter(life, letter));
    }

    fn letter(&mut self, life: LifeId, letter: Letter) {
        let failing = self.failing();
        if self.chance.hits(failing, 100) {
            // Undelivered, and tried again.
            return self.later(2_000, Event::Letter(life, letter));
        }
        if !self.has(Mutant::LoseLetters) && (self.lives[life].alive || self.chance.hits(1, 2)) {
            self.tally("letters", 1);
            *self.oracle.letters.entry(letter.id()).or_default() += 1;
        }
        if !self.has(Mutant::SettleLettersEarly) {
            let input = worker::Input::Settled(vec![letter.settlement()]);
            self.later(100, Event::Worker(life, letter.worker, input));
        }
    }
}

fn short(input: &worker::Input) -> String {
    match input {
        worker::Input::Records { records, .. } => {
            let offsets: Vec<i64> = records.iter().map(|record| record.offset).collect();
            format!("records of {}: {offsets:?}", records.origin().holding)
        }
        other => format!("{other:?}"),
    }
}

fn brief(input: &dispatch::Input) -> String {
    match input {
        dispatch::Input::Submit(bulk) => format!("submit {} to {}", bulk.documents.len(), bulk.index),
        other => format!("{other:?}"),
    }
}
