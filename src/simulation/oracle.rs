//! What has to be true, whatever happened: known from the logs and the script alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::broker::Broker;
use super::log::{Entry, Log};
use super::script::{self, Fault, Unit};
use super::search::{ByText, Search, Stored};
use crate::backoff::Chance;
use crate::bulk::document_id;
use crate::promise;
use crate::record::{HoldingId, Origin, Route, TopicPartition};

/// One unit of one record.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) partition: TopicPartition,
    pub(super) offset: i64,
    pub(super) timestamp: Option<i64>,
    unit: Unit,
    /// A foreign document has its id.
    taken: bool,
}

/// What is expected, by id.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    pub(super) expected: ByText<Expected>,
    /// How many records of each partition were found settled.
    checked: BTreeMap<TopicPartition, usize>,
    /// What is below was passed over: there was no commit, and reading was to start at the end, or at the first record that there was.
    passed_over: BTreeMap<TopicPartition, i64>,
    /// What retention took is not to be passed over where there is a commit.
    pub(super) stops: bool,
    /// Letters that were delivered, by id.
    pub(super) letters: BTreeMap<String, u64>,
    /// What an index refuses for long goes to the dead letters.
    gives_up: bool,
    route: Arc<Route>,
}

/// Where the records of a log come from; by which route does not matter for their ids.
fn origin(partition: &TopicPartition, log: &Log, route: &Arc<Route>) -> Origin {
    Origin {
        holding: HoldingId(0),
        partition: partition.clone(),
        incarnation: log.incarnation(),
        route: Arc::clone(route),
    }
}

/// The ids of a record's units, and what has to become of each.
fn ids(origin: &Origin, entry: &Entry) -> impl Iterator<Item = (String, Unit)> {
    let units = script::units(entry.payload.as_deref());
    units.zip(0_u32..).map(|(unit, sub)| (document_id(origin, entry.offset, sub), unit))
}

impl Oracle {
    /// Reads the logs, and puts a few foreign documents in the way.
    pub(super) fn new(broker: &Broker, search: &mut Search, gives_up: bool, chance: &mut Chance) -> Self {
        let mut oracle = Self { gives_up, ..Self::default() };
        for partition in broker.logs.keys() {
            oracle.expect(partition, broker, search, chance);
        }
        oracle
    }

    /// Reads the log of a partition, which is another than before.
    pub(super) fn expect(
        &mut self,
        partition: &TopicPartition,
        broker: &Broker,
        search: &mut Search,
        chance: &mut Chance,
    ) {
        self.checked.remove(partition);
        self.passed_over.remove(partition);
        let log = &broker.logs[partition];
        let origin = origin(partition, log, &self.route);
        for entry in log.all() {
            for (id, unit) in ids(&origin, entry) {
                let (partition, offset, timestamp) = (partition.clone(), entry.offset, entry.timestamp);
                let free = Unit::Document { index: "day-0", fault: Fault::None };
                let taken = unit == free && chance.hits(1, 40);
                if taken {
                    let origin = serde_json::json!({"topic": "another", "partition": 0, "offset": offset});
                    let stored = Stored { origin: origin.to_string().into(), foreign: true };
                    search.indices.entry("day-0".to_owned()).or_default().insert(id.clone(), stored);
                }
                self.expected.insert(id, Expected { partition, offset, timestamp, unit, taken });
            }
        }
    }

    /// True for an id of a topic that was made again: until that is noticed, anything may be read under it.
    fn is_of_old_topic(id: &str, broker: &Broker) -> bool {
        let mut parts = id.split('-');
        let (topic, making) = (parts.next(), parts.next());
        let current = broker.logs.iter().find(|(partition, _)| Some(&*partition.topic) == topic);
        current.is_some_and(|(_, log)| making != Some(&*log.incarnation()))
    }

