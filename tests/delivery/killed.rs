//! Killed in the middle, five times, and started again.

use super::{LONG, Scene, count, slow};
use crate::lab::servers;

#[test]
fn killed_five_times_it_loses_nothing_and_doubles_nothing() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-killed", 8);
    let records = 24_000;
    scene.write_log(12, records);
    let mut config = scene.config(&scene.web_access());
    slow(&mut config);
    for life in 0..5 {
        let mut kelp = scene.start(&config, &[]);
        kelp.wait_metrics("some documents", LONG, |metrics| count(metrics, "kelp_documents_indexed_total") >= 500)
            .unwrap();
        kelp.kill().unwrap();
        let there = scene.elastic.count("delivery-killed-*").unwrap();
        assert!(there >= 500 * (life + 1) && there < records * 9 / 10, "not in the middle: {there} documents");
    }
    scene.catch_up(&config);
    scene.expect_all_committed(&servers);
    assert_eq!(scene.expect_good().produced, records);
}
