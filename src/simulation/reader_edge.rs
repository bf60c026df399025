//! The reader's edge: the consumer of a process, and its requests to the broker.

use std::sync::Arc;
use std::time::Duration;

use super::agenda::{Channel, Event};
use super::broker::{CommitRequest, LifeId};
use super::edges::Checked;
use super::life::{Core, Fetch};
use super::mutant::Mutant;
use super::world::World;
use crate::promise;
use crate::reader::{self, Ending};
use crate::record::{HoldingId, RecordBatch};
use crate::{dispatch, worker};

/// How long after everything else errors of partitions still come: they must not hold anything up.
const ERRORS_LAST: Duration = Duration::from_secs(10);

impl World {
    pub(super) fn reader(&mut self, life: LifeId, input: reader::Input) -> Checked {
        if !self.lives[life].alive {
            return Ok(());
        }
        if !matches!(input, reader::Input::Positions(_)) {
            self.note(|| format!("p{life} reader <- {input:?}"));
        }
        // A rebalance pauses what is fetched, which goes on at the client's position.
        if matches!(input, reader::Input::Assigned(_) | reader::Input::Revoked { .. }) {
            self.lives[life].fetches.values_mut().for_each(|fetch| fetch.next = fetch.position);
        }
        reader::owes(&mut self.lives[life].owed, &input);
        let mut effects = std::mem::take(&mut self.effects.reader);
        self.lives[life].step_reader(self.now, input, &mut effects);
        let mut over = Vec::new();
        for effect in effects.drain(..) {
            if !matches!(effect, reader::Effect::Tell(reader::Notice::Placed(_))) {
                self.note(|| format!("p{life} reader -> {effect:?}"));
            }
            reader::answers(&mut self.lives[life].owed, &effect)?;
            match effect {
                reader::Effect::Resolve(partitions) => self.later(200, Event::Resolve(life, partitions)),
                reader::Effect::Assign(starts) => {
                    starts.into_iter().try_for_each(|start| self.begin(life, start, None))?;
                }
                reader::Effect::Restart(starts) => {
                    self.tally("partitions begun anew", starts.len() as u64);
                    starts.into_iter().try_for_each(|start| self.begin(life, start, None))?;
                }
                reader::Effect::Renew(start) => {
                    let same = |fetch: &Fetch| fetch.origin.partition == start.origin.partition;
                    let before = over.iter().position(same).map(|at| over.swap_remove(at));
                    let before = before.ok_or("a holding is renewed that has not ended")?;
                    self.tally("barriers passed", 1);
                    self.check_barrier(&before, &start)?;
                    self.begin(life, start, Some(before))?;
                }
                reader::Effect::Subscribe(topics) => {
                    let events = self.broker.subscribe(life, topics, &mut self.chance);
                    self.group(events);
                }
                reader::Effect::Watch(topics) => self.later(200, Event::Watch(life, topics)),
                reader::Effect::Position(holding, position) => {
                    let Some(fetch) = self.lives[life].fetches.get(&holding) else { continue };
                    let worker = fetch.worker;
                    let input = worker::Input::Position { holding, position };
                    self.send(life, Channel::ReaderWorker(worker), self.now, Event::Worker(life, worker, input));
                }
                reader::Effect::Pause(holding) => {
                    self.tally("pauses", 1);
                    self.lives[life].fetches.entry(holding).and_modify(|fetch| fetch.paused = true);
                }
                reader::Effect::Resume(holding) => {
                    self.lives[life].fetches.entry(holding).and_modify(|fetch| fetch.paused = false);
                }
                reader::Effect::Drain(holding) => self.drain(life, holding),
                reader::Effect::End(holding) => over.extend(self.over(life, holding)),
                reader::Effect::Unassign(partitions) => {
                    let (member, _) = self.broker.credentials(life);
                    self.later(50, Event::Unassigned(life, member, partitions));
                }
                reader::Effect::Commit(entries) => self.send_commit(life, entries),
                reader::Effect::Tell(reader::Notice::NotDrained(_)) => self.tally("undrained revokes", 1),
                reader::Effect::Tell(_) => {}
                reader::Effect::Leave(ending) => self.leave(life, ending, &over)?,
            }
        }
        self.effects.reader = effects;
        self.arrange(life, Core::Reader);
        Ok(())
    }

