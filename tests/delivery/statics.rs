//! Static members (`group.instance.id`): a restart within the session timeout moves no partition.

use super::{LONG, Scene, count};
use crate::lab::{Kelp, Message, servers};

#[test]
fn a_restart_within_the_session_is_no_rebalance() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-static", 4);
    let config = |id: &str, port: u16| {
        let mut config = scene.config(&scene.web_access());
        config.group = scene.name.clone();
        let properties = "session.timeout.ms: 30000, heartbeat.interval.ms: 500";
        *config.kafka.last_mut().unwrap() = format!("properties: {{{properties}, group.instance.id: {id}-{port}}}");
        config
    };
    let written = |kelps: &mut [&mut Kelp], from: u64, held: u64| {
        let message = |n: u64| Message::new((n % 4) as i32, format!("number {n}"));
        scene.write(&(from..from + 100).map(message).collect::<Vec<_>>());
        for kelp in kelps {
            let what = format!("{held} partitions, without lag");
            kelp.wait_metrics(&what, LONG, |metrics| {
                count(metrics, "kelp_partitions_held") == held && metrics.sum("kelp_lag_records") == Some(0.0)
            })
            .unwrap();
        }
    };
    let mut first = scene.start(&config("a", 1), &[]);
    written(&mut [&mut first], 0, 4);
    let mut second = scene.start(&config("b", 2), &[]);
    written(&mut [&mut first, &mut second], 100, 2);
    let rebalances = |kelp: &Kelp| count(&kelp.metrics().unwrap(), "kelp_rebalances_total");
    let before = rebalances(&second);
    let partitions = |kelp: &Kelp| {
        let log = kelp.output().unwrap();
        let read = log.lines().filter(|line| line.contains("reading a partition"));
        let name = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["partition"].to_string();
        read.map(name).collect::<std::collections::BTreeSet<_>>()
    };

    first.terminate().unwrap();
    let asked = std::time::Instant::now();
    first.expect_exit(0, LONG).unwrap();
    assert!(!first.output().unwrap().contains("leaving the group takes too long"), "after {:?}", asked.elapsed());
    scene.write(&(0..50).map(|n| Message::new(n % 4, format!("meanwhile {n}"))).collect::<Vec<_>>());
    let mut again = scene.start(&config("a", 1), &[]);
    written(&mut [&mut again, &mut second], 200, 2);
    assert_eq!(rebalances(&second), before, "{}", second.output().unwrap());
    assert!(partitions(&again).is_disjoint(&partitions(&second)), "{:?}", partitions(&again));
    for mut kelp in [again, second] {
        kelp.terminate().unwrap();
        kelp.expect_exit(0, LONG).unwrap();
    }
    assert_eq!(scene.expect_good().produced, 350);
    scene.expect_all_committed(&servers);
}
