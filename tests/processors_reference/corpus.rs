//! Cases that others wrote for Elasticsearch's processors, and how a document is held against what they expect.
//!
//! It is compiled twice: into the unit tests, where Kelp has to do what the cases say, and into the integration tests, where a
//! reference has to. The corpus is no part of the project. It is looked for where `KELP_CORPUS` says, else in `../shared/corpus`.
//! Where there is none the tests say so and pass, but not with `CI=true`. Each case that is not run, or comes out otherwise,
//! has a rule or a line here that says why.
#![allow(dead_code)]

use std::path::PathBuf;

use serde_json::Value as Json;

/// A file or folder of the corpus.
pub fn corpus(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("KELP_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "no corpus at {}", folder.display());
    eprintln!("no corpus at {}, nothing compared: set KELP_CORPUS", folder.display());
    None
}

/// The cases of a file.
pub fn cases(file: &str) -> Option<Vec<Json>> {
    let text = std::fs::read_to_string(corpus(file)?).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// What becomes of a document, as the corpus tells it.
#[derive(Debug, PartialEq)]
pub enum Came {
    Document(Json),
    Dropped,
    Failed(String),
    Refused(String),
}

/// The names of a case's processors; none if it has no pipeline.
pub fn processors(case: &Json) -> Vec<&str> {
    let processors = case["pipeline"]["processors"].as_array().into_iter().flatten();
    processors.filter_map(Json::as_object).flat_map(|processor| processor.keys().map(String::as_str)).collect()
}

/// Why a case is about something else than what becomes of a document.
pub fn not_ours(case: &Json) -> Option<&'static str> {
    let expect = &case["expect"];
    let name = case["name"].as_str().unwrap_or_default();
    match () {
        () if expect["response"].is_object() || case["verbose"] == true || expect["verbose_fields"].is_object() => {
            Some("asks about the answer of the server, not about the document")
        }
        () if expect["error"]["catch"] == "conflict" => Some("about two versions of a document in an index"),
        () if expect["error"]["match"].to_string().contains("Failed to parse parameter") => {
            Some("about the parameters of Elasticsearch's simulate API")
        }
        () if name == "Test index with default pipeline" && !expect["error"].is_null() => {
            Some("about the settings of an index")
        }
        () if name == "testRenameAtomicOperationRemoveFails" => Some("about a map of Java that can't be changed"),
        () if name == "testByteArray" => Some("about a value that no JSON has"),
        () if name == "testRenameNewFieldAlreadyExists" && case["doc"].as_object().is_some_and(|d| d.len() == 1) => {
            Some("the recorded document lacks the field that the case is about")
        }
        () if case["pipeline"].to_string().contains("__processor") => Some("a processor of the suite's own"),
        () if name == "testAddToRoot" && case["pipeline"].to_string().contains("target_field")
            || name.starts_with("testEmptyHeaders") =>
        {
            Some("options that Elasticsearch's own reader of pipelines refuses, as ours does; the suite goes past it")
        }
        () => None,
    }
}

const METADATA: &str = "metadata: index and id are made by the destination alone";
const REPEATED: &str = "a repeated capture is a list, as in Elasticsearch 8";

/// The cases that come out otherwise on purpose, by their ids, with the reason. `processors_reference` finds that a reference does what
/// they say, so that none of them is here because the case itself is wrong.
pub const DIFFERENT: &[(&str, &str)] = &[
    ("pe-0094", METADATA),
    ("pe-0123", METADATA),
    ("pe-0377", "names of months and days are English"),
    ("pe-0419", REPEATED),
    ("pe-0496", METADATA),
    ("pe-0510", METADATA),
    ("pe-0516", METADATA),
    ("pe-0518", METADATA),
    ("pe-0850", REPEATED),
    ("pe-0905", METADATA),
    ("pe-0908", METADATA),
];

/// The words of an error that are the same here and there.
pub fn same_words(theirs: &str, ours: &str) -> bool {
    // Java's names of types are not ours.
    let head = theirs.split("of type [").next().unwrap_or(theirs).trim_end_matches('.');
    // A parser of JSON has its own words, and one word of theirs is misspelt.
    theirs.contains("JsonParseException") || ours.contains(&head.replace("cannot expend", "cannot expand"))
}

/// Holds what came against what a case expects; else says the difference.
pub fn check(case: &Json, came: &Came) -> Result<(), String> {
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
pub fn alike(expected: &Json, came: &Json) -> bool {
    match (expected, came) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| alike(a, b)))
        }
        _ => expected == came,
    }
}
