//! What the service counts, and the handles with which it does.
//!
//! A [`Metrics`] has its own registry and is handed down; there is no global one. Every family is in the table
//! [`FAMILIES`], from which it is registered, so that the documentation can be held against the same table. Counting
//! is done a batch at a time, with handles that were looked up once ([`TopicMeters`], [`PartitionMeters`]).

mod families;
mod held;
mod meters;
mod processors;
#[cfg(test)]
mod tests;

pub use families::{FAMILIES, Family, Kind};
pub use held::HeldLanes;
pub use meters::{PartitionMeters, TopicMeters, fate_name};

use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::{
    CounterVec, Encoder, GaugeVec, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder,
};

use crate::dead_letter::Letter;
use crate::pipeline::{Counts, Pipeline};
use crate::record::TopicPartition;
use families::Registration;
use processors::Watched;

/// All families of the service. A field is its family without the prefix `kelp_` (and `_total`).
#[derive(Debug)]
#[expect(missing_docs, reason = "the help texts in `FAMILIES` are the documentation of each field")]
pub struct Metrics {
    registry: Registry,
    pub records_received: IntCounterVec,
    pub records_settled: IntCounterVec,
    pub records_dropped: IntCounterVec,
    pub records_given_up: IntCounterVec,
    pub documents_indexed: IntCounter,
    pub documents_duplicate: IntCounter,
    pub documents_dead_lettered: IntCounterVec,
    pub bytes_received: IntCounter,
    pub bulk_bytes: IntCounter,
    pub bulk_concurrency: IntGauge,
    pub bulk_requests_in_flight: IntGauge,
    pub bulk_requests: IntCounterVec,
    pub bulk_duration_seconds: Histogram,
    pub bulk_items: IntCounterVec,
    pub bulk_retries: IntCounterVec,
    pub in_flight_records: IntGauge,
    pub in_flight_bytes: IntGauge,
    pub in_flight_limit_bytes: IntGauge,
    pub memory_limit_bytes: IntGauge,
    pub lag_records: IntGaugeVec,
    pub lag_seconds: GaugeVec,
    pub catch_up_seconds: GaugeVec,
    pub committed_offset: IntGaugeVec,
    pub rebalances: IntCounterVec,
    pub partitions_held: IntGauge,
    pub worker_partitions: IntGaugeVec,
    pub threads: IntGauge,
    pub lanes: IntGaugeVec,
    pub lanes_held: IntGaugeVec,
    pub dead_letters_waiting: IntGauge,
    pub commits: IntCounterVec,
    pub kafka_errors: IntCounterVec,
    pub pipeline_failures: IntCounterVec,
    /// `kelp_grok_timeouts_total`.
    pub grok_timeouts: IntCounterVec,
    pub partition_stopped: IntGaugeVec,
    pub offsets_skipped: IntCounterVec,
    pub offsets_without_record: IntCounterVec,
    pub partition_starts: IntCounterVec,
    pub processor_runs: IntCounterVec,
    pub processor_failures: IntCounterVec,
    pub processor_seconds: CounterVec,
    pub pipeline_info: IntGaugeVec,
    pub condition_met: IntGaugeVec,
    build_info: IntGaugeVec,
    watched: Watched,
    pub endpoint_up: IntGaugeVec,
    pub partitions_reloading: IntGauge,
    pub reloads: IntCounterVec,
    pub reload_refused: IntGauge,
}

impl Metrics {
    /// Registers every family of the table in a registry of its own.
    pub fn new() -> Self {
        let mut families = Registration::new();
        let metrics = Self {
            records_received: families.counters("kelp_records_received_total"),
            records_settled: families.counters("kelp_records_settled_total"),
            records_dropped: families.counters("kelp_records_dropped_total"),
            records_given_up: families.counters("kelp_records_given_up_total"),
            documents_indexed: families.counter("kelp_documents_indexed_total"),
            documents_duplicate: families.counter("kelp_documents_duplicate_total"),
            documents_dead_lettered: families.counters("kelp_documents_dead_lettered_total"),
            bytes_received: families.counter("kelp_bytes_received_total"),
            bulk_bytes: families.counter("kelp_bulk_bytes_total"),
            bulk_concurrency: families.gauge("kelp_bulk_concurrency"),
            bulk_requests_in_flight: families.gauge("kelp_bulk_requests_in_flight"),
            bulk_requests: families.counters("kelp_bulk_requests_total"),
            bulk_duration_seconds: families.histogram("kelp_bulk_duration_seconds"),
            bulk_items: families.counters("kelp_bulk_items_total"),
            bulk_retries: families.counters("kelp_bulk_retries_total"),
            in_flight_records: families.gauge("kelp_in_flight_records"),
            in_flight_bytes: families.gauge("kelp_in_flight_bytes"),
            in_flight_limit_bytes: families.gauge("kelp_in_flight_limit_bytes"),
            memory_limit_bytes: families.gauge("kelp_memory_limit_bytes"),
            lag_records: families.gauges("kelp_lag_records"),
            lag_seconds: families.float_gauges("kelp_lag_seconds"),
            catch_up_seconds: families.float_gauges("kelp_catch_up_seconds"),
            committed_offset: families.gauges("kelp_committed_offset"),
            rebalances: families.counters("kelp_rebalances_total"),
            partitions_held: families.gauge("kelp_partitions_held"),
            worker_partitions: families.gauges("kelp_worker_partitions"),
            threads: families.gauge("kelp_threads"),
            lanes: families.gauges("kelp_lanes"),
            lanes_held: families.gauges("kelp_lanes_held"),
            dead_letters_waiting: families.gauge("kelp_dead_letters_waiting"),
            commits: families.counters("kelp_commits_total"),
            kafka_errors: families.counters("kelp_kafka_errors_total"),
            pipeline_failures: families.counters("kelp_pipeline_failures_total"),
            grok_timeouts: families.counters("kelp_grok_timeouts_total"),
            partition_stopped: families.gauges("kelp_partition_stopped"),
            endpoint_up: families.gauges("kelp_endpoint_up"),
            offsets_skipped: families.counters("kelp_offsets_skipped_total"),
            offsets_without_record: families.counters("kelp_offsets_without_record_total"),
            partition_starts: families.counters("kelp_partition_starts_total"),
            processor_runs: families.counters("kelp_processor_runs_total"),
            processor_failures: families.counters("kelp_processor_failures_total"),
            processor_seconds: families.float_counters("kelp_processor_seconds_total"),
            pipeline_info: families.gauges("kelp_pipeline_info"),
            condition_met: families.gauges("kelp_condition_met"),
            build_info: families.gauges("kelp_build_info"),
            watched: Watched::default(),
            partitions_reloading: families.gauge("kelp_partitions_reloading"),
            reloads: families.counters("kelp_reloads_total"),
            reload_refused: families.gauge("kelp_reload_refused"),
            registry: families.registry(),
        };
        families.finish();
        metrics
    }

