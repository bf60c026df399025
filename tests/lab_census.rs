//! The census is only worth something if it fails when it has to: a topic and documents made without Kelp, then damaged.

use serde_json::{Value, json};

use crate::lab::census::Report;
use crate::lab::generate::{Generator, Kind};
use crate::lab::{Census, Message, Servers, produce, servers};

/// Produces a small log and indexes it as a faultless indexer would; gives the index and id of each document.
fn index_a_log(servers: &Servers, name: &str) -> Vec<(String, String)> {
    servers.kafka.create_topic(name, 3).unwrap();
    let log: Vec<_> = Generator::new(3, 3000, 3).collect();
    let messages = log.iter().map(|one| Message {
        partition: one.partition,
        payload: one.payload.clone(),
        timestamp: Some(one.timestamp),
        ..Message::default()
    });
    let messages: Vec<_> = messages.collect();
    let offsets = produce(servers.kafka.bootstrap(), name, &messages).unwrap();
    let mut ids = Vec::new();
    let mut lines = String::new();
    for (record, offset) in log.iter().zip(offsets) {
        if matches!(record.kind, Kind::Empty | Kind::Tombstone) {
            continue;
        }
        let (index, id) = (format!("{name}-{}", offset % 2), format!("{name}-0-{:05}-{offset:019}", record.partition));
        let tags = if record.kind == Kind::Malformed { json!(["_parse_failure"]) } else { json!([]) };
        let action = json!({"create": {"_index": index, "_id": id}});
        let origin = json!({"topic": name, "partition": record.partition, "offset": offset});
        lines += &format!("{action}\n{}\n", json!({"kafka": origin, "tags": tags}));
        ids.push((index, id));
    }
    servers.elastic.bulk(lines).unwrap();
    ids
}

fn take(servers: &Servers, name: &str) -> Report {
    let mut census = Census::new(servers.kafka.bootstrap(), &servers.elastic, name, &format!("{name}-*"));
    let without_ids = census.take().unwrap();
    census.check_ids = true;
    let report = census.take().unwrap();
    let faults = |report: &Report| (report.missing, report.duplicates, report.unexpected, report.tagged_failures);
    assert_eq!(faults(&without_ids), faults(&report), "to look at ids changes nothing else");
    report
}

fn with_columns(servers: &Servers, name: &str) {
    let origin = json!({"topic": {"type": "keyword"}, "partition": {"type": "integer"}, "offset": {"type": "long"}});
    let properties = json!({"kafka": {"properties": origin}, "tags": {"type": "keyword"}});
    let template =
        json!({"index_patterns": [format!("{name}-*")], "template": {"mappings": {"properties": properties}}});
    servers.elastic.put(&format!("/_index_template/{name}"), &template).unwrap();
}

/// The same with and without a template: the documents' columns are read, or their sources.
#[test]
fn a_faultless_index_is_good_and_a_damaged_one_is_not() {
    let servers = servers();
    for name in ["census-columns", "census-sources"] {
        if name == "census-columns" {
            with_columns(&servers, name);
        }
        let ids = index_a_log(&servers, name);
        let report = take(&servers, name);
        assert!(report.is_good(), "{report}");
        let log: Vec<_> = Generator::new(3, 3000, 3).collect();
        let count = |kind| log.iter().filter(|one| one.kind == kind).count() as u64;
        assert!(count(Kind::Tombstone) > 0 && count(Kind::Empty) > 0 && count(Kind::Malformed) > 0);
        assert_eq!(report.produced, 3000);
        assert_eq!(report.dropped_tombstones, count(Kind::Tombstone));
        assert_eq!(report.dropped_empty, count(Kind::Empty));
        assert_eq!(report.tagged_failures, count(Kind::Malformed));
        assert_eq!(report.indexed, ids.len() as u64);
        assert_eq!(report.by_index.values().sum::<u64>(), ids.len() as u64);
        assert_eq!(report.by_index.len(), 2);

        // One document claims another origin, one is gone, one is there twice.
        let update = |(index, id): &(String, String), kafka: Value| {
            servers.elastic.post(&format!("/{index}/_update/{id}"), &json!({"doc": {"kafka": kafka}})).unwrap();
        };
        update(&ids[10], json!({"offset": 1_000_000}));
        let (index, id) = &ids[20];
        servers.elastic.delete(&format!("/{index}/_doc/{id}")).unwrap();
        let (index, id) = &ids[30];
        let copy = servers.elastic.document(index, id).unwrap();
        servers.elastic.put(&format!("/{name}-other/_doc/{id}"), &copy).unwrap();
        let damaged = take(&servers, name);
        assert!(!damaged.is_good());
        assert_eq!(
            (damaged.missing, damaged.unexpected, damaged.duplicates, damaged.wrong_ids),
            (2, 1, 1, 1),
            "{damaged}"
        );

        // A document that says nothing of its origin is unexpected, too.
        servers.elastic.put(&format!("/{name}-other/_doc/x"), &json!({"a": 1})).unwrap();
        assert_eq!(take(&servers, name).unexpected, 2);
        servers.elastic.delete(&format!("/{name}-0,{name}-1,{name}-other")).unwrap();
    }
}

#[test]
fn a_dead_letter_accounts_for_its_record_and_for_no_other() {
    let servers = servers();
    let (bootstrap, name) = (servers.kafka.bootstrap(), "census-dead");
    servers.kafka.create_topic(name, 1).unwrap();
    servers.kafka.create_topic("census-dead-letters", 1).unwrap();
    produce(bootstrap, name, &[Message::new(0, "a"), Message::new(0, "b"), Message::new(0, "")]).unwrap();
    let letter = |offset: &str| Message {
        headers: [("kelp.topic", name), ("kelp.partition", "0"), ("kelp.offset", offset)]
            .map(|(name, value)| (name.to_owned(), Some(value.into())))
            .into(),
        ..Message::new(0, "raw")
    };
    produce(bootstrap, "census-dead-letters", &[letter("1"), letter("1")]).unwrap();
    let mut census = Census::new(bootstrap, &servers.elastic, name, "census-dead-*");
    census.dead_letters = Some("census-dead-letters".into());
    let report = census.take().unwrap();
    assert_eq!(
        (report.dead_lettered, report.dead_letters, report.missing, report.unexpected),
        (1, 2, 1, 0),
        "{report}"
    );

    produce(bootstrap, "census-dead-letters", &[letter("0"), letter("2"), letter("3")]).unwrap();
    let report = census.take().unwrap();
    assert_eq!((report.missing, report.unexpected), (0, 2), "{report}");
}
