//! What becomes of every kind of payload that `json` can meet, document by document.

use serde_json::{Value, json};

use super::{LONG, Scene, count, count_where};
use crate::lab::{Message, servers};

#[test]
fn every_payload_of_json_has_its_fate() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-codecs", 1);
    let nested = format!("{}1{}", "{\"a\":".repeat(1000), "}".repeat(1000));
    let large = format!("{{\"large\":\"{}\"}}", "x".repeat(20_000));
    let payloads: [&[u8]; 12] = [
        b"{\"text\": \"a\xffb\"}",
        b"",
        b"{\"text\": ",
        b"17",
        b"[{\"n\": 1}, {\"n\": 2}]",
        b"[]",
        nested.as_bytes(),
        b"{\"n\": 1, \"n\": 2}",
        large.as_bytes(),
        b"[{\"n\": 5}, 6]",
        b"{\"f\": 18446744073709551616}",
        "{\"text\": \"größer 壊れた\"}".as_bytes(),
    ];
    let mut messages: Vec<_> = payloads.iter().map(|payload| Message::new(0, *payload)).collect();
    messages.push(Message { payload: None, key: Some(b"k".into()), ..Message::default() });
    let records = messages.len() as u64;
    scene.write(&messages);
    let pipeline = scene.pipeline(
        "source: {topics: [NAME], codec: json, max_payload: 16KiB}\nprocessors: []\ndestination: {index: \"NAME-all\"}\n",
    );
    let mut kelp = scene.start(&scene.config(&pipeline), &[]);
    let metrics = kelp
        .wait_metrics("all to be settled", LONG, |metrics| count(metrics, "kelp_records_settled_total") == records)
        .unwrap();
    for reason in ["empty_payload", "tombstone", "empty_array"] {
        assert_eq!(count_where(&metrics, "kelp_records_dropped_total", "reason", reason), 1, "{reason}");
    }
    assert_eq!(count_where(&metrics, "kelp_documents_dead_lettered_total", "stage", "codec"), 1);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();

    let documents = scene.documents();
    let mut of: Vec<Vec<&Value>> = vec![Vec::new(); messages.len()];
    for ((_, offset, _), document) in &documents {
        of[*offset as usize].push(document);
    }
    let numbers: Vec<_> = of.iter().map(Vec::len).collect();
    assert_eq!(numbers, [1, 0, 1, 1, 2, 0, 1, 1, 0, 2, 1, 1, 0]);
    assert_eq!((&of[0][0]["text"], &of[0][0]["tags"]), (&json!("a\u{fffd}b"), &json!(["_invalid_utf8"])));
    for (offset, message) in [(2, "{\"text\": "), (3, "17"), (6, &nested)] {
        let document = of[offset][0];
        assert_eq!((&document["message"], &document["tags"]), (&json!(message), &json!(["_codec_failure"])));
        assert!(document["error"]["message"].is_string(), "{document}");
    }
    assert_eq!((&of[4][0]["n"], &of[4][1]["n"], &of[7][0]["n"]), (&json!(1), &json!(2), &json!(2)));
    assert_eq!((&of[9][0]["n"], &of[9][1]["message"]), (&json!(5), &json!("6")));
    assert_eq!(of[9][1]["tags"], json!(["_codec_failure"]));
    assert_eq!(of[10][0]["f"].as_f64(), Some(18_446_744_073_709_551_616.0));
    assert_eq!(of[11][0]["text"], "größer 壊れた");
    assert!(of.iter().flatten().all(|document| document["kafka"]["topic"] == "delivery-codecs"));
    assert!(of.iter().flatten().all(|document| document["@timestamp"].is_string()));

    let letters = scene.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].headers["kelp.stage"], "codec");
    assert_eq!(letters[0].headers["kelp.offset"], "8");
    assert_eq!(letters[0].payload.as_deref(), Some(large.as_bytes()));
    let mut census = scene.census();
    census.many = true;
    census.drop_rule = Some(Box::new(|value| value == b"[]"));
    let report = census.take().unwrap();
    assert!(report.is_good(), "{report}");
    scene.expect_all_committed(&servers);
}
