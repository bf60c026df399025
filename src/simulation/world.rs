//! Everything that there is in a history, and its course from the first start to the end.

use std::collections::VecDeque;
use std::time::Duration;

use super::agenda::{Agenda, Channel, Event};
use super::broker::{Broker, GroupEvent, GroupEvents, LifeId};
use super::life::Life;
use super::mutant::Mutant;
use super::noted::Memory;
use super::oracle::Oracle;
use super::plan::Plan;
use super::search::Search;
use super::totals::Totals;
use crate::backoff::Chance;
use crate::clock::Moment;
use crate::promise;
use crate::record::{HoldingId, TopicPartition};
use crate::{dispatch, reader, worker};

/// Steps that no history needs.
const MOST_STEPS: u64 = 300_000;
/// How long after the last fault everything has to be settled.
const PATIENCE: Duration = Duration::from_secs(300);

/// Room for the effects of a step, kept from one step to the next.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) reader: Vec<reader::Effect>,
    pub(super) worker: Vec<worker::Effect>,
    pub(super) dispatch: Vec<dispatch::Effect>,
}

/// Everything there is.
pub(super) struct World {
    pub(super) now: Moment,
    pub(super) agenda: Agenda,
    steps: u64,
    pub(super) chance: Chance,
    pub(super) plan: Plan,
    pub(super) mutant: Option<Mutant>,
    pub(super) broker: Broker,
    pub(super) search: Search,
    pub(super) oracle: Oracle,
    pub(super) lives: Vec<Life>,
    /// When the last message of each channel of each process arrives.
    channels: Vec<Vec<Moment>>,
    pub(super) is_calm: bool,
    /// Retention may have taken something.
    pub(super) retained: bool,
    /// No process is started any more.
    closed: bool,
    pub(super) starting: usize,
    done: bool,
    pub(super) effects: Effects,
    /// Room for the holdings that are being polled.
    pub(super) polled: Vec<HoldingId>,
    /// No letter is delivered.
    pub(super) letters_down: bool,
    totals: Totals,
    /// Lines of the trace that are kept.
    lines: usize,
    trace: VecDeque<String>,
    /// The trace of each life, if they are written down.
    noted: Option<Vec<Memory>>,
}

impl World {
    pub(super) fn new(plan: Plan, seed: u64, mutant: Option<Mutant>, lines: usize) -> Self {
        let mut chance = Chance::new(seed);
        let broker = Broker::new(plan.topics, plan.partitions, (plan.records, plan.midnight), &mut chance);
        let mut search = Search { accepted: plan.accepted, ..Search::default() };
        let mut oracle = Oracle::new(&broker, &mut search, plan.dispatch.blocked.dead_letter, &mut chance);
        oracle.stops = !plan.reader.restart_out_of_range;
        if chance.hits(1, 3) {
            search.aliases.insert("day-2".to_owned());
        }
        Self {
            now: Moment::default(),
            agenda: Agenda::default(),
            steps: 0,
            chance,
            plan,
            mutant,
            broker,
            search,
            oracle,
            lives: Vec::new(),
            channels: Vec::new(),
            is_calm: false,
            retained: false,
            closed: false,
            starting: 0,
            done: false,
            effects: Effects::default(),
            polled: Vec::new(),
            letters_down: false,
            totals: Totals::default(),
            lines,
            trace: VecDeque::new(),
            noted: None,
        }
    }

    /// Writes down what the cores of every process are told, as the service would.
    #[cfg(test)]
    pub(super) fn noted(mut self) -> Self {
        self.noted = Some(Vec::new());
        self
    }

    /// What was written down, by process.
    #[cfg(test)]
    pub(super) fn notes(&self) -> Vec<Vec<u8>> {
        self.noted.iter().flatten().map(Memory::bytes).collect()
    }

