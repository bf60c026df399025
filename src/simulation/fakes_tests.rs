//! The fakes answer as the real servers do. The tables are data, and `tests/fakes.rs` asks a real Kafka and a real Elasticsearch the
//! same; where a fake leaves something to chance, what is real has to be among what may come.

use serde::Deserialize;

use super::broker::{Broker, CommitRequest};
use super::search::{Search, parse};
use crate::backoff::Chance;
use crate::dispatch::{Found, NameIs, Outcome};
use crate::reader::CommitEntry;
use crate::record::TopicPartition;

fn table<T: for<'a> Deserialize<'a>>(text: &str) -> Vec<T> {
    serde_json::from_str(text).unwrap()
}

#[derive(Deserialize)]
struct SearchCase {
    case: String,
    #[serde(default)]
    index: String,
    documents: Option<Vec<String>>,
    #[serde(default)]
    items: Vec<String>,
    look_up: Option<Vec<String>>,
    #[serde(default)]
    found: Vec<bool>,
    name: Option<String>,
    #[serde(default)]
    is: String,
    alias: Option<String>,
    hold: Option<String>,
    release: Option<String>,
}

fn body(documents: &[String]) -> String {
    let line = |document: &String| {
        let (id, fault) = document.split_once(' ').unwrap_or((document, ""));
        let create = format!("{{\"create\":{{\"_id\":\"{id}\"}}}}");
        format!("{create}\n{{\"fault\":\"{fault}\",\"version\":\"1\",\"padding\":\"\",\"kafka\":{{\"offset\":1}}}}\n")
    };
    documents.iter().map(line).collect()
}

/// What the items of an answer are, in the words of the table.
fn items(outcome: &Outcome) -> Vec<&'static str> {
    let Outcome::Answer(answer) = outcome else { return vec!["a whole request's"] };
    let of = |item: &crate::bulk::Item| match (item.status, item.error.as_ref().map(|error| &*error.kind)) {
        (201, None) => "created",
        (200, None) if item.noop => "noop",
        (409, Some("version_conflict_engine_exception")) => "conflict",
        (400, Some("mapper_parsing_exception" | "document_parsing_exception")) => "mapping",
        (403, Some("cluster_block_exception")) => "blocked",
        (400, Some("index_closed_exception")) => "closed",
        _ => "something else",
    };
    answer.items.iter().map(of).collect()
}

#[test]
fn the_fake_elasticsearch_answers_as_the_real_one() {
    let mut search = Search { accepted: 1000, ..Search::default() };
    let cases: Vec<SearchCase> = table(include_str!("../../tests/fakes/elasticsearch.json"));
    assert!(cases.len() > 20);
    for case in cases {
        let SearchCase { index, .. } = &case;
        if let Some(documents) = &case.documents {
            let body = body(documents);
            assert_eq!(parse(body.as_bytes()).len(), documents.len());
            // Which fault of a held index it is, is left to chance; nothing is written by any.
            let tries = if search.held.contains(index) { 20_000 } else { 1 };
            let may_be = |seed| items(&search.arrive(index, body.as_bytes(), 0, &mut Chance::new(seed)).outcome);
            let seen: Vec<_> = (0..tries).map(may_be).collect();
            assert!(seen.iter().any(|seen| *seen == case.items), "{}: {:?} is none of {seen:?}", case.case, case.items);
        } else if let Some(ids) = &case.look_up {
            let found = search.look_up(index, ids, 0, &mut Chance::new(1)).unwrap();
            assert_eq!(
                found.iter().map(|found| *found != Found::Nothing).collect::<Vec<_>>(),
                case.found,
                "{}",
                case.case
            );
            let origin = Found::Origin(serde_json::json!({"offset": 1}));
            assert!(found.iter().all(|found| [&Found::Nothing, &origin].contains(&found)));
        } else if let Some(name) = &case.name {
            let is = match search.check(name, 0, &mut Chance::new(1)).unwrap() {
                NameIs::Index => "index",
                NameIs::Free => "free",
                NameIs::Other(_) => "other",
            };
            assert_eq!(is, case.is, "{}", case.case);
        } else if let Some(alias) = &case.alias {
            search.aliases.insert(alias.clone());
        } else if case.hold.is_some() {
            search.held.insert(index.clone());
        } else {
            assert!(case.release.is_some(), "{}", case.case);
            search.held.remove(index);
        }
    }
}