    /// Says what the program was built from. The revision is that of `KELP_REVISION` while it was compiled.
    pub fn built_with(&self, librdkafka: &str) {
        let revision = option_env!("KELP_REVISION").filter(|revision| !revision.is_empty()).unwrap_or("unknown");
        self.build_info.with_label_values(&[env!("CARGO_PKG_VERSION"), revision, librdkafka]).set(1);
    }

    /// Says which version of a pipeline is in force.
    pub fn pipeline_in_force(&self, name: &str, version: &str) {
        for other in meters::label_values(&self.pipeline_info, ("pipeline", name), "version") {
            remove_where(&self.pipeline_info, &[name, &other]);
        }
        self.pipeline_info.with_label_values(&[name, version]).set(1);
    }

    /// Shows from now on what a thread's processors do.
    pub fn watch(&self, pipeline: &Pipeline, counts: Arc<Counts>) {
        self.watched.add(pipeline, counts);
    }

    /// Counts a delivered dead letter.
    pub fn dead_lettered(&self, letter: &Letter) {
        self.documents_dead_lettered.with_label_values(&[letter.stage().as_str(), letter.reason_label()]).inc();
    }

    /// The handles of one topic, looked up once.
    pub fn topic(&self, topic: &str) -> TopicMeters {
        TopicMeters::new(self, topic)
    }

    /// The handles of one partition, looked up once; to be dropped before [`Metrics::forget_partition`].
    pub fn partition(&self, partition: &TopicPartition) -> PartitionMeters {
        PartitionMeters::new(self, partition)
    }

    /// Marks a partition as stopped, or not, for a reason.
    pub fn set_partition_stopped(&self, partition: &TopicPartition, reason: &str, stopped: bool) {
        let labels = [&*partition.topic, &partition.partition.to_string(), reason];
        if stopped {
            self.partition_stopped.with_label_values(&labels).set(1);
        } else {
            remove_where(&self.partition_stopped, &labels);
        }
    }

    /// Removes every series of a partition that was given back, so that it is not shown by two processes.
    pub fn forget_partition(&self, partition: &TopicPartition) {
        let labels = [&*partition.topic, &partition.partition.to_string()];
        remove_where(&self.lag_records, &labels);
        remove_where(&self.lag_seconds, &labels);
        remove_where(&self.committed_offset, &labels);
        meters::remove_stopped(self, partition);
    }

    /// Removes what is shown of a topic as long as some of its partitions are held.
    pub fn forget_topic(&self, topic: &str) {
        remove_where(&self.catch_up_seconds, &[topic]);
    }

    /// How many records were received, and how many of them are settled with this fate.
    pub fn records(&self, fate: Option<&str>) -> u64 {
        let families = match fate {
            None => self.records_received.collect(),
            Some(_) => self.records_settled.collect(),
        };
        let counts = families.iter().flat_map(prometheus::proto::MetricFamily::get_metric);
        let wanted = counts.filter(|metric| {
            fate.is_none_or(|fate| {
                metric.get_label().iter().any(|label| label.name() == "fate" && label.value() == fate)
            })
        });
        wanted.map(|metric| metric.get_counter().get_value() as u64).sum()
    }

    /// How many records are settled, with whatever fate.
    pub fn settled(&self) -> u64 {
        let families = self.records_settled.collect();
        let counts = families.iter().flat_map(prometheus::proto::MetricFamily::get_metric);
        counts.map(|metric| metric.get_counter().get_value() as u64).sum()
    }

    /// Everything in the text format of Prometheus.
    ///
    /// # Errors
    /// Only where a family contradicts the format, which would be a fault of this program.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        self.watched.show(self);
        let mut text = Vec::with_capacity(16 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Removes one series; that there is none is what was wanted.
fn remove_where<B: prometheus::core::MetricVecBuilder>(family: &prometheus::core::MetricVec<B>, labels: &[&str]) {
    if let Err(error) = family.remove_label_values(labels) {
        tracing::trace!(?labels, %error, "no series to remove");
    }
}
