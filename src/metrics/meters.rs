//! Handles that were looked up once, for what is counted with every batch.

use prometheus::{Gauge, IntCounter, IntGauge};

use super::{Metrics, remove_where};
use crate::record::{DropReason, Fate, TopicPartition};

/// A fate's name in the label `fate`.
pub fn fate_name(fate: Fate) -> &'static str {
    match fate {
        Fate::Indexed => "indexed",
        Fate::Duplicate => "duplicate",
        Fate::Dropped(_) => "dropped",
        Fate::DeadLettered(_) => "dead_lettered",
    }
}

/// The counters of one topic's records.
#[derive(Debug, Clone)]
pub struct TopicMeters {
    received: IntCounter,
    without_record: IntCounter,
    bytes: IntCounter,
    indexed: IntCounter,
    duplicate: IntCounter,
    dropped: IntCounter,
    dead_lettered: IntCounter,
    given_up: IntCounter,
    drop_reasons: [IntCounter; DropReason::ALL.len()],
}

impl TopicMeters {
    pub(super) fn new(metrics: &Metrics, topic: &str) -> Self {
        let settled = |fate| metrics.records_settled.with_label_values(&[topic, fate]);
        Self {
            received: metrics.records_received.with_label_values(&[topic]),
            without_record: metrics.offsets_without_record.with_label_values(&[topic]),
            bytes: metrics.bytes_received.clone(),
            indexed: settled("indexed"),
            duplicate: settled("duplicate"),
            dropped: settled("dropped"),
            dead_lettered: settled("dead_lettered"),
            given_up: metrics.records_given_up.with_label_values(&[topic]),
            drop_reasons: DropReason::ALL
                .map(|reason| metrics.records_dropped.with_label_values(&[topic, reason.as_str()])),
        }
    }

    /// Counts records taken from Kafka, and the bytes of their keys and values.
    pub fn received(&self, records: u64, bytes: u64) {
        self.received.inc_by(records);
        self.bytes.inc_by(bytes);
    }

    /// Counts offsets at which there was nothing to be taken.
    pub fn without_record(&self, offsets: u64) {
        self.without_record.inc_by(offsets);
    }

    /// Counts records that are settled with this fate; a drop is also counted by its reason.
    pub fn settled(&self, fate: Fate, records: u64) {
        match fate {
            Fate::Indexed => self.indexed.inc_by(records),
            Fate::Duplicate => self.duplicate.inc_by(records),
            Fate::DeadLettered(_) => self.dead_lettered.inc_by(records),
            Fate::Dropped(reason) => {
                self.dropped.inc_by(records);
                let index = DropReason::ALL.iter().position(|known| *known == reason).expect("ALL has every reason");
                self.drop_reasons[index].inc_by(records);
            }
        }
    }

    /// Counts records that were in flight when the holding that received them ended.
    pub fn given_up(&self, records: u64) {
        self.given_up.inc_by(records);
    }
}

/// The gauges of one partition that is held.
#[derive(Debug, Clone)]
pub struct PartitionMeters {
    /// Records between the committed offset and the end.
    pub lag_records: IntGauge,
    /// Age of the oldest record that is not settled, in seconds.
    pub lag_seconds: Gauge,
    /// The offset committed last.
    pub committed_offset: IntGauge,
}

impl PartitionMeters {
    pub(super) fn new(metrics: &Metrics, partition: &TopicPartition) -> Self {
        let labels = [&*partition.topic, &partition.partition.to_string()];
        Self {
            lag_records: metrics.lag_records.with_label_values(&labels),
            lag_seconds: metrics.lag_seconds.with_label_values(&labels),
            committed_offset: metrics.committed_offset.with_label_values(&labels),
        }
    }
}

/// The values of a label in the series of a family where another label has a value.
pub(super) fn label_values(
    family: &impl prometheus::core::Collector,
    (name, value): (&str, &str),
    wanted: &str,
) -> Vec<String> {
    let mut found = Vec::new();
    for collected in family.collect() {
        for series in collected.get_metric() {
            let labels = series.get_label();
            if labels.iter().any(|label| label.name() == name && label.value() == value) {
                let wanted = labels.iter().filter(|label| label.name() == wanted);
                found.extend(wanted.map(|label| label.value().to_owned()));
            }
        }
    }
    found
}

/// Removes the partition's `kelp_partition_stopped`, whatever its reasons were.
pub(super) fn remove_stopped(metrics: &Metrics, partition: &TopicPartition) {
    use prometheus::core::Collector;
    let number = partition.partition.to_string();
    for family in metrics.partition_stopped.collect() {
        for series in family.get_metric() {
            let value = |name: &str| {
                series.get_label().iter().find(|label| label.name() == name).map(|label| label.value().to_owned())
            };
            if value("topic").as_deref() == Some(&*partition.topic)
                && value("partition").as_deref() == Some(&*number)
                && let Some(reason) = value("reason")
            {
                remove_where(&metrics.partition_stopped, &[&*partition.topic, &number, &reason]);
            }
        }
    }
}
