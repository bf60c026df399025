//! Commits on librdkafka's mock cluster, which refuses those of topics and partitions that it does not have.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::mocking::{MockCluster, MockCoordinator};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::kafka::{Consumer, ConsumerEvent, KafkaSettings};
use crate::record::TopicPartition;

const LONG: Duration = Duration::from_secs(60);

/// Commits, and gives what became of each partition: `Ok`, or the refusal.
fn commit(consumer: &mut Consumer, offset: i64, partitions: &[(&str, i32)]) -> BTreeMap<String, Result<(), String>> {
    let entry = |(topic, number): &(&str, i32)| (TopicPartition::new(*topic, *number), offset, "kelp:a".to_owned());
    consumer.commit(partitions.iter().map(entry).collect()).unwrap();
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < LONG, "no result");
        for event in consumer.poll(Duration::from_millis(10)) {
            if let ConsumerEvent::Committed(results) = event {
                assert!(results.iter().all(|result| result.1 == offset) && results.len() == partitions.len());
                return results.into_iter().map(|(partition, _, result)| (partition.to_string(), result)).collect();
            }
        }
    }
}

#[test]
fn a_refused_partition_is_no_refusal_of_the_others() {
    let mock = MockCluster::new(1).unwrap();
    for topic in ["kept", "other"] {
        mock.create_topic(topic, 2, 1).unwrap();
    }
    mock.coordinator(MockCoordinator::Group("g".into()), 1).unwrap();
    let mut consumer = Consumer::new(&KafkaSettings {
        bootstrap_servers: mock.bootstrap_servers(),
        group_id: "g".into(),
        properties: BTreeMap::new(),
        queue_kbytes_per_partition: 256,
    })
    .unwrap();
    let all = [("gone", 0), ("gone", 1), ("kept", 0), ("kept", 1), ("kept", 9), ("other", 0)];
    let results = commit(&mut consumer, 5, &all);
    let taken: Vec<_> = results.iter().filter(|result| result.1.is_ok()).map(|result| &**result.0).collect();
    assert_eq!(taken, ["kept-0", "kept-1", "other-0"], "{results:?}");
    assert!(results["gone-0"].as_ref().is_err_and(|why| why.contains("Unknown topic")), "{results:?}");
    // What was told is what the broker has.
    let asking = consumer.asker().begin().unwrap();
    let kept: Vec<_> = [("kept", 0), ("kept", 1), ("other", 0)].map(|one| TopicPartition::new(one.0, one.1)).into();
    let committed = asking.committed(&kept, LONG).unwrap();
    assert!(kept.iter().all(|partition| committed[partition] == (5, "kelp:a".into())), "{committed:?}");
    drop(asking);
    // A refusal for the group's sake is one of all.
    mock.request_errors(RDKafkaApiKey::OffsetCommit, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED]);
    let results = commit(&mut consumer, 6, &[("kept", 0), ("other", 0)]);
    assert!(results.values().all(Result::is_err), "{results:?}");
    assert!(commit(&mut consumer, 7, &[("kept", 0), ("other", 0)]).values().all(Result::is_ok));
}
