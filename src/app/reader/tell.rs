//! What the core notices, told to the operator: in the log, as a metric, in `/readyz`.

use super::ReaderLoop;
use crate::admin::Condition;
use crate::reader::{Notice, OutOfRange};
use crate::record::TopicPartition;
use crate::telemetry::Tell;

impl ReaderLoop {
    pub(super) fn tell(&self, notice: Notice) {
        match notice {
            Notice::NotResolved(why) => {
                self.health.fails(Condition::Assigned, format!("the broker does not say where to read on: {why}"));
                if let Tell::Now { suppressed } = self.teller.note("not resolved") {
                    tracing::warn!(why, suppressed, "the broker does not say where to read on; asking again");
                }
            }
            Notice::TopicMadeAgain(partition) => {
                tracing::warn!(%partition, "the topic was made again since the last commit: reading it from its beginning");
            }
            Notice::OutOfRange(partition, OutOfRange::Stopped) => {
                self.metrics.set_partition_stopped(&partition, "out_of_range", true);
                tracing::error!(%partition, "retention overtook the committed offset: the partition is stopped, as records are missing; to go on at the first offset that there is, set kafka.out_of_range: beginning");
            }
            Notice::OutOfRange(partition, OutOfRange::Restarted { skipped }) => {
                let topic = &*partition.topic;
                self.metrics.offsets_skipped.with_label_values(&[topic]).inc_by(u64::try_from(skipped).unwrap_or(0));
                tracing::warn!(%partition, skipped, "retention overtook the committed offset: going on at the first offset that there is");
            }
            Notice::TopicReplaced(partition) => {
                tracing::warn!(%partition, "the topic was deleted and made again: what is in flight of the old one is settled, then the new one is read from its beginning");
            }
            Notice::NotThere(partition) => {
                if let Tell::Now { suppressed } = self.teller.note(&format!("gone {}", partition.topic)) {
                    tracing::warn!(%partition, suppressed, "the group gives a partition of a topic that is not there, or that has no leader, or whose leader does not answer; it is read once it is there");
                }
            }
            Notice::Ahead(partition) => {
                self.metrics.set_partition_stopped(&partition, "max_uncommitted", true);
                tracing::warn!(%partition, "too much is read above the last settled record (kafka.max_uncommitted): the partition waits until that is settled; see which index is held");
            }
            Notice::NotAhead(partition) => {
                self.metrics.set_partition_stopped(&partition, "max_uncommitted", false);
                tracing::info!(%partition, "the partition is read on");
            }
            Notice::Mismatch(partition, why) => {
                self.metrics.set_partition_stopped(&partition, "ledger", true);
                self.health.fails(
                    Condition::Ledger,
                    format!("{partition}: {why}; start this process again, and please report it"),
                );
                tracing::error!(%partition, why, "what is in flight is not what the ledger says: nothing more is committed for the partition; start this process again, and please report it");
            }
            Notice::Corrupt(partition) => {
                self.metrics.set_partition_stopped(&partition, "corrupt", true);
                tracing::error!(%partition, "a record cannot be read: the partition is stopped, as going on would pass the record over; look at the broker's log and disk, then start again");
            }
            Notice::CommitRefused(result) => {
                let refused = result.refused.unwrap_or_default();
                if let Tell::Now { suppressed } = self.teller.note(&format!("commit {refused}")) {
                    tracing::warn!(partition = %result.partition, offset = result.offset, refused, suppressed, "a commit was refused; the next one makes up for it");
                }
            }
            Notice::NotDrained(partition) => {
                tracing::warn!(%partition, "given back with records in flight; their next owner will find them as duplicates");
            }
            Notice::Placed(load) => {
                let idle = load.iter().filter(|partitions| **partitions == 0).count();
                for (worker, partitions) in load.iter().enumerate() {
                    self.metrics.worker_partitions.with_label_values(&[&worker.to_string()]).set(*partitions as i64);
                }
                if idle > 0 {
                    tracing::info!(threads = load.len(), idle, "there are more threads than partitions");
                }
            }
        }
    }
}

/// Partitions for the log, in short.
pub(super) fn show(partitions: &[TopicPartition]) -> String {
    let mut text = partitions.iter().take(20).map(ToString::to_string).collect::<Vec<_>>().join(" ");
    if partitions.len() > 20 {
        text.push_str(&format!(" and {} more", partitions.len() - 20));
    }
    text
}
