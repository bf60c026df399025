//! The tests that stand in a pipeline's own file.
//!
//! ```yaml
//! tests:
//!   - name: a time of Tokyo                     # optional
//!     given: '… 20/Nov/2026:00:00:00 +0900 …'   # a text, or a mapping or list, which is given as JSON
//!     record: {topic: t, partition: 0, offset: 7, timestamp: "2026-11-19T15:00:00Z", key: k, headers: {h: v}}   # all optional
//!     expect: {response: 200, url.path: /}      # a subset of the fields; dots descend; null: there is none
//!     index: web-access-2026.11.19              # optional
//!   - given: '…'
//!     expect: dropped                           # or rejected, or a list, one a document
//!     skip: not before the new format           # optional: not run, and why
//! ```
//!
//! A record's timestamp is a date (ISO 8601), milliseconds since 1970, or `none`; unless given it is that of the expected
//! or actual event, so that a test does not age: see [`Case::run`].

use std::fmt;

use super::time::{Moment, Zone, parse_iso};
use super::{Pipeline, Rejection, Scratch, Sink};
use crate::event::{Event, Object, Path, Value};
use crate::record::{DropReason, Headers, Record};
use crate::yaml::{Fields, Kind, Node, Place, Problems, Scalar};

/// What became of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// The line at which the test begins.
    pub line: usize,
    /// Its name, or what is given, cut.
    pub name: String,
    /// Why it was not run, if it was not.
    pub skipped: Option<String>,
    /// Each difference between what was expected and what came; none if it passed.
    pub differences: Vec<Difference>,
}

impl TestResult {
    /// True if it was run and there is no difference.
    pub fn passed(&self) -> bool {
        self.skipped.is_none() && self.differences.is_empty()
    }
}

/// One thing that is not as a test expects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where it is expected.
    pub place: Place,
    /// The path of the field, `index`, or `outcome` for what became of the record as a whole.
    pub field: String,
    /// What is expected: JSON for a field.
    pub expected: String,
    /// What came in its stead.
    pub came: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} expected, {} came", self.field, self.expected, self.came)
    }
}

/// One test.
pub(crate) struct Case {
    place: Place,
    name: String,
    given: Vec<u8>,
    topic: Option<String>,
    partition: i32,
    offset: i64,
    timestamp: Timestamp,
    key: Option<String>,
    headers: Vec<(String, String)>,
    expect: Vec<(Place, Expect)>,
    index: Option<(Place, String)>,
    skip: Option<String>,
}

enum Timestamp {
    OfEvent,
    Millis(i64),
    None,
}

