//! Faults after which nothing may be committed any more, and partitions that cannot be read on.

use std::time::Duration;

use super::{LONG, Scene, count, count_where, missed_after, slow};
use crate::lab::kelp::Metrics;
use crate::lab::{Kelp, Message, servers, servers_alone, wait_until};

/// Everything below the commits is in Elasticsearch, or was dropped.
fn expect_nothing_committed_unsettled(scene: &Scene, log: &[Message], committed: &[i64]) {
    scene.elastic.refresh(&format!("{}-*", scene.name)).unwrap();
    for (partition, committed) in committed.iter().enumerate() {
        let below = log.iter().filter(|one| one.partition as usize == partition).take(*committed as usize);
        let expected = below.filter(|one| one.payload.is_some()).count() as u64;
        let query = format!("kafka.partition:{partition}+AND+kafka.offset:<{committed}");
        let path = format!("/{}-*/_count?ignore_unavailable=true&q={query}", scene.name);
        assert_eq!(scene.elastic.get(&path).unwrap()["count"].as_u64(), Some(expected), "partition {partition}");
    }
}

/// Each of the threads in turn: the process ends with 70, and what was committed is what was settled.
#[test]
fn a_panic_ends_the_service_with_70_and_commits_nothing_more() {
    if std::env::var_os("LAB_KELP").is_some() {
        eprintln!("passed over: a release build has no fault points");
        return;
    }
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-panic", 2);
    let log = scene.write_heavy(3000);
    let mut config = scene.heavy_config();
    slow(&mut config);
    config.more.dedup();
    config.elastic = vec!["concurrency: 1".into(), "bulk: {max_documents: 50, linger: 20ms}".into()];
    config.kafka[0] = "commit_interval: 10ms".into();
    for (place, thread) in [("worker:700", "worker-"), ("reader:1500", "reader"), ("dispatch:30", "dispatch")] {
        let mut config = config.clone();
        config.variables.push(("FAULT_POINT".into(), place.into()));
        let mut kelp = scene.start(&config, &[]);
        kelp.expect_exit(70, LONG).unwrap();
        let output = kelp.output().unwrap();
        // Another thread may have a last word.
        let line = output.lines().rfind(|line| line.contains("\"panic\":")).unwrap_or_else(|| panic!("{output}"));
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(line["panic"], "the panic that FAULT_POINT asks for", "{line}");
        assert!(line["thread"].as_str().unwrap().starts_with(thread), "{line}");
        let committed = scene.committed(&servers);
        assert!(committed.iter().sum::<i64>() < 3000, "not in the middle: {committed:?}");
        expect_nothing_committed_unsettled(&scene, &log, &committed);
    }
    assert!(scene.committed(&servers).iter().sum::<i64>() > 0, "nothing was committed before");
    scene.catch_up(&config);
    assert_eq!(scene.expect_good().produced, 3000);
    scene.expect_all_committed(&servers);
}

/// A second process with the same `group.instance.id` takes the place of the first, which ends with 70.
#[test]
fn a_fenced_instance_ends_with_70_and_commits_nothing_more() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-fenced", 2);
    let log = scene.write_heavy(4000);
    let mut config = scene.heavy_config();
    config.elastic = vec!["concurrency: 1".into(), "bulk: {max_documents: 20, linger: 20ms}".into()];
    *config.kafka.last_mut().unwrap() =
        "properties: {session.timeout.ms: 6000, heartbeat.interval.ms: 500, group.instance.id: the-one}".into();
    let mut first = scene.start(&config, &[]);
    first.wait_metrics("commits", LONG, |metrics| count(metrics, "kelp_committed_offset") >= 100).unwrap();
    let mut second = scene.start(&config, &["--until-caught-up"]);
    first.expect_exit(70, LONG).unwrap();
    let output = first.output().unwrap();
    let last = output.lines().last().unwrap();
    assert!(last.contains("a fatal kafka error") && last.contains("group.instance.id"), "{last}");
    expect_nothing_committed_unsettled(&scene, &log, &scene.committed(&servers));
    second.expect_exit(0, LONG).unwrap();
    scene.expect_all_committed(&servers);
    assert_eq!(scene.expect_good().produced, 4000);
}

