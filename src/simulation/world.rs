//! The event queue of a history, and what happens to the group, its processes and the cluster.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::broker::{Broker, CommitRequest, GroupEvent, GroupEvents, LifeId};
use super::life::{Core, Life};
use super::mutant::Mutant;
use super::oracle::Oracle;
use super::plan::Plan;
use super::search::Search;
use crate::backoff::Chance;
use crate::clock::Moment;
use crate::dead_letter::Letter;
use crate::reader::{Reload, Routes};
use crate::record::{Route, TopicPartition};
use crate::{dispatch, reader, worker};

/// Steps that no history needs.
const MOST_STEPS: u64 = 300_000;
/// How long after the last fault everything has to be settled.
const PATIENCE: Duration = Duration::from_secs(300);

/// What happens next.
pub(super) enum Event {
    Reader(LifeId, reader::Input),
    Worker(LifeId, usize, worker::Input),
    Dispatch(LifeId, dispatch::Input),
    Wake(LifeId, Core),
    Poll(LifeId),
    /// Requests on their way to the broker.
    Resolve(LifeId, Vec<TopicPartition>),
    Watch(LifeId, Vec<Arc<str>>),
    Commit(CommitRequest),
    Unassigned(LifeId, Vec<TopicPartition>),
    Join(LifeId),
    /// A member learns that its session timed out.
    Learn(LifeId, Vec<TopicPartition>),
    /// The broker notices that a process is gone.
    Expire(LifeId),
    Start(usize),
    /// Requests on their way to Elasticsearch.
    Prepare(LifeId),
    Check(LifeId, std::sync::Arc<str>),
    Bulk(LifeId, dispatch::RequestId, std::sync::Arc<str>, bytes::Bytes),
    Late(std::sync::Arc<str>, bytes::Bytes),
    LookUp(LifeId, dispatch::RequestId, std::sync::Arc<str>, Vec<String>),
    Letter(LifeId, Letter),
    /// Something befalls the group, the cluster; and then nothing more.
    Mischief,
    Weather,
    Calm,
}

impl Event {
    /// A number for each kind of event.
    fn kind(&self) -> u8 {
        match self {
            Self::Reader(..) => 1,
            Self::Worker(..) => 2,
            Self::Dispatch(..) => 3,
            Self::Wake(..) => 4,
            Self::Poll(..) => 5,
            Self::Bulk(..) | Self::Late(..) | Self::LookUp(..) => 6,
            Self::Commit(..) => 7,
            Self::Letter(..) => 8,
            Self::Mischief | Self::Weather | Self::Calm => 9,
            _ => 10,
        }
    }
}

fn mixed(hash: u64, with: u64) -> u64 {
    (hash ^ with).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
}

/// Between whom messages keep their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    Group,
    Commits,
    ReaderWorker(usize),
    ReaderDispatch,
    WorkerReader(usize),
    WorkerDispatch(usize),
    DispatchWorker(usize),
}

/// What happened, to see that enough does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    counts: BTreeMap<&'static str, u64>,
    /// A hash of when what happened, in order.
    trace: u64,
}

impl Totals {
    const NAMES: [&str; 28] = [
        "records",
        "rebalances",
        "lost sessions",
        "crashes",
        "shutdowns",
        "complete endings",
        "unsettled endings",
        "commits",
        "refused commits",
        "undrained revokes",
        "bulk requests",
        "late requests",
        "look-ups",
        "held indices",
        "outages",
        "letters",
        "indexed",
        "duplicate",
        "dropped",
        "caught up",
        "reloads",
        "barriers passed",
        "pauses",
        "errors of partitions",
        "changes of topics",
        "topics made again",
        "out of range",
        "retentions",
    ];

    pub(super) fn add(&mut self, other: &Self) {
        for (what, number) in &other.counts {
            *self.counts.entry(what).or_default() += number;
        }
        self.trace = mixed(self.trace, other.trace);
    }

    pub(super) fn by_name(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Self::NAMES.into_iter().map(|name| (name, self.counts.get(name).copied().unwrap_or_default()))
    }
}

/// Everything there is.
pub(super) struct World {
    pub(super) now: Moment,
    queue: BTreeMap<(Moment, u64), Event>,
    number: u64,
    steps: u64,
    pub(super) chance: Chance,
    pub(super) plan: Plan,
    pub(super) mutant: Option<Mutant>,
    pub(super) broker: Broker,
    pub(super) search: Search,
    pub(super) oracle: Oracle,
    pub(super) lives: Vec<Life>,
    channels: BTreeMap<(LifeId, Channel), Moment>,
    pub(super) is_calm: bool,
    /// No process is started any more.
    closed: bool,
    starting: usize,
    done: bool,
    totals: Totals,
    trace: Option<VecDeque<String>>,
}

