//! What the simulator's Kafka and Elasticsearch play is what the real ones do. The tables in `tests/fakes` are data: here they are held
//! against real servers, and by the unit tests of the simulator against the fakes.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::lab::elastic::Client;
use crate::lab::wire::{Member, Wire, code};
use crate::lab::{Message, Servers, home, produce, servers, wait_until};

const LONG: Duration = Duration::from_secs(120);

fn table(name: &str) -> Vec<Value> {
    let file = home::project().join("tests/fakes").join(name);
    let table: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert!(table.len() > 15, "{name}");
    table
}

/// The names of a list.
fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What an item is, in the words of the table.
fn item(item: &Value) -> &'static str {
    let item = &item["create"];
    match (item["status"].as_u64(), item["error"]["type"].as_str()) {
        (Some(201), None) => "created",
        (Some(409), Some("version_conflict_engine_exception")) => "conflict",
        (Some(400), Some("mapper_parsing_exception" | "document_parsing_exception")) => "mapping",
        (Some(403), Some("cluster_block_exception")) => "blocked",
        (Some(400), Some("index_closed_exception")) => "closed",
        _ => "something else",
    }
}

/// The client of the laboratory takes a refused item for a failure; here it is an answer.
fn bulk(elastic: &Client, index: &str, body: String) -> Value {
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{}/{index}/_bulk", elastic.url())).body(body);
    let answer = request.header("content-type", "application/x-ndjson").send().unwrap();
    assert_eq!(answer.status(), 200, "a whole request's answer is another matter");
    answer.json().unwrap()
}

fn resolved(elastic: &Client, name: &str) -> &'static str {
    // An answer of 404 is one of a name that stands for nothing.
    let Ok(answer) = elastic.get(&format!("/_resolve/index/{name}")) else { return "free" };
    let is = |kind: &str| answer[kind].as_array().is_some_and(|found| found.iter().any(|one| one["name"] == name));
    match (is("indices"), is("aliases") || is("data_streams")) {
        (_, true) => "other",
        (true, _) => "index",
        _ => "free",
    }
}

#[test]
fn the_real_elasticsearch_answers_as_the_table_says() {
    let servers = servers();
    let elastic = &servers.elastic;
    let named = |case: &Value, key: &str| format!("fakes-{}", case[key].as_str().unwrap());
    for index in ["a", "b"] {
        let mappings = json!({"mappings": {"properties": {"fault": {"type": "boolean"}}}});
        elastic.put(&format!("/fakes-{index}"), &mappings).unwrap();
    }
    for case in table("elasticsearch.json") {
        let said = case["case"].as_str().unwrap();
        if case["documents"].is_array() {
            let line = |document: &str| {
                let (id, fault) = document.split_once(' ').unwrap_or((document, ""));
                let create = json!({"create": {"_id": id}});
                format!("{create}\n{}\n", json!({"fault": fault, "kafka": {"offset": 1}}))
            };
            let body: String = names(&case["documents"]).into_iter().map(line).collect();
            let answer = bulk(elastic, &named(&case, "index"), body);
            let items: Vec<_> = answer["items"].as_array().unwrap().iter().map(item).collect();
            assert_eq!(items, names(&case["items"]), "{said}: {answer}");
        } else if case["look_up"].is_array() {
            let path = format!("/{}/_mget", named(&case, "index"));
            let answer = elastic.post(&path, &json!({"ids": case["look_up"]})).unwrap();
            let found = answer["docs"].as_array().unwrap().iter().map(|one| one["found"] == true);
            assert_eq!(json!(found.collect::<Vec<_>>()), case["found"], "{said}: {answer}");
        } else if case["name"].is_string() {
            assert_eq!(resolved(elastic, &named(&case, "name")), case["is"], "{said}");
        } else if case["alias"].is_string() {
            elastic.put(&format!("/{}/_alias/{}", named(&case, "index"), named(&case, "alias")), &json!({})).unwrap();
        } else {
            let index = named(&case, "index");
            let held = case["hold"].is_string();
            let how = if held { &case["hold"] } else { &case["release"] };
            if how == "block" {
                elastic.put(&format!("/{index}/_settings"), &json!({"index.blocks.write": held})).unwrap();
            } else {
                let path = format!("/{index}/{}", if held { "_close" } else { "_open" });
                elastic.call(Method::POST, &path, None).unwrap();
            }
        }
    }
}

/// The members of the table, each with a connection of its own.
struct Group<'a> {
    servers: &'a Servers,
    name: &'static str,
    members: BTreeMap<String, (Wire, Member, Member)>,
}

