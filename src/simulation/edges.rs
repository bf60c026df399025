//! The edges: each event becomes an input of a core, each effect a message or a request; and in the edges the planted faults sit.

use super::agenda::{Channel, Event};
use super::broker::LifeId;
use super::life::Core;
use super::mutant::Mutant;
use super::world::World;
use crate::bulk::Bulk;
use crate::{dispatch, reader, worker};

pub(super) type Checked = Result<(), String>;

impl World {
    pub(super) fn has(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    pub(super) fn failing(&self) -> u64 {
        if self.is_calm { 0 } else { self.plan.failing }
    }

    /// One event.
    pub(super) fn handle(&mut self, event: Event) -> Checked {
        if let Some(life) = event.inside().filter(|life| self.lives[*life].frozen) {
            self.lives[life].parked.push(event);
            return Ok(());
        }
        match event {
            Event::Reader(life, input) => self.reader(life, input)?,
            Event::Worker(life, worker, input) => self.worker(life, worker, input)?,
            Event::Dispatch(life, input) => self.dispatch(life, input)?,
            Event::Wake(life, core) => self.wake(life, core)?,
            Event::Poll(life) => self.poll(life)?,
            Event::Start(slot) => self.start(slot),
            Event::Mischief => self.mischief(),
            Event::Weather => self.weather(),
            Event::Calm => self.calm()?,
            Event::Thaw(life) => self.thaw(life)?,
            Event::Expel(life) => self.expel(life),
            Event::There(topic) => drop(self.broker.absent.remove(&topic)),
            Event::Late(index, body) => self.late(&index, &body),
            Event::Commit(request) => self.commit(&request)?,
            Event::Letter(life, letter) => self.letter(life, letter),
            Event::Expire(life) => {
                let (_, events) = self.broker.remove(life, &mut self.chance);
                self.group(events);
            }
            Event::Unassigned(life, member, partitions) => {
                let events = self.broker.unassigned(life, member, &partitions);
                self.group(events);
            }
            // What follows concerns a process that may be gone.
            // Like the real client, whoever comes again has given everything back before.
            Event::Join(life) if self.lives[life].alive && self.lives[life].holds_still() => {
                self.later(500, Event::Join(life));
            }
            Event::Join(life) if self.lives[life].alive => {
                self.lives[life].joined = true;
                let events = self.broker.join(life, &mut self.chance);
                self.group(events);
            }
            Event::Learn(life, partitions) if self.lives[life].alive => {
                self.group(vec![(life, super::broker::GroupEvent::Revoked(partitions, true))]);
                self.later(500, Event::Join(life));
            }
            Event::Resolve(life, partitions) if self.lives[life].alive => {
                let asked = partitions.clone();
                let failing = self.failing();
                let answer = if self.chance.hits(failing, 100) {
                    Err("the broker does not answer".to_owned())
                } else {
                    Ok(self.broker.resolve(partitions))
                };
                let answer = answer.map(|mut resolved| {
                    // One of them has no leader for a while.
                    if !resolved.is_empty() && self.chance.hits(failing, 100) {
                        resolved.remove(self.chance.below(resolved.len() as u64) as usize);
                        self.tally("partitions without a leader", 1);
                    }
                    resolved
                });
                let answer = match answer {
                    // A timeout is taken for the answer that there is no id.
                    Err(_) if self.has(Mutant::TimeoutIsNoId) => {
                        let mut resolved = self.broker.resolve(asked);
                        resolved.iter_mut().for_each(|each| each.incarnation = "0".into());
                        Ok(resolved)
                    }
                    answer => answer,
                };
                self.later(100, Event::Reader(life, reader::Input::Resolved(answer)));
            }
            Event::Watch(life, topics) if self.lives[life].alive => {
                let failing = self.failing();
                let fails = |_: &std::sync::Arc<str>| self.chance.hits(failing, 100);
                let mut topics = topics;
                topics.retain({
                    let mut fails = fails;
                    move |topic| !fails(topic)
                });
                let ids = topics.into_iter().map(|topic| {
                    let mut logs = self.broker.logs.iter().filter(|_| !self.broker.absent.contains(&topic));
                    let log = logs.find(|(partition, _)| partition.topic == topic);
                    let id = log.map(|(_, log)| log.incarnation());
                    (topic, id)
                });
                let ids = ids.collect();
                self.later(100, Event::Reader(life, reader::Input::Watched(ids)));
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
                let late = found.is_err() && self.chance.hits(1, 2);
                self.tally("checks that nobody answers", late.into());
                let most = if late { 30_000 } else { 50 };
                self.later(most, Event::Dispatch(life, dispatch::Input::Checked(index, found)));
            }
            Event::LookUp(life, request, index, ids) if self.lives[life].alive => {
                self.look_up(life, request, &index, &ids)
            }
            Event::Bulk(life, request, index, body) => self.bulk(life, request, index, body),
            Event::Join(_)
            | Event::Learn(..)
            | Event::Resolve(..)
            | Event::Watch(..)
            | Event::Prepare(_)
            | Event::Check(..)
            | Event::LookUp(..) => {}
        }
        Ok(())
    }

    /// Has a core told the time when it wants to be.
    pub(super) fn arrange(&mut self, life: LifeId, core: Core) {
        let this = &mut self.lives[life];
        if let Some(at) = this.wake_at(core)
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
        // An earlier wish may have taken the place of this one.
        if self.lives[life].wakes.get(&core) != Some(&self.now) {
            return Ok(());
        }
        self.lives[life].wakes.remove(&core);
        match core {
            Core::Reader => self.reader(life, reader::Input::Tick)?,
            Core::Worker(worker) => self.worker(life, worker, worker::Input::Tick)?,
            Core::Dispatch => self.dispatch(life, dispatch::Input::Tick)?,
        }
        let this = &self.lives[life];
        match this.wake_at(core).filter(|at| this.alive && *at <= self.now) {
            Some(at) => Err(format!("p{life} {core:?} was told the time and wants it again at {:?}", at.0)),
            None => Ok(()),
        }
    }

    fn worker(&mut self, life: LifeId, worker: usize, input: worker::Input) -> Checked {
        if !self.lives[life].alive {
            return Ok(());
        }
        self.note(|| format!("p{life} worker {worker} <- {}", short(&input)));
        let mut effects = std::mem::take(&mut self.effects.worker);
        let this = &mut self.lives[life];
        this.note_worker(&input);
        let anew = matches!(&input, worker::Input::End(holding) if this.anew.contains(holding));
        if self.mutant == Some(Mutant::IndexByClock) {
            this.workers[worker].transform_mut().index_suffix = format!("-{}", self.now.0.as_secs() / 10);
        }
        this.step_worker(self.now, (worker, input), &mut effects);
        let reader = Channel::WorkerReader(worker);
        for effect in effects.drain(..) {
            match effect {
                worker::Effect::Submit(bulk) => self.submit(life, worker, bulk)?,
                worker::Effect::Letter(letter) => self.send_letter(life, letter),
                worker::Effect::Committable(moved) => {
                    self.lives[life].check_told(moved.holding)?;
                    let input = reader::Input::Committable(moved);
                    self.send(life, reader, self.now, Event::Reader(life, input));
                }
                worker::Effect::Drained(holding) => {
                    self.lives[life].check_told(holding)?;
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
                worker::Effect::Forgotten { records, topic } => {
                    if anew && records > 0 {
                        return Err(format!("a partition of {topic} begins anew with {records} records in flight"));
                    }
                    self.lives[life].forgot(records);
                }
                worker::Effect::Mismatch(holding, why) => return Err(format!("p{life} {holding}: {why}")),
                worker::Effect::Fault(partition, fault) => return Err(format!("p{life} {partition}: {fault}")),
            }
        }
        self.effects.worker = effects;
        self.lives[life].check_counts()?;
        self.lives[life].check_memory()?;
        self.arrange(life, Core::Worker(worker));
        Ok(())
    }

    fn submit(&mut self, life: LifeId, worker: usize, bulk: Bulk) -> Checked {
        self.lives[life].check_submit(&bulk)?;
        if self.has(Mutant::LoseBodies) && self.chance.hits(1, 20) {
            return Ok(());
        }
        if self.has(Mutant::SettleOnSend) {
            let settlements = bulk.documents.iter().map(|each| bulk.settlement(each, crate::record::Fate::Indexed));
            let input = worker::Input::Settled(settlements.collect());
            self.send(life, Channel::DispatchWorker(worker), self.now, Event::Worker(life, worker, input));
        }
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
