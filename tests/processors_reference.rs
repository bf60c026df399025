//! OpenSearch's own processors decide: the same pipelines on the same documents, there (`_ingest/pipeline/_simulate`) and here.
//!
//! - The cases of the corpus that are listed as different: a reference does what they say, so it is Kelp that differs, on purpose.
//! - Every processor on documents of all kinds (`tables.rs`): what comes out is the same, or listed with the reason.
//!
//! Where there is no JDK 21 the tests say so and pass, but not with `CI=true`.

mod corpus;
mod tables;

use std::collections::BTreeMap;

use kelp::event::Event;
use kelp::pipeline::{Pipeline, Scratch, Sink};
use kelp::record::{DropReason, Headers, Record, Rejection};
use serde_json::{Value as Json, json};

use crate::lab::opensearch::OpenSearch;
use corpus::{Came, DIFFERENT, alike, cases, check, not_ours, processors};

/// 2026-07-01T00:00:00.123Z: the time of every record here.
const TIME: i64 = 1_782_864_000_123;
const TIME_TEXT: &str = "2026-07-01T00:00:00.123Z";

fn reference() -> Option<OpenSearch> {
    let started = OpenSearch::start().unwrap();
    if started.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no JDK 21 or later, which OpenSearch needs");
        eprintln!("passed over: OpenSearch needs a JDK 21 or later");
    }
    started
}

/// What the reference makes of documents, one for each; an error is that of the pipeline.
fn theirs(reference: &OpenSearch, pipeline: &Json, docs: &[Json]) -> Result<Vec<(Came, Json)>, String> {
    let body = json!({"pipeline": pipeline, "docs": docs});
    let one_by_one = || {
        let one = |doc| theirs(reference, pipeline, std::slice::from_ref(doc)).map(|mut one| one.remove(0));
        docs.iter().map(one).collect()
    };
    let answer = match reference.post("/_ingest/pipeline/_simulate", &body) {
        Ok(answer) => answer,
        Err(error) => {
            let why = error.to_string();
            // Some processors end the whole request by what they throw at one document.
            return match docs {
                _ if why.contains("parse_exception") || why.contains("compile error") => Err(why),
                [_] => Ok(vec![(Came::Failed(why), Json::Null)]),
                _ => one_by_one(),
            };
        }
    };
    if answer["docs"].is_null() {
        // A number that is none: some processors let it into the answer, which is no JSON then.
        return match docs {
            [_] => Ok(vec![(Came::Refused(answer.to_string()), Json::Null)]),
            _ => one_by_one(),
        };
    }
    let came = |doc: &Json| {
        if !doc["error"].is_null() {
            let reason = doc["error"]["reason"].as_str().unwrap_or_default();
            return (Came::Failed(without_type(reason).to_owned()), Json::Null);
        }
        match &doc["doc"] {
            Json::Null => (Came::Dropped, Json::Null),
            doc => (Came::Document(doc["_source"].clone()), doc.clone()),
        }
    };
    Ok(answer["docs"].as_array().unwrap_or_else(|| panic!("no docs in {answer}")).iter().map(came).collect())
}

/// A reason without the class of Java that it begins with.
fn without_type(reason: &str) -> &str {
    match reason.split_once(": ") {
        Some((class, rest)) if class.contains('.') && !class.contains(' ') => rest,
        _ => reason,
    }
}

/// A pipeline of Kelp's around processors.
fn compile(pipeline: &Json, others: &Json) -> Result<Pipeline, String> {
    let mut whole = json!({
        "source": {"topics": ["t"], "codec": "json"},
        "destination": {"index": "x", "window": {"before": "36500d", "after": "36500d"}, "origin": "origin-of-kelp"},
    });
    for key in ["processors", "on_failure"] {
        if !pipeline[key].is_null() {
            whole[key] = pipeline[key].clone();
        }
    }
    if others.is_object() {
        whole["pipelines"] = others.clone();
    }
    Pipeline::compile("_simulate_pipeline", &whole.to_string()).map_err(|told| format!("{told:?}"))
}

