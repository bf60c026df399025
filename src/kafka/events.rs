//! What happens to the consumer, recorded as it comes. The callbacks of the context only put it into a list: they neither
//! block nor commit nor assign, which is the reader's to decide.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;
use serde::Deserialize;

use super::commit::Outcome;
use crate::record::TopicPartition;

/// Something that happened.
#[derive(Debug)]
pub enum ConsumerEvent {
    /// The group gives partitions; the rebalance waits until they are assigned.
    Assign(Vec<TopicPartition>),
    /// The group takes partitions back; the rebalance waits until they are unassigned.
    Revoke {
        /// The partitions.
        partitions: Vec<TopicPartition>,
        /// True if they belong to another member already.
        lost: bool,
    },
    /// What became of a commit: partition, offset, and why it was refused.
    Committed(Vec<Outcome>),
    /// Figures of the client.
    Statistics(Statistics),
    /// Whether the member of the group reaches Kafka, as of now: if it does not, why, in words for a person.
    Reach(Option<String>),
    /// An error that the client lives with.
    Error {
        /// Its short name.
        name: String,
        /// What it says.
        text: String,
    },
    /// An error that it does not live with.
    Fatal(String),
}

/// The figures that are used, of the many there are.
#[derive(Debug, Deserialize)]
pub struct Statistics {
    #[serde(default)]
    topics: HashMap<String, TopicStatistics>,
    #[serde(default)]
    brokers: HashMap<String, BrokerStatistics>,
    cgrp: Option<GroupStatistics>,
}

#[derive(Debug, Deserialize)]
struct BrokerStatistics {
    #[serde(default)]
    state: String,
}

#[derive(Debug, Deserialize)]
struct GroupStatistics {
    #[serde(default)]
    state: String,
}

#[derive(Debug, Deserialize)]
struct TopicStatistics {
    #[serde(default)]
    partitions: HashMap<String, PartitionStatistics>,
}

#[derive(Debug, Deserialize)]
struct PartitionStatistics {
    #[serde(default = "unknown")]
    ls_offset: i64,
    #[serde(default = "unknown")]
    hi_offset: i64,
}

fn unknown() -> i64 {
    -1
}

impl Statistics {
    /// Why the consumer cannot be at work, in words for a person: no broker is connected, or the group's coordinator is not found.
    pub(super) fn unreachable(&self) -> Option<String> {
        let is_up = |broker: &BrokerStatistics| matches!(&*broker.state, "UP" | "UPDATE");
        if !self.brokers.values().any(is_up) {
            return Some("no broker is connected".to_owned());
        }
        match &self.cgrp {
            Some(group) if group.state != "up" => {
                Some(format!("the group's coordinator is not reached (librdkafka: {})", group.state))
            }
            _ => None,
        }
    }

    /// Forgets all other partitions.
    pub(super) fn keep(&mut self, keep: impl Fn(&TopicPartition) -> bool) {
        for (topic, statistics) in &mut self.topics {
            let topic: Arc<str> = topic.as_str().into();
            statistics.partitions.retain(|number, _| {
                number.parse().is_ok_and(|number| keep(&TopicPartition::new(Arc::clone(&topic), number)))
            });
        }
    }

    /// The end of each partition that is known: its last stable offset, or else the log's end.
    pub fn ends(&self) -> impl Iterator<Item = (TopicPartition, i64)> {
        self.topics.iter().flat_map(|(topic, statistics)| {
            let topic: Arc<str> = topic.as_str().into();
            statistics.partitions.iter().filter_map(move |(number, partition)| {
                let number = number.parse().ok().filter(|number| *number >= 0)?;
                let end = if partition.ls_offset >= 0 { partition.ls_offset } else { partition.hi_offset };
                (end >= 0).then(|| (TopicPartition::new(Arc::clone(&topic), number), end))
            })
        })
    }
}