    /// What the older version of a pipeline has read is settled and committed before the newer one reads on.
    fn check_barrier(&self, before: &Fetch, start: &reader::Start) -> Checked {
        let partition = &start.origin.partition;
        if self.broker.logs[partition].incarnation() != start.origin.incarnation {
            return Ok(());
        }
        let committed = self.broker.committed.get(partition).map_or(i64::MIN, |(offset, _)| *offset);
        let read = self.broker.logs[partition].read(start.position, 1).first();
        if before.received > before.start && committed < before.received
            || read.is_some_and(|entry| entry.offset < before.moved.unwrap_or(before.next))
        {
            return Err(format!(
                "{partition} is renewed at {}, read to {} and committed to {committed}",
                start.position, before.received
            ));
        }
        Ok(())
    }

    fn begin(&mut self, life: LifeId, start: reader::Start, before: Option<Fetch>) -> Checked {
        self.lives[life].check_start(&start)?;
        let reader::Start { origin, mut position, worker } = start;
        let holding = origin.holding;
        let fetch = Fetch {
            origin: Arc::clone(&origin),
            worker,
            next: before.as_ref().map_or(position, |before| before.next),
            position: before.as_ref().map_or(position, |before| before.position),
            moved: before.as_ref().and_then(|before| before.moved),
            intake: true,
            paused: false,
            received: position,
            start: position,
            part: self.lives[life].budget.part(),
        };
        self.lives[life].partitions.insert(holding, origin.partition.clone());
        self.lives[life].fetches.insert(holding, fetch);
        // The dispatch hears of a holding before its worker does.
        let begin = Event::Dispatch(life, dispatch::Input::Begin(holding));
        let known = self.send(life, Channel::ReaderDispatch, self.now, begin);
        if self.has(Mutant::StartLate) {
            position += 1;
            self.lives[life].fetches.entry(holding).and_modify(|fetch| fetch.next = position);
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
                entry.offset = fetch.map_or(entry.offset, |fetch| fetch.next);
            }
        }
        if self.broker.is_member(life) {
            self.lives[life].credentials = self.broker.credentials(life);
        }
        let credentials = self.lives[life].credentials;
        if self.has(Mutant::CommitAgain) {
            self.later(20_000, Event::Commit(CommitRequest { life, credentials, entries: entries.clone() }));
        }
        self.send(life, Channel::Commits, self.now, Event::Commit(CommitRequest { life, credentials, entries }));
    }

    pub(super) fn commit(&mut self, request: &CommitRequest) -> Checked {
        let failing = self.failing() > 0;
        let of = |entry: &reader::CommitEntry| self.broker.committed.get(&entry.partition).cloned();
        let before: Vec<_> = request.entries.iter().map(of).collect();
        let mut results = self.broker.commit(request, &mut self.chance, failing);
        for ((entry, before), result) in request.entries.iter().zip(before).zip(&mut results) {
            let incarnation = self.broker.logs[&entry.partition].incarnation();
            let is_current = entry.metadata.strip_prefix("kelp:") == Some(&*incarnation);
            let number = entry.metadata.strip_prefix("kelp:i").and_then(|number| number.parse::<u32>().ok());
            if number.is_none_or(|number| number == 0 || number > self.broker.logs[&entry.partition].making) {
                return Err(format!("{} is committed with metadata {}", entry.partition, entry.metadata));
            }
            let applied = result.refused.as_ref().is_none_or(|why| why == "timed out");
            self.tally(if applied { "commits" } else { "refused commits" }, 1);
            // An offset under an older incarnation says nothing about this one, and nobody believes it.
            if let Some((offset, metadata)) = before.filter(|_| applied) {
                let (end, now) = (self.broker.logs[&entry.partition].end(), (entry.offset, &*entry.metadata));
                promise::goes_up(&entry.partition, (offset, &metadata), now, end)?;
            }
            if applied && is_current {
                self.oracle.check_commit(&entry.partition, entry.offset, &self.broker, &self.search)?;
            }
            if self.has(Mutant::RefusalIsCommit) {
                result.refused = None;
            }
        }
        self.later(self.plan.answers, Event::Reader(request.life, reader::Input::Committed(results)));
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
                && self.broker.logs[partition].incarnation() == fetch.origin.incarnation
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
    pub(super) fn poll(&mut self, life: LifeId) -> Checked {
        self.look();
        if !self.lives[life].alive {
            return Ok(());
        }
        let before = self.agenda.number();
        let mut holdings = std::mem::take(&mut self.polled);
        holdings.extend(self.lives[life].fetches.keys().copied());
        for holding in holdings.drain(..) {
            self.fetch(life, holding)?;
        }
        self.polled = holdings;
        // Whoever finds nothing looks less often.
        let most = if self.agenda.number() == before { 1_500 } else { 150 };
        if self.chance.hits(1, 3) {
            let believes = self.has(Mutant::BelieveMoved);
            let fetches = self.lives[life].fetches.values().filter(|fetch| believes || fetch.moved.is_none());
            let positions = fetches.map(|fetch| (fetch.origin.partition.clone(), fetch.position)).collect();
            self.reader(life, reader::Input::Positions(positions))?;
        }
        let next = self.now + Duration::from_millis(10) + self.delay(most);
        self.queue(next, Event::Poll(life));
        Ok(())
    }

    fn fetch(&mut self, life: LifeId, holding: HoldingId) -> Checked {
        let most = self.chance.below(9) as usize;
        let often = if self.chance.hits(1, 4) { 8 } else { 400 };
        let until = self.plan.calm + ERRORS_LAST;
        let fails = self.plan.failing > 0 && self.now < until && self.chance.hits(1, often);
        let stays = self.has(Mutant::StayMoved);
        let is_back = self.chance.hits(3, 4);
        let passes_corrupt = self.has(Mutant::PassCorrupt);
        let reads_errors = self.has(Mutant::ErrorIsRecord);
        let ignores_limit = self.has(Mutant::IgnoreLimit);
        let this = &mut self.lives[life];
        let Some(fetch) = this.fetches.get_mut(&holding) else { return Ok(()) };
        if !fetch.intake || fetch.paused || this.workers[fetch.worker].in_flight() > 60 {
            return Ok(());
        }
        // A partition may use as much as is free beyond it.
        let free = this.budget.free();
        if (free == 0 || fetch.part.used() >= free) && !ignores_limit {
            self.tally("full memories", 1);
            return Ok(());
        }
        if fetch.moved.is_some() {
            fetch.put_back(is_back);
            return Ok(());
        }
        // Mostly where there is something to be read yet: another error at the end would help the one before.
        let log = &self.broker.logs[&fetch.origin.partition];
        let something = log.end() > fetch.next;
        if fails && (something || self.chance.hits(1, 40)) {
            // An error comes in the place of the next record, and the client counts it as read.
            fetch.position = fetch.position.max(fetch.next + 1);
            if reads_errors {
                let offset = fetch.next;
                fetch.next = fetch.position;
                let mut records = RecordBatch::with_capacity(Arc::clone(&fetch.origin), 1, 64);
                records.push(offset, None, None, Some(b"d0: broker transport failure"));
                let input = worker::Input::Records { records, permit: None };
                let worker = fetch.worker;
                self.send(life, Channel::ReaderWorker(worker), self.now, Event::Worker(life, worker, input));
                return Ok(());
            }
            fetch.moved = Some(fetch.next).filter(|_| !stays);
            fetch.put_back(is_back);
            let (what, number) = ("partitions that are put back late", u64::from(fetch.moved.is_some()));
            self.tally(what, number);
            self.tally("errors of partitions", 1);
            return Ok(());
        }
        let worker = fetch.worker;
        if self.broker.absent.contains(&fetch.origin.partition.topic) {
            return Ok(());
        }
        if fetch.next < log.low() || fetch.next > log.end() {
            fetch.intake = false;
            let partition = fetch.origin.partition.clone();
            self.tally("out of range", 1);
            return self.reader(life, reader::Input::OutOfRange(partition));
        }
        let entries = log.read(fetch.next, most);
        let Some(last) = entries.last().map(|entry| entry.offset) else {
            if !log.read(fetch.next, 1).is_empty() {
                return Ok(());
            }
            // Past the last record the position goes on to the end.
            let end = log.end();
            fetch.next = fetch.next.max(end);
            fetch.position = fetch.position.max(end);
            return Ok(());
        };
        if this.corrupt {
            this.corrupt = false;
            if passes_corrupt {
                fetch.next = last + 1;
                fetch.position = fetch.next;
                return Ok(());
            }
            // The client has counted what cannot be read as read.
            fetch.intake = false;
            fetch.position = last + 1;
            this.stopped = true;
            let partition = fetch.origin.partition.clone();
            self.tally("records that cannot be read", 1);
            return self.reader(life, reader::Input::Corrupt(partition));
        }
        fetch.next = last + 1;
        fetch.position = fetch.next;
        fetch.received = fetch.next;
        let mut records = RecordBatch::with_capacity(Arc::clone(&fetch.origin), entries.len(), 64);
        for entry in entries {
            records.push(entry.offset, entry.timestamp, None, entry.payload.as_deref());
        }
        let permit = Some(fetch.part.take(records.footprint()));
        let took = reader::Input::Took { partition: fetch.origin.partition.clone(), records: records.len() as u64 };
        let input = worker::Input::Records { records, permit };
        self.send(life, Channel::ReaderWorker(worker), self.now, Event::Worker(life, worker, input));
        self.reader(life, took)
    }
}
