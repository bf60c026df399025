//! Whole pipelines: fates, failures, destinations, the shipped files.

use super::*;
use crate::record::{Headers, HoldingId, Origin, Record, RecordBatch, Route, TopicPartition};

/// What came of a record, as `index json`, `dropped reason` or `rejected stage reason`.
#[derive(Default)]
struct Lines(Vec<String>);

impl Sink for Lines {
    fn document(&mut self, sub: u32, index: &str, event: &Event<'_>) {
        self.0.push(format!("{sub} {index} {}", serde_json::to_string(event).unwrap()));
    }

    fn dropped(&mut self, reason: DropReason, sub: u32) {
        self.0.push(format!("{sub} dropped {}", reason.as_str()));
    }

    fn rejected(&mut self, sub: u32, rejection: Rejection) {
        self.0.push(format!("{sub} rejected {} {}", rejection.stage.as_str(), rejection.reason));
    }
}

fn compile(text: &str) -> Pipeline {
    Pipeline::compile("p.yaml", text).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

/// A pipeline of one processor list (and more top-level keys), with the codec `json`.
fn json_pipeline(rest: &str) -> Pipeline {
    compile(&format!("source: {{topics: [t], codec: json}}\ndestination: {{index: 'x-%{{+yyyy}}'}}\n{rest}"))
}

fn run(pipeline: &Pipeline, payload: Option<&[u8]>) -> Vec<String> {
    let record = Record {
        topic: "t",
        partition: 3,
        offset: 42,
        timestamp: Some(0),
        key: Some(b"k"),
        payload,
        headers: Headers::default(),
    };
    let mut lines = Lines::default();
    pipeline.run(&mut Scratch::new(), &record, &mut lines);
    lines.0
}

/// The one document's fields without the `@timestamp` that it got from the record.
fn document(pipeline: &Pipeline, payload: &str) -> String {
    let lines = run(pipeline, Some(payload.as_bytes()));
    assert_eq!(lines.len(), 1, "{lines:?}");
    let json = lines[0].strip_prefix("0 x-1970 ").unwrap_or_else(|| panic!("{}", lines[0]));
    json.replace(r#","@timestamp":"1970-01-01T00:00:00.000Z""#, "")
        .replace(r#""@timestamp":"1970-01-01T00:00:00.000Z""#, "")
}

fn faults(text: &str) -> Vec<String> {
    Pipeline::compile("p.yaml", text).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn shipped_pipelines_pass_their_own_tests() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = std::fs::read_to_string(project.join("docs/pipelines.md")).unwrap();
    let (mut ran, mut wrong, mut topics, mut patterns) = (0, Vec::new(), Vec::new(), Vec::new());
    for file in std::fs::read_dir(project.join("pipelines")).unwrap() {
        let pipeline = match Pipeline::load(&file.unwrap().path()) {
            Ok(pipeline) => pipeline,
            Err(problems) => {
                wrong.extend(problems.iter().map(ToString::to_string));
                continue;
            }
        };
        let results = pipeline.run_tests();
        assert!(results.len() >= 3, "{} has hardly any tests", pipeline.name());
        for result in results {
            if !result.passed() {
                wrong.push(format!("{}:{}: {:#?}", pipeline.name(), result.line, result));
            }
            ran += 1;
        }
        assert!(pipeline.description().is_some(), "{} does not say what it is", pipeline.name());
        let row = format!("| [{0}](../pipelines/{0}.yaml) |", pipeline.name());
        assert!(listed.contains(&row), "docs/pipelines.md does not list {row}");
        topics.extend(pipeline.topics().to_vec());
        patterns.extend(pipeline.index_pattern());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // All of them can run in one service.
    for names in [&mut topics, &mut patterns] {
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "two pipelines share one of {names:?}");
    }
    assert!(topics.len() >= 10 && ran >= 40, "{} topics, {ran} tests", topics.len());
}

#[test]
fn a_test_that_is_wrong_says_so() {
    let pipeline = json_pipeline(
        "processors: [{drop: {if: 'ctx.d == true'}}]
tests:
  - {given: {a: {b: 1, c: 2}}, expect: {a: {b: 1}, a.c: 2, z: null}, index: x-1970}
  - {given: {a: 1}, expect: {a: 2, b: 3}, index: y}
  - {given: {d: true}, expect: dropped}
  - {given: {d: false}, expect: dropped}
  - {given: [{n: 1}, {d: true}], expect: [{n: 1}, dropped]}
  - {given: [{n: 1}], expect: [{n: 1}, dropped]}
  - {given: {a: 1}, record: {timestamp: none}, expect: rejected}
  - {given: {'@timestamp': '2026-05-01'}, record: {timestamp: '2026-05-02T00:00:00Z'}, expect: {}, index: x-2026}
",
    );
    let differences: Vec<usize> = pipeline.run_tests().iter().map(|result| result.differences.len()).collect();
    assert_eq!(differences, [0, 3, 0, 1, 0, 1, 0, 0]);
}

#[test]
fn what_has_no_document_is_told_with_its_reason() {
    let pipeline = json_pipeline("processors: [{drop: {if: ctx.d == true}}]");
    assert_eq!(run(&pipeline, None), ["0 dropped tombstone"]);
    assert_eq!(run(&pipeline, Some(b"")), ["0 dropped empty_payload"]);
    assert_eq!(run(&pipeline, Some(b"[]")), ["0 dropped empty_array"]);
    assert_eq!(run(&pipeline, Some(b"{\"d\":true}")), ["0 dropped pipeline"]);
    let small = compile("source: {topics: [t], max_payload: 4B}\nprocessors: []\ndestination: {index: x}");
    assert_eq!(
        run(&small, Some(b"12345")),
        ["0 rejected codec the payload has 5 bytes, more than source.max_payload, which is 4"]
    );
}

#[test]
fn elements_of_an_array_are_documents_of_their_own() {
    let pipeline = json_pipeline("processors: [{drop: {if: ctx.d == true}}, {set: {field: s, value: 1}}]");
    let lines = run(&pipeline, Some(br#"[{"a":1},{"d":true},7,{"@timestamp":"1970-01-02T00:00:00Z"}]"#));
    assert_eq!(lines[0], r#"0 x-1970 {"a":1,"s":1,"@timestamp":"1970-01-01T00:00:00.000Z"}"#);
    assert_eq!(lines[1], "1 dropped pipeline");
    assert!(lines[2].starts_with(r#"2 x-1970 {"message":"7","error":{"message":"invalid type"#), "{}", lines[2]);
    assert!(lines[2].contains(r#""tags":["_codec_failure"]"#) && !lines[2].contains(r#""s":1"#));
    assert_eq!(lines[3], r#"3 x-1970 {"@timestamp":"1970-01-02T00:00:00Z","s":1}"#);
}

#[test]
fn an_unhandled_failure_is_indexed_as_it_came() {
    let pipeline = json_pipeline(
        "processors:
  - set: {field: a.b, value: changed}
  - remove: {field: c}
  - convert: {field: d, type: long, tag: the-tag}",
    );
    assert_eq!(
        document(&pipeline, r#"{"a":{"b":"x"},"c":1,"d":"no","tags":"old"}"#),
        r#"{"a":{"b":"x"},"c":1,"d":"no","tags":["old","_pipeline_failure"],"error":{"message":"unable to convert [no] to long","processor":{"type":"convert","tag":"the-tag"}}}"#
    );
    assert_eq!(
        document(&pipeline, r#"{"c":1,"error":"mine"}"#),
        r#"{"c":1,"error":{"original":"mine","message":"field [d] not present as part of path [d]","processor":{"type":"convert","tag":"the-tag"}},"tags":["_pipeline_failure"]}"#
    );
}

#[test]
fn failures_are_handled_by_the_innermost_handler() {
    let told = "'{{{ _ingest.on_failure_processor_type }}}/{{{_ingest.on_failure_processor_tag}}}: {{{ _ingest.on_failure_message }}}'";
    let pipeline = json_pipeline(&format!(
        "processors:
  - convert: {{field: a, type: long, tag: t, on_failure: [{{set: {{field: own, value: {told}}}}}]}}
  - convert: {{field: b, type: long, ignore_failure: true, on_failure: [{{set: {{field: never, value: 1}}}}]}}
  - set: {{field: between, value: 1}}
  - rename: {{field: c, target_field: d, on_failure: [{{rename: {{field: e, target_field: f}}}}]}}
  - set: {{field: after, value: 1}}
on_failure:
  - append: {{field: tags, value: [_parse_failure, {told}]}}
  - drop: {{if: ctx.drop == true}}",
    ));
    let json = document(&pipeline, r#"{"a":"x","b":"y"}"#);
    assert_eq!(
        json,
        r#"{"a":"x","b":"y","own":"convert/t: unable to convert [x] to long","between":1,"tags":["_parse_failure","rename/: field [e] doesn't exist"]}"#
    );
    assert_eq!(run(&pipeline, Some(br#"{"a":1,"drop":true}"#)), ["0 dropped pipeline"]);
    assert_eq!(document(&pipeline, r#"{"a":1,"b":2,"c":3}"#), r#"{"a":1,"b":2,"between":1,"d":3,"after":1}"#);
}

#[test]
fn a_handler_that_fails_leaves_the_event_as_it_came() {
    let pipeline = json_pipeline(
        "processors: [{set: {field: s, value: 1}}, {remove: {field: nope}}]
on_failure: [{set: {field: s, value: 2}}, {rename: {field: nope, target_field: n}}]",
    );
    assert_eq!(
        document(&pipeline, r#"{"a":1}"#),
        r#"{"a":1,"error":{"message":"field [nope] doesn't exist","processor":{"type":"rename"}},"tags":["_pipeline_failure"]}"#
    );
    let json = document(&pipeline, "no json");
    assert!(json.contains(r#"; on_failure: field [nope] doesn't exist","#), "{json}");
}

#[test]
fn what_the_codec_could_not_read_goes_to_the_pipelines_handler() {
    let with = json_pipeline(
        "processors: [{set: {field: never, value: 1}}]
on_failure: [{set: {field: why, value: '{{_ingest.on_failure_processor_type}}'}}]",
    );
    assert_eq!(document(&with, "oops"), r#"{"message":"oops","why":"codec"}"#);
    let without = json_pipeline("processors: [{set: {field: never, value: 1}}]");
    assert_eq!(
        document(&without, "oops"),
        r#"{"message":"oops","error":{"message":"not JSON: expected value at line 1 column 1"},"tags":["_codec_failure"]}"#
    );
}

#[test]
fn the_origin_is_there_only_if_it_is_read_and_the_payloads_own_is_moved() {
    let blind = json_pipeline("processors: []");
    assert_eq!(document(&blind, r#"{"kafka":1,"a":2}"#), r#"{"a":2,"kafka_original":1}"#);
    let seeing = json_pipeline(
        "processors: [{set: {field: from, value: '{{kafka.topic}}-{{kafka.partition}}-{{kafka.offset}}-{{kafka.key}}'}}]",
    );
    assert_eq!(
        document(&seeing, r#"{"kafka":1}"#),
        r#"{"kafka_original":1,"kafka":{"topic":"t","partition":3,"offset":42,"timestamp":0,"key":"k"},"from":"t-3-42-k"}"#
    );
    let renamed = compile(
        "source: {topics: [t], codec: json}\nprocessors: [{drop: {if: ctx.origin.offset == 42}}]\ndestination: {index: x, origin: origin}",
    );
    assert_eq!(renamed.origin_field(), "origin");
    assert_eq!(run(&renamed, Some(b"{}")), ["0 dropped pipeline"]);
    let index = compile("source: {topics: [t]}\nprocessors: []\ndestination: {index: 'x-%{[kafka][topic]}'}");
    assert!(run(&index, Some(b"m"))[0].starts_with("0 x-t "));
}

#[test]
fn what_has_no_index_because_the_pipeline_failed_is_rejected_with_both_reasons() {
    let pipeline = compile(
        "source: {topics: [t], codec: json}\nprocessors: [{fail: {message: no good}}]\ndestination: {index: 'x-%{[app]}'}",
    );
    let line = &run(&pipeline, Some(b"{}"))[0];
    assert!(
        line.contains("the field [app], which is missing; the pipeline had failed before: fail: no good"),
        "{line}"
    );
}

#[test]
fn what_has_no_index_is_rejected() {
    let pipeline = compile("source: {topics: [t], codec: json}\nprocessors: []\ndestination: {index: 'x-%{[app]}'}");
    assert_eq!(
        run(&pipeline, Some(b"{}")),
        ["0 rejected destination the index needs the field [app], which is missing"]
    );
    assert!(run(&pipeline, Some(b"{\"app\":\"A\"}"))[0].contains("illegal index name \"x-A\""));
    let record = Record {
        topic: "t",
        partition: 0,
        offset: 0,
        timestamp: None,
        key: None,
        payload: Some(b"{\"app\":\"a\"}"),
        headers: Headers::default(),
    };
    let mut lines = Lines::default();
    pipeline.run(&mut Scratch::new(), &record, &mut lines);
    assert_eq!(lines.0, ["0 rejected destination neither the event nor the record has a timestamp"]);
}

#[test]
fn all_faults_of_a_file_are_told_at_once_with_their_places() {
    let told = faults(
        "descripton: x
source:
  topics: []
  codec: xml
processors:
  - grok: {field: message, patterns: ['%{NUBMER:n}', '(']}
  - drop: {if: \"ctx.a = 1\"}
  - dat: {field: x}
  - set: {field: kafka.topic, value: 1}
  - set: {field: _index, value: 1}
  - date: {field: t, formats: ['YYYY', 'qqq'], timezone: Mars, taget_field: x}
  - remove: {}
    rename: {}
on_failure: []
destination: {index: 'Web-%{+yyyy.MM.DD}'}
",
    );
    let expected = [
        "p.yaml:1:1: the pipeline has an unknown key \"descripton\" (did you mean \"description\"?)",
        "p.yaml:3:3: the source has no topic",
        "p.yaml:4:10: there is no codec \"xml\" (plain or json)",
        "p.yaml:6:40: unable to find pattern [NUBMER] in Grok's pattern dictionary (did you mean NUMBER?)",
        "p.yaml:6:56: the pattern \"(\" can't be compiled: end pattern with unmatched parenthesis",
        "p.yaml:7:23: condition: a single = (== compares)",
        "p.yaml:8:5: there is no processor \"dat\" (did you mean \"date\"?)",
        "p.yaml:9:18: \"kafka\" is where the record's origin is kept",
        "p.yaml:10:18: \"_index\" is no field of the document",
        "p.yaml:11:32: the date pattern has \"YYYY\"",
        "p.yaml:11:40: the date pattern has",
        "p.yaml:11:58: there is no time zone \"Mars\"",
        "p.yaml:11:64: the date processor has an unknown key \"taget_field\" (did you mean \"target_field\"?)",
        "p.yaml:12:5: a processor with 2 names",
        "p.yaml:14:13: an empty on_failure",
        "p.yaml:15:22: index: the date pattern has \"DD\"",
        "p.yaml:15:22: an index name has no capitals",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}\n{expected}");
    }
}

#[test]
fn all_faults_of_a_grok_processor_are_told_at_once_with_their_places() {
    let told = faults(
        "source: {topics: [a]}
processors:
  - grok:
      field: message
      patterns:
        - '%{INT:a'
        - '%{WORD:b} (x'
        - '%{IP:kafka.x} é%{NUBMER:c} %{IPS}'
        - '%{IP:kafka.y} %{IP:_index}'
        - |-
          %{INT:d}
            %{LOST}
      pattern_definitions:
        LOOP: '%{LOOP}'
      dialect: logtash
      ecs_compatibility: v2
      pattern_definition: {}
destination: {index: a}
",
    );
    let expected = [
        "6:12: a %{ without its } stands for itself (a reference is ",
        "7:24: the pattern \"%{WORD:b} (x\" can't be compiled: end pattern with unmatched parenthesis",
        "8:11: \"kafka\" is where the record's origin is kept",
        "8:27: unable to find pattern [NUBMER] in Grok's pattern dictionary (did you mean NUMBER?)",
        "8:39: unable to find pattern [IPS] in Grok's pattern dictionary (did you mean IP?)",
        "9:11: \"kafka\" is where the record's origin is kept",
        "9:11: \"_index\" is no field of the document",
        "12:13: unable to find pattern [LOST] in Grok's pattern dictionary",
        "14:16: circular reference detected: LOOP->LOOP (in the definition of LOOP)",
        "15:16: dialect \"logtash\" is not known (give elasticsearch or logstash)",
        "16:26: ecs_compatibility \"v2\" is not known (give disabled or v1)",
        "17:7: the grok processor has an unknown key \"pattern_definition\"",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(&format!("p.yaml:{expected}")), "{told}\n{expected}");
    }
    // One alone is a list of one.
    let text = "source: {topics: [a]}\nprocessors: [{grok: {field: a, patterns: 'x %{IPS}'}}]\ndestination: {index: a}";
    assert!(faults(text)[0].starts_with("p.yaml:2:45: unable to find pattern [IPS]"), "{:?}", faults(text));
}

#[test]
fn what_has_no_effect_is_warned_of() {
    let warned = |processors: &str| -> Vec<String> {
        let text = format!("source: {{topics: a}}\nprocessors:\n  - {processors}\ndestination: {{index: x}}\n");
        let pipeline = Pipeline::compile("p.yaml", &text).unwrap_or_else(|problems| panic!("{problems:?}"));
        pipeline.warnings().iter().map(ToString::to_string).collect()
    };
    for (processors, told) in [
        (
            "set: {field: f, value: '%{[a][b]} x'}",
            "%{[a][b]} stands for itself here (a field is written {{{a.b}}} in a template)",
        ),
        (
            "append: {field: f, value: ['%{a}']}",
            "%{a} stands for itself here (a field is written {{{a}}} in a template)",
        ),
        ("set: {field: f, value: '%{+yyyy}'}", "%{+yyyy} stands for itself here (dates are written so"),
        (
            "set: {field: f, value: '{{ctx.a.b}}'}",
            "ctx.a.b would be a field within a field named ctx (ctx is for conditions; in a template write {{{a.b}}})",
        ),
        (
            "grok: {field: f, patterns: ['%{DATA:x:integer} %{INT:y:int}']}",
            "%{DATA:x:integer} stays a text: there is no type \"integer\" (did you mean \"int\"? there are",
        ),
        (
            "grok: {field: f, patterns: ['%{A}'], pattern_definitions: {A: '%{INT:y:Long}'}}",
            "%{INT:y:Long} stays a text: there is no type \"Long\" (in the definition of A) (did you mean \"long\"?",
        ),
        (
            "grok: {field: f, patterns: ['%{INT:y:date}']}",
            "there is no type \"date\" (there are int, long, float, double, boolean, string)",
        ),
        (
            "drop:",
            "this drops every record of the pipeline, as it has no condition (add if: …, or leave the topic out)",
        ),
    ] {
        let warnings = warned(processors);
        assert!(warnings.len() == 1 && warnings[0].contains(told), "{processors}: {warnings:?}");
    }
    for processors in [
        "set: {field: f, value: '100 % {{{a}}} %{'}",
        "grok: {field: f, patterns: ['%{INT:y:long} %{WORD:[a][b]}'], on_failure: [{drop: {}}]}",
        "drop: {if: ctx.a == 1}",
    ] {
        assert_eq!(warned(processors), Vec::<String>::new(), "{processors}");
    }
}

#[test]
fn sources_are_strict() {
    for (source, what) in [
        ("{topics_pattern: 'a(*'}", "is no pattern for topics"),
        ("{topics: [a, a]}", "named twice"),
        ("{topics: ['a b']}", "name of a topic"),
        ("{}", "no \"topics\""),
        ("{topics: a, max_payload: lots}", "a size such as"),
    ] {
        let told = faults(&format!("source: {source}\nprocessors: []\ndestination: {{index: x}}")).join("\n");
        assert!(told.contains(what), "{source}: {told}");
    }
    assert!(faults("").join("\n").contains("no \"source\""));
    assert!(Pipeline::load(Path::new("no/such.yaml")).err().unwrap()[0].what.contains("can't be read"));
}

#[test]
fn the_version_is_that_of_the_bytes() {
    let text = "source: {topics: [t]}\nprocessors: []\ndestination: {index: 'x-%{+yyyy}'}";
    let (one, two) = (compile(text), compile(&format!("{text} ")));
    assert_eq!((one.name(), one.version()), ("p", "87808e80f13c0806"));
    assert_ne!(one.version(), two.version());
    assert_eq!(one.index_pattern().as_deref(), Some("x-*"));
    let open = compile("source: {topics: [t]}\nprocessors: []\ndestination: {index: '%{[a]}-x'}");
    assert_eq!(open.index_pattern(), None);
    let one_index = compile("source: {topics: [t]}\nprocessors: []\ndestination: {index: logs}");
    assert_eq!(one_index.index_pattern().as_deref(), Some("logs"), "what others call logs-… is theirs");
}

#[test]
fn a_scratch_can_be_shared_and_the_same_record_gives_the_same_document() {
    let one = compile("source: {topics: [t]}\nprocessors: []\ndestination: {index: 'one-%{+yyyy}'}");
    let two = compile("source: {topics: [t]}\nprocessors: []\ndestination: {index: 'two-%{+yyyy}'}");
    let record = Record {
        topic: "t",
        partition: 0,
        offset: 0,
        timestamp: Some(1),
        key: None,
        payload: Some(b"m"),
        headers: Headers::default(),
    };
    let (mut scratch, mut lines) = (Scratch::new(), Lines::default());
    for pipeline in [&one, &two, &one] {
        pipeline.run(&mut scratch, &record, &mut lines);
    }
    assert!(lines.0[1].starts_with("0 two-1970 ") && lines.0[0].starts_with("0 one-1970 "));
    assert_eq!(lines.0[0], lines.0[2]);
}

#[test]
fn a_pipeline_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Pipeline>();
}

#[test]
fn pipelines_that_call_each_other() {
    let pipeline = json_pipeline(
        "processors:
  - pipeline: {name: outer, if: ctx.go != 'template', tag: caller}
  - pipeline: {name: '{{{which}}}', if: ctx.go == 'template'}
pipelines:
  outer:
    - pipeline: {name: inner}
    - set: {field: after, value: '{{{_ingest.pipeline}}}'}
  inner:
    - fail: {message: no, tag: f, if: ctx.go == 'fail'}
    - drop: {if: ctx.go == 'drop'}
    - set: {field: within, value: '{{{_ingest.pipeline}}}'}
  again: [pipeline: {name: '{{{which}}}'}]
on_failure:
  - set: {field: why, value: '{{_ingest.on_failure_pipeline}} {{_ingest.on_failure_processor_type}} {{_ingest.on_failure_processor_tag}} {{_ingest.on_failure_message}}'}",
    );
    assert_eq!(document(&pipeline, "{}"), r#"{"within":"inner","after":"outer"}"#);
    assert_eq!(run(&pipeline, Some(br#"{"go":"drop"}"#)), ["0 dropped pipeline"]);
    assert_eq!(document(&pipeline, r#"{"go":"fail"}"#), r#"{"go":"fail","why":"inner fail f no"}"#);
    let circle = document(&pipeline, r#"{"go":"template","which":"again"}"#);
    assert!(circle.contains("again pipeline  Cycle detected for pipeline: again"), "{circle}");
    let unknown = document(&pipeline, r#"{"go":"template","which":"x"}"#);
    assert!(unknown.contains("p pipeline  Pipeline processor configured for non-existent pipeline [x]"), "{unknown}");

    let told = faults(
        "source: {topics: t}\ndestination: {index: x}\nprocessors: [pipeline: {name: owter}]\npipelines:\n  outer: [pipeline: {name: inner}]\n  inner: [pipeline: {name: outer}]",
    );
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains("3:31: there is no pipeline \"owter\" to call (did you mean \"outer\"?)"), "{told:#?}");
    assert!(told[1].contains("in a circle: outer -> inner -> outer"), "{told:#?}");
}

#[test]
fn the_records_time_is_that_of_ingest_and_gives_the_year() {
    let pipeline = json_pipeline(
        "processors:
  - set: {field: seen, value: '{{_ingest.timestamp}}'}
  - date: {field: t, target_field: t, formats: [MMM dd HH:mm:ss]}",
    );
    let run = |timestamp| {
        let payload = Some(&br#"{"t":"Dec 31 23:59:59"}"#[..]);
        let record = Record {
            topic: "t",
            partition: 0,
            offset: 0,
            timestamp: Some(timestamp),
            key: None,
            payload,
            headers: Headers::default(),
        };
        let mut lines = Lines::default();
        pipeline.run(&mut Scratch::new(), &record, &mut lines);
        lines.0.remove(0)
    };
    // 2027-01-01T00:00:05Z, and seven months later.
    assert!(run(1_798_761_605_000).contains(r#""t":"2026-12-31T23:59:59.000Z","seen":"2027-01-01T00:00:05.000Z""#));
    assert!(run(1_817_078_400_000).contains(r#""t":"2027-12-31T23:59:59.000Z","seen":"2027-08-01T00:00:00.000Z""#));
}

#[test]
fn headers_are_read_as_they_came_and_are_in_no_document_by_themselves() {
    let read = json_pipeline("processors: [{set: {field: h, copy_from: kafka.headers, ignore_empty_value: true}}]");
    let partition = TopicPartition::new("t", 0);
    let origin = Origin { holding: HoldingId(1), partition, incarnation: "0".into(), route: Route::default().into() };
    let mut batch = RecordBatch::with_capacity(origin.into(), 2, 64);
    batch.push(0, Some(0), None, Some(b"{}"));
    for (name, value) in [("a", Some("1")), ("b", None), ("a", Some("2")), ("c.d", Some("3"))] {
        batch.push_header(name.as_bytes(), value.map(str::as_bytes));
    }
    batch.push_header(b"a", Some(b"\xff"));
    batch.push(1, Some(0), None, Some(b"{}"));
    let of = |pipeline: &Pipeline, index| {
        let mut lines = Lines::default();
        pipeline.run(&mut Scratch::new(), &batch.get(index), &mut lines);
        let document = lines.0[0].splitn(3, ' ').nth(2).unwrap().to_owned();
        serde_json::from_str::<serde_json::Value>(&document).unwrap()
    };
    assert_eq!(of(&read, 0)["h"], serde_json::json!({"a": ["1", "2", "\u{fffd}"], "b": null, "c.d": "3"}));
    assert_eq!(of(&read, 1)["h"], serde_json::Value::Null);
    assert!(!of(&json_pipeline("processors: []"), 0).to_string().contains("headers"));
}
