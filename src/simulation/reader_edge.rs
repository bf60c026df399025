//! The reader's edge: the consumer of a process, and its requests to the broker.

use std::sync::Arc;
use std::time::Duration;

use super::broker::{CommitRequest, LifeId};
use super::edges::Checked;
use super::life::{Core, Fetch};
use super::mutant::Mutant;
use super::world::{Channel, Event, World};
use crate::reader::{self, Ending};
use crate::record::{HoldingId, RecordBatch};
use crate::{dispatch, worker};

impl World {
    pub(super) fn reader(&mut self, life: LifeId, input: reader::Input) -> Checked {
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

    pub(super) fn commit(&mut self, request: &CommitRequest) -> Checked {
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
    pub(super) fn poll(&mut self, life: LifeId) {
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
}
