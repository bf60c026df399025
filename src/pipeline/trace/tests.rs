//! What is told is what happened, and nothing else is changed by telling it.

use super::*;
use crate::event::Event;
use crate::pipeline::{Pipeline, Rejection, Scratch, Sink};
use crate::record::{DropReason, Headers, Record};

struct Documents(Vec<String>);

impl Sink for Documents {
    fn document(&mut self, _: u32, _: &str, event: &Event<'_>) {
        self.0.push(serde_json::to_string(event).unwrap());
    }
    fn dropped(&mut self, _: DropReason, _: u32) {}
    fn rejected(&mut self, _: u32, _: Rejection) {}
}

const PIPELINE: &str = "source: {topics: [t], codec: json}
processors:
  - set: {field: a.c, value: 2, if: 'ctx.a != null'}
  - set: {field: x, value: 1, if: ctx.nothing == 1}
  - rename:
      tag: moving
      field: b
      target_field: d
      on_failure:
        - set: {field: handled, value: '{{{_ingest.on_failure_message}}}'}
        - convert: {field: handled, type: integer, ignore_failure: true}
  - drop: {if: ctx.drop == true}
  - convert: {field: n, type: integer}
on_failure:
  - remove: {field: a.b}
destination: {index: x}
";

fn run(payload: &str) -> (Vec<String>, Vec<Trace>) {
    let pipeline = Pipeline::compile("p.yaml", PIPELINE).unwrap_or_else(|problems| panic!("{problems:?}"));
    let record = Record {
        topic: "t",
        partition: 0,
        offset: 0,
        timestamp: Some(0),
        key: None,
        payload: Some(payload.as_bytes()),
        headers: Headers::default(),
    };
    let (mut plain, mut told) = (Documents(Vec::new()), Documents(Vec::new()));
    pipeline.run(&mut Scratch::new(), &record, &mut plain);
    let mut scratch = Scratch::explaining();
    pipeline.run(&mut scratch, &record, &mut told);
    assert_eq!(plain.0, told.0, "telling changes nothing");
    let traces = scratch.take_traces();
    assert_eq!(scratch.take_traces(), [], "traces are given once");
    (told.0, traces)
}

fn lines(trace: &Trace) -> Vec<String> {
    let changes = |entry: &Entry| {
        let change = |change: &Change| format!(" {}:{:?}->{:?}", change.path, change.before, change.after);
        entry.changes.iter().map(change).collect::<String>().replace("Some(", "").replace([')', '"'], "")
    };
    let line = |entry: &Entry| match &entry.what {
        What::Step { processor, place, came, .. } => {
            format!("{} {processor}:{} {came:?}{}", entry.depth, place.line, changes(entry))
        }
        what => format!("{} {what:?}{}", entry.depth, changes(entry)),
    };
    trace.entries.iter().map(line).collect()
}

#[test]
fn each_step_tells_what_it_changed_and_what_came_of_it() {
    let (_, traces) = run(r#"[{"a":{"b":1,"c":1},"b":3,"n":"7"},{"drop":true,"b":1}]"#);
    assert_eq!(traces.iter().map(|trace| trace.sub).collect::<Vec<_>>(), [0, 1]);
    let time = r#"0 Time @timestamp:None->\1970-01-01T00:00:00.000Z\"#;
    assert_eq!(
        lines(&traces[0]),
        [
            "0 set:3 Done a.c:1->2",
            "0 set:4 PassedOver",
            "0 rename:5 Done b:3->None d:None->3",
            "0 drop:12 PassedOver",
            r#"0 convert:13 Done n:\7\->7"#,
            time,
        ]
    );
    assert_eq!(lines(&traces[1])[3..], ["0 drop:12 Dropped"]);
    let What::Step { tag, condition, .. } = &traces[0].entries[0].what else { panic!() };
    assert_eq!((tag.as_deref(), condition.as_deref()), (None, Some("ctx.a != null")));
}

#[test]
fn failures_tell_who_handles_them() {
    let (documents, traces) = run(r#"{"a":{"b":1},"n":"x"}"#);
    assert_eq!(documents.len(), 1);
    let told = lines(&traces[0]);
    assert!(told[2].starts_with("0 rename:5 Failed") && told[2].ends_with("then: Handled }"), "{told:?}");
    assert!(told[3].starts_with("1 set:10 Done handled:None->"), "{told:?}");
    assert!(told[4].starts_with("1 convert:11 Failed") && told[4].ends_with("then: Ignored }"), "{told:?}");
    assert!(told[6].starts_with("0 convert:13 Failed") && told[6].ends_with("then: Raised }"), "{told:?}");
    assert_eq!(told[7..9], ["0 Handlers", "1 remove:15 Done a.b:1->None"]);

    let (documents, traces) = run(r#"{"n":"x"}"#);
    assert!(documents[0].contains("_pipeline_failure"));
    let told = lines(&traces[0]);
    assert!(told[told.len() - 2].starts_with("0 AsItCame("), "{told:?}");

    let (_, traces) = run("no json");
    assert!(lines(&traces[0])[0].starts_with("0 Unread("));
}
