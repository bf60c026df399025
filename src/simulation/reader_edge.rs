//! The reader's edge: what it asks of the consumer and of the broker.

use std::sync::Arc;

use super::agenda::{Channel, Event};
use super::broker::{CommitRequest, LifeId};
use super::edges::Checked;
use super::life::{Core, Fetch};
use super::mutant::Mutant;
use super::world::World;
use crate::promise;
use crate::reader::{self, Ending, StartReason};
use crate::record::HoldingId;
use crate::{dispatch, worker};

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
        let mut over = Vec::new();
        let mut others = match &input {
            reader::Input::Revoked { partitions, .. } => partitions.clone(),
            _ => Vec::new(),
        };
        let mut effects = std::mem::take(&mut self.effects.reader);
        self.lives[life].step_reader(self.now, input, &mut effects);
        for effect in effects.drain(..) {
            if !matches!(effect, reader::Effect::Tell(reader::Notice::Placed(_))) {
                self.note(|| format!("p{life} reader -> {effect:?}"));
            }
            reader::answers(&mut self.lives[life].owed, &effect)?;
            if matches!(effect, reader::Effect::Assign(_) | reader::Effect::Unassign(_)) {
                self.lives[life].unanswered -= 1;
            }
            match effect {
                reader::Effect::Resolve(_, partitions) => self.later(200, Event::Resolve(life, partitions)),
                reader::Effect::Assign(starts) => {
                    others.extend(starts.iter().map(|start| start.origin.partition.clone()));
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
                    others.extend_from_slice(&partitions);
                    let (member, _) = self.broker.credentials(life);
                    self.later(50, Event::Unassigned(life, member, partitions));
                }
                reader::Effect::Commit(entries) => self.send_commit(life, entries),
                reader::Effect::Tell(reader::Notice::NotDrained(_)) => self.tally("undrained revokes", 1),
                reader::Effect::Tell(_) => {}
                reader::Effect::Leave(ending) => self.leave(life, ending, &over)?,
            }
        }
        // What is neither given back nor left ends to begin anew.
        over.retain(|fetch| !others.contains(&fetch.origin.partition) && self.lives[life].ending.is_none());
        self.lives[life].anew.extend(over.iter().map(|fetch| fetch.origin.holding));
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
        // One that is taken for dead may have asked before another began.
        let without_commit = matches!(start.reason, StartReason::End | StartReason::Beginning | StartReason::MadeAgain);
        if without_commit && self.broker.owns(life, &start.origin.partition) {
            self.tally("starts at the end", (start.reason == StartReason::End).into());
            self.oracle.pass_over(&start.origin.partition, start.position, &self.broker)?;
        }
        let reader::Start { origin, mut position, worker, .. } = start;
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
            let number = making(&entry.metadata);
            if number.is_none_or(|number| number == 0 || number > self.broker.logs[&entry.partition].making) {
                return Err(format!("{} is committed with metadata {}", entry.partition, entry.metadata));
            }
            let applied = result.refused.as_ref().is_none_or(|why| why == "timed out");
            self.tally(if applied { "commits" } else { "refused commits" }, 1);
            // An offset under an older incarnation says nothing about this one, and nobody believes it.
            if let Some((offset, metadata)) = before.filter(|_| applied) {
                if making(&metadata) > number {
                    return Err(format!("{} of {metadata} is committed as {}", entry.partition, entry.metadata));
                }
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
}

/// Of which making of its topic a commit is, if it says so.
fn making(metadata: &str) -> Option<u32> {
    metadata.strip_prefix("kelp:i").and_then(|number| number.parse().ok())
}
