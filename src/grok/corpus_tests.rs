//! Cases that others wrote for Logstash and Elasticsearch, run here; the corpus is not part of the project.
//!
//! It is looked for where `KELP_CORPUS` says, else in `../shared/corpus`. Where there is none the tests say so and pass,
//! but not with `CI=true`. Each case that comes out otherwise stands here with its reason.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::*;

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

/// What a search gave: fields by their dotted paths, null for no match, a string for an error.
fn came(grok: &Result<Grok, Vec<Fault>>, text: &str) -> Json {
    let grok = match grok {
        Ok(grok) => grok,
        Err(faults) => return json!(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    };
    match grok.search(text, &mut Scratch::new()) {
        Outcome::NoMatch => Json::Null,
        Outcome::Exhausted { .. } => json!("exhausted"),
        Outcome::Failed { what, .. } => json!(what),
        Outcome::Match(found) => match found.values() {
            Err(error) => json!(error.to_string()),
            Ok(values) => {
                let fields = grok.fields(found.index());
                Json::Object(values.map(|(field, value)| (fields[field].dotted(), as_json(&value))).collect())
            }
        },
    }
}

fn as_json(value: &Value<'_>) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Int(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Bool(truth) => json!(truth),
        Value::List(values) => values.iter().map(as_json).collect(),
    }
}

/// Equal, but for `1` being `1.0`.
fn alike(expected: &Json, came: &Json) -> bool {
    match (expected, came) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| alike(a, b)))
        }
        _ => expected == came,
    }
}

fn set(case: &Json) -> Set {
    match case["pattern_set"].as_str().unwrap() {
        "legacy" => Set::Legacy,
        "ecs-v1" => Set::EcsV1,
        "custom" => Set::Empty,
        other => panic!("{other}"),
    }
}

fn compile(pattern: &str, case: &Json, options: Options) -> Result<Grok, Vec<Fault>> {
    let mut patterns = Patterns::new(set(case), options.dialect);
    for (name, definition) in case["pattern_definitions"].as_object().into_iter().flatten() {
        patterns.define(name, definition.as_str().unwrap());
    }
    Grok::compile(&[pattern], &patterns, options).map_err(|refused| refused.faults)
}

fn expected(case: &Json, key: &str) -> Json {
    match &case[key] {
        Json::String(text) if text == "no_match" => Json::Null,
        Json::Object(fields) if fields.contains_key("error") => json!("error"),
        other => other.clone(),
    }
}

fn agrees(expected: &Json, came: &Json) -> bool {
    if *expected == json!("error") { came.is_string() } else { alike(expected, came) }
}

