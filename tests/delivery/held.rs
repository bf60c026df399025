//! An index that refuses its documents for long: who waits for it, and who does not.

use serde_json::json;

use super::{LONG, Scene, count};
use crate::lab::kelp::Metrics;
use crate::lab::{Kelp, Message, servers};

/// The day of a record is in the record, so that a test chooses its index.
const BY_DAY: &str = "source: {topics: [NAME], codec: json}\nprocessors: []\ndestination: {index: \"NAME-%{day}\"}\n";

/// Makes an index refuse documents, or take them again.
fn block(scene: &Scene, index: &str, blocked: bool) {
    let (path, block) = (format!("/{}-{index}", scene.name), json!({"index.blocks.write": blocked}));
    if blocked {
        scene.elastic.put(&path, &json!({"settings": block})).unwrap();
    } else {
        scene.elastic.put(&format!("{path}/_settings"), &block).unwrap();
    }
}

/// Received, settled, in flight and given up.
fn account(metrics: &Metrics) -> [u64; 4] {
    let families = ["records_received_total", "records_settled_total", "in_flight_records", "records_given_up_total"];
    families.map(|family| count(metrics, &format!("kelp_{family}")))
}

/// What is in flight when its partition is given back is counted as given up, and settled by the next owner.
#[test]
fn what_is_given_back_unsettled_is_counted() {
    const EACH: u64 = 60;
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-given-up", 2);
    block(&scene, "shut", true);
    let message = |n: u64| {
        let day = if n.is_multiple_of(3) { "shut" } else { "open" };
        Message::new((n % 2) as i32, json!({"day": day, "n": n}).to_string())
    };
    scene.write(&(0..EACH * 2).map(message).collect::<Vec<_>>());
    let waiting = EACH / 3;
    let mut config = scene.config(&scene.pipeline(BY_DAY));
    config.kafka.push("drain_timeout: 1s".into());
    let mut first = scene.start(&config, &[]);
    let stands = [EACH * 2, (EACH - waiting) * 2, waiting * 2, 0];
    first.wait_metrics("what can be settled", LONG, |metrics| account(metrics) == stands).unwrap();

    let mut second = scene.start(&config, &[]);
    let stands = [EACH * 2, (EACH - waiting) * 2, waiting, waiting];
    first.wait_metrics("a partition to be given back", LONG, |metrics| account(metrics) == stands).unwrap();
    block(&scene, "shut", false);
    let settles = |kelp: &mut Kelp, stands: [u64; 4]| {
        kelp.wait_metrics("the rest to be settled", LONG, |metrics| account(metrics) == stands).unwrap();
    };
    settles(&mut first, [EACH * 2, EACH * 2 - waiting, 0, waiting]);
    let metrics = second.wait_metrics("all to be settled", LONG, |metrics| {
        let [received, settled, in_flight, given_up] = account(metrics);
        received >= waiting && (received, in_flight, given_up) == (settled, 0, 0)
    });
    metrics.unwrap();
    for kelp in [&mut first, &mut second] {
        kelp.terminate().unwrap();
        kelp.expect_exit(0, LONG).unwrap();
    }
    assert_eq!(scene.expect_good().produced, EACH * 2);
    scene.expect_all_committed(&servers);
}
