//! Retention that takes what a running process has not fetched yet: it reads on elsewhere, or stops, and the group hears nothing of it.

use serde_json::json;

use super::{LONG, Scene, count, count_where, patient};
use crate::lab::kelp::Config;
use crate::lab::{Kelp, Message, Servers, servers, wait_until};

/// Far more of a partition than its share of the memory and what is fetched ahead.
const EACH: i64 = 2500;
/// Retention leaves these.
const LEFT: i64 = 200;
const LOW: i64 = EACH - LEFT;

/// A topic of two partitions whose index refuses documents, and a process that has taken what it may of both.
fn filled(servers: &Servers, name: &str, out_of_range: &str) -> (Scene, Config, Kelp) {
    let scene = Scene::new(servers, name, 2);
    let index = json!({
        "settings": {"index.blocks.write": true, "index.refresh_interval": "-1"},
        "mappings": {"properties": {"message": {"type": "text", "index": false}}},
    });
    scene.elastic.put(&format!("/{name}-all"), &index).unwrap();
    // Of bytes that no compression makes fewer: what is fetched ahead is counted as it comes over the wire.
    let mut state = 1_u64;
    let mut text = || -> String {
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b' ' + 1 + ((state >> 33) % 94) as u8)
        };
        (0..4000).map(next).collect()
    };
    let message = |n: i64| Message::new((n % 2) as i32, format!("number {n} {}", text()));
    let log: Vec<_> = (0..EACH * 2).map(message).collect();
    log.chunks(2000).for_each(|some| drop(scene.write(some)));
    let pipeline = scene.pipeline("source: {topics: [NAME]}\nprocessors: []\ndestination: {index: NAME-all}\n");
    let mut config = scene.config(&pipeline);
    patient(&mut config);
    config.more.push("memory_limit: 64MiB".into());
    config.elastic.push("bulk: {max_bytes: 256KiB}".into());
    config.kafka.push(format!("out_of_range: {out_of_range}"));
    let mut kelp = scene.start(&config, &[]);
    let mut before = 0;
    wait_until("the memory to be full", LONG, || {
        kelp.process().expect_alive()?;
        let Ok(metrics) = kelp.metrics() else { return Ok(None) };
        let received = count(&metrics, "kelp_records_received_total");
        let full = metrics.sum("kelp_lanes_held").unwrap_or_default() > 0.0 && received == before;
        before = received;
        Ok((received > 0 && full).then_some(()))
    })
    .unwrap();
    assert!(before < LOW as u64 * 3 / 2, "{before} records are in the process already");
    (scene, config, kelp)
}

fn unblock(scene: &Scene) {
    scene.elastic.put(&format!("/{}-all/_settings", scene.name), &json!({"index.blocks.write": false})).unwrap();
}

/// The offsets of a partition that are in the index: how many, and whether they are those below `until` and those from `from` on.
fn offsets(scene: &Scene, partition: i32, from: i64) -> i64 {
    let index = format!("{}-all", scene.name);
    scene.elastic.refresh(&index).unwrap();
    let count = |range: &str| {
        let query = format!("/{index}/_count?q=kafka.partition:{partition}+AND+kafka.offset:{range}");
        scene.elastic.get(&query).unwrap()["count"].as_i64().unwrap()
    };
    // What had been fetched before: no gap below the last of it, and nothing of what is gone.
    let fetched = count(&format!("<{from}"));
    assert_eq!((count(&format!("<{fetched}")), count(&format!(">={from}"))), (fetched, EACH - from));
    fetched
}

