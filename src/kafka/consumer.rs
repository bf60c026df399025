//! The consumer, owned by one thread. Partitions have queues of their own, made before they are assigned and destroyed
//! before they are given back.
//!
//! One client is the member of the group: it joins, commits and leaves. It fetches as well, but for partitions of topics that
//! were made again since it first read them, and for those that began anew while they were held: these are fetched by [`Aside`].

mod closing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::aside::{Aside, Fetcher};
use super::asker::Asker;
use super::batch::{PartitionQueue, Taken};
use super::commit::Commits;
use super::credentials::{self, Credentials};
use super::events::{ConsumerEvent, Events};
use super::settings::{self, KafkaSettings};
use crate::record::{RecordBatch, TopicPartition};

const OUT_OF_STEP: &str = "the client joined the group anew in the middle of a rebalance, because a topic came or went, and would take no part in \
                           the next one; started again, it does";

/// The consumer of the process.
pub struct Consumer {
    queues: HashMap<TopicPartition, PartitionQueue>,
    /// What the member of the group fetched, and does no more, though it is assigned to it yet.
    left: HashMap<TopicPartition, PartitionQueue>,
    aside: Aside,
    commits: Commits,
    /// What the member of the group may fetch.
    own: Fetcher,
    consumer: Arc<BaseConsumer<Events>>,
    /// It has a place of its own in the group (`group.instance.id`).
    is_static: bool,
    /// Since the group took partitions back, nothing was given back.
    revoking: bool,
    /// The group's coordinator deals the partitions itself (KIP-848).
    is_dealt: bool,
}

impl Consumer {
    /// Makes the consumer; it connects by itself.
    ///
    /// # Errors
    /// librdkafka refuses the configuration.
    pub fn new(settings: &KafkaSettings) -> KafkaResult<Self> {
        let config = settings::consumer(settings);
        let consumer = BaseConsumer::from_config_and_context(&config, Events::default())?;
        let consumer = Arc::new(consumer);
        let is_static = config.get("group.instance.id").is_some_and(|id| !id.is_empty());
        let (own, aside) = (Fetcher::new(Arc::clone(&consumer)), Aside::new(settings.clone()));
        let is_dealt = config.get("group.protocol").is_some_and(|protocol| protocol.eq_ignore_ascii_case("consumer"));
        let commits = Commits::new(&consumer);
        let (queues, left) = (HashMap::new(), HashMap::new());
        Ok(Self { queues, left, aside, commits, own, consumer, is_static, revoking: false, is_dealt })
    }

    /// What other threads may ask the broker by.
    pub fn asker(&self) -> Asker {
        Asker::new(&self.consumer)
    }

    /// A way to change user and password of all clients, also of those that are made later.
    pub fn credentials(&self) -> Credentials {
        let (consumer, aside) = (Arc::downgrade(&self.consumer), self.aside.known());
        Credentials::new(move |user, password| {
            let own = consumer.upgrade().map_or(Ok(()), |own| credentials::set_for(&own, user, password));
            own.and(aside.set(user, password))
        })
    }

    /// Joins the group for these topics, and for no others any more.
    ///
    /// # Errors
    /// A name that cannot be one of a topic.
    pub fn subscribe(&self, topics: &[&str]) -> KafkaResult<()> {
        self.consumer.subscribe(topics)
    }

    /// Serves the main queue, waiting for up to `timeout` if there is nothing, and gives what happened.
    pub fn poll(&mut self, timeout: Duration) -> Vec<ConsumerEvent> {
        let mut happened = self.serve(&self.consumer, timeout);
        happened.extend(self.aside.clients().flat_map(|client| self.serve(client, Duration::ZERO)));
        happened.extend(std::iter::from_fn(|| self.commits.result()));
        if self.is_out_of_step(&happened) {
            happened.push(ConsumerEvent::Fatal(OUT_OF_STEP.to_owned()));
        }
        happened
    }

    /// True while the group waits for partitions to be given back.
    #[cfg(test)]
    pub(super) fn is_revoking(&self) -> bool {
        self.revoking
    }