/// The broker hangs in the middle: when all that came has settled, the partitions are told of, and the process stays alive.
#[test]
fn partitions_of_which_nothing_arrives_are_told_by_livez() {
    let mut servers = servers_alone();
    let scene = Scene::new(&servers, "delivery-silent", 2);
    // More than there is memory for, so that some of it is still with the broker.
    scene.write_heavy(24_000);
    let mut config = scene.heavy_config();
    config.elastic.push("request_timeout: 5s".into());
    config.variables.push(("KELP_ADMIN__STUCK_AFTER".into(), "10s".into()));
    // Else they are lost, and others' to read.
    missed_after(&mut config, 120);
    let mut kelp = scene.start(&config, &[]);
    kelp.wait_metrics("the first", LONG, |metrics| count(metrics, "kelp_records_settled_total") > 0).unwrap();
    servers.kafka.process().signal(libc::SIGSTOP).unwrap();
    let told =
        "\"silent\":[{\"partition\":\"delivery-silent-0\",\"reason\":\"it has lag, and nothing arrives for worker ";
    wait_until("/livez to say so", LONG, || Ok(kelp.body("/livez")?.contains(told).then_some(()))).unwrap();
    assert_eq!(kelp.probe("/livez").unwrap(), 200);
    assert!(kelp.output().unwrap().contains("a partition has lag and nothing arrives from kafka"));
    servers.kafka.process().signal(libc::SIGCONT).unwrap();
    kelp.wait_metrics("the rest", LONG, |metrics| metrics.sum("kelp_lag_records") == Some(0.0)).unwrap();
    wait_until("/livez to take it back", LONG, || Ok((!kelp.body("/livez")?.contains("silent")).then_some(())))
        .unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    assert_eq!(scene.expect_good().produced, 24_000);
    scene.expect_all_committed(&servers);
}

/// Retention overtook the group while it was down.
#[test]
fn an_offset_that_is_gone_stops_its_partition_or_is_counted() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-out-of-range", 2);
    let write = |from: u64| {
        let message = |n: u64| Message::new((n % 2) as i32, format!("number {n}"));
        scene.write(&(from..from + 200).map(message).collect::<Vec<_>>());
    };
    write(0);
    let mut config = scene.heavy_config();
    scene.catch_up(&config);
    assert_eq!(scene.committed(&servers), [100, 100]);
    write(200);
    servers.kafka.delete_records(&scene.name, 1, 130).unwrap();

    let mut kelp = scene.start(&config, &[]);
    stopped(&mut kelp, "out_of_range", 300);
    assert_eq!(scene.committed(&servers), [200, 100]);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    let mut kelp = scene.start(&config, &["--until-caught-up"]);
    kelp.expect_exit(75, LONG).unwrap();
    let output = kelp.output().unwrap();
    assert!(output.contains("retention overtook the committed offset: the partition is stopped"), "{output}");

    config.kafka.push("out_of_range: beginning".into());
    let mut kelp = scene.start(&config, &[]);
    let metrics =
        kelp.wait_metrics("the rest", LONG, |metrics| count(metrics, "kelp_records_settled_total") == 70).unwrap();
    assert_eq!(count_where(&metrics, "kelp_offsets_skipped_total", "topic", &scene.name), 30);
    let starts = |reason| count_where(&metrics, "kelp_partition_starts_total", "reason", reason);
    assert_eq!((starts("commit"), starts("out_of_range"), count(&metrics, "kelp_partition_starts_total")), (1, 1, 2));
    assert_eq!(count(&metrics, "kelp_partition_stopped"), 0);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    scene.expect_all_committed(&servers);
    let offsets: Vec<i64> =
        scene.documents().keys().filter(|(partition, ..)| *partition == 1).map(|(_, offset, _)| *offset).collect();
    assert_eq!(offsets, (0..100).chain(130..200).collect::<Vec<_>>());
}