    /// Lives through it.
    pub(super) fn run(&mut self) -> Result<Totals, String> {
        self.tally("midnights", u64::from(self.plan.midnight && self.plan.records > 2));
        for slot in 0..self.plan.members {
            self.start_soon(slot, 500);
        }
        let (calm, mischief) = (self.plan.calm, self.plan.mischief);
        self.queue(calm, Event::Calm);
        self.queue(self.now + mischief, Event::Mischief);
        self.queue(self.now + mischief, Event::Weather);
        while let Some((at, event)) = self.agenda.pop() {
            self.now = at;
            self.steps += 1;
            if self.steps > MOST_STEPS || self.now > calm + PATIENCE {
                return Err(format!(
                    "not everything is settled {PATIENCE:?} after the last fault, {} steps: {}",
                    self.steps,
                    self.unfinished().join(", ")
                ));
            }
            // When, what, and how much had followed from everything before.
            self.totals.mix(at.0.as_nanos() as u64 ^ u64::from(event.kind()) << 56);
            self.totals.mix(self.agenda.number());
            self.handle(event)?;
            if self.done {
                return self.end();
            }
        }
        Err("nothing happens any more, and not everything is settled".to_owned())
    }

    /// The last lines of what happened.
    pub(super) fn into_trace(self) -> Vec<String> {
        self.trace.into()
    }

