//! The pipelines of Filebeat's modules, run on the logs that come with them, against the documents that Elasticsearch made of them.
//!
//! They lie in the corpus (`corpus_tests.rs` says where it is looked for). Processors that there are not (`script`, `geoip`,
//! `user_agent`) are taken out and counted, and what they make is not compared; where a script makes much, as in auditd, documents
//! count as different. How many are the same is asserted, as a floor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::cases::plain_value;
use super::corpus_tests::{Came, Prepared, alike, corpus};
use super::processors::PROCESSORS;
use super::time::{Moment, Zone, parse_iso};
use crate::yaml::{Problems, parse};

/// How many documents are the same at least, and how many there are. Of the others nearly all are auditd's, whose pipeline is a
/// script; ten have the zone `EST` in July, which Java takes for New York's summer time.
const SAME: usize = 1225;
const ALL: usize = 1488;

/// A pipeline's file, as JSON.
fn read(path: &Path) -> Json {
    let text = std::fs::read_to_string(path).unwrap();
    let problems = Problems::new(&path.display().to_string());
    let node = parse(&text, &problems).unwrap_or_else(|| panic!("{:?}", problems.into_vec()));
    serde_json::from_str(&plain_value(&node).to_json()).unwrap()
}

/// Takes out the processors that there are not, anywhere.
fn supported(value: &mut Json, left_out: &mut BTreeMap<String, usize>) {
    match value {
        Json::Array(items) => {
            items.retain(|item| match item.as_object().filter(|object| object.len() == 1) {
                Some(object) => {
                    let (name, options) = object.iter().next().unwrap();
                    let is_processor = options.is_object();
                    let known = !is_processor || PROCESSORS.iter().any(|known| known.name == *name);
                    // A loop over a processor that there is not is none either.
                    let inner = options["processor"].as_object().and_then(|inner| inner.keys().next());
                    let known = known && inner.is_none_or(|name| PROCESSORS.iter().any(|known| known.name == *name));
                    if !known {
                        *left_out.entry(inner.unwrap_or(name).clone()).or_default() += 1;
                    }
                    known
                }
                None => true,
            });
            items.iter_mut().for_each(|item| supported(item, left_out));
        }
        Json::Object(fields) => {
            // An empty expression matches everything.
            for pattern in fields.get_mut("patterns").and_then(Json::as_array_mut).into_iter().flatten() {
                if pattern == "" {
                    *pattern = json!("^");
                }
            }
            fields.values_mut().for_each(|value| supported(value, left_out));
            // Handlers that are all gone.
            fields.retain(|name, value| name != "on_failure" || value.as_array().is_none_or(|list| !list.is_empty()));
        }
        _ => {}
    }
}

/// The name by which a pipeline is called: `{< IngestPipeline "files" >}` is `files`.
fn called(value: &mut Json) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(called),
        Json::Object(fields) => {
            if let Some(name) = fields.get_mut("pipeline").and_then(|options| options.get_mut("name"))
                && let Some(inner) = name.as_str().and_then(|name| name.split('"').nth(1))
            {
                *name = json!(inner);
            }
            fields.values_mut().for_each(called);
        }
        _ => {}
    }
}

/// Fields by their whole names, without nulls and empty objects.
fn flat(prefix: &str, value: &Json, into: &mut BTreeMap<String, Json>) {
    match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flat(&name, value, into);
            }
        }
        Json::Null => {}
        value => {
            into.insert(prefix.to_owned(), value.clone());
        }
    }
}

/// What is not compared: values from databases that are not here, times of reading, and what scripts make.
fn passed_over(module: &str, name: &str) -> bool {
    name.split('.').any(|part| matches!(part, "geo" | "as"))
        || name.starts_with("user_agent.") && name != "user_agent.original"
        || matches!(name, "event.ingested" | "event.created" | "log.file.path" | "ecs.version")
        || matches!(
            (module, name),
            ("postgresql" | "haproxy" | "traefik", "event.duration" | "temp.duration")
                | ("apache", "tls.version" | "tls.version_protocol" | "event.type")
                | ("redis", "log.level" | "redis.log.role")
                | ("kafka", "event.type")
                | ("system", "event.action" | "event.category" | "event.outcome" | "event.type")
                | ("nginx", "source.address" | "source.ip" | "related.ip")
        )
}

/// The line or lines of an event: from its offset to the next one's.
fn given(log: &str, expected: &[Json], index: usize) -> Option<String> {
    let offset = |index: usize| expected.get(index).and_then(|doc| doc["log.offset"].as_u64()).map(|o| o as usize);
    let start = offset(index)?;
    let rest = log.get(start..offset(index + 1).filter(|end| *end > start).unwrap_or(log.len()))?;
    let text = rest.strip_suffix('\n').unwrap_or(rest);
    let multiline = expected[index]["log.flags"].to_string().contains("multiline");
    Some(if multiline { text.to_owned() } else { text.lines().next().unwrap_or_default().to_owned() })
}

