//! Elasticsearch's own grok decides: the same expressions on the same lines, there and here.
//!
//! Its library is published as a jar. Where there is no JDK or Maven the tests say so and pass, but not with `CI=true`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use kelp::grok::{Dialect, Grok, Options, Outcome, Patterns, Scratch, Set, Value};

use crate::lab::home;

mod lines;

/// Cases that are not part of the project; without them the tests say so and pass, but not with `CI=true`.
fn corpus(file: &str) -> Option<Vec<serde_json::Value>> {
    let folder = std::env::var_os("KELP_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    match std::fs::read_to_string(folder.join(file)) {
        Ok(text) => Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()),
        Err(error) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no corpus at {}: {error}", folder.display());
            eprintln!("no corpus at {}, nothing compared: set KELP_CORPUS", folder.display());
            None
        }
    }
}

/// Elasticsearch's grok, in a process of its own.
struct Reference {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    fn start() -> Option<Self> {
        let jars = match home::jars("grok") {
            Ok(jars) => jars,
            Err(error) => {
                assert!(std::env::var("CI").as_deref() != Ok("true"), "no reference: {error}");
                eprintln!("no reference, nothing compared: {error}");
                return None;
            }
        };
        let mut process = Command::new(jars.java)
            .args(["-cp", &jars.class_path, "Server"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Some(Self { process, questions, answers })
    }

    fn ask(&mut self, set: &str, expression: &str, text: &str) -> Answer {
        let questions = self.questions.as_mut().unwrap();
        writeln!(questions, "{set}\t\t{}\t{}", coded(expression), coded(text)).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        let mut words = answer.split_whitespace();
        match words.next() {
            Some("none") => Answer::NoMatch,
            _ if answer.contains("was interrupted after") => Answer::GaveUp,
            Some("match") => Answer::Match(captures(&words.collect::<Vec<_>>())),
            _ => Answer::Error(answer),
        }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // It ends when nobody can ask any more.
        drop(self.questions.take());
        self.process.wait().unwrap();
    }
}

#[derive(Debug, Clone)]
enum Answer {
    Match(BTreeMap<String, Vec<String>>),
    NoMatch,
    /// It took too long.
    GaveUp,
    Error(String),
}

impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Match(a), Self::Match(b)) => a == b,
            // The words of an error are each one's own.
            (Self::NoMatch, Self::NoMatch) | (Self::GaveUp, Self::GaveUp) | (Self::Error(_), Self::Error(_)) => true,
            _ => false,
        }
    }
}

