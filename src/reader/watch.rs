//! Watching whether a topic is still the one that is being read. librdkafka goes on at the old offset of a topic that was
//! deleted and made again, without a word; only the topic's id tells.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Effect, Notice, Reader, WatchedTopic};
use crate::clock::Moment;
use crate::planted::is_planted;
use crate::record::TopicPartition;

/// A question that was not answered for this long is taken for lost.
const GIVE_UP: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Watch {
    next: Moment,
    asked: bool,
}

impl Watch {
    pub(super) fn wake_at(&self) -> Moment {
        self.next
    }
}

impl Reader {
    /// True if there is anything to be watched.
    pub(super) fn watches(&self) -> bool {
        !self.holdings.is_empty() || !self.gone.is_empty()
    }

    pub(super) fn watch_if_due(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if now < self.watch.next || !self.watches() || self.shutdown.is_some() {
            return;
        }
        let partitions = self.holdings.keys().chain(self.gone.keys());
        let topics: BTreeSet<Arc<str>> = partitions.map(|partition| Arc::clone(&partition.topic)).collect();
        effects.push(Effect::Watch(topics.into_iter().collect()));
        self.watch = Watch { next: now + GIVE_UP.max(self.settings.watch_interval), asked: true };
    }

    /// Ends the holdings of a topic that was made again, and has them begin anew.
    pub(super) fn watched(&mut self, now: Moment, ids: Vec<WatchedTopic>, effects: &mut Vec<Effect>) {
        if std::mem::take(&mut self.watch.asked) {
            self.watch.next = now + self.settings.watch_interval;
        }
        if self.shutdown.is_some() || is_planted("IgnoreNewTopic") {
            return;
        }
        for (topic, id) in ids {
            let Some(id) = id else {
                let gone = self.gone.iter_mut().filter(|(partition, _)| partition.topic == topic);
                gone.for_each(|(_, is_sure)| *is_sure = true);
                continue;
            };
            let there = self.gone.extract_if(.., |partition, _| partition.topic == topic);
            let there: Vec<TopicPartition> = there.map(|(partition, _)| partition).collect();
            self.begin_anew(there, effects);
            let replaced = |incarnation: &Arc<str>| *incarnation != id && !is_none(incarnation) && !is_none(&id);
            let partitions: Vec<TopicPartition> = self
                .holdings
                .iter()
                .filter(|(partition, held)| partition.topic == topic && replaced(&held.origin.incarnation))
                .filter(|(partition, _)| !self.is_about_to_end(partition))
                .map(|(partition, _)| partition.clone())
                .collect();
            if partitions.is_empty() {
                continue;
            }
            effects.extend(partitions.iter().cloned().map(|partition| Effect::Tell(Notice::TopicReplaced(partition))));
            self.begin_anew(partitions, effects);
        }
    }
}

/// True for what stands for no id: a broker that was updated, or is an older one, says nothing about the topic by it.
pub(super) fn is_none(incarnation: &str) -> bool {
    incarnation == "0"
}
