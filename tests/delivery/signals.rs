//! Told to stop while there is work.

use std::time::{Duration, Instant};

use super::{LONG, Scene, count, last_line};
use crate::lab::proxy::{Mode, Proxy};
use crate::lab::{servers, wait_until};

/// More than there is memory for: not all of it is in flight at once.
const RECORDS: u64 = 16_000;

/// What is committed is exactly what is in Elasticsearch, and the next run does the rest.
#[test]
fn told_to_stop_under_load_it_commits_what_is_settled() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-stopped", 4);
    let log = scene.write_heavy(RECORDS);
    let config = scene.heavy_config();
    let mut kelp = scene.start(&config, &[]);
    kelp.wait_metrics("some documents", LONG, |metrics| count(metrics, "kelp_documents_indexed_total") >= 1000)
        .unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(0, Duration::from_secs(25)).unwrap();
    let last = last_line(&kelp);
    assert!(last.contains("stopped: everything that was to be done is settled and committed"), "{last}");

    let committed = scene.committed(&servers);
    assert!(committed.iter().sum::<i64>() < RECORDS as i64, "not in the middle: {committed:?}");
    scene.elastic.refresh("delivery-stopped-*").unwrap();
    let documents = |query: &str| {
        let path = format!("/delivery-stopped-*/_count?q={query}");
        scene.elastic.get(&path).unwrap()["count"].as_u64().unwrap()
    };
    for (partition, committed) in committed.iter().enumerate() {
        let of_partition = log.iter().filter(|one| one.partition as usize == partition);
        let below = of_partition.take(*committed as usize).filter(|one| one.payload.is_some()).count() as u64;
        let place = format!("kafka.partition:{partition}+AND+kafka.offset");
        let (found, above) =
            (documents(&format!("{place}:<{committed}")), documents(&format!("{place}:>={committed}")));
        assert_eq!((found, above), (below, 0), "partition {partition}, committed {committed}");
    }
    scene.catch_up(&config);
    scene.expect_all_committed(&servers);
    assert_eq!(scene.expect_good().produced, RECORDS);
}

/// With nothing to be settled by, it ends at its deadline, or at a second signal at once; and says so.
#[test]
fn what_cannot_be_settled_is_left_to_the_next_run() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-unsettled", 2);
    scene.write_log(16, 500);
    let proxy = Proxy::start(servers.elastic.url(), Mode::Refuse(503)).unwrap();
    let mut config = scene.config(&scene.web_access());
    config.elasticsearch = proxy.url();

    let mut kelp = scene.start(&config, &[]);
    wait_until("refusals", LONG, || Ok((proxy.applied() >= 2).then_some(()))).unwrap();
    kelp.terminate().unwrap();
    wait_until("the first signal to be heard", LONG, || Ok(kelp.output()?.contains("a second signal").then_some(())))
        .unwrap();
    let second = Instant::now();
    kelp.terminate().unwrap();
    kelp.expect_exit(75, Duration::from_secs(5)).unwrap();
    assert!(second.elapsed() < Duration::from_secs(5));
    let last = last_line(&kelp);
    assert!(last.contains("stopped: ") && last.contains("run it again"), "{last}");

    config.more.push("shutdown_timeout: 4s".into());
    proxy.set(Mode::Refuse(503));
    let mut kelp = scene.start(&config, &[]);
    wait_until("refusals", LONG, || Ok((proxy.applied() >= 2).then_some(()))).unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(75, Duration::from_secs(12)).unwrap();
    let last = last_line(&kelp);
    assert!(last.contains("the deadline came before everything was settled"), "{last}");
    assert_eq!(scene.committed(&servers), [0, 0]);

    proxy.set(Mode::Pass);
    scene.catch_up(&config);
    assert_eq!(scene.expect_good().produced, 500);
}

/// Whoever asked for everything must not take a signal for it.
#[test]
fn a_signal_before_it_has_caught_up_is_not_done() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-early", 1);
    scene.write_log(17, 10);
    let proxy = Proxy::start(servers.elastic.url(), Mode::Pass).unwrap();
    let mut config = scene.config(&scene.web_access());
    config.elasticsearch = proxy.url();
    config.bootstrap = "127.0.0.1:1".into();
    let mut kelp = scene.start(&config, &["--until-caught-up"]);
    wait_until("kafka to be missed", LONG, || Ok(kelp.output()?.contains("kafka is not ready for this").then_some(())))
        .unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(75, LONG).unwrap();
    assert_eq!(proxy.applied(), 0);
}
