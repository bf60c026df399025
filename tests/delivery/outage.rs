//! Elasticsearch is gone for half a minute.

use std::time::{Duration, Instant};

use super::{LONG, Scene, count};
use crate::lab::kelp::Metrics;
use crate::lab::{servers_alone, wait_until};

const RECORDS: u64 = 14_000;
const OUTAGE: Duration = Duration::from_secs(30);

/// More data than there is memory, and an outage longer than `max.poll.interval.ms`: the group keeps this member, memory stays
/// within its limit, and it goes on by itself.
#[test]
fn half_a_minute_without_elasticsearch_costs_neither_records_nor_membership() {
    let mut servers = servers_alone();
    let scene = Scene::new(&servers, "delivery-outage", 4);
    scene.write_heavy(RECORDS);
    let mut config = scene.heavy_config();
    config.kafka.pop();
    config
        .kafka
        .push("properties: {session.timeout.ms: 6000, heartbeat.interval.ms: 500, max.poll.interval.ms: 10000}".into());
    let mut kelp = scene.start(&config, &[]);
    let rebalances = |metrics: &Metrics| count(metrics, "kelp_rebalances_total");
    let before = kelp
        .wait_metrics("some documents", LONG, |metrics| count(metrics, "kelp_documents_indexed_total") >= 500)
        .unwrap();
    servers.elastic.stop().unwrap();

    let stopped = Instant::now();
    let mut fullest = 0;
    let during = wait_until("the end of the outage", LONG, || {
        kelp.process().expect_alive()?;
        let metrics = kelp.metrics()?;
        let used = count(&metrics, "kelp_in_flight_bytes");
        assert!(used <= 64 << 20, "{used} bytes in flight");
        fullest = fullest.max(used);
        Ok((stopped.elapsed() >= OUTAGE).then_some(metrics))
    })
    .unwrap();
    assert!(count(&during, "kelp_records_received_total") < RECORDS, "the memory was never full");
    assert!(fullest > 16 << 20, "only {fullest} bytes were in flight");
    assert_eq!((kelp.probe("/livez").unwrap(), kelp.probe("/readyz").unwrap()), (200, 503));
    assert_eq!(count(&during, "kelp_endpoint_up"), 0);
    servers.elastic.start_again().unwrap();

    let after = kelp
        .wait_metrics("all to be settled", LONG, |metrics| count(metrics, "kelp_records_settled_total") == RECORDS)
        .unwrap();
    assert_eq!((rebalances(&during), rebalances(&after)), (rebalances(&before), rebalances(&before)));
    assert_eq!(count(&after, "kelp_partitions_held"), 4);
    assert_eq!(count(&after, "kelp_endpoint_up"), 1);
    assert_eq!(count(&after, "kelp_records_received_total"), RECORDS);
    assert_eq!(kelp.probe("/readyz").unwrap(), 200);
    let peak = kelp.usage().peak_memory;
    // The limit is for queues, batches and requests; the program itself, its libraries and buffers come on top.
    assert!(peak < 160 << 20, "{} MiB of memory", peak >> 20);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    scene.expect_all_committed(&servers);
    let report = scene.expect_good();
    assert_eq!((report.produced, report.dead_lettered), (RECORDS, 0), "{report}");
}
