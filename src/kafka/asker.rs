//! What the broker knows about partitions and topics, asked by way of the consumer and from any thread. librdkafka's
//! clients may be used by many threads at once; these requests touch neither the consumer's queues nor its assignment.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::describe::{self, Described};
use super::events::Events;
use crate::record::TopicPartition;

/// A way to ask that does not keep the consumer alive.
pub struct Asker(Weak<BaseConsumer<Events>>);

/// The consumer, kept while one thing is asked.
pub struct Asking {
    consumer: Arc<BaseConsumer<Events>>,
}

impl Asker {
    pub(super) fn new(consumer: &Arc<BaseConsumer<Events>>) -> Self {
        Self(Arc::downgrade(consumer))
    }

    /// Begins to ask; `None` if the consumer is gone.
    pub fn begin(&self) -> Option<Asking> {
        self.0.upgrade().map(|consumer| Asking { consumer })
    }
}

impl Asking {
    /// The group's commits, with their metadata; partitions without one are left out.
    ///
    /// # Errors
    /// In words for a person; also if any of the partitions fails.
    pub fn committed(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<HashMap<TopicPartition, (i64, String)>, String> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(&partition.topic, partition.partition);
        }
        let list = self.consumer.committed_offsets(list, timeout).map_err(|error| error.to_string())?;
        let mut committed = HashMap::new();
        for each in list.elements() {
            let partition = TopicPartition::new(each.topic(), each.partition());
            each.error().map_err(|error| format!("the commit of {partition}: {error}"))?;
            if let Offset::Offset(offset) = each.offset() {
                committed.insert(partition, (offset, each.metadata().to_owned()));
            }
        }
        Ok(committed)
    }

    /// The first offset of a partition and its end, up to the last stable offset.
    ///
    /// # Errors
    /// In words for a person.
    pub fn bounds(&self, partition: &TopicPartition, timeout: Duration) -> Result<(i64, i64), String> {
        self.consumer
            .fetch_watermarks(&partition.topic, partition.partition, timeout)
            .map_err(|error| format!("the offsets of {partition}: {error}"))
    }

    /// The ids of topics, and which of their partitions have no leader. Topics that are not there are left out.
    ///
    /// # Errors
    /// In words for a person.
    #[allow(unsafe_code)]
    pub fn topics(&self, topics: &[&str], timeout: Duration) -> Result<HashMap<String, Described>, String> {
        // SAFETY: the client lives as long as `self`, which is borrowed until the call returns.
        unsafe { describe::topics(self.consumer.client().native_ptr(), topics, timeout) }
    }
}