#[derive(Default)]
struct One {
    came: Option<Came>,
    failed: bool,
}

impl Sink for One {
    fn document(&mut self, _: u32, _: &str, event: &Event<'_>) {
        let mut document = serde_json::to_value(event).unwrap();
        if self.failed {
            let reason = document["error"]["message"].as_str().unwrap_or_default();
            self.came = Some(Came::Failed(reason.to_owned()));
            return;
        }
        if document["@timestamp"] == TIME_TEXT {
            document.as_object_mut().unwrap().remove("@timestamp");
        }
        self.came = Some(Came::Document(document));
    }

    fn dropped(&mut self, _: DropReason, _: u32) {
        self.came = Some(Came::Dropped);
    }

    fn rejected(&mut self, _: u32, rejection: Rejection) {
        self.came = Some(Came::Refused(rejection.reason));
    }

    fn failed(&mut self) {
        self.failed = true;
    }
}

fn ours(pipeline: &Pipeline, doc: &Json) -> Came {
    let payload = doc.to_string();
    let record = Record {
        topic: "t",
        partition: 0,
        offset: 0,
        timestamp: Some(TIME),
        key: None,
        payload: Some(payload.as_bytes()),
        headers: Headers::default(),
    };
    let mut one = One::default();
    pipeline.run(&mut Scratch::new(), &record, &mut one);
    one.came.expect("a document, a drop or a rejection")
}

/// A document of a case, as the simulation wants it.
fn with_meta(case: &Json) -> Json {
    let doc = if case["doc"].is_null() { json!({}) } else { case["doc"].clone() };
    let mut given = json!({"_source": doc});
    for (name, value) in case["meta"].as_object().into_iter().flatten() {
        let name = if name.starts_with('_') { name.clone() } else { format!("_{name}") };
        // A type is gone from OpenSearch, a name must be lower case to be an index there, and an id is a text.
        match name.as_str() {
            "_type" => continue,
            "_id" => given[name] = value.as_str().map_or_else(|| value.to_string(), str::to_owned).into(),
            _ => given[name] = value.clone(),
        }
    }
    given
}

/// Those of the cases listed as different that can't be shown on OpenSearch 3.3, which answers otherwise itself, and why.
const NOT_REPRODUCED: &[(&str, &str)] = &[
    ("pe-0094", "there is no type any more: the template is filled with index and id, and nothing between"),
    ("pe-0123", "what is appended to the id comes out as one text"),
    ("pe-0496", "metadata can't be removed there either"),
    ("pe-0905", "_if_seq_no is metadata there by now, as it is here; Elasticsearch 7.10 had a field of that name"),
];

/// Cases that Kelp follows and OpenSearch 3.3 answers otherwise: in other words, mostly.
const OTHERWISE_THERE: &[(&str, &str)] = &[
    ("pe-0031", "the pipeline has no name in a simulation"),
    ("pe-0098", "other words"),
    ("pe-0407", "other words"),
    ("pe-0410", "other words"),
    ("pe-0497", "other words"),
    ("pe-0897", "other words"),
];

