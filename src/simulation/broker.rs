//! Kafka: logs with gaps, a cooperative group, and commits that are checked as the real broker does: member and
//! generation, not ownership.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::log::Log;
use crate::backoff::Chance;
use crate::reader::{CommitEntry, CommitResult, Resolved};
use crate::record::TopicPartition;

/// As many partitions as a topic can come to.
const MOST_PARTITIONS: i32 = 5;

/// The number of a process's life: one that crashed and came back has another.
pub(super) type LifeId = usize;

/// What the group tells a member.
#[derive(Debug, Clone)]
pub(super) enum GroupEvent {
    Assigned(Vec<TopicPartition>),
    Revoked(Vec<TopicPartition>, bool),
}

/// A commit on its way, with the member id and the generation that its sender knew.
#[derive(Debug)]
pub(super) struct CommitRequest {
    pub(super) life: LifeId,
    pub(super) credentials: (u64, u64),
    pub(super) entries: Vec<CommitEntry>,
}

/// What goes out for members.
pub(super) type GroupEvents = Vec<(LifeId, GroupEvent)>;

#[derive(Debug, Clone, Copy)]
struct Owner {
    life: LifeId,
    revoking: bool,
    /// The generation that it was given the partition in.
    since: u64,
}

/// The broker and its group coordinator.
#[derive(Debug)]
pub(super) struct Broker {
    pub(super) logs: BTreeMap<TopicPartition, Log>,
    pub(super) committed: BTreeMap<TopicPartition, (i64, String)>,
    generation: u64,
    members: BTreeMap<LifeId, u64>,
    joins: u64,
    owners: BTreeMap<TopicPartition, Owner>,
    targets: BTreeMap<TopicPartition, LifeId>,
    given: BTreeMap<LifeId, BTreeSet<TopicPartition>>,
    /// The topics of members that do not want all.
    subscribed: BTreeMap<LifeId, BTreeSet<Arc<str>>>,
    /// Topics that are deleted and not made again yet.
    pub(super) absent: BTreeSet<Arc<str>>,
    /// Records of a partition at most, and whether the day goes on while they are written.
    records: (u64, bool),
}

impl Broker {
    pub(super) fn new(topics: usize, partitions: i32, records: (u64, bool), chance: &mut Chance) -> Self {
        let mut logs = BTreeMap::new();
        let mut committed = BTreeMap::new();
        for topic in 0..topics {
            for number in 0..partitions {
                let partition = TopicPartition::new(format!("t{topic}"), number);
                let log = Log::new(1, records, chance);
                // Of another program, of ours before the broker had topic ids, or of a topic that was made again.
                match chance.below(12) {
                    choice @ 0..3 => {
                        let metadata = ["", "kelp:0", "someone else"][choice as usize];
                        committed.insert(partition.clone(), (log.low(), metadata.to_owned()));
                    }
                    3 => drop(committed.insert(partition.clone(), (log.low() + 7, "kelp:i0".to_owned()))),
                    _ => {}
                }
                logs.insert(partition, log);
            }
        }
        Self {
            logs,
            committed,
            generation: 0,
            members: BTreeMap::new(),
            joins: 0,
            owners: BTreeMap::new(),
            targets: BTreeMap::new(),
            given: BTreeMap::new(),
            subscribed: BTreeMap::new(),
            absent: BTreeSet::new(),
            records,
        }
    }

    pub(super) fn is_member(&self, life: LifeId) -> bool {
        self.members.contains_key(&life)
    }

    pub(super) fn owns(&self, life: LifeId, partition: &TopicPartition) -> bool {
        self.owners.get(partition).is_some_and(|owner| owner.life == life)
    }

    /// A member's id and generation, as it knows them.
    pub(super) fn credentials(&self, life: LifeId) -> (u64, u64) {
        (self.members.get(&life).copied().unwrap_or_default(), self.generation)
    }

