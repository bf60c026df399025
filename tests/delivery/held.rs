//! An index that refuses its documents for long: who waits for it, and who does not.

use serde_json::json;

use super::{LONG, Letter, Scene, count, count_where, patient};
use crate::lab::kelp::Metrics;
use crate::lab::{Kelp, Message, produce, servers};

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
    patient(&mut config);
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

/// Records of another topic than the scene's.
fn write_to(scene: &Scene, topic: &str, messages: &[Message]) {
    produce(&scene.bootstrap, topic, messages).unwrap();
}

fn record(day: &str, n: u64, text: &str) -> String {
    json!({"day": day, "n": n, "text": text}).to_string()
}

/// One of two topics is for an index that refuses its documents. It waits once its share of the memory is used up; the other topic, and
/// what was for another index before that, does not. Later all of it arrives once.
#[test]
fn an_index_that_refuses_stops_the_partitions_that_feed_it_and_no_others() {
    const HEAVY: u64 = 6000;
    const LIGHT: u64 = 3000;
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-blocked", 2);
    let other = "delivery-blocked-other";
    servers.kafka.create_topic(other, 2).unwrap();
    block(&scene, "shut", true);
    let text = "x".repeat(4000);
    // One in a hundred is for the index that takes its documents.
    let heavy: Vec<_> = (0..HEAVY)
        .map(|n| Message::new((n % 2) as i32, record(if n % 100 < 2 { "open" } else { "shut" }, n, &text)))
        .collect();
    heavy.chunks(2000).for_each(|some| drop(scene.write(some)));
    let light = |from: u64| {
        let message = |n: u64| Message::new((n % 2) as i32, record("open", n, "light"));
        write_to(&scene, other, &(from..from + LIGHT).map(message).collect::<Vec<_>>());
    };
    light(0);
    let pipeline = BY_DAY.replace("[NAME]", &format!("[NAME, {other}]"));
    let mut config = scene.config(&scene.pipeline(&pipeline));
    patient(&mut config);
    config.more.push("memory_limit: 64MiB".into());
    config.elastic.push("bulk: {max_bytes: 256KiB}".into());
    let mut kelp = scene.start(&config, &[]);
    let stopped = |metrics: &Metrics, wanted: u64| {
        let labels = [("topic", &*scene.name), ("reason", "memory")];
        metrics.sum_where("kelp_partition_stopped", &labels).unwrap_or_default() as u64 == wanted
            && count(metrics, "kelp_partition_stopped") == wanted
    };
    let metrics = kelp.wait_metrics("both partitions to wait", LONG, |metrics| stopped(metrics, 2)).unwrap();
    assert_eq!(count_where(&metrics, "kelp_lanes_held", "reason", "blocked"), 1);
    // The other topic goes on as if there was nothing.
    light(LIGHT);
    let metrics = kelp
        .wait_metrics("the other topic to be committed", LONG, |metrics| {
            count_where(metrics, "kelp_committed_offset", "topic", other) == 2 * LIGHT && stopped(metrics, 2)
        })
        .unwrap();
    let received = count_where(&metrics, "kelp_records_received_total", "topic", &scene.name);
    let open = count_where(&metrics, "kelp_records_settled_total", "topic", &scene.name);
    assert!(received < HEAVY, "the memory was never full");
    assert!(open > 0 && open <= received / 50 + 2, "{open} of {received}");
    assert_eq!(scene.committed(&servers), [1, 1], "what is below the first that waits");
    assert!(count(&metrics, "kelp_in_flight_bytes") < count(&metrics, "kelp_in_flight_limit_bytes"));
    assert_eq!((kelp.probe("/livez").unwrap(), kelp.probe("/readyz").unwrap()), (200, 200));
    assert_eq!(kelp.output().unwrap().matches("the partition has used up its share of memory_limit").count(), 2);

    block(&scene, "shut", false);
    let metrics = kelp
        .wait_metrics("all to be committed", LONG, |metrics| {
            count(metrics, "kelp_committed_offset") == HEAVY + 2 * LIGHT && stopped(metrics, 0)
        })
        .unwrap();
    assert_eq!(count(&metrics, "kelp_documents_indexed_total"), HEAVY + 2 * LIGHT);
    assert_eq!(count(&metrics, "kelp_documents_duplicate_total"), 0);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    let mut census = scene.census();
    census.topics.push(other.into());
    let report = census.take().unwrap();
    assert!(report.is_good(), "{report}");
    assert_eq!((report.produced, report.dead_lettered), (HEAVY + 2 * LIGHT, 0), "{report}");
}

/// Where that is asked for, what an index has refused for long goes to the dead letters, each once, and the commits go on.
#[test]
fn what_an_index_refuses_for_long_goes_to_the_dead_letters_where_that_is_asked_for() {
    const EACH: u64 = 600;
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-policy", 2);
    block(&scene, "shut", true);
    let message = |n: u64| {
        let day = if n.is_multiple_of(4) { "shut" } else { "open" };
        Message::new((n % 2) as i32, record(day, n, ""))
    };
    scene.write(&(0..EACH).map(message).collect::<Vec<_>>());
    let mut config = scene.config(&scene.pipeline(BY_DAY));
    patient(&mut config);
    config.elastic.push("blocked: {after: 5s, then: dead_letter}".into());
    let mut kelp = scene.start(&config, &[]);
    let metrics = kelp
        .wait_metrics("all to be committed", LONG, |metrics| count(metrics, "kelp_committed_offset") == EACH)
        .unwrap();
    assert_eq!(count(&metrics, "kelp_documents_dead_lettered_total"), EACH / 4);
    // What comes later is tried, and is taken once the index takes documents.
    block(&scene, "shut", false);
    scene.write(&(EACH..2 * EACH).map(message).collect::<Vec<_>>());
    kelp.wait_metrics("all to be committed", LONG, |metrics| count(metrics, "kelp_committed_offset") == 2 * EACH)
        .unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    let letters = scene.letters();
    let header = |letter: &Letter, name: &str| letter.headers.get(name).cloned().unwrap_or_default();
    assert!(letters.iter().all(|letter| header(letter, "kelp.index") == "delivery-policy-shut"));
    assert!(letters.iter().all(|letter| {
        let reason = header(letter, "kelp.reason");
        reason.starts_with("the index has refused its documents for 5s: blocked: cluster_block_exception")
    }));
    let report = scene.expect_good();
    let dead = EACH / 4;
    assert_eq!(
        (report.dead_letters, report.dead_lettered, report.dead_lettered_and_indexed),
        (dead, dead, 0),
        "{report}"
    );
    assert_eq!((report.produced, report.indexed), (2 * EACH, 2 * EACH - dead), "{report}");
}