/// The context of the consumer: a list of what happened.
#[derive(Debug, Default)]
pub(super) struct Events(Mutex<Vec<ConsumerEvent>>);

impl Events {
    pub(super) fn take(&self) -> Vec<ConsumerEvent> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn push(&self, event: ConsumerEvent) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// Records an error in the way that its kind asks for.
    pub(super) fn push_error(&self, error: &KafkaError, text: String) {
        let name = error.rdkafka_error_code().map_or_else(|| "Other".to_owned(), |code| format!("{code:?}"));
        match error {
            KafkaError::MessageConsumptionFatal(_) => self.push(ConsumerEvent::Fatal(text)),
            _ if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) => self.push(ConsumerEvent::Fatal(text)),
            _ => self.push(ConsumerEvent::Error { name, text }),
        }
    }
}

impl ClientContext for Events {
    fn stats_raw(&self, statistics: &[u8]) {
        match serde_json::from_slice(statistics) {
            Ok(statistics) => self.push(ConsumerEvent::Statistics(statistics)),
            Err(error) => tracing::debug!(%error, "statistics that cannot be read"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.push_error(&error, reason.to_owned());
    }

    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, text: &str) {
        log(level, facility, text);
    }
}

/// Passes a line of librdkafka's own log on; its errors come as events as well, so they are no more than information.
pub(super) fn log(level: rdkafka::config::RDKafkaLogLevel, facility: &str, text: &str) {
    use rdkafka::config::RDKafkaLogLevel::{Alert, Critical, Debug, Emerg, Error, Info, Notice, Warning};
    match level {
        Emerg | Alert | Critical => tracing::warn!(target: "librdkafka", facility, "{text}"),
        Error | Warning | Notice | Info | Debug => tracing::debug!(target: "librdkafka", facility, "{text}"),
    }
}

impl ConsumerContext for Events {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions =
            list.elements().iter().map(|each| TopicPartition::new(each.topic(), each.partition())).collect();
        let event = match error {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => ConsumerEvent::Assign(partitions),
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                ConsumerEvent::Revoke { partitions, lost: consumer.assignment_lost() }
            }
            // The client passes on these two only; a third would leave the group waiting for ever.
            other => ConsumerEvent::Fatal(format!("an unknown event of a rebalance: {other:?}")),
        };
        self.push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafka_is_reached_by_a_broker_that_is_up_and_the_group_s_coordinator() {
        let unreachable = |text: &str| serde_json::from_str::<Statistics>(text).unwrap().unreachable();
        let up = r#"{"brokers":{"a":{"state":"DOWN"},"b":{"state":"UP"}},"cgrp":{"state":"up"}}"#;
        assert_eq!(unreachable(up), None);
        assert!(unreachable(r#"{"brokers":{"a":{"state":"TRY_CONNECT"}},"cgrp":{"state":"up"}}"#).is_some());
        let why = unreachable(&up.replace("\"up\"", "\"query-coord\"")).unwrap();
        assert!(why.contains("query-coord"), "{why}");
    }

    #[test]
    fn the_end_is_the_last_stable_offset_where_it_is_known() {
        let text = br#"{"name":"x","topics":{"t":{"topic":"t","partitions":{
            "0":{"ls_offset":5,"hi_offset":9},"1":{"ls_offset":-1,"hi_offset":7},
            "2":{"ls_offset":-1,"hi_offset":-1001},"-1":{"ls_offset":-1,"hi_offset":-1001}}}}}"#;
        let mut statistics: Statistics = serde_json::from_slice(text).unwrap();
        let mut ends: Vec<_> = statistics.ends().collect();
        ends.sort();
        assert_eq!(ends, [(TopicPartition::new("t", 0), 5), (TopicPartition::new("t", 1), 7)]);
        statistics.keep(|partition| partition.partition == 1);
        assert_eq!(statistics.ends().collect::<Vec<_>>(), ends[1..]);
    }
}