    /// Events so far.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        if self.lines == 0 {
            return;
        }
        if self.trace.len() == self.lines {
            self.trace.pop_front();
        }
        self.trace.push_back(format!("{:?} {}", self.now.0, line()));
    }

    pub(super) fn tally(&mut self, what: &'static str, number: u64) {
        self.totals.count(what, number);
    }

    pub(super) fn queue(&mut self, at: Moment, event: Event) {
        self.agenda.push(at.max(self.now), event);
    }

    /// Mostly a moment, now and then a good while; at most `most` milliseconds.
    pub(super) fn delay(&mut self, most: u64) -> Duration {
        let most = if self.chance.hits(1, 8) { most } else { most.div_ceil(20) };
        Duration::from_micros(self.chance.below(most * 1000 + 1))
    }

    /// Sends along a channel, not before `least`. Gives when it arrives.
    pub(super) fn send(&mut self, life: LifeId, channel: Channel, least: Moment, event: Event) -> Moment {
        let delay = self.delay(60);
        let last = &mut self.channels[life][channel.number()];
        let at = (self.now + delay).max(*last).max(least);
        *last = at;
        self.queue(at, event);
        at
    }

    /// Sends by no channel.
    pub(super) fn later(&mut self, most: u64, event: Event) {
        let at = self.now + self.delay(most);
        self.queue(at, event);
    }

    pub(super) fn group(&mut self, events: GroupEvents) {
        for (life, event) in events {
            self.note(|| format!("p{life} group: {event:?}"));
            let input = match event {
                GroupEvent::Assigned(partitions) => reader::Input::Assigned(partitions),
                GroupEvent::Revoked(partitions, lost) => reader::Input::Revoked { partitions, lost },
            };
            self.lives[life].unanswered += 1;
            self.send(life, Channel::Group, self.now, Event::Reader(life, input));
        }
    }

    pub(super) fn start_soon(&mut self, slot: usize, most: u64) {
        self.starting += 1;
        self.later(most, Event::Start(slot));
    }

    pub(super) fn start(&mut self, slot: usize) {
        self.starting -= 1;
        if self.closed {
            return;
        }
        let life = self.lives.len();
        self.note(|| format!("p{life} starts"));
        let mut begins = Life::new(slot, life, &self.plan, self.mutant, &mut self.chance);
        if let Some(noted) = &mut self.noted {
            noted.push(Memory::default());
            begins.note(&self.plan, &noted[noted.len() - 1]);
        }
        let channels = Channel::of(begins.workers.len());
        self.channels.push(vec![Moment::default(); channels]);
        self.lives.push(begins);
        self.later(300, Event::Join(life));
        self.later(300, Event::Poll(life));
    }

    /// A process is gone, with all that it knew.
    pub(super) fn bury(&mut self, life: LifeId, most: u64) {
        self.lives[life].alive = false;
        self.later(most, Event::Expire(life));
        if !self.closed {
            self.start_soon(self.lives[life].slot, 3_000);
        }
    }

    pub(super) fn one_alive(&mut self) -> Option<LifeId> {
        let alive: Vec<LifeId> = (0..self.lives.len()).filter(|life| self.lives[*life].alive).collect();
        let choice = self.chance.below(alive.len() as u64) as usize;
        alive.get(choice).copied()
    }

    pub(super) fn left(&mut self, life: LifeId) {
        if self.plan.reader.until_caught_up {
            self.closed = true;
        }
        self.bury(life, 10);
    }

    /// Looks whether the history has come to its end.
    pub(super) fn look(&mut self) {
        if !self.is_calm || self.starting > 0 {
            return;
        }
        self.done = if self.plan.catches_up {
            self.closed
        } else {
            self.lives.iter().all(|life| !life.alive || (life.is_idle() && !life.stopping))
                && self.broker.logs.iter().all(|(partition, log)| log.is_empty() || self.is_committed(partition))
        };
    }

    /// What keeps the history from its end.
    fn unfinished(&self) -> Vec<String> {
        let partition = |(partition, log): (&TopicPartition, &super::log::Log)| {
            let committed = self.broker.committed.get(partition);
            let text =
                format!("{partition} of {} committed at {committed:?}, ends at {}", log.incarnation(), log.end());
            (!log.is_empty() && !self.is_committed(partition)).then_some(text)
        };
        let busy = |life: &LifeId| {
            let this = &self.lives[*life];
            let text = format!("p{life} with {:?}", this.fetches.values().collect::<Vec<_>>());
            this.alive.then_some(text)
        };
        self.broker
            .logs
            .iter()
            .filter_map(partition)
            .chain((0..self.lives.len()).filter_map(|life| busy(&life)))
            .collect()
    }

    fn is_committed(&self, partition: &TopicPartition) -> bool {
        let end = self.broker.logs[partition].end();
        let current = self.broker.logs[partition].incarnation();
        let foreign = |metadata: &str| !metadata.starts_with("kelp:i");
        let is_current = |metadata: &str| metadata.strip_prefix("kelp:") == Some(&*current) || foreign(metadata);
        let committed = self.broker.committed.get(partition).filter(|(_, metadata)| is_current(metadata));
        promise::reaches_the_end(partition, committed.map(|(offset, _)| *offset), end).is_ok()
    }

    fn end(&mut self) -> Result<Totals, String> {
        while let Some((_, event)) = self.agenda.pop() {
            if let Event::Late(index, body) = event {
                self.late(&index, &body);
            }
        }
        if self.plan.catches_up {
            for (partition, log) in &self.broker.logs {
                if !log.is_empty() && !self.is_committed(partition) {
                    return Err(format!("{partition} is not caught up, and the process ended"));
                }
            }
            self.tally("caught up", 1);
        }
        for life in self.lives.iter().filter(|life| life.alive) {
            if life.budget.used() > 0 {
                return Err(format!("{} bytes of the memory limit are not given back", life.budget.used()));
            }
        }
        self.oracle.check_end(&self.broker, &self.search)?;
        let mut totals = std::mem::take(&mut self.totals);
        for (partition, (offset, metadata)) in &self.broker.committed {
            totals.mix_text(&format!("{partition} {offset} {metadata}"));
        }
        for (id, times) in &self.oracle.letters {
            totals.mix_text(id);
            totals.mix(*times);
        }
        // No order of a map comes into it.
        let ids = |documents: &super::search::ByText<super::search::Stored>| {
            documents.keys().map(|id| sum(id)).fold(0, u64::wrapping_add)
        };
        totals.mix(
            self.search.indices.iter().map(|(index, documents)| sum(index) ^ ids(documents)).fold(0, u64::wrapping_add),
        );
        Ok(totals)
    }
}

/// A number for a text.
fn sum(text: &str) -> u64 {
    let mut totals = Totals::default();
    totals.mix_text(text);
    totals.trace
}
