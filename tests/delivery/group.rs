//! A group of one, then three, then one process, while records flow.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::{LONG, Scene, count};
use crate::lab::{Kelp, Message, servers};

const PARTITIONS: i32 = 6;

/// One time of having a partition, as a process's log tells it: texts of times, which sort as the times do.
#[derive(Debug)]
struct Holding {
    process: usize,
    from: String,
    /// When it was asked to let go: it may have held it for a little longer.
    until: Option<String>,
}

#[test]
fn a_partition_is_in_one_hand_at_a_time() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-group", PARTITIONS);
    let mut config = scene.config(&scene.web_access());
    // Time enough to settle what is in flight, even on a busy machine: then nothing is worked on twice.
    config.kafka.push("drain_timeout: 10s".into());
    config.elastic.push("bulk: {linger: 20ms}".into());
    let enough = AtomicBool::new(false);
    let (produced, processes) = std::thread::scope(|scope| {
        let producer = scope.spawn(|| {
            let mut produced = 0;
            while !enough.load(Ordering::Relaxed) {
                let message = |n: i32| Message::new(n % PARTITIONS, format!("a line, number {n}"));
                scene.write(&(0..60).map(message).collect::<Vec<_>>());
                produced += 60;
            }
            produced
        });
        let processes = one_three_one(&scene, &config);
        enough.store(true, Ordering::Relaxed);
        (producer.join().unwrap(), processes)
    });
    let [mut last, others @ ..] = processes;
    let settled = |metrics: &crate::lab::kelp::Metrics| count(metrics, "kelp_committed_offset") == produced;
    let metrics = last.wait_metrics("all to be committed", LONG, settled).unwrap();
    // Nobody had to verify what another had done.
    assert_eq!(count(&metrics, "kelp_documents_duplicate_total"), 0);
    last.terminate().unwrap();
    last.expect_exit(0, LONG).unwrap();
    let logs = [last.output().unwrap(), others[0].output().unwrap(), others[1].output().unwrap()];
    let holdings = holdings(&logs);
    assert_eq!(holdings.len(), PARTITIONS as usize, "{holdings:#?}");
    for (partition, holdings) in &holdings {
        for pair in holdings.windows(2) {
            let until = pair[0].until.as_ref();
            assert!(until.is_some_and(|until| *until <= pair[1].from), "{partition} was in two hands: {pair:#?}");
        }
        assert_eq!(holdings.last().unwrap().process, 0, "{partition} does not end in the last process's hands");
    }
    let hands = |process| holdings.values().flatten().filter(|holding| holding.process == process).count();
    assert!((0..3).all(|process| hands(process) > 0), "a process never had anything: {holdings:#?}");
    assert_eq!(scene.expect_good().produced, produced);
    scene.expect_all_committed(&servers);
}

/// The processes in the order of their start; only the first still runs.
fn one_three_one(scene: &Scene, config: &crate::lab::kelp::Config) -> [Kelp; 3] {
    let works = |kelp: &mut Kelp, held: u64| {
        let before = count(&kelp.wait_metrics("an answer", LONG, |_| true).unwrap(), "kelp_records_settled_total");
        kelp.wait_metrics("its partitions, and work on them", LONG, |metrics| {
            count(metrics, "kelp_partitions_held") == held
                && count(metrics, "kelp_records_settled_total") > before + 100
        })
        .unwrap();
    };
    let mut first = scene.start(config, &[]);
    works(&mut first, 6);
    let mut others = [scene.start(config, &[]), scene.start(config, &[])];
    works(&mut first, 2);
    for other in &mut others {
        works(other, 2);
        let metrics = other.metrics().unwrap();
        assert_eq!(count(&metrics, "kelp_documents_duplicate_total"), 0);
    }
    for other in &mut others {
        other.terminate().unwrap();
    }
    for other in &mut others {
        other.expect_exit(0, LONG).unwrap();
    }
    works(&mut first, 6);
    let [second, third] = others;
    [first, second, third]
}

/// Who had each partition when, in order, by the processes' logs.
fn holdings(logs: &[String]) -> BTreeMap<String, Vec<Holding>> {
    let mut lines: Vec<(String, usize, Value)> = Vec::new();
    for (process, log) in logs.iter().enumerate() {
        let parsed = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.extend(parsed.map(|line| (line["timestamp"].as_str().unwrap_or_default().to_owned(), process, line)));
    }
    lines.sort_by(|one, other| one.0.cmp(&other.0));
    let mut holdings: BTreeMap<String, Vec<Holding>> = BTreeMap::new();
    for (time, process, line) in lines {
        let message = line["message"].as_str().unwrap_or_default();
        let leaves = message.starts_with("stopping: ");
        if message == "reading a partition" {
            let partition = line["partition"].as_str().unwrap().to_owned();
            let holding = Holding { process, from: time, until: None };
            holdings.entry(partition).or_default().push(holding);
        } else if leaves || message == "the group takes partitions back" || message.starts_with("partitions are lost") {
            let given: Vec<_> = line["partitions"].as_str().unwrap_or_default().split(' ').collect();
            for (partition, holdings) in &mut holdings {
                let own = holdings.iter_mut().filter(|one| one.process == process && one.until.is_none());
                if leaves || given.contains(&partition.as_str()) {
                    own.for_each(|one| one.until = Some(time.clone()));
                }
            }
        }
    }
    holdings
}