#[test]
fn what_is_listed_as_different_is_so_because_of_kelp() {
    let Some(all) = cases("processors-elasticsearch.jsonl") else { return };
    let Some(reference) = reference() else { return };
    let known = |name: &&str| !tables::NOT_THERE.contains(name);
    let (mut compared, mut otherwise) = (0, BTreeMap::new());
    for case in &all {
        let named = processors(case);
        if named.is_empty() || named.iter().any(|name| !known(name)) || not_ours(case).is_some() {
            continue;
        }
        for (name, other) in case["other_pipelines"].as_object().into_iter().flatten() {
            reference.put(&format!("/_ingest/pipeline/{name}"), other).unwrap();
        }
        compared += 1;
        let (came, doc) = match theirs(&reference, &case["pipeline"], &[with_meta(case)]) {
            Ok(mut one) => one.remove(0),
            Err(why) => (Came::Refused(why), Json::Null),
        };
        let mut result = check(case, &came);
        // What is about metadata is in the answer beside the document.
        for (name, expected) in case["expect"]["meta"].as_object().into_iter().flatten() {
            let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if name != "_type" && result.is_ok() && text(expected) != text(&doc[name]) {
                result = Err(format!("{name}: {expected} expected, {} came", doc[name]));
            }
        }
        if let Err(difference) = result {
            otherwise
                .insert(case["id"].as_str().unwrap(), format!("{} {}: {difference}", case["name"], case["pipeline"]));
        }
    }
    println!("{compared} cases on the reference, {} otherwise: {otherwise:#?}", otherwise.len());
    assert!(compared >= 535, "{compared}");
    let mut told: Vec<&str> = NOT_REPRODUCED.iter().chain(OTHERWISE_THERE).map(|(id, _)| *id).collect();
    told.sort_unstable();
    assert_eq!(
        otherwise.into_keys().collect::<Vec<_>>(),
        told,
        "what the reference answers otherwise is what is told here"
    );
    let is_different = |id: &&str| DIFFERENT.iter().any(|(known, _)| known == id);
    assert!(
        NOT_REPRODUCED.iter().all(|(id, _)| is_different(id))
            && !OTHERWISE_THERE.iter().any(|(id, _)| is_different(id))
    );
}

#[test]
fn documents_come_out_as_they_do_there() {
    let Some(reference) = reference() else { return };
    let docs: Vec<Json> = tables::values()
        .into_iter()
        .map(|value| match value {
            Some(value) => json!({"f": value, "other": {"a": "b"}, "list": ["x"], "text": "t"}),
            None => json!({"other": {"a": "b"}, "list": ["x"], "text": "t"}),
        })
        .collect();
    let given: Vec<Json> = docs.iter().map(|doc| json!({"_source": doc})).collect();
    let (mut compared, mut differences, mut refused) = (0, Vec::new(), Vec::new());
    let mut on_purpose: BTreeMap<&str, usize> = BTreeMap::new();
    for step in tables::pipelines() {
        let pipeline = json!({"processors": [step]});
        let told = step.to_string();
        match (theirs(&reference, &pipeline, &given), compile(&pipeline, &Json::Null)) {
            (Ok(theirs), Ok(ours_compiled)) => {
                for (doc, (theirs, _)) in docs.iter().zip(theirs) {
                    compared += 1;
                    let ours = ours(&ours_compiled, doc);
                    let same = match (&theirs, &ours) {
                        (Came::Document(a), Came::Document(b)) => alike(a, b),
                        // The words are held against each other by the corpus; Java's names of types are in most of them.
                        (Came::Failed(_), Came::Failed(_)) => true,
                        (a, b) => a == b,
                    };
                    match tables::why_different(&step, doc, &theirs, &ours) {
                        _ if same => {}
                        Some(why) => *on_purpose.entry(why).or_default() += 1,
                        None => {
                            differences.push(format!("{told} on {}:\n  theirs {theirs:?}\n  ours   {ours:?}", doc["f"]))
                        }
                    }
                }
            }
            (Err(_), Err(_)) => {}
            (theirs, ours) => refused.push(format!("{told}:\n  theirs {:?}\n  ours   {:?}", theirs.err(), ours.err())),
        }
    }
    println!("{compared} compared, different on purpose: {on_purpose:#?}");
    assert!(refused.is_empty(), "pipelines that only one takes:\n{}", refused.join("\n"));
    assert!(differences.is_empty(), "{} of {compared}:\n{}", differences.len(), differences.join("\n"));
    assert!(compared > 10_000, "{compared}");
    assert!(on_purpose.len() >= 10 && on_purpose.values().sum::<usize>() * 100 < compared * 3, "{on_purpose:#?}");
}