fn coded(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn decoded(text: &str) -> String {
    let digits = text.strip_prefix('=').unwrap();
    let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
    String::from_utf8(bytes.collect()).unwrap()
}

fn captures(words: &[&str]) -> BTreeMap<String, Vec<String>> {
    let mut captures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list: Option<(String, usize)> = None;
    for capture in words.chunks(3) {
        let (name, kind) = (decoded(capture[0]), capture[1]);
        if let Some(length) = kind.strip_prefix("list(") {
            list = Some((name, length.trim_end_matches(')').parse().unwrap()));
            continue;
        }
        let name = match &mut list {
            Some((name, left)) if *left > 0 => {
                *left -= 1;
                name.clone()
            }
            _ => name,
        };
        let value = decoded(capture[2]);
        let value = match kind {
            "string" => format!("{value:?}"),
            // Java 17 does not always write the shortest form of a number of single precision.
            "float" => format!("{:?}", value.parse::<f32>().unwrap().to_string().parse::<f64>().unwrap()),
            "double" => format!("{:?}", value.parse::<f64>().unwrap()),
            _ => value,
        };
        captures.entry(name).or_default().push(value);
    }
    captures
}

fn ours(grok: &Result<Grok, String>, text: &str) -> Answer {
    let grok = match grok {
        Ok(grok) => grok,
        Err(faults) => return Answer::Error(faults.clone()),
    };
    match grok.search(text, &mut Scratch::new()) {
        Outcome::NoMatch => Answer::NoMatch,
        Outcome::Match(found) => match found.values() {
            Err(error) => Answer::Error(error.to_string()),
            Ok(values) => {
                let fields = grok.fields(found.index());
                let named = |(field, value): (usize, Value<'_>)| (fields[field].dotted(), shown(&value));
                Answer::Match(values.into_iter().map(named).collect())
            }
        },
        other => Answer::Error(format!("{other:?}")),
    }
}

fn shown(value: &Value<'_>) -> Vec<String> {
    vec![match value {
        Value::Text(text) => format!("{text:?}"),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Bool(truth) => truth.to_string(),
        Value::List(values) => return values.iter().flat_map(shown).collect(),
    }]
}

fn compiled(expression: &str, patterns: &Patterns) -> Result<Grok, String> {
    Grok::compile(&[expression], patterns, Options::new(Dialect::Elasticsearch)).map_err(|faults| format!("{faults:?}"))
}

/// Compares one expression on several texts; gives the differences.
fn compare<'t>(
    reference: &mut Reference,
    (name, patterns): (&str, &Patterns),
    expression: &str,
    texts: impl IntoIterator<Item = &'t str>,
) -> Vec<String> {
    let grok = compiled(expression, patterns);
    let mut differences = Vec::new();
    for text in texts {
        let (theirs, ours) = (reference.ask(name, expression, text), ours(&grok, text));
        if theirs != ours && theirs != Answer::GaveUp {
            differences.push(format!("{expression} on {text:?}:\n  theirs {theirs:?}\n  ours   {ours:?}"));
        }
    }
    differences
}

#[test]
fn expressions_mean_what_they_mean_there() {
    let Some(mut reference) = Reference::start() else { return };
    let patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
    let (mut differences, mut compared) = (Vec::new(), 0);
    for expression in lines::EXPRESSIONS {
        differences.extend(compare(&mut reference, ("legacy", &patterns), expression, lines::TEXTS.iter().copied()));
        compared += lines::TEXTS.len();
    }
    assert!(differences.is_empty(), "{} of {compared}:\n{}", differences.len(), differences.join("\n"));
    assert!(compared > 2000, "{compared}");
}

/// Shipped definitions that differ from Elasticsearch's on some line, and why.
const OTHERWISE: &[(&str, &str)] = &[
    ("CISCOFW733100", "a bracket is lost there, so that it can't match"),
    ("ELB_URI", "brackets are lost there, so that passwords in addresses are not passed over"),
    ("RT_FLOW_EVENT", "it is the text RT_FLOW_TAG there, and not the pattern"),
];

#[test]
fn every_shipped_definition_matches_what_it_matches_there() {
    let Some(mut reference) = Reference::start() else { return };
    let mut differences = Vec::new();
    for (name, set) in [("legacy", Set::Legacy), ("ecs-v1", Set::EcsV1)] {
        let patterns = Patterns::new(set, Dialect::Elasticsearch);
        let mut names: Vec<&str> = patterns.names().collect();
        names.sort_unstable();
        for pattern in names {
            let expression = format!("%{{{pattern}:whole}}");
            // Helpers of ours are not there, and some of theirs are broken.
            if matches!(reference.ask(name, &expression, ""), Answer::Error(_)) {
                continue;
            }
            let found = compare(&mut reference, (name, &patterns), &expression, lines::LINES.iter().copied());
            if !OTHERWISE.iter().any(|(known, _)| *known == pattern) {
                differences.extend(found.into_iter().map(|difference| format!("{name} {difference}")));
            }
        }
    }
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}

/// What Elasticsearch's ECS set (8.19) has lost brackets in, and what it says of it: nothing is matched, or the expression is refused.
/// The cases below are Logstash's, and Logstash matches them.
const BROKEN_THERE: &[(&str, &str)] = &[
    ("%{CISCOFW106023}", "premature end of char-class"),
    ("%{CISCOFW733100}", ""),
    ("%{EXIM}", "unmatched close parenthesis"),
    ("%{S3_ACCESS_LOG}", "unmatched close parenthesis"),
    ("%{SFW2}", ""),
    ("%{SHOREWALL}", ""),
    ("%{ZEEK_FILES}", ""),
];

/// The cases of the suite of Logstash's patterns, asked here and there: the same, but for what is broken there.
#[test]
fn logstashs_cases_come_out_as_there_but_for_what_is_broken_there() {
    let Some(cases) = corpus("grok-patterns-core.jsonl") else { return };
    let Some(mut reference) = Reference::start() else { return };
    let (mut differences, mut broken) = (Vec::new(), Vec::new());
    for case in &cases {
        let text = |key: &str| case[key].as_str().unwrap();
        let (expression, name) = (text("pattern"), text("pattern_set"));
        let set = if name == "legacy" { Set::Legacy } else { Set::EcsV1 };
        let patterns = Patterns::new(set, Dialect::Elasticsearch);
        let theirs = reference.ask(name, expression, text("input"));
        let ours = ours(&compiled(expression, &patterns), text("input"));
        if theirs == ours {
            continue;
        }
        let known = BROKEN_THERE.iter().find(|(known, _)| name == "ecs-v1" && *known == expression);
        let told = |words: &str| match &theirs {
            Answer::NoMatch => words.is_empty(),
            Answer::Error(told) => !words.is_empty() && told.contains(words),
            Answer::Match(_) | Answer::GaveUp => false,
        };
        match known {
            Some((_, words)) if told(words) && matches!(ours, Answer::Match(_)) => broken.push(expression),
            // A line that Logstash does not match either.
            Some((_, words)) if told(words) && case["expect"] == "no_match" => {}
            _ => differences.push(format!("{name} {expression}:\n  theirs {theirs:?}\n  ours   {ours:?}")),
        }
    }
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), cases.len(), differences.join("\n"));
    broken.sort_unstable();
    let cases_broken = broken.len();
    broken.dedup();
    let listed: Vec<&str> = BROKEN_THERE.iter().map(|(expression, _)| *expression).collect();
    assert_eq!(broken, listed, "what is listed and not broken any more");
    assert!(cases.len() >= 273 && cases_broken <= 13, "{cases_broken} of {}", cases.len());
}