impl World {
    pub(super) fn new(plan: Plan, seed: u64, mutant: Option<Mutant>, traced: bool) -> Self {
        let mut chance = Chance::new(seed);
        let broker = Broker::new(plan.topics, plan.partitions, plan.records, &mut chance);
        let mut search = Search { accepted: plan.accepted, ..Search::default() };
        let oracle = Oracle::new(&broker, &mut search, &mut chance);
        if chance.hits(1, 3) {
            search.aliases.insert("day-2".to_owned());
        }
        Self {
            now: Moment::default(),
            queue: BTreeMap::new(),
            number: 0,
            steps: 0,
            chance,
            plan,
            mutant,
            broker,
            search,
            oracle,
            lives: Vec::new(),
            channels: BTreeMap::new(),
            is_calm: false,
            closed: false,
            starting: 0,
            done: false,
            totals: Totals::default(),
            trace: traced.then(VecDeque::new),
        }
    }

    /// Lives through it.
    pub(super) fn run(&mut self) -> Result<Totals, String> {
        for slot in 0..self.plan.members {
            self.start_soon(slot, 500);
        }
        let (calm, mischief) = (self.plan.calm, self.plan.mischief);
        self.queue(calm, Event::Calm);
        self.queue(self.now + mischief, Event::Mischief);
        self.queue(self.now + mischief, Event::Weather);
        while let Some(((at, _), event)) = self.queue.pop_first() {
            self.now = at;
            self.steps += 1;
            if self.steps > MOST_STEPS || self.now > calm + PATIENCE {
                return Err(format!(
                    "not everything is settled {PATIENCE:?} after the last fault, {} steps: {}",
                    self.steps,
                    self.unfinished().join(", ")
                ));
            }
            self.totals.trace = mixed(self.totals.trace, at.0.as_nanos() as u64 ^ u64::from(event.kind()) << 56);
            self.handle(event)?;
            if self.done {
                return self.end();
            }
        }
        Err("nothing happens any more, and not everything is settled".to_owned())
    }

    pub(super) fn trace(&self) -> Vec<&str> {
        let lines = self.trace.as_ref().into_iter().flatten();
        lines.map(String::as_str).collect()
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now.0;
        if let Some(trace) = &mut self.trace {
            trace.push_back(format!("{now:?} {}", line()));
            if trace.len() > 150 {
                trace.pop_front();
            }
        }
    }

    pub(super) fn tally(&mut self, what: &'static str, number: u64) {
        *self.totals.counts.entry(what).or_default() += number;
    }

    pub(super) fn queue(&mut self, at: Moment, event: Event) {
        self.number += 1;
        self.queue.insert((at.max(self.now), self.number), event);
    }

    /// Mostly a moment, now and then a good while; at most `most` milliseconds.
    pub(super) fn delay(&mut self, most: u64) -> Duration {
        let most = if self.chance.hits(1, 8) { most } else { most.div_ceil(20) };
        Duration::from_micros(self.chance.below(most * 1000 + 1))
    }