    pub(super) fn join(&mut self, life: LifeId, chance: &mut Chance) -> GroupEvents {
        self.joins += 1;
        self.members.insert(life, self.joins);
        let mut events = self.rebalance(chance);
        // A new member is told of its part even if that is nothing.
        if !events.iter().any(|(to, event)| *to == life && matches!(event, GroupEvent::Assigned(_))) {
            events.push((life, GroupEvent::Assigned(Vec::new())));
        }
        events
    }

    /// A member is out: it left, or its session timed out. Its partitions are free at once. Gives what it had.
    pub(super) fn remove(&mut self, life: LifeId, chance: &mut Chance) -> (Vec<TopicPartition>, GroupEvents) {
        let had = self.given.remove(&life).unwrap_or_default();
        if self.members.remove(&life).is_none() {
            return (Vec::new(), Vec::new());
        }
        self.owners.retain(|_, owner| owner.life != life);
        (had.into_iter().collect(), self.rebalance(chance))
    }

    /// A topic is deleted and made again; its commits may outlive it. Gives its partitions.
    pub(super) fn make_again(&mut self, topic: &str, chance: &mut Chance) -> Vec<TopicPartition> {
        let partitions: Vec<TopicPartition> = self.logs.keys().filter(|each| *each.topic == *topic).cloned().collect();
        for partition in &partitions {
            let making = self.logs[partition].making + 1;
            self.logs.insert(partition.clone(), Log::new(making, self.records, chance));
            // An offset of a program that says nothing about the topic could not be told from one of the new topic.
            let ours = self.committed.get(partition).is_some_and(|(_, metadata)| metadata.starts_with("kelp:i"));
            if !ours || chance.hits(1, 2) {
                self.committed.remove(partition);
            }
        }
        partitions
    }

    /// A topic gets one partition more, if it may. Gives the partition.
    pub(super) fn grow(&mut self, topic: &str, chance: &mut Chance) -> Option<TopicPartition> {
        let (last, log) = self.logs.iter().rfind(|(partition, _)| *partition.topic == *topic)?;
        let partition = TopicPartition::new(Arc::clone(&last.topic), last.partition + 1);
        if partition.partition >= MOST_PARTITIONS || self.absent.contains(topic) {
            return None;
        }
        let log = Log::new(log.making, self.records, chance);
        self.logs.insert(partition.clone(), log);
        Some(partition)
    }

    /// A member wants partitions of these topics only.
    pub(super) fn subscribe(&mut self, life: LifeId, topics: Vec<Arc<str>>, chance: &mut Chance) -> GroupEvents {
        self.subscribed.insert(life, topics.into_iter().collect());
        self.rebalance(chance)
    }

    fn wants(&self, life: LifeId, partition: &TopicPartition) -> bool {
        self.subscribed.get(&life).is_none_or(|topics| topics.contains(&partition.topic))
    }

    /// The group deals anew: who loses a partition gives it back before another gets it.
    pub(super) fn rebalance(&mut self, chance: &mut Chance) -> GroupEvents {
        self.generation += 1;
        let members: Vec<LifeId> = self.members.keys().copied().collect();
        let mut revoked: BTreeMap<LifeId, Vec<TopicPartition>> = BTreeMap::new();
        if members.is_empty() {
            return Vec::new();
        }
        let partitions: Vec<TopicPartition> = self.logs.keys().cloned().collect();
        let mut wanting: Vec<LifeId> = Vec::with_capacity(members.len());
        for partition in &partitions {
            wanting.clear();
            wanting.extend(members.iter().copied().filter(|member| self.wants(*member, partition)));
            let owner = self.owners.get(partition).map(|owner| owner.life);
            let keep = owner.filter(|owner| wanting.contains(owner) && chance.hits(1, 2));
            let target = keep.or_else(|| wanting.get(chance.below(wanting.len() as u64) as usize).copied());
            match (target, self.targets.get_mut(partition)) {
                (Some(target), Some(before)) => *before = target,
                (Some(target), None) => drop(self.targets.insert(partition.clone(), target)),
                (None, _) => drop(self.targets.remove(partition)),
            }
            let owner = self.owners.get_mut(partition);
            if let Some(owner) = owner.filter(|owner| Some(owner.life) != target && !owner.revoking) {
                owner.revoking = true;
                self.given.entry(owner.life).or_default().remove(partition);
                revoked.entry(owner.life).or_default().push(partition.clone());
            }
        }
        let mut events: GroupEvents =
            revoked.into_iter().map(|(life, partitions)| (life, GroupEvent::Revoked(partitions, false))).collect();
        events.extend(self.deal());
        events
    }