impl Group<'_> {
    fn wire(&self) -> Wire {
        Wire::connect(self.servers.kafka.bootstrap()).unwrap()
    }

    fn committed(&self) -> Option<i64> {
        self.servers.kafka.committed(self.name, self.name, 1).unwrap()[0]
    }

    /// A member asks to be in the group. The first is at once; for another all that are there have to ask again, which is waited for
    /// until they have heard so.
    fn join(&mut self, name: &str) {
        let mut wire = self.wire();
        wire.ask_to_join(self.name, &Member::default()).unwrap();
        let mut member = Member::default();
        if self.members.is_empty() {
            member = wire.joined().unwrap();
            wire.sync(self.name, &member).unwrap();
        }
        for (wire, _, other) in self.members.values_mut() {
            wait_until("the members to be gathered", LONG, || {
                Ok((wire.heartbeat(self.name, other)? == code::REBALANCE).then_some(()))
            })
            .unwrap();
        }
        let before = Member { generation: member.generation - 1, ..member.clone() };
        self.members.insert(name.into(), (wire, before, member));
    }

    /// All ask, but for those that have asked already, and have their part then.
    fn gather(&mut self) {
        for (wire, _, member) in self.members.values_mut().filter(|(.., member)| !member.id.is_empty()) {
            wire.ask_to_join(self.name, member).unwrap();
        }
        for (wire, before, member) in self.members.values_mut() {
            *before = std::mem::replace(member, wire.joined().unwrap());
        }
        let mut members: Vec<_> = self.members.values_mut().collect();
        members.sort_by_key(|(.., member)| !member.leads);
        members.into_iter().for_each(|(wire, _, member)| wire.sync(self.name, member).unwrap());
    }
}

#[test]
fn the_real_kafka_answers_as_the_table_says() {
    const NAME: &str = "fakes-kafka";
    let servers = servers();
    servers.kafka.create_topic(NAME, 1).unwrap();
    let written: Vec<_> = (0..20).map(|n| Message::new(0, format!("number {n}"))).collect();
    produce(servers.kafka.bootstrap(), NAME, &written).unwrap();
    let mut group = Group { servers: &servers, name: NAME, members: BTreeMap::new() };
    for case in table("kafka.json") {
        let said = case["case"].as_str().unwrap();
        if let Some(name) = case["join"].as_str() {
            group.join(name);
        } else if case["gather"].is_array() {
            group.gather();
        } else if let Some(name) = case["leave"].as_str() {
            let (wire, _, member) = group.members.get_mut(name).unwrap();
            assert_eq!(wire.leave(NAME, member).unwrap(), code::NONE, "{said}");
        } else if let Some(name) = case["commit"].as_str() {
            let stranger = || (group.wire(), Member::default(), Member { id: "nobody".into(), ..Member::default() });
            let mut unknown = (name == "nobody").then(stranger);
            let (wire, before, own) = unknown.as_mut().or_else(|| group.members.get_mut(name)).unwrap();
            let member = if case["generation"] == "own" { own } else { before };
            let answer = match wire.commit(NAME, member, NAME, case["offset"].as_i64().unwrap()).unwrap() {
                code::NONE => "taken",
                code::ILLEGAL_GENERATION => "illegal generation",
                code::UNKNOWN_MEMBER => "unknown member",
                _ => "something else",
            };
            assert_eq!(
                (answer, group.committed()),
                (case["answer"].as_str().unwrap(), case["committed"].as_i64()),
                "{said}"
            );
        } else if case["retain"].is_boolean() {
            servers.kafka.delete_records(NAME, 0, 4).unwrap();
        } else if let Some(place) = case["read"].as_str() {
            let offset = match place {
                "below the beginning" => 3,
                "the beginning" => 4,
                "the end" => 20,
                _ => 21,
            };
            let answer = match group.wire().fetch(NAME, offset).unwrap() {
                code::NONE => "in range",
                code::OUT_OF_RANGE => "out of range",
                _ => "something else",
            };
            assert_eq!(answer, case["answer"], "{said}");
        } else {
            assert_eq!(case["make_again"], true, "{said}");
            servers.kafka.delete_topic(NAME).unwrap();
            wait_until("the topic to be made", LONG, || match servers.kafka.create_topic(NAME, 1) {
                Err(error) if error.to_string().contains("already exists") => Ok(None),
                other => other.map(Some),
            })
            .unwrap();
            let is = |committed: Option<i64>| committed == case["committed"].as_i64();
            wait_until("what is committed", LONG, || Ok(is(group.committed()).then_some(()))).unwrap();
        }
    }
}