    /// Sends along a channel, not before `least`. Gives when it arrives.
    pub(super) fn send(&mut self, life: LifeId, channel: Channel, least: Moment, event: Event) -> Moment {
        let delay = self.delay(60);
        let last = self.channels.get(&(life, channel)).copied().unwrap_or_default();
        let at = (self.now + delay).max(last).max(least);
        self.channels.insert((life, channel), at);
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
            self.send(life, Channel::Group, self.now, Event::Reader(life, input));
        }
    }

    fn start_soon(&mut self, slot: usize, most: u64) {
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
        self.lives.push(Life::new(slot, life, &self.plan, self.mutant, &mut self.chance));
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

    fn one_alive(&mut self) -> Option<LifeId> {
        let alive: Vec<LifeId> = (0..self.lives.len()).filter(|life| self.lives[*life].alive).collect();
        let choice = self.chance.below(alive.len() as u64) as usize;
        alive.get(choice).copied()
    }

    pub(super) fn mischief(&mut self) {
        if self.is_calm {
            return;
        }
        match self.chance.below(14) {
            12 if self.chance.hits(1, 4) => self.make_again(),
            13 if self.plan.reader.restart_out_of_range => self.retain(),
            10 | 11 => self.change_pipelines(),
            0..3 => {
                self.tally("rebalances", 1);
                let events = self.broker.rebalance(&mut self.chance);
                self.group(events);
            }
            3 => {
                if let Some(life) = self.one_alive().filter(|life| self.broker.is_member(*life)) {
                    self.note(|| format!("p{life} session timed out"));
                    self.tally("lost sessions", 1);
                    let (had, events) = self.broker.remove(life, &mut self.chance);
                    self.group(events);
                    self.later(5_000, Event::Learn(life, had));
                }
            }
            4 => {
                if let Some(life) = self.one_alive() {
                    self.note(|| format!("p{life} crashes"));
                    self.tally("crashes", 1);
                    self.bury(life, 8_000);
                }
            }
            5 => {
                if let Some(life) = self.one_alive().filter(|life| !self.lives[*life].stopping) {
                    self.note(|| format!("p{life} is asked to stop"));
                    self.tally("shutdowns", 1);
                    self.lives[life].stopping = true;
                    let deadline = self.now + self.delay(20_000);
                    self.later(10, Event::Reader(life, reader::Input::Shutdown(deadline)));
                }
            }
            _ => {
                let records = self.chance.below(20) as usize;
                for log in self.broker.logs.values_mut() {
                    log.produce(records);
                }
            }
        }
        let next = self.now + self.plan.mischief.mul_f64(self.chance.below(20) as f64 / 10.0);
        self.queue(next, Event::Mischief);
    }

    fn make_again(&mut self) {
        let topic = format!("t{}", self.chance.below(self.plan.topics as u64));
        self.note(|| format!("{topic} is made again"));
        self.tally("topics made again", 1);
        for partition in self.broker.make_again(&topic, &mut self.chance) {
            self.oracle.expect(&partition, &self.broker, &mut self.search, &mut self.chance);
        }
    }

    fn retain(&mut self) {
        self.tally("retentions", 1);
        let records = self.chance.below(10) as usize;
        for log in self.broker.logs.values_mut() {
            log.retain(records);
        }
    }

    /// The files of a process have changed.
    fn change_pipelines(&mut self) {
        let Some(life) = self.one_alive() else { return };
        self.tally("reloads", 1);
        let mut routes = self.lives[life].routes.clone();
        for route in routes.values_mut() {
            if self.chance.hits(2, 3) {
                let version = format!("{:04}", self.number).into();
                *route = Arc::new(Route { version, ..Route::default() });
            }
        }
        let mut topics = None;
        if self.chance.hits(1, 4) {
            self.tally("changes of topics", 1);
            let some: Vec<Arc<str>> = routes.keys().filter(|_| self.chance.hits(1, 2)).cloned().collect();
            topics = Some(some).filter(|some| !some.is_empty());
        }
        self.reload(life, routes, topics);
    }

    fn reload(&mut self, life: LifeId, routes: Routes, topics: Option<Vec<Arc<str>>>) {
        self.lives[life].routes = routes.clone();
        self.later(10, Event::Reader(life, reader::Input::Reload(Reload { routes, topics })));
    }

    pub(super) fn weather(&mut self) {
        if self.is_calm {
            return;
        }
        match self.chance.below(6) {
            0 if self.plan.failing > 0 => {
                self.tally("outages", u64::from(!self.search.down));
                self.search.down = !self.search.down;
            }
            1 if self.plan.failing > 0 => {
                let index = format!("day-{}", self.chance.below(3));
                self.tally("held indices", 1);
                self.search.held.insert(index);
            }
            2 => self.search.held.clear(),
            3 => self.search.aliases.clear(),
            _ => self.search.down = false,
        }
        let (down, held) = (self.search.down, self.search.held.len());
        self.note(|| format!("elasticsearch: down {down}, {held} held"));
        let next = self.now + self.delay(5_000);
        self.queue(next, Event::Weather);
    }

    pub(super) fn calm(&mut self) {
        self.note(|| "from here on nothing fails".to_owned());
        self.is_calm = true;
        self.search.down = false;
        self.search.held.clear();
        self.search.aliases.clear();
        for log in self.broker.logs.values_mut() {
            log.produce(usize::MAX / 2);
        }
        // Every topic is read in the end.
        for life in 0..self.lives.len() {
            if self.lives[life].alive {
                let routes = self.lives[life].routes.clone();
                let topics = Some(routes.keys().cloned().collect());
                self.reload(life, routes, topics);
            }
        }
        if self.plan.catches_up {
            for life in 0..self.lives.len() {
                if self.lives[life].alive {
                    self.bury(life, 1);
                }
                // Whoever comes last gets everything at once.
                drop(self.broker.remove(life, &mut self.chance));
            }
            self.plan.reader.until_caught_up = true;
            self.start_soon(0, 2_000);
            // The last one: those that would have come back do not.
            self.keep_last_start();
        }
    }

    fn keep_last_start(&mut self) {
        let starts: Vec<_> =
            self.queue.iter().filter(|(_, event)| matches!(event, Event::Start(_))).map(|(key, _)| *key).collect();
        for key in &starts[1..] {
            self.queue.remove(key);
        }
        self.starting = 1;
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
        let partition = |(partition, log): (&TopicPartition, &super::broker::Log)| {
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
        let current = format!("kelp:{}", self.broker.logs[partition].incarnation());
        let foreign = |metadata: &str| !metadata.starts_with("kelp:i");
        let is_current = |metadata: &str| metadata == current || foreign(metadata);
        self.broker.committed.get(partition).is_some_and(|(offset, metadata)| *offset == end && is_current(metadata))
    }

    fn end(&mut self) -> Result<Totals, String> {
        for ((_, _), event) in std::mem::take(&mut self.queue) {
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
        Ok(std::mem::take(&mut self.totals))
    }
}
