//! Cases that others wrote for Elasticsearch, run here; the corpus is not part of the project.
//!
//! It is looked for where `KELP_CORPUS` says, else in `../shared/corpus`. Where there is none the tests say so and pass,
//! but not with `CI=true`. Each case that is not run, or comes out otherwise, has a rule here that says why.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::calls;
use super::compile::Compiler;
use super::processors::PROCESSORS;
use super::step::{Flow, Pipelines, Step, Work, run_handlers, run_steps};
use crate::event::Event;
use crate::yaml::{Kind, Problems, parse};

/// A file or folder of the corpus.
pub(super) fn corpus(name: &str) -> Option<PathBuf> {
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

fn cases(file: &str) -> Option<Vec<Json>> {
    let text = std::fs::read_to_string(corpus(file)?).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// What becomes of a document, as the corpus tells it.
#[derive(Debug, PartialEq)]
pub(super) enum Came {
    Document(Json),
    Dropped,
    Failed(String),
    Refused(String),
}

fn run(pipeline: &Json, doc: &Json) -> Came {
    run_with(pipeline, &Json::Null, doc)
}

/// Runs a pipeline that may call others.
fn run_with(pipeline: &Json, others: &Json, doc: &Json) -> Came {
    match Prepared::new(pipeline, others, "kafka") {
        // 2026-07-01: the corpus was recorded in that year, and dates without a year have it.
        Ok(prepared) => prepared.run(doc, Some(1_782_864_000_000)),
        Err(told) => Came::Refused(told),
    }
}

/// A pipeline that is compiled.
pub(super) struct Prepared {
    steps: Vec<Step>,
    handlers: Vec<Step>,
    pipelines: Pipelines,
}

impl Prepared {
    /// Compiles a pipeline and those that it calls; else all that is wrong with them.
    pub(super) fn new(pipeline: &Json, others: &Json, origin: &str) -> Result<Self, String> {
        let problems = Problems::new("case");
        let mut pipeline = pipeline.clone();
        if others.is_object() {
            pipeline["pipelines"] = others.clone();
        }
        let text = pipeline.to_string();
        let root = parse(&text, &problems).unwrap_or_else(|| panic!("{text}"));
        let cx = Compiler::new(&problems, origin);
        let list = |name: &str| match root.get(name).map(|node| &node.kind) {
            Some(Kind::List(nodes)) => nodes.as_slice(),
            _ => &[],
        };
        let fields = crate::yaml::Fields::new(&root, "the pipeline", &problems).unwrap();
        calls::note(&fields, &cx);
        let steps = cx.steps(list("processors"));
        let handlers = cx.handlers(&fields);
        let mut pipelines = calls::compile(&fields, &cx);
        // What the suite calls the pipeline that it asks for its name.
        pipelines.name = "pipeline1".into();
        let told = problems.into_vec();
        match told.is_empty() {
            true => Ok(Self { steps, handlers, pipelines }),
            false => Err(told.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        }
    }

    /// Runs it on a document whose record has that time.
    pub(super) fn run(&self, doc: &Json, millis: Option<i64>) -> Came {
        let doc = if doc.is_null() { "{}".to_owned() } else { doc.to_string() };
        let event: Event<'_> = serde_json::from_str(&doc).unwrap();
        let mut work = Work::new(event, millis, &self.pipelines);
        let outcome = match run_steps(&self.steps, &mut work) {
            Err(failure) if !self.handlers.is_empty() => run_handlers(&self.handlers, failure, &mut work),
            outcome => outcome,
        };
        match outcome {
            Ok(Flow::Continue) => Came::Document(serde_json::to_value(&work.event).unwrap()),
            Ok(Flow::Drop) => Came::Dropped,
            Err(failure) => Came::Failed(failure.message),
        }
    }
}

/// Why a case is about something else than what becomes of a document.
fn not_ours(case: &Json) -> Option<&'static str> {
    let expect = &case["expect"];
    let name = case["name"].as_str().unwrap_or_default();
    match () {
        () if expect["response"].is_object() || case["verbose"] == true || expect["verbose_fields"].is_object() => {
            Some("asks about the answer of the server, not about the document")
        }
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

/// Why a case comes out otherwise on purpose.
fn known_difference(case: &Json) -> Option<&'static str> {
    let processors = case["pipeline"]["processors"].to_string();
    let metadata = ["_index", "_id", "_type", "_routing", "_version", "_version_type", "_if_seq_no"];
    let mut metadata = metadata.iter().flat_map(|name| [format!("\"{name}\""), format!("{{{{{name}}}}}")]);
    match () {
        () if metadata.any(|name| processors.contains(&name)) => {
            Some("metadata: index and id are made by the destination alone")
        }
        () if processors.contains("\"locale\":\"it\"") => Some("names of months and days are English"),
        () if case["name"] == "testFirstWinNamedCapture" => Some("a repeated capture is a list, as in Elasticsearch 8"),
        () => None,
    }
}

/// The words of an error that are the same here and there.
fn same_words(theirs: &str, ours: &str) -> bool {
    // Java's names of types are not ours.
    let head = theirs.split("of type [").next().unwrap_or(theirs).trim_end_matches('.');
    // A parser of JSON has its own words, and one word of theirs is misspelt.
    theirs.contains("JsonParseException") || ours.contains(&head.replace("cannot expend", "cannot expand"))
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
pub(super) fn alike(expected: &Json, came: &Json) -> bool {
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
    let (mut different, mut other): (BTreeMap<&str, usize>, BTreeMap<&str, usize>) = Default::default();
    let (mut total, mut wrong) = (0, Vec::new());
    for case in &cases {
        let processors = case["pipeline"]["processors"].as_array().into_iter().flatten();
        let named: Vec<&str> =
            processors.filter_map(Json::as_object).flat_map(|processor| processor.keys().map(String::as_str)).collect();
        if named.is_empty() || named.iter().any(|name| !ran.contains_key(name)) {
            continue;
        }
        if let Some(why) = not_ours(case) {
            *other.entry(why).or_default() += 1;
            continue;
        }
        total += 1;
        if let Some(why) = known_difference(case) {
            *different.entry(why).or_default() += 1;
            continue;
        }
        if let Err(difference) = check(case, &run_with(&case["pipeline"], &case["other_pipelines"], &case["doc"])) {
            wrong.push(format!("{} {}: {}\n  {difference}", case["id"], case["name"], case["pipeline"]));
        }
        for name in named {
            *ran.entry(name).or_default() += 1;
        }
    }
    println!("{total} cases: ran {ran:?}, different {different:#?}; not about documents {other:#?}");
    assert!(wrong.is_empty(), "{} of {:?}:\n{}", wrong.len(), ran, wrong.join("\n"));
    for (name, count) in &ran {
        assert!(*count > 0 || *name == "uri_parts", "no case of {name}");
    }
    let different = different.values().sum::<usize>();
    assert!(total >= 536 && different * 100 <= total * 3, "{different} of {total} are different");
}

#[test]
fn dissect_does_what_elasticsearchs_does() {
    let Some(cases) = cases("dissect-elasticsearch.jsonl") else { return };
    let mut wrong = Vec::new();
    for case in &cases {
        let input = if case["input"].is_null() { json!("any") } else { case["input"].clone() };
        let separator = case["append_separator"].as_str().unwrap_or_default();
        let dissect = json!({"field": "the.input", "pattern": case["pattern"], "append_separator": separator});
        let came = run(&json!({"processors": [{"dissect": dissect}]}), &json!({"the": {"input": input}}));
        let expect = &case["expect"];
        let fine = match &came {
            // Some of the suite's faults of patterns are recorded as no match.
            Came::Refused(_) => !expect["error"].is_null(),
            Came::Failed(_) => !expect["error"].is_null() && expect["kind"] != "compile",
            Came::Document(document) => {
                expect["error"].is_null() && {
                    let expected = expect.as_object().unwrap();
                    // The suite's names are whole; here a dot descends.
                    let at = |name: &str| name.split('.').fold(document, |value, name| &value[name]);
                    expected.iter().all(|(name, expected)| alike(expected, at(name)))
                        && (document.as_object().unwrap().len() == expected.len() + 1
                            || expected.keys().any(|name| name.contains('.')))
                }
            }
            Came::Dropped => false,
        };
        if !fine {
            wrong.push(format!("{} {}: {expect} expected, {came:?} came", case["name"], case["pattern"]));
        }
    }
    println!("ran {}", cases.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= 80, "only {} cases", cases.len());
}
