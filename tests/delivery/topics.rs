//! Patterns of topics: what matches is read, also if it comes later; what is named, and dead letters, are not the pattern's.

use super::{LONG, Scene, binary, count};
use crate::lab::kelp::Config;
use crate::lab::{Kelp, Message, produce, servers, wait_until};

#[test]
fn topics_that_match_are_read_and_new_ones_are_found() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-pattern-one", 2);
    let topics = ["delivery-pattern-two", "delivery-pattern-named", "delivery-pattern-late", "delivery-pattern-both"];
    let write = |topic: &str, records: i32| {
        let message = |n: i32| Message::new(n % 2, format!("{topic} number {n}"));
        produce(&scene.bootstrap, topic, &(0..records).map(message).collect::<Vec<_>>()).unwrap();
    };
    servers.kafka.create_topic(topics[0], 2).unwrap();
    servers.kafka.create_topic(topics[1], 2).unwrap();
    // The dead letters match as well.
    let letters = "delivery-pattern-letters";
    let file = |name: &str, source: &str, index: &str, rest: &str| {
        let file = scene.folder.path().join(name);
        let text = format!("source: {source}\nprocessors: []\ndestination: {{index: {index}{rest}}}\n");
        std::fs::write(&file, text).unwrap();
        file
    };
    let any = file(
        "any.yaml",
        "{topics_pattern: 'delivery-pattern-.*', max_payload: 1KiB}",
        "delivery-pattern-one-any",
        ", origin: from",
    );
    let named = file("named.yaml", "{topics: [delivery-pattern-named]}", "delivery-pattern-one-named", "");
    let mut config = Config::new(&scene.bootstrap, &scene.name, scene.elastic.url(), &[&any, &named]);
    config.more.push(format!("dead_letters: {{topic: {letters}}}"));
    write("delivery-pattern-one", 10);
    write(topics[0], 20);
    write(topics[1], 40);
    // Too large: a dead letter.
    produce(&scene.bootstrap, topics[0], &[Message::new(0, "x".repeat(2000))]).unwrap();
    let mut kelp = scene.start(&config, &[]);
    let settled = |kelp: &mut Kelp, records: u64| {
        kelp.wait_metrics("all to be settled", LONG, |metrics| count(metrics, "kelp_records_settled_total") == records)
            .unwrap()
    };
    settled(&mut kelp, 71);
    // A topic that comes later, and one that two patterns would match is not there yet.
    servers.kafka.create_topic(topics[2], 2).unwrap();
    write(topics[2], 30);
    let metrics = settled(&mut kelp, 101);
    assert_eq!(metrics.sum_where("kelp_records_received_total", &[("topic", letters)]), None);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    let found = |index: &str, query: &str| scene.elastic.search(index, query).unwrap().len();
    assert_eq!(found("delivery-pattern-one-any", "*"), 60);
    assert_eq!(found("delivery-pattern-one-any", "from.topic:\"delivery-pattern-late\""), 30);
    assert_eq!(found("delivery-pattern-one-named", "kafka.topic:\"delivery-pattern-named\""), 40);

    // Two patterns on one topic: told with both places, at the start and later.
    let other =
        file("other.yaml", "{topics_pattern: '.*pattern-both|delivery-pattern-two'}", "delivery-pattern-one-x", "");
    config.pipelines.push(other.clone());
    let mut kelp = Kelp::start(&binary(), scene.folder.path(), &config, &[]).unwrap();
    let places = |kelp: &mut Kelp, topic: &str| {
        wait_until("both places", LONG, || {
            kelp.process().expect_alive()?;
            let output = kelp.output()?;
            let line =
                output.lines().find(|line| line.contains("is matched by the patterns at") && line.contains(topic));
            Ok(line.filter(|line| line.contains("any.yaml:1:26") && line.contains("other.yaml:1:26")).map(drop))
        })
        .unwrap();
    };
    places(&mut kelp, topics[0]);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    std::fs::write(&other, std::fs::read_to_string(&other).unwrap().replace("|delivery-pattern-two", "")).unwrap();
    let mut kelp = scene.start(&config, &[]);
    kelp.wait_metrics("partitions", LONG, |metrics| count(metrics, "kelp_partitions_held") == 8).unwrap();
    servers.kafka.create_topic(topics[3], 2).unwrap();
    places(&mut kelp, topics[3]);
    write(topics[2], 5);
    settled(&mut kelp, 5);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
}
