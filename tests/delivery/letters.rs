//! Records that cannot be indexed: each alone becomes a dead letter, and its partition goes on.

use serde_json::json;

use super::{LONG, Scene};
use crate::lab::{Message, servers, wait_until};

/// One document among a thousand does not fit the mapping.
#[test]
fn a_mapping_conflict_is_one_dead_letter() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-conflict", 1);
    let index = "delivery-conflict-numbers";
    servers
        .elastic
        .put(&format!("/{index}"), &json!({"mappings": {"properties": {"n": {"type": "integer"}}}}))
        .unwrap();
    let raw = r#"{"n": "no number", "ü": 1 }"#;
    let message = |n: usize| match n {
        500 => Message {
            key: Some(b"k\xff".into()),
            headers: vec![("own".into(), Some(b"header".into()))],
            ..Message::new(0, raw)
        },
        n => Message::new(0, format!(r#"{{"n": {n}}}"#)),
    };
    scene.write(&(0..1000).map(message).collect::<Vec<_>>());
    let pipeline = scene
        .pipeline("source: {topics: [NAME], codec: json}\nprocessors: []\ndestination: {index: \"NAME-numbers\"}\n");
    scene.catch_up(&scene.config(&pipeline));

    let letters = scene.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    let letter = &letters[0];
    assert_eq!((letter.payload.as_deref(), letter.key.as_deref()), (Some(raw.as_bytes()), Some(&b"k\xff"[..])));
    let header = |name: &str| letter.headers.get(name).map_or("", String::as_str);
    for (name, value) in [
        ("kelp.topic", "delivery-conflict"),
        ("kelp.partition", "0"),
        ("kelp.offset", "500"),
        ("kelp.stage", "elasticsearch"),
        ("kelp.index", index),
        ("kelp.pipeline", "pipeline"),
        ("own", "header"),
    ] {
        assert_eq!(header(name), value, "{name} of {letter:?}");
    }
    assert!(header("kelp.id").ends_with("-0000-000000000500"), "{letter:?}");
    assert!(header("kelp.reason").contains("failed to parse field [n]"), "{letter:?}");
    let report = scene.expect_good();
    assert_eq!((report.indexed, report.dead_lettered, report.dead_letters), (999, 1, 1), "{report}");
    scene.expect_all_committed(&servers);
}

/// Where the name of the index needs a field that is not there.
#[test]
fn records_without_an_index_are_dead_letters() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-nowhere", 2);
    let messages: Vec<_> = (0..100)
        .map(|n| match n % 10 {
            0 => Message::new(n % 2, "{\"m\": 1}"),
            // No name of an index may have this in it.
            5 => Message::new(n % 2, "{\"m\": 1, \"team\": \"a,b\"}"),
            _ => Message::new(n % 2, "{\"m\": 1, \"team\": \"red\"}"),
        })
        .collect();
    let offsets = scene.write(&messages);
    let pipeline = scene.pipeline(
        "source: {topics: [NAME], codec: json}\nprocessors: []\ndestination: {index: \"NAME-%{[team]}-%{+yyyy.MM}\"}\n",
    );
    scene.catch_up(&scene.config(&pipeline));

    let mut expected: Vec<_> = (0..100).filter(|n| n % 5 == 0).map(|n| (n % 2, offsets[n as usize])).collect();
    let letters = scene.letters();
    let origin = |name: &str, letter: &super::Letter| letter.headers[name].parse::<i64>().unwrap();
    let mut found: Vec<_> =
        letters.iter().map(|one| (origin("kelp.partition", one) as i32, origin("kelp.offset", one))).collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    for letter in &letters {
        assert_eq!(letter.headers["kelp.stage"], "destination", "{letter:?}");
        let reason = &letter.headers["kelp.reason"];
        assert!(reason.contains("team") || reason.contains("a,b"), "{letter:?}");
        assert!(letter.payload.as_deref().unwrap().starts_with(b"{\"m\": 1"), "{letter:?}");
    }
    let report = scene.expect_good();
    assert_eq!((report.indexed, report.dead_lettered), (80, 20), "{report}");
    scene.expect_all_committed(&servers);
}

/// A document that is nested too deeply for any index, among others of the same index, holds nobody up.
#[test]
fn what_is_nested_too_deeply_is_one_dead_letter() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-deep", 1);
    let deep = format!("{}1{}", "{\"d\":".repeat(30), "}".repeat(30));
    scene.write(&[Message::new(0, "{\"n\": 1}"), Message::new(0, deep), Message::new(0, "{\"n\": 2}")]);
    let pipeline = scene
        .pipeline("source: {topics: [NAME], codec: json}\nprocessors: []\ndestination: {index: \"NAME-numbers\"}\n");
    scene.catch_up(&scene.config(&pipeline));
    let letters = scene.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert!(letters[0].headers["kelp.reason"].contains("Limit of mapping depth"), "{letters:?}");
    assert_eq!(scene.expect_good().indexed, 2);
    scene.expect_all_committed(&servers);
}

/// A payload above the default of `max_payload`, which goes through the broker compressed. First the topic of the dead letters takes
/// no record of its size, which is told; then it does.
#[test]
fn a_payload_above_the_default_limit_is_one_dead_letter() {
    const LARGE: usize = 17 << 20;
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-large", 1);
    scene.write(&[Message::new(0, "{\"n\": 1}"), Message::new(0, vec![b'x'; LARGE]), Message::new(0, "{\"n\": 2}")]);
    let pipeline = scene
        .pipeline("source: {topics: [NAME], codec: json}\nprocessors: []\ndestination: {index: \"NAME-numbers\"}\n");
    let config = scene.config(&pipeline);
    let letters = scene.letters_topic();
    crate::lab::kafka::create_topic(&scene.bootstrap, &letters, 1, &[("max.message.bytes", "1024")]).unwrap();
    let mut kelp = scene.start(&config, &[]);
    for told in
        ["takes smaller records than its sources can hold", "a dead letter cannot be delivered: its partition waits"]
    {
        wait_until(told, LONG, || {
            kelp.process().expect_alive()?;
            Ok(kelp.output()?.contains(told).then_some(()))
        })
        .map_err(|error| format!("{error}; {}", kelp.process().tail()))
        .unwrap();
    }
    let log = kelp.output().unwrap();
    assert!(log.contains("Message size too large"), "the reason is not told:\n{log}");
    kelp.kill().unwrap();
    // What stands before it may be committed, and no more.
    assert!(scene.committed(&servers)[0] <= 1);
    servers.kafka.delete_topic(&letters).unwrap();
    scene.catch_up(&config);

    let letters = scene.letters();
    assert_eq!(letters.iter().map(|one| one.payload.as_ref().map_or(0, Vec::len)).collect::<Vec<_>>(), [LARGE]);
    assert_eq!((&*letters[0].headers["kelp.stage"], &*letters[0].headers["kelp.offset"]), ("codec", "1"));
    let report = scene.expect_good();
    assert_eq!((report.indexed, report.dead_lettered), (2, 1), "{report}");
    scene.expect_all_committed(&servers);
}