    /// True if the group gives partitions while it waits for others to be given back. Where librdkafka sees a topic come or go
    /// meanwhile, it joins anew at once, and forgets that it is in the middle of a rebalance (`rd_kafka_cgrp_metadata_update_check`
    /// looks at no state): it then takes every later rebalance for one that is under way already, and takes no part in it.
    fn is_out_of_step(&mut self, happened: &[ConsumerEvent]) -> bool {
        let mut is_out = false;
        for event in happened {
            match event {
                ConsumerEvent::Revoke { .. } => self.revoking = true,
                ConsumerEvent::Assign(_) => is_out |= self.revoking && !self.is_dealt,
                _ => {}
            }
        }
        is_out
    }

    fn serve(&self, client: &Arc<BaseConsumer<Events>>, timeout: Duration) -> Vec<ConsumerEvent> {
        let events = client.context();
        match client.poll(timeout) {
            None => {}
            Some(Err(error)) => events.push_error(&error, error.to_string()),
            // Every partition has a queue of its own before it is assigned. A record here would be out of order.
            Some(Ok(_)) => events.push(ConsumerEvent::Fatal("a record came through the main queue".to_owned())),
        }
        let mut happened = events.take();
        if Arc::ptr_eq(client, &self.consumer) {
            let reach = happened.iter().filter_map(|event| match event {
                ConsumerEvent::Statistics(statistics) => Some(ConsumerEvent::Reach(statistics.unreachable())),
                _ => None,
            });
            let reach: Vec<_> = reach.collect();
            happened.extend(reach);
        }
        for event in &mut happened {
            if let ConsumerEvent::Statistics(statistics) = event {
                // What a client says of partitions that it does not fetch is old.
                let fetches = |queue: &PartitionQueue| Arc::ptr_eq(queue.client(), client);
                statistics.keep(|partition| self.queues.get(partition).is_some_and(fetches));
            }
        }
        happened
    }

    /// Serves an assignment: each partition with its next offset and its topic's incarnation. An empty list serves an empty
    /// assignment.
    ///
    /// # Errors
    /// librdkafka refuses; then none is assigned.
    pub fn assign(&mut self, partitions: &[(TopicPartition, i64, Arc<str>)]) -> KafkaResult<()> {
        let mut own = TopicPartitionList::with_capacity(partitions.len());
        for (partition, offset, incarnation) in partitions {
            if self.own.may_fetch(&partition.topic, incarnation) {
                own.add_partition_offset(&partition.topic, partition.partition, Offset::Offset(*offset))?;
                self.split(partition, &Arc::clone(&self.consumer))?;
                continue;
            }
            self.fetch_aside(partition, *offset, incarnation)?;
        }
        self.consumer.incremental_assign(&own)
    }

    fn fetch_aside(&mut self, partition: &TopicPartition, offset: i64, incarnation: &Arc<str>) -> KafkaResult<()> {
        let client = self.aside.client_for(&partition.topic, incarnation)?;
        self.split(partition, &client)?;
        client.incremental_assign(&list(partition, offset)?)
    }

    /// Reads partitions on elsewhere than where they were, without a word to the group. librdkafka takes whatever is given back for
    /// the answer to a rebalance that waits for one, even if that has not been heard of here; so the member of the group keeps what is
    /// assigned to it, fetches no more of it, and a client beside it does.
    ///
    /// # Errors
    /// librdkafka refuses.
    pub fn restart(&mut self, partitions: &[(TopicPartition, i64, Arc<str>)]) -> KafkaResult<()> {
        for (partition, offset, incarnation) in partitions {
            if let Some(queue) = self.queues.remove(partition) {
                if Arc::ptr_eq(queue.client(), &self.consumer) {
                    self.consumer.pause(&list(partition, 0)?)?;
                    self.left.insert(partition.clone(), queue);
                } else {
                    give_back_aside(partition, queue);
                }
            }
            self.fetch_aside(partition, *offset, incarnation)?;
        }
        self.close_unused();
        Ok(())
    }

    fn close_unused(&mut self) {
        let queues = &self.queues;
        self.aside.keep(|client| queues.values().any(|queue| Arc::ptr_eq(queue.client(), client)));
    }

    fn split(&mut self, partition: &TopicPartition, client: &Arc<BaseConsumer<Events>>) -> KafkaResult<()> {
        let queue = PartitionQueue::split(client, partition)
            .ok_or_else(|| KafkaError::Subscription(format!("no queue for {partition}")))?;
        self.queues.insert(partition.clone(), queue);
        Ok(())
    }

