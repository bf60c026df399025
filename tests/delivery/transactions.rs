//! A topic that is written in transactions: what was aborted is not read, and its offsets do not hold anything up.

use std::time::Duration;

use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use super::{LONG, Scene, count, count_where};
use crate::lab::servers;

#[test]
fn aborted_records_are_not_read_and_the_lag_goes_to_0() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-transactions", 2);
    let mut config = servers.kafka.client();
    let producer: ThreadedProducer<DefaultProducerContext> =
        config.set("transactional.id", "delivery-transactions").create().unwrap();
    let wait = Duration::from_secs(30);
    producer.init_transactions(wait).unwrap();
    // The last thing in one partition is an aborted transaction.
    for (transaction, committed) in [true, false, true, true, false].into_iter().enumerate() {
        producer.begin_transaction().unwrap();
        for n in 0..200 {
            let payload = format!("{{\"transaction\": {transaction}, \"committed\": {committed}}}");
            let partition = if transaction == 4 { 0 } else { n % 2 };
            let record: BaseRecord<'_, (), _> = BaseRecord::to(&scene.name).payload(&payload).partition(partition);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        // To abort throws away what was not sent yet.
        producer.flush(wait).unwrap();
        if committed { producer.commit_transaction(wait) } else { producer.abort_transaction(wait) }.unwrap();
    }
    let pipeline = scene
        .pipeline("source: {topics: [NAME], codec: json}\nprocessors: []\ndestination: {index: \"NAME-%{+yyyy}\"}\n");
    let config = scene.config(&pipeline);
    scene.catch_up(&config);
    scene.expect_all_committed(&servers);
    let report = scene.expect_good();
    assert_eq!((report.produced, report.indexed, report.documents), (600, 600, 600), "{report}");
    assert!(scene.documents().values().all(|document| document["committed"] == true));

    let mut kelp = scene.start(&config, &[]);
    kelp.wait_metrics("no lag", LONG, |metrics| {
        metrics.sum("kelp_lag_records") == Some(0.0) && metrics.sum("kelp_partitions_held") == Some(2.0)
    })
    .unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
}

/// A marker at the end is no record, and the position says that it was read: what is committed is the end, and never more.
#[test]
fn a_log_that_ends_in_a_marker_again_and_again_is_committed_to_its_end() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-markers", 1);
    let pipeline = scene
        .pipeline("source: {topics: [NAME], codec: json}\nprocessors: []\ndestination: {index: \"NAME-%{+yyyy}\"}\n");
    let mut kelp = scene.start(&scene.config(&pipeline), &[]);
    let mut config = servers.kafka.client();
    let producer: ThreadedProducer<DefaultProducerContext> =
        config.set("transactional.id", "delivery-markers").create().unwrap();
    let wait = Duration::from_secs(30);
    producer.init_transactions(wait).unwrap();
    let mut end = 0;
    for (records, committed) in [(1, false), (1, true), (3, false), (1, false), (2, true)] {
        producer.begin_transaction().unwrap();
        for _ in 0..records {
            let record: BaseRecord<'_, (), _> = BaseRecord::to(&scene.name).payload("{}").partition(0);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        // To abort throws away what was not sent yet.
        producer.flush(wait).unwrap();
        if committed { producer.commit_transaction(wait) } else { producer.abort_transaction(wait) }.unwrap();
        end += records + 1;
        kelp.wait_metrics("no lag", LONG, |metrics| {
            metrics.sum("kelp_committed_offset") == Some(end as f64) && metrics.sum("kelp_lag_records") == Some(0.0)
        })
        .unwrap();
        assert_eq!((scene.committed(&servers), servers.kafka.ends(&scene.name, 1).unwrap()), (vec![end], vec![end]));
    }
    // Every offset is accounted for: three records, five of aborted transactions, five markers.
    let metrics = kelp.metrics().unwrap();
    assert_eq!(count(&metrics, "kelp_records_received_total"), 3);
    assert_eq!(count_where(&metrics, "kelp_offsets_without_record_total", "topic", &scene.name), 10);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    let report = scene.expect_good();
    assert_eq!((report.produced, report.indexed, report.documents), (3, 3, 3), "{report}");
}
