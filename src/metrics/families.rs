//! The table of metric families: the one place that says names, kinds, labels and help.

use std::collections::BTreeSet;

use prometheus::core::Collector;
use prometheus::{
    CounterVec, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// What a family's numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// One metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// The name as scraped.
    pub name: &'static str,
    /// What its numbers mean.
    pub kind: Kind,
    /// The names of its labels, in order.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels, help }
}

const PARTITION: &[&str] = &["topic", "partition"];
const PROCESSOR: &[&str] = &["pipeline", "processor", "type", "tag"];

/// Every family of the service. The process's own (`process_*`, on Linux) come from the `prometheus` crate.
pub const FAMILIES: &[Family] = &[
    counter("kelp_records_received_total", &["topic"], "Records taken from Kafka"),
    counter(
        "kelp_records_settled_total",
        &["topic", "fate"],
        "Records settled, by fate: indexed, duplicate, dropped, dead_lettered",
    ),
    counter("kelp_records_dropped_total", &["topic", "reason"], "Records dropped by a rule, by reason"),
    counter(
        "kelp_records_given_up_total",
        &["topic"],
        "Records that were not settled when their partition was given back or read anew: whoever has it next reads them",
    ),
    counter("kelp_documents_indexed_total", &[], "Documents written to Elasticsearch"),
    counter("kelp_documents_duplicate_total", &[], "Documents verified to have been there before"),
    counter(
        "kelp_documents_dead_lettered_total",
        &["stage", "reason"],
        "Documents, or records without any, delivered to the dead letters, by the stage that rejected them and why",
    ),
    counter("kelp_bytes_received_total", &[], "Bytes of keys and values taken from Kafka"),
    counter("kelp_bulk_bytes_total", &[], "Bytes of bulk bodies sent to Elasticsearch, retries included"),
    gauge("kelp_bulk_concurrency", &[], "Bulk requests that may be under way at once"),
    gauge("kelp_bulk_requests_in_flight", &[], "Bulk requests under way"),
    counter("kelp_bulk_requests_total", &["outcome"], "Bulk requests answered or failed, by outcome"),
    Family {
        name: "kelp_bulk_duration_seconds",
        kind: Kind::Histogram,
        labels: &[],
        help: "Time from sending a bulk request to the end of its answer",
    },
    gauge(
        "kelp_endpoint_up",
        &["endpoint"],
        "1 for each endpoint of Elasticsearch that answers, 0 for one that is left out, or the only one, for a fault",
    ),
    counter("kelp_bulk_items_total", &["class"], "Items of bulk answers, by class"),
    counter("kelp_bulk_retries_total", &["reason"], "Items sent again, by reason"),
    gauge("kelp_in_flight_records", &[], "Records received and not yet settled"),
    gauge("kelp_in_flight_bytes", &[], "Bytes in use for records, documents and requests"),
    gauge("kelp_in_flight_limit_bytes", &[], "The share of the memory limit for records, documents and requests"),
    gauge("kelp_memory_limit_bytes", &[], "The memory limit for queues, batches and requests"),
    gauge("kelp_lag_records", PARTITION, "Records between the committed offset and the end of the partition"),
    gauge("kelp_lag_seconds", PARTITION, "Age of the oldest record that is not yet settled"),
    gauge(
        "kelp_catch_up_seconds",
        &["topic"],
        "Estimated time until the lag of the partitions held is gone; infinite while it does not shrink",
    ),
    gauge("kelp_committed_offset", PARTITION, "The offset committed last: the next one to be settled"),
    counter("kelp_rebalances_total", &["kind"], "Rebalances of the group seen here, by kind: assign, revoke, lost"),
    gauge("kelp_partitions_held", &[], "Partitions that this process holds"),
    gauge("kelp_worker_partitions", &["worker"], "Partitions of each worker; 0 is an idle thread"),
    gauge("kelp_threads", &[], "Worker threads"),
    gauge("kelp_lanes", &["state"], "Lanes, each the requests of one index, by state"),
    gauge("kelp_lanes_held", &["index", "reason"], "1 for each lane that is held up, with the reason"),
    gauge("kelp_dead_letters_waiting", &[], "Dead letters that Kafka has not acknowledged yet"),
    counter("kelp_commits_total", &["result"], "Offset commits, by result"),
    counter("kelp_kafka_errors_total", &["kind"], "Errors that the Kafka client reported, by kind"),
    counter(
        "kelp_pipeline_failures_total",
        &["pipeline"],
        "Events that the codec or a processor failed on, without on_failure; they are indexed as they came, tagged",
    ),
    counter(
        "kelp_grok_timeouts_total",
        &["pipeline"],
        "Times that a grok pattern used up its budget on a text, which is a failure of its processor; the log says which and on what record",
    ),
    gauge(
        "kelp_partition_stopped",
        &["topic", "partition", "reason"],
        "1 for each partition that is not read on, with the reason",
    ),
    counter(
        "kelp_offsets_skipped_total",
        &["topic"],
        "Offsets that retention took before they were read, passed over as kafka.out_of_range says",
    ),
    counter(
        "kelp_offsets_without_record_total",
        &["topic"],
        "Offsets at which no record came: compacted away, aborted, or the markers of transactions",
    ),
    counter(
        "kelp_partition_starts_total",
        &["topic", "reason"],
        "Partitions that were begun, by why they were begun where they were",
    ),
    counter("kelp_processor_runs_total", PROCESSOR, "How often each processor ran"),
    counter("kelp_processor_failures_total", PROCESSOR, "How often each processor failed, ignored or handled or not"),
    counter("kelp_processor_seconds_total", PROCESSOR, "Time in each processor, estimated from one document in 61"),
    gauge("kelp_pipeline_info", &["pipeline", "version"], "1 for each pipeline, with the version in force"),
    gauge("kelp_condition_met", &["condition"], "Whether each condition of /readyz holds, 1 or 0"),
    gauge(
        "kelp_partitions_reloading",
        &[],
        "Partitions that settle what an older version of their pipeline has read before the new one reads on",
    ),
    counter("kelp_reloads_total", &["result"], "Times that changed pipelines were loaded, by result: ok, refused"),
    gauge("kelp_reload_refused", &[], "1 while the pipeline files have changed and are not in force"),
    gauge("kelp_build_info", &["version", "revision", "librdkafka"], "1, with what the program was built from"),
];