enum Expect {
    Fields(Vec<(Place, Path, Value<'static>)>),
    Dropped,
    Rejected,
}

/// Reads `tests`.
pub(crate) fn read(fields: &Fields<'_, '_>) -> Vec<Case> {
    let nodes = fields.list("tests").unwrap_or_default();
    nodes.iter().filter_map(|node| read_case(node, fields.problems())).collect()
}

fn read_case(node: &Node, problems: &Problems) -> Option<Case> {
    let fields = Fields::new(node, "the test", problems)?;
    let name = fields.string("name").map(|name| name.value.to_owned());
    let given = fields.required("given").map(|node| match &node.kind {
        Kind::Scalar { text, .. } => text.clone(),
        _ => plain_value(node).to_json(),
    });
    let index = fields.string("index").map(|index| (index.place, index.value.to_owned()));
    let skip = fields.string("skip").map(|why| why.value.to_owned());
    let expect = fields.required("expect").and_then(|node| match &node.kind {
        Kind::List(items) => items.iter().map(|item| Some((item.place, read_expect(item, problems)?))).collect(),
        _ => read_expect(node, problems).map(|one| vec![(node.place, one)]),
    });
    let (mut topic, mut partition, mut offset, mut key, mut timestamp) = (None, 0, 0, None, Timestamp::OfEvent);
    let mut headers = Vec::new();
    if let Some(record) = fields.mapping("record", "the test's record") {
        topic = record.string("topic").map(|topic| topic.value.to_owned());
        partition = record.integer("partition").map_or(0, |number| i32::try_from(number.value).unwrap_or(0));
        offset = record.integer("offset").map_or(0, |number| number.value);
        key = record.string("key").map(|key| key.value.to_owned());
        for (entry, value) in record.string_map("headers").unwrap_or_default() {
            headers.push((entry.key.clone(), value.to_owned()));
        }
        if let Some(text) = record.string("timestamp") {
            timestamp = match parse_timestamp(text.value) {
                Some(Some(millis)) => Timestamp::Millis(millis),
                Some(None) => Timestamp::None,
                None => {
                    problems.add(text.place, format!("{:?} is no date, no milliseconds and not none", text.value));
                    Timestamp::None
                }
            };
        }
        record.finish();
    }
    let place = fields.place();
    fields.finish();
    let (given, expect) = (given?, expect?);
    let name = name.unwrap_or_else(|| given.chars().take(60).collect());
    let given = given.into_bytes();
    Some(Case { place, name, given, topic, partition, offset, timestamp, key, headers, expect, index, skip })
}

/// Reads the timestamp of a record as people give it: a date (ISO 8601), milliseconds since 1970, or `none`; −1 is none,
/// as Kafka has it.
pub fn parse_timestamp(text: &str) -> Option<Option<i64>> {
    if text == "none" {
        return Some(None);
    }
    let millis = text.parse().ok().or_else(|| parse_iso(text, &Zone::UTC).map(Moment::millis))?;
    Some((millis != -1).then_some(millis))
}

fn read_expect(node: &Node, problems: &Problems) -> Option<Expect> {
    match &node.kind {
        Kind::Mapping(entries) => {
            let mut fields = Vec::new();
            for entry in entries {
                match Path::parse(&entry.key) {
                    Ok(path) => fields.push((entry.place, path, plain_value(&entry.value))),
                    Err(error) => problems.add(entry.place, error.to_string()),
                }
            }
            Some(Expect::Fields(fields))
        }
        _ => match node.text() {
            Some("dropped") => Some(Expect::Dropped),
            Some("rejected") => Some(Expect::Rejected),
            _ => {
                problems.add_hint(
                    node.place,
                    "what is expected is not clear",
                    "a mapping of fields, dropped, or rejected",
                );
                None
            }
        },
    }
}

/// A node's value, as it is written.
pub(super) fn plain_value(node: &Node) -> Value<'static> {
    match &node.kind {
        Kind::Scalar { text, value, .. } => match value {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(*value),
            Scalar::Int(value) => Value::Int(*value),
            Scalar::UInt(value) => Value::UInt(*value),
            Scalar::Float(value) => Value::Float(*value),
            Scalar::String => Value::String(text.clone().into()),
        },
        Kind::List(items) => Value::Array(items.iter().map(plain_value).collect()),
        Kind::Mapping(entries) => Value::Object(
            entries.iter().map(|entry| (entry.key.clone().into(), plain_value(&entry.value))).collect::<Object<'_>>(),
        ),
    }
}

impl Case {
    /// Runs the test. Without a timestamp of the record's own, that is the expected `@timestamp`, else the epoch.
    pub(crate) fn run(&self, pipeline: &Pipeline) -> TestResult {
        if self.skip.is_some() {
            let (line, name, skipped) = (self.place.line, self.name.clone(), self.skip.clone());
            return TestResult { line, name, skipped, differences: Vec::new() };
        }
        let timestamp = match self.timestamp {
            Timestamp::Millis(millis) => Some(millis),
            Timestamp::None => None,
            Timestamp::OfEvent => Some(self.expect.iter().find_map(|(_, expect)| expect.time()).unwrap_or(0)),
        };
        let record = Record {
            topic: self.topic.as_deref().or(pipeline.topics().first().map(String::as_str)).unwrap_or("test"),
            partition: self.partition,
            offset: self.offset,
            timestamp,
            key: self.key.as_deref().map(str::as_bytes),
            payload: Some(&self.given),
            headers: Headers::given(&self.headers),
        };
        let mut seen = Seen::default();
        pipeline.run(&mut Scratch::new(), &record, &mut seen);
        let mut differences = Vec::new();
        if seen.0.len() != self.expect.len() {
            let outcomes = |count| if count == 1 { "1 outcome".to_owned() } else { format!("{count} outcomes") };
            differences.push(Difference {
                place: self.place,
                field: "outcome".into(),
                expected: outcomes(self.expect.len()),
                came: outcomes(seen.0.len()),
            });
        }
        for ((place, expect), outcome) in self.expect.iter().zip(&seen.0) {
            expect.compare(*place, outcome, &mut differences);
            if let (Some((place, expected)), Outcome::Document { index, .. }) = (&self.index, outcome)
                && expected != index
            {
                let (expected, came) = (expected.clone(), index.clone());
                differences.push(Difference { place: *place, field: "index".into(), expected, came });
            }
        }
        TestResult { line: self.place.line, name: self.name.clone(), skipped: None, differences }
    }
}

impl Expect {
    fn time(&self) -> Option<i64> {
        let Self::Fields(fields) = self else { return None };
        let (_, _, value) = fields.iter().find(|(_, path, _)| path.as_str() == "@timestamp")?;
        parse_iso(value.as_str()?, &Zone::UTC).map(Moment::millis)
    }