#[derive(Deserialize)]
struct BrokerCase {
    case: String,
    join: Option<String>,
    gather: Option<Vec<String>>,
    leave: Option<String>,
    commit: Option<String>,
    #[serde(default)]
    generation: String,
    #[serde(default)]
    offset: i64,
    #[serde(default)]
    answer: String,
    committed: Option<i64>,
    retain: Option<bool>,
    read: Option<String>,
    make_again: Option<bool>,
}

/// A life of the broker from a seed: how far it is as the table says.
fn as_the_table_says(cases: &[BrokerCase], seed: u64) -> Result<(), String> {
    let mut chance = Chance::new(seed);
    let mut broker = Broker::new(1, 1, (40, false), &mut chance);
    let partition = TopicPartition::new("t0", 0);
    let life = |name: &str| usize::from(name.as_bytes()[0]);
    // What each member knew before, and knows.
    let mut known = std::collections::BTreeMap::new();
    for case in cases {
        let committed = |broker: &Broker| broker.committed.get(&partition).map(|(offset, _)| *offset);
        let differs = |what: &dyn std::fmt::Debug| Err(format!("{}: {what:?}", case.case));
        if let Some(name) = &case.join {
            broker.join(life(name), &mut chance);
            let now = broker.credentials(life(name));
            known.insert(life(name), [(now.0, now.1 - 1), now]);
        } else if let Some(names) = &case.gather {
            for name in names {
                let now = broker.credentials(life(name));
                let before = known[&life(name)][1];
                known.insert(life(name), [before, now]);
            }
        } else if let Some(name) = &case.leave {
            broker.remove(life(name), &mut chance);
        } else if let Some(name) = &case.commit {
            let [before, own] = known.get(&life(name)).copied().unwrap_or_default();
            let credentials = if case.generation == "own" { own } else { before };
            let metadata = "kelp:i1".to_owned();
            let entry = CommitEntry { partition: partition.clone(), offset: case.offset, metadata };
            let request = CommitRequest { life: life(name), credentials, entries: vec![entry] };
            let results = broker.commit(&request, &mut chance, false);
            let answer = results[0].refused.as_deref().unwrap_or("taken");
            if answer != case.answer || committed(&broker) != case.committed {
                return differs(&(answer, committed(&broker)));
            }
        } else if case.retain.is_some() {
            let log = broker.logs.get_mut(&partition).expect("it is there");
            let low = log.low();
            log.produce(100);
            log.retain(2);
            if log.low() == low || log.end() == log.low() {
                return differs(&"nothing is left, or all of it");
            }
        } else if let Some(place) = &case.read {
            let log = &broker.logs[&partition];
            let position = match &**place {
                "below the beginning" => log.low() - 1,
                "the beginning" => log.low(),
                "the end" => log.end(),
                _ => log.end() + 1,
            };
            let answer = if log.is_in_range(position) { "in range" } else { "out of range" };
            if answer != case.answer {
                return differs(&answer);
            }
        } else {
            assert!(case.make_again.is_some(), "{}", case.case);
            broker.make_again("t0", &mut chance);
            if committed(&broker) != case.committed {
                return differs(&committed(&broker));
            }
        }
    }
    Ok(())
}

#[test]
fn the_fake_kafka_answers_as_the_real_one() {
    let cases: Vec<BrokerCase> = table(include_str!("../../tests/fakes/kafka.json"));
    assert!(cases.len() > 15);
    let mut failures = std::collections::BTreeMap::new();
    for seed in 0..20_000 {
        match as_the_table_says(&cases, seed) {
            Ok(()) => return,
            Err(why) => *failures.entry(why).or_insert(0) += 1,
        }
    }
    panic!("no life of the fake is as the table says; where they differed first, and how often: {failures:#?}");
}