/// Upper bounds of the bulk latency histogram, in seconds.
const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Registers families out of the table, each once.
pub(super) struct Registration {
    registry: Registry,
    left: BTreeSet<&'static str>,
}

impl Registration {
    pub(super) fn new() -> Self {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        register(&registry, prometheus::process_collector::ProcessCollector::for_self());
        Self { registry, left: FAMILIES.iter().map(|family| family.name).collect() }
    }

    pub(super) fn registry(&self) -> Registry {
        self.registry.clone()
    }

    pub(super) fn counter(&mut self, name: &str) -> IntCounter {
        self.add(name, Kind::Counter, false, |opts, _| IntCounter::with_opts(opts))
    }

    pub(super) fn counters(&mut self, name: &str) -> IntCounterVec {
        self.add(name, Kind::Counter, true, IntCounterVec::new)
    }

    pub(super) fn gauge(&mut self, name: &str) -> IntGauge {
        self.add(name, Kind::Gauge, false, |opts, _| IntGauge::with_opts(opts))
    }

    pub(super) fn gauges(&mut self, name: &str) -> IntGaugeVec {
        self.add(name, Kind::Gauge, true, IntGaugeVec::new)
    }

    pub(super) fn float_gauges(&mut self, name: &str) -> GaugeVec {
        self.add(name, Kind::Gauge, true, GaugeVec::new)
    }

    pub(super) fn float_counters(&mut self, name: &str) -> CounterVec {
        self.add(name, Kind::Counter, true, CounterVec::new)
    }

    pub(super) fn histogram(&mut self, name: &str) -> Histogram {
        self.add(name, Kind::Histogram, false, |opts, _| {
            Histogram::with_opts(HistogramOpts::from(opts).buckets(SECONDS.to_vec()))
        })
    }

    /// Every family of the table must have been registered by now.
    pub(super) fn finish(self) {
        assert!(self.left.is_empty(), "families in the table that nothing registers: {:?}", self.left);
    }

    fn add<C: Collector + Clone + 'static>(
        &mut self,
        name: &str,
        kind: Kind,
        labelled: bool,
        make: impl FnOnce(Opts, &[&str]) -> prometheus::Result<C>,
    ) -> C {
        let family = FAMILIES.iter().find(|family| family.name == name).expect("the family is in the table");
        assert!(self.left.remove(family.name), "{name} is registered twice");
        assert_eq!((family.kind, !family.labels.is_empty()), (kind, labelled), "{name} is not what the table says");
        let collector = make(Opts::new(family.name, family.help), family.labels).expect("the table holds valid names");
        register(&self.registry, collector.clone());
        collector
    }
}

fn register(registry: &Registry, collector: impl Collector + 'static) {
    registry.register(Box::new(collector)).expect("no two families of the table have the same name");
}
