//! What is committed, as Kafka tells it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use kelp::promise;
use kelp::record::TopicPartition;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::lab::oracle::Commit;
use crate::lab::{Result, kafka};

/// The commits as they were read last.
#[derive(Default)]
struct Seen {
    last: HashMap<TopicPartition, (i64, String)>,
    gone_back: Vec<String>,
}

impl Seen {
    fn see(&mut self, commit: &Commit) {
        let partition = TopicPartition::new(&*commit.topic, commit.partition);
        let now = (commit.offset as i64, commit.metadata.clone());
        if let Some((offset, metadata)) = self.last.insert(partition.clone(), now.clone())
            && let Err(why) = promise::goes_up(&partition, (offset, &metadata), (now.0, &now.1), i64::MAX)
        {
            self.gone_back.push(why);
        }
    }
}

/// Asks for the commits of a group that it is no member of.
pub struct Commits {
    consumer: BaseConsumer,
    seen: RefCell<Seen>,
    topics: Vec<String>,
    partitions: i32,
}

impl Commits {
    /// Of these topics, each of so many partitions.
    pub fn new(bootstrap: &str, group: &str, topics: &[String], partitions: i32) -> Result<Self> {
        let mut config = kafka::client(bootstrap);
        config.set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg);
        let consumer = config.set("group.id", group).create()?;
        Ok(Self { consumer, seen: RefCell::default(), topics: topics.to_vec(), partitions })
    }

    /// The commits that have gone back since this was asked last, in words.
    pub fn gone_back(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.borrow_mut().gone_back)
    }

    /// All commits that there are.
    ///
    /// # Errors
    /// The broker does not answer in 5 s.
    pub fn read(&self) -> Result<Vec<Commit>> {
        let mut list = TopicPartitionList::new();
        for topic in &self.topics {
            list.add_partition_range(topic, 0, self.partitions - 1);
        }
        let told = self.consumer.committed_offsets(list, Duration::from_secs(5))?;
        let commit = |element: rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            let rdkafka::Offset::Offset(offset) = element.offset() else { return None };
            Some(Commit {
                topic: element.topic().to_owned(),
                partition: element.partition(),
                offset: u64::try_from(offset).ok()?,
                metadata: element.metadata().to_owned(),
            })
        };
        let commits: Vec<Commit> = told.elements().into_iter().filter_map(commit).collect();
        commits.iter().for_each(|commit| self.seen.borrow_mut().see(commit));
        Ok(commits)
    }

    /// The end of each partition of a topic, below which all transactions are over.
    ///
    /// # Errors
    /// The broker does not answer in 10 s.
    pub fn ends(&self, topic: &str) -> Result<Vec<u64>> {
        let end = |partition| {
            let (_, end) = self.consumer.fetch_watermarks(topic, partition, Duration::from_secs(10))?;
            Ok(u64::try_from(end)?)
        };
        (0..self.partitions).map(end).collect()
    }
}