/// A broker that is away is no fault of the process, but everybody should know.
#[test]
fn without_kafka_it_is_not_ready_and_goes_on_when_it_is_back() {
    let mut servers = servers_alone();
    let scene = Scene::new(&servers, "delivery-no-kafka", 2);
    let batch =
        |name: &str| scene.write(&(0..100).map(|n| Message::new(n % 2, format!("{name} {n}"))).collect::<Vec<_>>());
    batch("before");
    let mut kelp = scene.start(&scene.heavy_config(), &[]);
    let indexed = |documents| move |metrics: &Metrics| count(metrics, "kelp_documents_indexed_total") >= documents;
    kelp.wait_metrics("the records before", LONG, indexed(100)).unwrap();
    let ready = |wanted: u16| {
        wait_until("/readyz to change", LONG, || Ok((kelp.probe("/readyz")? == wanted).then_some(()))).unwrap();
        kelp.body("/readyz").unwrap()
    };
    ready(200);
    servers.kafka.stop().unwrap();
    let body = ready(503);
    assert!(body.contains(r#"{"name":"kafka","ok":false,"reason":"#), "{body}");
    assert_eq!(kelp.probe("/livez").unwrap(), 200);
    servers.kafka.start_again().unwrap();
    ready(200);
    batch("after");
    kelp.wait_metrics("the records after", LONG, indexed(200)).unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    assert_eq!(scene.committed(&servers), [100, 100]);
}

/// A batch of records that the broker's disk has spoiled.
#[test]
fn a_corrupt_batch_stops_its_partition_and_no_other() {
    let mut servers = servers_alone();
    let scene = Scene::new(&servers, "delivery-corrupt", 2);
    let batch = |name: &str| {
        let message = |n: i32| Message::new(n % 2, format!("{name} number {n}"));
        scene.write(&(0..100).map(message).collect::<Vec<_>>());
    };
    ["before", "spoiled", "after"].iter().for_each(|name| batch(name));
    servers.kafka.stop().unwrap();
    let file = servers.kafka.segment(&scene.name, 1);
    let mut bytes = std::fs::read(&file).unwrap();
    // The header of a batch begins with its first offset and its length; what is spoiled stands behind the header.
    let length = |at: usize| 12 + u32::from_be_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
    let mut batches = std::iter::successors(Some(0), |at| Some(at + length(*at)));
    let spoiled = batches.find(|at| bytes[*at..at + 8] == 50_i64.to_be_bytes()).unwrap();
    let (begin, end) = (spoiled + 61, spoiled + length(spoiled));
    bytes[usize::midpoint(begin, end)] ^= 0x55;
    std::fs::write(&file, &bytes).unwrap();
    servers.kafka.start_again().unwrap();

    let config = scene.heavy_config();
    let mut kelp = scene.start(&config, &[]);
    stopped(&mut kelp, "corrupt", 200);
    assert_eq!(scene.committed(&servers), [150, 50]);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    let output = kelp.output().unwrap();
    assert!(output.contains("a record cannot be read: the partition is stopped"), "{output}");
    let mut kelp = scene.start(&config, &["--until-caught-up"]);
    kelp.expect_exit(75, Duration::from_secs(60)).unwrap();
    assert_eq!(scene.committed(&servers), [150, 50]);
    let offsets = scene.documents().into_keys().filter(|(partition, ..)| *partition == 1).map(|(_, offset, _)| offset);
    assert_eq!(offsets.collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
}

/// Waits until partition 1, and it alone, is stopped for a reason, and `committed` is committed in both together.
fn stopped(kelp: &mut Kelp, reason: &str, committed: u64) -> Metrics {
    let metrics = kelp
        .wait_metrics("the partition to be stopped", LONG, |metrics| {
            let stopped = [("partition", "1"), ("reason", reason)];
            metrics.sum_where("kelp_partition_stopped", &stopped) == Some(1.0)
                && count(metrics, "kelp_committed_offset") >= committed
        })
        .unwrap();
    assert_eq!(metrics.sum("kelp_partition_stopped"), Some(1.0));
    metrics
}
