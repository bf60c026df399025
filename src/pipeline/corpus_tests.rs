//! Cases that others wrote for Elasticsearch, run here; the corpus is not part of the project.
//!
//! It is looked for where `KELP_CORPUS` says, else in `../shared/corpus`. Where there is none the tests say so and pass,
//! but not with `CI=true`. Each case that is not run, or comes out otherwise, has a rule here that says why.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::compile::Compiler;
use super::processors::PROCESSORS;
use super::step::{Flow, Work, run_handlers, run_steps};
use crate::event::Event;
use crate::yaml::{Kind, Problems, parse};

fn cases(file: &str) -> Option<Vec<Json>> {
    let folder = std::env::var_os("KELP_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    match std::fs::read_to_string(folder.join(file)) {
        Ok(text) => Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()),
        Err(error) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no corpus at {}: {error}", folder.display());
            eprintln!("no corpus at {}, nothing compared: set KELP_CORPUS", folder.display());
            None
        }
    }
}

/// What becomes of a document, as the corpus tells it.
#[derive(Debug, PartialEq)]
enum Came {
    Document(Json),
    Dropped,
    Failed(String),
    Refused(String),
}

fn run(pipeline: &Json, doc: &Json) -> Came {
    let problems = Problems::new("case");
    let text = pipeline.to_string();
    let root = parse(&text, &problems).unwrap_or_else(|| panic!("{text}"));
    let cx = Compiler::new(&problems, "kafka");
    let list = |name: &str| match root.get(name).map(|node| &node.kind) {
        Some(Kind::List(nodes)) => nodes.as_slice(),
        _ => &[],
    };
    let steps = cx.steps(list("processors"));
    let handlers = crate::yaml::Fields::new(&root, "the pipeline", &problems).map(|fields| cx.handlers(&fields));
    let handlers = handlers.unwrap_or_default();
    let told = problems.into_vec();
    if !told.is_empty() {
        return Came::Refused(told.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    }
    let doc = if doc.is_null() { "{}".to_owned() } else { doc.to_string() };
    let event: Event<'_> = serde_json::from_str(&doc).unwrap();
    // 2026-07-01: the corpus was recorded in that year, and dates without a year have it.
    let mut work = Work::new(event, Some(1_782_864_000_000));
    let outcome = match run_steps(&steps, &mut work) {
        Err(failure) if !handlers.is_empty() => run_handlers(&handlers, failure, &mut work),
        outcome => outcome,
    };
    match outcome {
        Ok(Flow::Continue) => Came::Document(serde_json::to_value(&work.event).unwrap()),
        Ok(Flow::Drop) => Came::Dropped,
        Err(failure) => Came::Failed(failure.message),
    }
}

/// Why a case is not for us, or comes out otherwise on purpose.
fn known_difference(case: &Json) -> Option<&'static str> {
    let text = case["pipeline"].to_string();
    let expect = &case["expect"];
    let processors = case["pipeline"]["processors"].to_string();
    let metadata = [
        "\"_index\"",
        "\"_id\"",
        "\"_type\"",
        "\"_routing\"",
        "\"_version\"",
        "\"_version_type\"",
        "\"_if_seq_no\"",
        "\"_if_primary_term\"",
        "{{_index}}",
    ];
    match () {
        () if expect["response"].is_object() => Some("asks about the answer of the server, not about the document"),
        () if metadata.iter().any(|name| processors.contains(name)) => {
            Some("metadata: index and id are made by the destination alone")
        }
        () if text.contains("\"field\":\"{{") => Some("templates in names of fields are refused when compiled"),
        () if processors.contains("\"locale\":\"it\"") => Some("names of months and days are English"),
        () if case["name"] == "testRenameAtomicOperationRemoveFails" => {
            Some("about a map of Java that can't be changed")
        }
        () if case["name"] == "testRenameNewFieldAlreadyExists"
            && case["doc"].as_object().is_some_and(|d| d.len() == 1) =>
        {
            Some("the recorded document lacks the field that the case is about")
        }
        () if expect["error"]["match"].to_string().contains("Failed to parse parameter") => {
            Some("about the parameters of Elasticsearch's simulate API")
        }
        () if processors.contains("invalid_timezone") => Some("a wrong time zone is refused when compiled"),
        () if case["name"] == "testFirstWinNamedCapture" => Some("a repeated capture is a list, as in Elasticsearch 8"),
        () => None,
    }
}

