//! Records: whatever the payload is, each codec and each processor that reads text comes to an end, each record comes to something, and what is sent
//! of it is two lines of JSON.
#![no_main]

use std::sync::LazyLock;

use kelp::bulk::write_document;
use kelp::event::Event;
use kelp::pipeline::{Pipeline, Rejection, Scratch, Sink};
use kelp::record::{DropReason, Headers, HoldingId, Origin, Record, Route, TopicPartition};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

/// The processors, each of which has the whole text, once as it came and once as a field of JSON.
const PROCESSORS: &str = r#"
processors:
  - dissect: {field: message, pattern: '%{a} %{+a/2} [%{*k}=%{&k}] %{?s} "%{b->}" %{c}', ignore_failure: true}
  - kv: {field: message, field_split: '[ &]', value_split: '=', target_field: kv, trim_key: '"', strip_brackets: true, ignore_failure: true}
  - csv: {field: message, target_fields: [x, y, z], trim: true, ignore_failure: true}
  - date: {field: message, formats: [ISO8601, UNIX, UNIX_MS, TAI64N, "dd/MMM/yyyy:HH:mm:ss Z", "EEE MMM [d][ d] HH:mm:ss.SSS yyyy z"], target_field: when, ignore_failure: true}
  - json: {field: message, target_field: json, ignore_failure: true}
  - uri_parts: {field: message, ignore_failure: true}
  - urldecode: {field: message, target_field: decoded, ignore_failure: true}
  - split: {field: message, separator: '\s*[,;]\s*', target_field: parts, ignore_failure: true}
  - gsub: {field: message, pattern: '(\w+)\s+(\w+)', replacement: '$2 $1', target_field: swapped, ignore_failure: true}
  - bytes: {field: message, target_field: size, ignore_failure: true}
  - convert: {field: message, type: auto, target_field: auto, ignore_failure: true}
  - grok: {field: message, patterns: ['%{COMBINEDAPACHELOG}', '%{SYSLOGLINE}', '%{URI:uri}', '%{QUOTEDSTRING:q}'], ignore_failure: true}
  - dot_expander: {field: '*', ignore_failure: true}
destination: {index: "fuzz-%{+yyyy.MM.dd}"}
"#;

static PIPELINES: LazyLock<[Pipeline; 2]> = LazyLock::new(|| {
    ["plain", "json"].map(|codec| {
        let text = format!("source: {{topics: [fuzz], codec: {codec}}}\n{PROCESSORS}");
        Pipeline::compile("record.yaml", &text).unwrap_or_else(|problems| panic!("{problems:#?}"))
    })
});

/// Counts what a record comes to.
struct Outcomes<'r> {
    origin: Origin,
    record: Record<'r>,
    body: Vec<u8>,
    count: usize,
}

impl Sink for Outcomes<'_> {
    fn document(&mut self, sub: u32, index: &str, event: &Event<'_>) {
        assert!(index.starts_with("fuzz-") && !event.root().is_empty());
        self.body.clear();
        write_document(&self.origin, &self.record, sub, event, &mut self.body);
        let lines: Vec<&[u8]> = self.body.split_inclusive(|byte| *byte == b'\n').collect();
        assert!(lines.len() == 2 && lines.iter().all(|line| serde_json::from_slice::<IgnoredAny>(line).is_ok()));
        self.count += 1;
    }
    fn dropped(&mut self, _: DropReason, _: u32) {
        self.count += 1;
    }
    fn rejected(&mut self, _: u32, _: Rejection) {
        self.count += 1;
    }
}

fuzz_target!(|data: &[u8]| {
    for pipeline in PIPELINES.iter() {
        let (timestamp, payload) = (Some(1_795_000_000_000), Some(data));
        let (key, headers) = (Some(data), Headers::default());
        let record = Record { topic: "fuzz", partition: 0, offset: 7, timestamp, key, payload, headers };
        let partition = TopicPartition::new("fuzz", 0);
        let origin =
            Origin { holding: HoldingId(1), partition, incarnation: "0".into(), route: Route::default().into() };
        let mut outcomes = Outcomes { origin, record, body: Vec::new(), count: 0 };
        pipeline.run(&mut Scratch::new(), &record, &mut outcomes);
        assert!(outcomes.count > 0);
    }
});