    fn compare(&self, place: Place, outcome: &Outcome, differences: &mut Vec<Difference>) {
        match (self, outcome) {
            (Self::Fields(fields), Outcome::Document { event, .. }) => {
                for (place, path, expected) in fields {
                    let actual = event.get(path).unwrap_or(&Value::Null);
                    compare(*place, path.as_str(), (expected, actual), differences);
                }
            }
            (Self::Dropped, Outcome::Dropped(_)) | (Self::Rejected, Outcome::Rejected(_)) => {}
            (expect, outcome) => {
                let expected = match expect {
                    Self::Fields(_) => "a document",
                    Self::Dropped => "dropped",
                    Self::Rejected => "rejected",
                };
                let came = match outcome {
                    Outcome::Document { event, .. } => format!("the document {}", Value::Object(event.root().clone())),
                    Outcome::Dropped(reason) => format!("dropped ({})", reason.as_str()),
                    Outcome::Rejected(rejection) => format!("rejected ({})", rejection.reason),
                };
                let expected = expected.to_owned();
                differences.push(Difference { place, field: "outcome".into(), expected, came });
            }
        }
    }
}

/// An expected object is a subset of the actual one, anything else has to be equal.
fn compare(place: Place, path: &str, (expected, actual): (&Value<'_>, &Value<'_>), differences: &mut Vec<Difference>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, expected) in expected.iter() {
                let actual = actual.get(name).unwrap_or(&Value::Null);
                compare(place, &format!("{path}.{name}"), (expected, actual), differences);
            }
        }
        _ if expected == actual => {}
        _ => {
            let mut came = actual.to_json();
            if whole_and_not(expected, actual) {
                came.push_str(" (a float, which no whole number equals)");
            } else if whole_and_not(actual, expected) {
                came.push_str(" (a whole number, which no float equals)");
            }
            differences.push(Difference { place, field: path.to_owned(), expected: expected.to_json(), came });
        }
    }
}

/// True if the two are the same number, the one whole and the other a float.
fn whole_and_not(whole: &Value<'_>, float: &Value<'_>) -> bool {
    match (whole, float) {
        (Value::Int(whole), Value::Float(float)) => *whole as f64 == *float,
        (Value::UInt(whole), Value::Float(float)) => *whole as f64 == *float,
        _ => false,
    }
}

enum Outcome {
    Document { index: String, event: Event<'static> },
    Dropped(DropReason),
    Rejected(Rejection),
}

/// A sink that keeps everything.
#[derive(Default)]
struct Seen(Vec<Outcome>);

impl Sink for Seen {
    fn document(&mut self, _: u32, index: &str, event: &Event<'_>) {
        let Value::Object(root) = Value::Object(event.root().clone()).into_owned() else { return };
        self.0.push(Outcome::Document { index: index.to_owned(), event: Event::from(root) });
    }

    fn dropped(&mut self, reason: DropReason, _: u32) {
        self.0.push(Outcome::Dropped(reason));
    }

    fn rejected(&mut self, _: u32, rejection: Rejection) {
        self.0.push(Outcome::Rejected(rejection));
    }
}
