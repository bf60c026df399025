//! What befalls the group, its processes, the topics and the cluster, until it is calm.

use std::sync::Arc;
use std::time::Duration;

use super::agenda::{Channel, Event};
use super::broker::LifeId;
use super::edges::Checked;
use super::life::Core;
use super::world::World;
use crate::reader::{self, Reload, Routes};
use crate::record::Route;

/// How long the group waits for a member that says nothing.
const SESSION_TIMEOUT: Duration = Duration::from_secs(10);

/// One kind of thing that may befall a history. A plan may be without some, to see which it takes to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blow {
    /// The group deals anew.
    Rebalance,
    /// A member is out of the group and does not know.
    LostSession,
    /// A process is gone at once.
    Crash,
    /// A process is asked to stop.
    Shutdown,
    /// A process is stopped, perhaps for longer than its session lasts, and goes on.
    Stop,
    /// The pipelines of a process change.
    Reload,
    /// A topic is deleted and made again.
    TopicMadeAgain,
    /// A topic gets more partitions.
    MorePartitions,
    /// Records are deleted by age.
    Retention,
    /// A record cannot be read.
    Corruption,
    /// Elasticsearch is away.
    Outage,
    /// An index refuses its documents.
    HeldIndex,
    /// An index does not answer.
    SilentIndex,
    /// No letter is delivered.
    LettersDown,
}

impl Blow {
    /// Every kind.
    pub(super) const ALL: [Self; 14] = [
        Self::Rebalance,
        Self::LostSession,
        Self::Crash,
        Self::Shutdown,
        Self::Stop,
        Self::Reload,
        Self::TopicMadeAgain,
        Self::MorePartitions,
        Self::Retention,
        Self::Corruption,
        Self::Outage,
        Self::HeldIndex,
        Self::SilentIndex,
        Self::LettersDown,
    ];
}

impl World {
    pub(super) fn mischief(&mut self) {
        if self.is_calm {
            return;
        }
        let blow = match self.chance.below(18) {
            0..3 => Some(Blow::Rebalance),
            3 => Some(Blow::LostSession),
            4 => Some(Blow::Crash),
            5 => Some(Blow::Shutdown),
            10 | 11 => Some(Blow::Reload),
            12 if self.chance.hits(1, 4) => Some(Blow::TopicMadeAgain),
            // Where it stops partitions, little else happens to these any more.
            13 if self.plan.reader.restart_out_of_range || self.chance.hits(1, 4) => Some(Blow::Retention),
            14 => Some(Blow::Stop),
            15 if self.chance.hits(1, 3) => Some(Blow::MorePartitions),
            16 if self.chance.hits(1, 3) => Some(Blow::Corruption),
            _ => None,
        };
        match blow.filter(|blow| !self.plan.without.contains(blow)) {
            Some(blow) => self.befall(blow),
            None => {
                let records = self.chance.below(20) as usize;
                for log in self.broker.logs.values_mut() {
                    log.produce(records);
                }
            }
        }
        let next = self.now + self.plan.mischief.mul_f64(self.chance.below(20) as f64 / 10.0);
        self.queue(next, Event::Mischief);
    }

    fn befall(&mut self, blow: Blow) {
        match blow {
            Blow::Rebalance => {
                self.tally("rebalances", 1);
                let events = self.broker.rebalance(&mut self.chance);
                self.group(events);
            }
            Blow::LostSession => {
                if let Some(life) = self.one_alive().filter(|life| self.broker.is_member(*life)) {
                    self.note(|| format!("p{life} session timed out"));
                    self.tally("lost sessions", 1);
                    let (had, events) = self.broker.remove(life, &mut self.chance);
                    self.group(events);
                    self.later(5_000, Event::Learn(life, had));
                }
            }
            Blow::Crash => {
                if let Some(life) = self.one_alive() {
                    self.note(|| format!("p{life} crashes"));
                    self.tally("crashes", 1);
                    self.bury(life, 8_000);
                }
            }
            Blow::Shutdown => {
                if let Some(life) = self.one_alive().filter(|life| !self.lives[*life].stopping) {
                    self.note(|| format!("p{life} is asked to stop"));
                    self.tally("shutdowns", 1);
                    self.lives[life].stopping = true;
                    let deadline = self.now + self.delay(20_000);
                    self.later(10, Event::Reader(life, reader::Input::Shutdown(deadline)));
                }
            }
            Blow::Stop => {
                if let Some(life) = self.one_alive().filter(|life| !self.lives[*life].frozen) {
                    let length = self.delay(60_000);
                    self.note(|| format!("p{life} is stopped for {length:?}"));
                    self.tally("stopped processes", 1);
                    self.lives[life].frozen = true;
                    self.queue(self.now + SESSION_TIMEOUT, Event::Expel(life));
                    self.queue(self.now + length, Event::Thaw(life));
                }
            }
            Blow::Reload => self.change_pipelines(),
            Blow::TopicMadeAgain => self.make_again(),
            Blow::MorePartitions => self.grow(),
            Blow::Retention => self.retain(),
            Blow::Corruption => {
                if let Some(life) = self.one_alive() {
                    self.lives[life].corrupt = true;
                }
            }
            Blow::Outage | Blow::HeldIndex | Blow::SilentIndex | Blow::LettersDown => {}
        }
    }