#[test]
fn the_core_patterns_match_as_logstash_has_them() {
    let Some(cases) = cases("grok-patterns-core.jsonl") else { return };
    let mut wrong = Vec::new();
    for case in &cases {
        let text = case["input"].as_str().unwrap();
        let grok = compile(case["pattern"].as_str().unwrap(), case, Options::new(Dialect::Logstash));
        let (came, expected) = (came(&grok, text), expected(case, "expect"));
        if !agrees(&expected, &came) {
            wrong.push(format!(
                "{} {} {:?}\n  expected {expected}\n  came     {came}",
                case["id"], case["pattern"], text
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= 273, "{} cases", cases.len());
}

/// Where Elasticsearch's own copy of the ECS set is broken: brackets of regular expressions were lost when its names got
/// dots. Ours match what Logstash's match.
const BROKEN_THERE: &[&str] = &[
    "pc-009", "pc-213", "pc-215", "pc-216", "pc-217", "pc-218", "pc-238", "pc-239", "pc-240", "pc-082", "pc-271",
    "pc-282", "pc-413",
];

#[test]
fn the_core_patterns_match_as_elasticsearch_has_them() {
    let Some(cases) = cases("grok-patterns-core.jsonl") else { return };
    let (mut wrong, mut otherwise) = (Vec::new(), Vec::new());
    for case in &cases {
        let text = case["input"].as_str().unwrap();
        let grok = compile(case["pattern"].as_str().unwrap(), case, Options::new(Dialect::Elasticsearch));
        let came = came(&grok, text);
        let disagrees = case["es_8_19_agrees"] == false;
        let id = case["id"].as_str().unwrap();
        if disagrees && BROKEN_THERE.contains(&id) {
            otherwise.push(id);
            assert!(agrees(&expected(case, "expect"), &came), "{id}: {came}");
            continue;
        }
        let expected = expected(case, if disagrees { "es_8_19" } else { "expect" });
        // Empty captures are kept there, and the suite, which is Logstash's, does not tell them.
        let told = match (&came, &expected) {
            (Json::Object(came), Json::Object(expected)) => came
                .iter()
                .filter(|(name, value)| expected.contains_key(*name) || **value != "")
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            _ => came.clone(),
        };
        if !agrees(&expected, &told) {
            wrong.push(format!("{id} {} {text:?}\n  expected {expected}\n  came     {came}", case["pattern"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= 273, "{} cases", cases.len());
    assert!(otherwise.len() <= BROKEN_THERE.len());
}

#[test]
fn elasticsearchs_own_cases_come_out_as_there() {
    let Some(cases) = cases("grok-elasticsearch.jsonl") else { return };
    let (mut ran, mut wrong) = (0, Vec::new());
    for case in &cases {
        // A watchdog that interrupts after so many milliseconds would make the answer a matter of the machine: what counts
        // is that an answer comes.
        let timed = case["expect"]["kind"] == "timeout";
        let grok = compile(case["pattern"].as_str().unwrap(), case, Options::new(Dialect::Elasticsearch));
        let came = came(&grok, case["input"].as_str().unwrap_or_default());
        if !timed && !agrees(&expected(case, "expect"), &came) {
            wrong.push(format!("{} {}: {} expected, {came} came", case["id"], case["pattern"], case["expect"]));
        }
        // The words of an error are the same, too.
        if let (Some(theirs), Some(ours)) = (case["error_8_19"].as_str(), came.as_str()) {
            let theirs = theirs.trim_start_matches("IllegalArgumentException: ").to_lowercase();
            assert!(ours.to_lowercase().starts_with(&theirs), "{theirs:?}, {ours:?}");
        }
        ran += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran >= 44, "{ran} cases");
}

#[test]
fn logstashs_own_cases_come_out_as_there() {
    let Some(cases) = cases("grok-logstash-filter.jsonl") else { return };
    let (mut ran, mut wrong) = (0, Vec::new());
    for case in &cases {
        let came = filter(case);
        // The suite tells a text that did not match by its tag.
        let failed = case["options"]["tag_on_failure"].is_string();
        let expected = if failed { Json::Null } else { expected(case, "expect") };
        if !agrees(&expected, &came) {
            wrong.push(format!("{} {}: {expected} expected, {came} came", case["id"], case["pattern"]));
        }
        ran += 1;
    }
    assert!(wrong.is_empty(), "{} of {ran}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(ran >= 59, "{ran} cases");
}

/// What Logstash's filter does with grok: fields and expressions by name, lists of texts, `break_on_match`, `target`.
fn filter(case: &Json) -> Json {
    let mut options = Options::new(Dialect::Logstash);
    options.capture_unnamed = case["options"]["named_captures_only"] == false;
    let all = case["options"]["break_on_match"] == false;
    let whole = json!({"message": case["pattern"]});
    let patterns = if case["pattern"].is_object() { &case["pattern"] } else { &whole };
    let mut fields = serde_json::Map::new();
    let mut matched = false;
    for (field, expressions) in patterns.as_object().unwrap() {
        let input = if case["input"].is_object() { &case["input"][field] } else { &case["input"] };
        // An event that is itself JSON: the suite gives it as it came.
        let input = input
            .as_str()
            .and_then(|text| serde_json::from_str::<Json>(text).ok())
            .filter(Json::is_object)
            .map_or(input.clone(), |event| event[field].clone());
        let texts = if let Json::Array(texts) = &input { texts.clone() } else { vec![input] };
        let expressions =
            if let Json::Array(expressions) = expressions { expressions.clone() } else { vec![expressions.clone()] };
        let groks: Vec<_> = expressions.iter().map(|text| compile(text.as_str().unwrap(), case, options)).collect();
        for text in &texts {
            let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
            let found = groks.iter().map(|grok| came(grok, &text)).filter_map(|came| came.as_object().cloned());
            for captured in found.take(if all { usize::MAX } else { 1 }) {
                matched = true;
                for (name, value) in captured {
                    let name = match case["options"]["target"].as_str() {
                        Some(target) => format!("{}.{name}", target.trim_matches(['[', ']']).replace("][", ".")),
                        None => name,
                    };
                    match fields.get_mut(&name) {
                        None => drop(fields.insert(name, value)),
                        Some(Json::Array(values)) => values.push(value),
                        Some(known) => *known = json!([known.clone(), value]),
                    }
                }
            }
        }
        if matched && !all {
            break;
        }
    }
    if matched { Json::Object(fields) } else { Json::Null }
}
