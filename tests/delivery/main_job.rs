//! The main job: access logs of three days, with everything in them that logs have, into daily indices.

use super::{LONG, Scene, count, count_where, of_kind};
use crate::lab::generate::Kind;
use crate::lab::servers;

#[test]
fn three_days_of_access_logs_arrive_once() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-main-job", 8);
    let log = scene.write_log(11, 20_000);
    let (malformed, empty, tombstones) =
        (of_kind(&log, Kind::Malformed), of_kind(&log, Kind::Empty), of_kind(&log, Kind::Tombstone));
    assert!(malformed > 0 && empty > 0 && tombstones > 0);
    let config = scene.config(&scene.web_access());

    let mut kelp = scene.start(&config, &[]);
    let metrics = kelp
        .wait_metrics("all to be settled and committed", LONG, |metrics| {
            count(metrics, "kelp_records_settled_total") == 20_000 && count(metrics, "kelp_committed_offset") == 20_000
        })
        .unwrap();
    assert_eq!(count(&metrics, "kelp_records_received_total"), 20_000);
    assert_eq!(count(&metrics, "kelp_in_flight_records"), 0);
    let fate = |fate| count_where(&metrics, "kelp_records_settled_total", "fate", fate);
    let dropped = |reason| count_where(&metrics, "kelp_records_dropped_total", "reason", reason);
    assert_eq!((dropped("empty_payload"), dropped("tombstone")), (empty, tombstones));
    let documents = 20_000 - empty - tombstones;
    assert_eq!(
        [fate("indexed"), fate("dropped"), fate("duplicate"), fate("dead_lettered")],
        [documents, empty + tombstones, 0, 0]
    );
    assert_eq!(count(&metrics, "kelp_documents_indexed_total"), documents);
    assert_eq!(count(&metrics, "kelp_pipeline_failures_total"), malformed);
    assert_eq!((kelp.probe("/livez").unwrap(), kelp.probe("/readyz").unwrap()), (200, 200));
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    scene.expect_all_committed(&servers);

    let report = scene.expect_good();
    assert_eq!((report.produced, report.indexed, report.documents), (20_000, documents, documents), "{report}");
    assert_eq!((report.tagged_failures, report.dead_lettered), (malformed, 0), "{report}");
    let days: Vec<_> = report.by_index.keys().map(|index| index.rsplit('-').next().unwrap()).collect();
    assert_eq!(days, ["2025.06.10", "2025.06.11", "2025.06.12"]);

    // The next run finds nothing to do; another group finds everything done.
    scene.catch_up(&config);
    let mut again = config.clone();
    again.group = format!("{}-again", scene.name);
    scene.catch_up(&again);
    assert_eq!(servers.kafka.committed(&again.group, &scene.name, 8).unwrap().len(), 8);
    assert_eq!(scene.expect_good().documents, documents);
}

#[test]
fn a_topic_without_records_is_caught_up_with_at_once() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-empty", 3);
    let mut config = scene.config(&scene.web_access());
    // One thread more than there are partitions, which is told.
    config.more.push("threads: 4".into());
    let log = scene.catch_up(&config).output().unwrap();
    let idle = log.lines().rfind(|line| line.contains("there are more threads than partitions")).expect(&log);
    assert!(idle.contains("\"threads\":4") && idle.contains("\"idle\":1"), "{idle}");
    let report = scene.expect_good();
    assert_eq!((report.produced, report.documents), (0, 0));
}