    /// The group has not heard of a stopped process.
    pub(super) fn expel(&mut self, life: LifeId) {
        if self.lives[life].alive && self.lives[life].frozen && self.broker.is_member(life) {
            self.note(|| format!("p{life} is taken for dead"));
            let (had, events) = self.broker.remove(life, &mut self.chance);
            self.group(events);
            self.lives[life].lost = Some(had);
        }
    }

    /// A stopped process goes on: its clock has moved on at once, and everything that came for it is there at once. It learns
    /// only some time later that others have its partitions.
    pub(super) fn thaw(&mut self, life: LifeId) -> Checked {
        if !std::mem::take(&mut self.lives[life].frozen) {
            return Ok(());
        }
        self.note(|| format!("p{life} goes on"));
        if let Some(had) = self.lives[life].lost.take() {
            self.later(5_000, Event::Learn(life, had));
        }
        for event in std::mem::take(&mut self.lives[life].parked) {
            self.handle(event)?;
        }
        self.lives[life].wakes.clear();
        let workers = self.lives[life].workers.len();
        for core in [Core::Reader, Core::Dispatch].into_iter().chain((0..workers).map(Core::Worker)) {
            if self.lives[life].alive {
                self.arrange(life, core);
            }
        }
        Ok(())
    }

    fn make_again(&mut self) {
        let topic = format!("t{}", self.chance.below(self.plan.topics as u64));
        let topic: Arc<str> = topic.into();
        // Some time passes before it is there again.
        if self.chance.hits(1, 2) && self.broker.absent.insert(Arc::clone(&topic)) {
            let away = self.delay(30_000);
            self.note(|| format!("{topic} is gone for {away:?}"));
            self.tally("topics gone", 1);
            self.queue(self.now + away, Event::There(Arc::clone(&topic)));
        }
        self.note(|| format!("{topic} is made again"));
        self.tally("topics made again", 1);
        for partition in self.broker.make_again(&topic, &mut self.chance) {
            self.oracle.expect(&partition, &self.broker, &mut self.search, &mut self.chance);
        }
    }

    fn grow(&mut self) {
        let topic = format!("t{}", self.chance.below(self.plan.topics as u64));
        if let Some(partition) = self.broker.grow(&topic, &mut self.chance) {
            self.note(|| format!("{topic} gets {partition}"));
            self.tally("new partitions", 1);
            self.oracle.expect(&partition, &self.broker, &mut self.search, &mut self.chance);
            let events = self.broker.rebalance(&mut self.chance);
            self.group(events);
        }
    }

    fn retain(&mut self) {
        self.tally("retentions", 1);
        self.retained = true;
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
                let version = format!("{:08}", self.agenda.number()).into();
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
        let reload = reader::Input::Reload(Reload { routes, topics });
        self.send(life, Channel::Reloads, self.now, Event::Reader(life, reload));
    }

    pub(super) fn weather(&mut self) {
        if self.is_calm {
            return;
        }
        let fails = |world: &Self, blow| world.plan.failing > 0 && !world.plan.without.contains(&blow);
        match self.chance.below(8) {
            0 if fails(self, Blow::Outage) => {
                self.tally("outages", u64::from(!self.search.down));
                self.search.down = !self.search.down;
            }
            1 if fails(self, Blow::HeldIndex) => {
                let index = format!("day-{}", self.chance.below(3));
                self.tally("held indices", 1);
                self.search.held.insert(index);
            }
            2 => {
                self.search.held.clear();
                self.search.silent.clear();
            }
            7 if fails(self, Blow::SilentIndex) => {
                let index = format!("day-{}", self.chance.below(3));
                self.tally("silent indices", 1);
                self.search.silent.insert(index);
            }
            6 if fails(self, Blow::LettersDown) => {
                self.tally("outages of the letters", u64::from(!self.letters_down));
                self.letters_down = !self.letters_down;
            }
            3 => self.search.aliases.clear(),
            _ => {
                self.search.down = false;
                self.letters_down = false;
            }
        }
        let (down, held, silent) = (self.search.down, self.search.held.len(), self.search.silent.len());
        self.note(|| format!("elasticsearch: down {down}, {held} held, {silent} silent"));
        let next = self.now + self.delay(5_000);
        self.queue(next, Event::Weather);
    }

    pub(super) fn calm(&mut self) -> Checked {
        self.note(|| "from here on nothing fails".to_owned());
        self.is_calm = true;
        self.letters_down = false;
        self.search.down = false;
        self.search.held.clear();
        self.search.silent.clear();
        self.search.aliases.clear();
        self.broker.absent.clear();
        // Somebody makes the indices that may not be made by themselves any more.
        if self.plan.dispatch.max_new_indices < 3 {
            for day in 0..3 {
                self.search.indices.entry(format!("day-{day}")).or_default();
            }
        }
        // Whoever is asked to settle for the loss of what retention took has all processes begin with the new setting.
        let settles = self.retained && !self.plan.reader.restart_out_of_range;
        if settles {
            self.plan.reader.restart_out_of_range = true;
            self.oracle.stops = false;
        }
        // And somebody starts the processes again that cannot read on.
        for life in 0..self.lives.len() {
            self.lives[life].corrupt = false;
            if self.lives[life].alive && (self.lives[life].stopped || settles) {
                self.bury(life, 1_000);
            }
        }
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
            self.agenda.keep_first_start();
            self.starting = 1;
        }
        (0..self.lives.len()).try_for_each(|life| self.thaw(life))
    }
}
