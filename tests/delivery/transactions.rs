//! A topic that is written in transactions: what was aborted is not read, and its offsets do not hold anything up.

use std::time::Duration;

use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use super::{LONG, Scene};
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