    /// Serves a revoke: gives partitions back.
    ///
    /// # Errors
    /// librdkafka refuses; the partitions are not read any more all the same.
    pub fn unassign(&mut self, partitions: &[TopicPartition]) -> KafkaResult<()> {
        self.revoking = false;
        self.commits.give_back(partitions);
        let mut own = TopicPartitionList::with_capacity(partitions.len());
        let mut paused = TopicPartitionList::new();
        let mut queues = Vec::new();
        // librdkafka refuses the whole list if one of it is not assigned, as after a topic was made again.
        for partition in partitions {
            let left = self.left.remove(partition);
            let mut is_own = left.is_some();
            if is_own {
                paused.add_partition(&partition.topic, partition.partition);
            }
            queues.extend(left);
            if let Some(queue) = self.queues.remove(partition) {
                if Arc::ptr_eq(queue.client(), &self.consumer) {
                    is_own = true;
                    queues.push(queue);
                } else {
                    give_back_aside(partition, queue);
                }
            }
            if is_own {
                own.add_partition(&partition.topic, partition.partition);
            }
        }
        self.close_unused();
        queues.iter_mut().for_each(PartitionQueue::discard);
        let given_back = self.consumer.incremental_unassign(&own);
        // A partition stays paused for the client though it is not assigned to it any more, and may be assigned again.
        if paused.count() > 0 {
            self.consumer.resume(&paused)?;
        }
        given_back
    }

    /// Copies up to `max` records of a partition that are there into the batch, without waiting.
    ///
    /// librdkafka counts the offset of an error as read, and where a rebalance pauses the partition it goes on there: the record
    /// that lies there would never come. So an error that is passed over is followed by a seek to its offset, which may wait for
    /// a second. Until one succeeds, no record is taken, and no position is given.
    pub fn take(&mut self, partition: &TopicPartition, max: usize, into: &mut RecordBatch) -> Taken {
        let Some(queue) = self.queues.get_mut(partition) else { return Taken::default() };
        let is_in_place = queue.put_back(partition);
        let taken = queue.take(max, into);
        if is_in_place {
            queue.put_back(partition);
        }
        taken
    }

    /// The next offsets that would be taken, where they are known.
    pub fn positions(&self) -> Vec<(TopicPartition, i64)> {
        let clients = std::iter::once(&self.consumer).chain(self.aside.clients());
        let of = |client| {
            let told = positions(client).into_iter();
            told.filter(|(partition, _)| {
                let queue = self.queues.get(partition);
                queue.is_some_and(|queue| queue.is_in_place() && Arc::ptr_eq(queue.client(), client))
            })
        };
        clients.flat_map(of).collect()
    }

    /// Commits next offsets with their metadata; the result comes as an event.
    ///
    /// # Errors
    /// Nothing was sent.
    pub fn commit(&mut self, entries: Vec<(TopicPartition, i64, String)>) -> Result<(), String> {
        self.commits.send(entries)
    }
}

fn give_back_aside(partition: &TopicPartition, mut queue: PartitionQueue) {
    let client = Arc::clone(queue.client());
    queue.discard();
    drop(queue);
    if let Err(error) = list(partition, 0).and_then(|list| client.incremental_unassign(&list)) {
        tracing::debug!(%error, %partition, "a partition that is fetched aside could not be given back");
    }
}

fn list(partition: &TopicPartition, offset: i64) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition_offset(&partition.topic, partition.partition, Offset::Offset(offset))?;
    Ok(list)
}

/// The next offsets of what a client fetches, where they are known.
fn positions(client: &Arc<BaseConsumer<Events>>) -> Vec<(TopicPartition, i64)> {
    let list = match client.position() {
        Ok(list) => list,
        Err(error) => {
            tracing::debug!(%error, "no positions");
            return Vec::new();
        }
    };
    let known = list.elements().into_iter().filter_map(|each| match each.offset() {
        Offset::Offset(offset) => Some((TopicPartition::new(each.topic(), each.partition()), offset)),
        Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
    });
    known.collect()
}

#[cfg(test)]
mod credentials_tests;