/// The words of an error that are the same here and there.
fn same_words(theirs: &str, ours: &str) -> bool {
    // Java's names of types are not ours.
    let head = theirs.split("of type [").next().unwrap_or(theirs).trim_end_matches('.');
    ours.contains(head)
}

fn check(case: &Json, came: &Came) -> Result<(), String> {
    let expect = &case["expect"];
    if expect["dropped"] == true {
        return if *came == Came::Dropped { Ok(()) } else { Err("dropped expected".into()) };
    }
    if !expect["error"].is_null() {
        return match came {
            Came::Refused(_) => Ok(()),
            Came::Failed(reason) => match expect["error"]["reason"].as_str() {
                Some(theirs) if !same_words(theirs, reason) => Err(format!("{theirs:?} expected, {reason:?} came")),
                _ => Ok(()),
            },
            other => Err(format!("an error expected, {other:?} came")),
        };
    }
    let Came::Document(document) = came else { return Err(format!("a document expected, {came:?} came")) };
    let at = |path: &str| {
        path.split('.').fold(document, |value, name| match value {
            Json::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get(index)).unwrap_or(&Json::Null),
            _ => &value[name],
        })
    };
    if !expect["source"].is_null() && !alike(&expect["source"], document) {
        return Err(format!("{} expected, {document} came", expect["source"]));
    }
    for (path, expected) in expect["fields"].as_object().into_iter().flatten() {
        if !alike(expected, at(path)) {
            return Err(format!("{path}: {expected} expected, {} came", at(path)));
        }
    }
    for path in expect["falsy"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        if !matches!(at(path), Json::Null | Json::Bool(false)) {
            return Err(format!("{path} expected to be false, {} came", at(path)));
        }
    }
    for path in expect["present"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        if at(path).is_null() {
            return Err(format!("{path} expected to be there"));
        }
    }
    for (path, length) in expect["length"].as_object().into_iter().flatten() {
        let value = if path.is_empty() { document } else { at(path) };
        let came = value.as_array().map(Vec::len).or(value.as_object().map(serde_json::Map::len));
        if came.map(|length| length as u64) != length.as_u64() {
            return Err(format!("length of {path:?}: {length} expected, {came:?} came"));
        }
    }
    Ok(())
}

/// Equal, but for the order of fields and `1` being `1.0`.
fn alike(expected: &Json, came: &Json) -> bool {
    match (expected, came) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| alike(a, b)))
        }
        _ => expected == came,
    }
}

#[test]
fn processors_do_what_elasticsearchs_do() {
    let Some(cases) = cases("processors-elasticsearch.jsonl") else { return };
    let mut ran: BTreeMap<&str, usize> = PROCESSORS.iter().map(|known| (known.name, 0)).collect();
    let mut passed_over: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in &cases {
        let named: Vec<&str> = case["pipeline"]["processors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_object)
            .flat_map(|processor| processor.keys().map(String::as_str))
            .collect();
        if named.is_empty() || named.iter().any(|name| !ran.contains_key(name)) {
            continue;
        }
        if let Some(why) = known_difference(case) {
            *passed_over.entry(why).or_default() += 1;
            continue;
        }
        if let Err(difference) = check(case, &run(&case["pipeline"], &case["doc"])) {
            wrong.push(format!("{} {}: {}\n  {difference}", case["id"], case["name"], case["pipeline"]));
        }
        for name in named {
            *ran.entry(name).or_default() += 1;
        }
    }
    println!("ran {ran:?}, passed over {passed_over:#?}");
    assert!(wrong.is_empty(), "{} of {:?}:\n{}", wrong.len(), ran, wrong.join("\n"));
    for (name, count) in &ran {
        assert!(*count > 0, "no case of {name}");
    }
    assert!(passed_over.values().sum::<usize>() <= 40, "{passed_over:#?}");
}