    fn is_settled(&self, id: &str, search: &Search) -> bool {
        let expected = &self.expected[id];
        let delivered = self.letters.contains_key(id);
        match &expected.unit {
            Unit::Dropped | Unit::Document { fault: Fault::Noop, .. } => true,
            Unit::Document { fault: Fault::None, .. } if expected.taken => delivered,
            Unit::Document { fault: Fault::None, index } => {
                let stored = search.indices.get(*index).is_some_and(|documents| documents.contains_key(id));
                stored || self.gives_up && delivered
            }
            Unit::Document { .. } | Unit::Rejected => delivered,
        }
    }

    /// Somebody starts at the first record or at the end of a partition of which nothing is committed.
    pub(super) fn pass_over(&mut self, partition: &TopicPartition, position: i64, broker: &Broker) -> promise::Kept {
        let current = format!("kelp:{}", broker.logs[partition].incarnation());
        if broker.committed.get(partition).is_some_and(|(_, metadata)| *metadata == current) {
            return Err(format!("{partition} is begun at {position}, and something of it is committed"));
        }
        self.passed_over.insert(partition.clone(), position);
        Ok(())
    }

    /// Everything below an offset is settled.
    pub(super) fn check_commit(
        &mut self,
        partition: &TopicPartition,
        offset: i64,
        broker: &Broker,
        search: &Search,
    ) -> Result<(), String> {
        let log = &broker.logs[partition];
        promise::passes_settled_only(partition, offset, log.end(), None)?;
        let mut checked = self.checked.get(partition).copied().unwrap_or_default();
        if log.written().get(checked).is_none_or(|entry| entry.offset >= offset) {
            return Ok(());
        }
        let origin = origin(partition, log, &self.route);
        let taken = if self.stops { 0 } else { log.low() };
        let low = taken.max(self.passed_over.get(partition).copied().unwrap_or(0));
        while let Some(entry) = log.written().get(checked).filter(|entry| entry.offset < offset) {
            // What retention has taken before it was read is gone, and some is not asked for.
            for (id, unit) in ids(&origin, entry) {
                if entry.offset >= low && !self.is_settled(&id, search) {
                    let broken = promise::passes_settled_only(partition, offset, log.end(), Some(entry.offset));
                    return broken.map_err(|why| format!("{why}: {id}, {unit:?}"));
                }
            }
            checked += 1;
        }
        self.checked.insert(partition.clone(), checked);
        Ok(())
    }

    /// At the end there is what there should be, and nothing else.
    pub(super) fn check_end(&mut self, broker: &Broker, search: &Search) -> Result<(), String> {
        for (partition, log) in &broker.logs {
            self.check_commit(partition, log.end(), broker, search)?;
        }
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, documents) in &search.indices {
            for (id, _) in documents.iter().filter(|(_, stored)| !stored.foreign) {
                let is_right = |expected: &Expected| match expected.unit {
                    Unit::Document { index: right, fault: Fault::None } => right == index,
                    Unit::Document { .. } | Unit::Dropped | Unit::Rejected => false,
                };
                if Self::is_of_old_topic(id, broker) {
                    continue;
                }
                let times = places.entry(id).or_default();
                *times += 1;
                promise::stands_once(id, *times)?;
                if !self.expected.get(id).is_some_and(is_right) {
                    return Err(format!("{index} has {id}, which does not belong there"));
                }
            }
        }
        for id in self.letters.keys() {
            let rejected = |expected: &Expected| match &expected.unit {
                Unit::Document { fault: Fault::None, .. } => expected.taken || self.gives_up,
                Unit::Document { fault: Fault::Noop, .. } => self.gives_up,
                Unit::Document { .. } | Unit::Rejected => true,
                Unit::Dropped => false,
            };
            if !self.expected.get(id).is_some_and(rejected) && !Self::is_of_old_topic(id, broker) {
                return Err(format!("{id} is among the dead letters for no reason"));
            }
        }
        Ok(())
    }
}