#[test]
fn what_retention_takes_of_a_partition_that_is_read_is_passed_over_and_counted() {
    let servers = servers();
    let (scene, config, mut kelp) = filled(&servers, "delivery-overtaken", "beginning");
    for partition in 0..2 {
        servers.kafka.delete_records(&scene.name, partition, LOW).unwrap();
    }
    let rebalances = |kelp: &Kelp| count(&kelp.metrics().unwrap(), "kelp_rebalances_total");
    let before = rebalances(&kelp);
    unblock(&scene);
    let metrics = kelp
        .wait_metrics("all to be committed", LONG, |metrics| count(metrics, "kelp_committed_offset") == 2 * EACH as u64)
        .unwrap();
    assert_eq!(rebalances(&kelp), before, "the group took part");
    let fetched = [0, 1].map(|partition| offsets(&scene, partition, LOW));
    assert!(fetched.iter().all(|fetched| (1..LOW).contains(fetched)), "{fetched:?}");
    let skipped = fetched.iter().map(|fetched| LOW - fetched).sum::<i64>() as u64;
    assert_eq!(count_where(&metrics, "kelp_offsets_skipped_total", "topic", &scene.name), skipped);
    let received = fetched.iter().sum::<i64>() + 2 * LEFT;
    assert_eq!(count(&metrics, "kelp_records_received_total"), received as u64, "read twice");
    assert_eq!(count(&metrics, "kelp_documents_indexed_total"), received as u64);
    assert_eq!(count(&metrics, "kelp_partition_stopped"), 0);
    let starts = |reason| count_where(&metrics, "kelp_partition_starts_total", "reason", reason);
    assert_eq!((starts("beginning"), starts("out_of_range"), starts("commit")), (2, 2, 0));
    assert_eq!(count(&metrics, "kelp_offsets_without_record_total"), 0, "what retention took is counted apart");
    let told = kelp.output().unwrap();
    assert_eq!(told.matches("going on at the first offset that there is").count(), 2, "{told}");
    assert_eq!((kelp.probe("/livez").unwrap(), kelp.probe("/readyz").unwrap()), (200, 200));

    // A partition that began anew goes to another process and comes back like any.
    let mut other = scene.start(&config, &[]);
    let holds = |kelp: &mut Kelp, partitions: u64| {
        kelp.wait_metrics("partitions", LONG, |metrics| count(metrics, "kelp_partitions_held") == partitions).unwrap();
    };
    holds(&mut other, 1);
    scene.write(&[0, 1].map(|partition| Message::new(partition, "while there are two")));
    other.wait_metrics("its record", LONG, |metrics| count(metrics, "kelp_records_settled_total") == 1).unwrap();
    other.terminate().unwrap();
    other.expect_exit(0, LONG).unwrap();
    holds(&mut kelp, 2);
    scene.write(&[0, 1].map(|partition| Message::new(partition, "when there is one again")));
    kelp.wait_metrics("all to be committed", LONG, |metrics| {
        count(metrics, "kelp_committed_offset") == 2 * (EACH as u64 + 2)
    })
    .unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    scene.expect_all_committed(&servers);
    assert_eq!(scene.elastic.count(&format!("{}-all", scene.name)).unwrap(), received as u64 + 4);
}

#[test]
fn a_partition_that_retention_overtakes_while_it_is_read_stops_where_that_is_asked_for() {
    let servers = servers();
    let (scene, mut config, mut kelp) = filled(&servers, "delivery-overtaken-stop", "stop");
    servers.kafka.delete_records(&scene.name, 1, LOW).unwrap();
    unblock(&scene);
    let stopped = [("partition", "1"), ("reason", "out_of_range")];
    let metrics = kelp
        .wait_metrics("the partition to be stopped and the other one to be read", LONG, |metrics| {
            let committed = |partition| metrics.sum_where("kelp_committed_offset", &[("partition", partition)]);
            metrics.sum_where("kelp_partition_stopped", &stopped) == Some(1.0)
                && committed("0") == Some(EACH as f64)
                && count(metrics, "kelp_in_flight_records") == 0
                && committed("1").is_some_and(|committed| committed > 0.0)
        })
        .unwrap();
    assert_eq!(count(&metrics, "kelp_partition_stopped"), 1);
    assert_eq!(count(&metrics, "kelp_offsets_skipped_total"), 0);
    assert_eq!(kelp.probe("/livez").unwrap(), 200);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    let told = kelp.output().unwrap();
    assert!(told.contains("retention overtook the committed offset: the partition is stopped"), "{told}");
    // All that it had fetched is there and committed, and nothing beyond.
    scene.elastic.refresh(&format!("{}-all", scene.name)).unwrap();
    let there = |partition: i32| {
        let query = format!("/{}-all/_count?q=kafka.partition:{partition}", scene.name);
        scene.elastic.get(&query).unwrap()["count"].as_i64().unwrap()
    };
    let fetched = there(1);
    assert_eq!((there(0), scene.committed(&servers)), (EACH, vec![EACH, fetched]));
    assert!(fetched < LOW, "{fetched}");

    *config.kafka.last_mut().unwrap() = "out_of_range: beginning".into();
    let mut kelp = scene.start(&config, &[]);
    let metrics = kelp
        .wait_metrics("the rest", LONG, |metrics| count(metrics, "kelp_committed_offset") == 2 * EACH as u64)
        .unwrap();
    assert_eq!(count(&metrics, "kelp_offsets_skipped_total"), (LOW - fetched) as u64);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    assert_eq!(offsets(&scene, 1, LOW), fetched);
    scene.expect_all_committed(&servers);
}
