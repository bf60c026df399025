//! Cases that others wrote for Elasticsearch, run here; the corpus is not part of the project (`corpus.rs` tells where it is).

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::calls;
use super::compile::Compiler;
use super::processors::PROCESSORS;
use super::step::{Flow, Pipelines, Step, Work, run_handlers, run_steps};
use crate::event::Event;
use crate::yaml::{Kind, Problems, parse};

#[path = "../../tests/processors_reference/corpus.rs"]
mod shared;

pub(super) use shared::{Came, alike, corpus};
use shared::{DIFFERENT, cases, check, not_ours, processors};

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

#[test]
fn processors_do_what_elasticsearchs_do() {
    let Some(cases) = cases("processors-elasticsearch.jsonl") else { return };
    let mut ran: BTreeMap<&str, usize> = PROCESSORS.iter().map(|known| (known.name, 0)).collect();
    let (mut different, mut other): (BTreeMap<&str, usize>, BTreeMap<&str, usize>) = Default::default();
    let (mut total, mut wrong) = (0, Vec::new());
    for case in &cases {
        let named = processors(case);
        if named.is_empty() || named.iter().any(|name| !ran.contains_key(name)) {
            continue;
        }
        if let Some(why) = not_ours(case) {
            *other.entry(why).or_default() += 1;
            continue;
        }
        total += 1;
        let result = check(case, &run_with(&case["pipeline"], &case["other_pipelines"], &case["doc"]));
        if let Some((id, why)) = DIFFERENT.iter().find(|(id, _)| case["id"] == *id) {
            assert!(result.is_err(), "{id} is listed as different and is not: {why}");
            *different.entry(why).or_default() += 1;
            continue;
        }
        if let Err(difference) = result {
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
    assert_eq!(different, DIFFERENT.len(), "what is listed is there");
    assert!(total >= 535 && different * 100 <= total * 3, "{different} of {total} are different");
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
