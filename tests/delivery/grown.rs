//! A topic that is given more partitions while it is read.

use std::collections::BTreeMap;

use super::{LONG, Scene, count};
use crate::lab::kelp::Metrics;
use crate::lab::{Message, servers, wait_until};

const BEFORE: i32 = 2;
const AFTER: i32 = 6;
const EACH: i32 = 50;

/// What was written to the new partitions before anybody knew of them is read from its beginning. Nothing of the old ones is read
/// again.
#[test]
fn partitions_that_a_topic_gains_are_read_from_their_beginning() {
    let servers = servers();
    let mut scene = Scene::new(&servers, "delivery-grown", BEFORE);
    let write = |scene: &Scene, partitions: i32| {
        let message = |n: i32| Message::new(n % partitions, format!("number {n}"));
        scene.write(&(0..partitions * EACH).map(message).collect::<Vec<_>>());
    };
    let pipeline = scene.pipeline("source: {topics: [NAME]}\nprocessors: []\ndestination: {index: NAME-all}\n");
    let mut config = scene.config(&pipeline);
    *config.kafka.last_mut().unwrap() =
        "properties: {session.timeout.ms: 20000, heartbeat.interval.ms: 500, topic.metadata.refresh.interval.ms: 2000}"
            .into();
    let mut kelps = [scene.start(&config, &[]), scene.start(&config, &[])];
    for kelp in &mut kelps {
        kelp.wait_metrics("a partition each", LONG, |metrics| count(metrics, "kelp_partitions_held") == 1).unwrap();
    }
    write(&scene, BEFORE);
    servers.kafka.add_partitions(&scene.name, AFTER).unwrap();
    // Written while nobody reads the new ones yet, and once they are read.
    write(&scene, AFTER);
    for kelp in &mut kelps {
        let share = u64::try_from(AFTER / 2).unwrap();
        kelp.wait_metrics("more partitions", LONG, |metrics| count(metrics, "kelp_partitions_held") == share).unwrap();
    }
    write(&scene, AFTER);
    scene.partitions = AFTER;
    let written = u64::try_from((BEFORE + 2 * AFTER) * EACH).unwrap();
    // What a process tells of its lag may be from before the last records.
    let ends = servers.kafka.ends(&scene.name, AFTER).unwrap();
    wait_until("everything to be committed", LONG, || Ok((scene.committed(&servers) == ends).then_some(()))).unwrap();
    let mut settled = BTreeMap::new();
    for (number, kelp) in kelps.iter_mut().enumerate() {
        let idle = |metrics: &Metrics| count(metrics, "kelp_in_flight_records") == 0;
        settled.insert(number, kelp.wait_metrics("nothing to be in flight", LONG, idle).unwrap());
    }
    for kelp in &mut kelps {
        kelp.terminate().unwrap();
        kelp.expect_exit(0, LONG).unwrap();
    }
    assert_eq!(scene.expect_good().produced, written);
    // Nobody had to verify what was there before.
    let sum = |family| settled.values().map(|metrics| count(metrics, family)).sum::<u64>();
    assert_eq!((sum("kelp_documents_indexed_total"), sum("kelp_documents_duplicate_total")), (written, 0));
}