    /// A member gave partitions back: what is free is dealt in another generation. One that has come again since had lost them.
    pub(super) fn unassigned(&mut self, life: LifeId, member: u64, partitions: &[TopicPartition]) -> GroupEvents {
        if self.members.get(&life) != Some(&member) {
            return Vec::new();
        }
        let before = self.owners.len();
        for partition in partitions {
            if self.owners.get(partition).is_some_and(|owner| owner.life == life && owner.revoking) {
                self.owners.remove(partition);
            }
        }
        if self.owners.len() < before {
            self.generation += 1;
        }
        self.deal()
    }

    fn deal(&mut self) -> GroupEvents {
        let mut assigned: BTreeMap<LifeId, Vec<TopicPartition>> = BTreeMap::new();
        for (partition, target) in &self.targets {
            if self.members.contains_key(target) && !self.owners.contains_key(partition) {
                self.owners.insert(partition.clone(), Owner { life: *target, revoking: false, since: self.generation });
                self.given.entry(*target).or_default().insert(partition.clone());
                assigned.entry(*target).or_default().push(partition.clone());
            }
        }
        assigned.into_iter().map(|(life, partitions)| (life, GroupEvent::Assigned(partitions))).collect()
    }

    /// What is known of partitions that are being assigned.
    pub(super) fn resolve(&self, partitions: Vec<TopicPartition>) -> Vec<Resolved> {
        let resolve = |partition: TopicPartition| {
            let log = &self.logs[&partition];
            let committed = self.committed.get(&partition).cloned();
            Resolved { incarnation: log.incarnation(), committed, bounds: (log.low(), log.end()), partition }
        };
        partitions.into_iter().filter(|partition| !self.absent.contains(&partition.topic)).map(resolve).collect()
    }

    /// A commit arrives. Gives what the member is told; what was accepted stands in [`Broker::committed`].
    pub(super) fn commit(
        &mut self,
        CommitRequest { life, credentials, entries }: &CommitRequest,
        chance: &mut Chance,
        failing: bool,
    ) -> Vec<CommitResult> {
        let member = self.members.get(life) == Some(&credentials.0);
        // While the members of a generation are being gathered, the one before it still counts.
        let current = credentials.1 == self.generation || chance.hits(1, 3);
        let mut result = |entry: &CommitEntry| {
            let owner = self.owners.get(&entry.partition);
            let owned = owner.is_some_and(|owner| owner.life == *life && owner.since <= credentials.1);
            let refused = if !member {
                Some("unknown member".to_owned())
            } else if credentials.1 != self.generation && !(current && owned) {
                Some("illegal generation".to_owned())
            } else if self.absent.contains(&entry.partition.topic) {
                Some("unknown topic or partition".to_owned())
            } else if failing && chance.hits(1, 10) {
                Some("the coordinator is not available".to_owned())
            } else {
                self.committed.insert(entry.partition.clone(), (entry.offset, entry.metadata.clone()));
                (failing && chance.hits(1, 20)).then(|| "timed out".to_owned())
            };
            CommitResult { partition: entry.partition.clone(), offset: entry.offset, refused }
        };
        entries.iter().map(&mut result).collect()
    }
}