/// A lazy `+` that is repeated greedily (`(?:a+?)+`) stays lazy in Joni 2.1.29, which Elasticsearch has; Joni has mended that in 2.1.41.
fn is_mended_in_later_versions(expression: &str) -> bool {
    ["+?)+", "+?)*"].iter().any(|nested| expression.contains(nested))
}

/// `KELP_GROK_PAIRS` says how many pairs, `KELP_GROK_SEED` from which seed.
#[test]
fn generated_expressions_mean_what_they_mean_there() {
    let number = |variable| std::env::var(variable).ok().map(|text| text.parse::<u64>().expect("a number"));
    let Some(mut reference) = Reference::start() else { return };
    let patterns = Patterns::new(Set::Empty, Dialect::Elasticsearch);
    let mut chance = lines::Chance::new(number("KELP_GROK_SEED").unwrap_or(0x6b65_6c70));
    let wanted = number("KELP_GROK_PAIRS").unwrap_or(10_000);
    let (mut differences, mut compared) = (Vec::new(), 0);
    while compared < wanted {
        let expression = chance.expression();
        if is_mended_in_later_versions(&expression) {
            continue;
        }
        let texts: Vec<String> = (0..5).map(|_| chance.text()).collect();
        let texts = texts.iter().map(String::as_str);
        differences.extend(compare(&mut reference, ("none", &patterns), &expression, texts));
        compared += 5;
    }
    assert!(differences.is_empty(), "{} of {compared}:\n{}", differences.len(), differences.join("\n"));
}