#[test]
fn filebeats_modules_make_the_documents_that_elasticsearch_makes() {
    let Some(modules) = corpus("modules") else { return };
    let mut folders: Vec<_> = std::fs::read_dir(modules)
        .unwrap()
        .flat_map(|module| std::fs::read_dir(module.unwrap().path()).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let (mut same, mut all, mut left_out, mut differences) = (0, 0, BTreeMap::new(), BTreeMap::<String, usize>::new());
    for folder in folders {
        let files: BTreeSet<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        let mut pipelines: BTreeMap<String, Json> = BTreeMap::new();
        for file in &files {
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            if let Some(name) = name.strip_prefix("pipeline-") {
                let mut pipeline = read(file);
                supported(&mut pipeline, &mut left_out);
                called(&mut pipeline);
                pipelines.insert(name.to_owned(), pipeline);
            }
        }
        let first = ["pipeline", "entrypoint"].into_iter().find_map(|name| pipelines.remove(name));
        let Some(first) = first else { panic!("{} has no first pipeline", folder.display()) };
        let others = Json::Object(pipelines.into_iter().collect::<Map<_, _>>());
        // One of the modules is Kafka's own: its fields are not the record's origin here.
        let prepared = Prepared::new(&first, &others, "origin");
        let names: Vec<_> = folder.iter().map(|part| part.to_string_lossy()).collect();
        let module = names[names.len() - 2].as_ref();
        let (mut same_here, mut all_here) = (0, 0);
        for file in files.iter().filter(|file| file.to_string_lossy().ends_with(".log-expected.json")) {
            let expected: Vec<Json> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
            let log = file.to_string_lossy().replace("-expected.json", "");
            let log = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
            for (index, doc) in expected.iter().enumerate() {
                let Some(text) = given(&log, &expected, index) else { continue };
                let time = doc["@timestamp"].as_str().and_then(|text| parse_iso(text, &Zone::UTC)).map(Moment::millis);
                let mut event = json!({"message": text, "@timestamp": "2026-07-01T00:00:00.000Z"});
                for name in [
                    "input.type",
                    "log.offset",
                    "fileset.name",
                    "service.type",
                    "event.module",
                    "event.dataset",
                    "log.flags",
                    "event.timezone",
                    "ecs.version",
                ] {
                    if !doc[name].is_null() {
                        put(&mut event, name, doc[name].clone());
                    }
                }
                all_here += 1;
                let difference = match &prepared {
                    Ok(prepared) => match prepared.run(&event, Some(time.unwrap_or(1_782_864_000_000))) {
                        Came::Document(document) => difference(module, doc, &document),
                        other => Some(format!("{other:?}").chars().take(300).collect()),
                    },
                    Err(told) => Some(told.chars().take(300).collect()),
                };
                match difference {
                    None => same_here += 1,
                    Some(difference) => *differences.entry(format!("{module}: {difference}")).or_default() += 1,
                }
            }
        }
        println!("{}: {same_here} of {all_here}", folder.display());
        same += same_here;
        all += all_here;
    }
    println!("left out: {left_out:?}");
    let mut differences: Vec<_> = differences.into_iter().collect();
    differences.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (difference, count) in differences.iter().take(60) {
        println!("{count:5} {difference}");
    }
    println!("{same} of {all} documents are the same");
    assert!(all >= ALL && same >= SAME, "{same} of {all} documents are the same");
}

fn put(event: &mut Json, name: &str, value: Json) {
    let mut slot = event;
    for part in name.split('.') {
        slot = slot.as_object_mut().unwrap().entry(part.to_owned()).or_insert_with(|| json!({}));
    }
    *slot = value;
}

fn difference(module: &str, expected: &Json, document: &Json) -> Option<String> {
    let mut came = BTreeMap::new();
    flat("", document, &mut came);
    let expected = expected.as_object().unwrap();
    for (name, value) in expected {
        if passed_over(module, name) || value.is_null() {
            continue;
        }
        match came.get(name) {
            None => return Some(format!("{name} is missing")),
            Some(other) if !alike(&sorted(value), &sorted(other)) => {
                return Some(format!("{name}: {value} expected, {other} came").chars().take(300).collect());
            }
            _ => {}
        }
    }
    let more =
        came.keys().find(|name| !passed_over(module, name) && *name != "@timestamp" && !expected.contains_key(*name));
    more.map(|name| format!("{name} is too many"))
}

/// Lists are sorted in the expected documents.
fn sorted(value: &Json) -> Json {
    match value {
        Json::Array(items) => {
            let mut items = items.clone();
            items.sort_by_key(Json::to_string);
            Json::Array(items)
        }
        value => value.clone(),
    }
}
