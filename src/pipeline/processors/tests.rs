//! Each processor and its options, on small events.

mod more;

use crate::event::Event;
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Pipelines, Step, Work, run_steps};
use crate::yaml::{Kind, Problem, Problems, parse};

/// Compiles one processor, or several between commas.
fn steps(processors: &str, problems: &Problems) -> Vec<Step> {
    let root = parse(&format!("[{processors}]"), problems).unwrap();
    let Kind::List(nodes) = &root.kind else { panic!("a list") };
    Compiler::new(problems, "kafka").steps(nodes)
}

/// The event after one processor, as JSON, or the reason of its failure.
fn apply(processor: &str, event: &str) -> Result<String, String> {
    let problems = Problems::new("f");
    let steps = steps(processor, &problems);
    let told = problems.into_vec();
    assert!(told.is_empty(), "{processor}: {told:#?}");
    let event: Event<'_> = serde_json::from_str(event).unwrap();
    // 2026-11-20T00:00:00Z
    let record_millis = Some(1_795_132_800_000);
    let none = Pipelines::default();
    let mut work = Work::new(event, record_millis, &none);
    match run_steps(&steps, &mut work) {
        Ok(_) => Ok(serde_json::to_string(&work.event).unwrap()),
        Err(failure) => Err(failure.message),
    }
}

fn check(cases: &[(&str, &str, Result<&str, &str>)]) {
    for (processor, event, expected) in cases {
        let came = apply(processor, event);
        let came = came.as_deref().map_err(String::as_str);
        assert_eq!(came, *expected, "{processor} on {event}");
    }
}

#[test]
fn rename_moves_and_loses_nothing() {
    check(&[
        ("rename: {field: a, target_field: b.c}", r#"{"a":1}"#, Ok(r#"{"b":{"c":1}}"#)),
        ("rename: {field: a, target_field: b}", r#"{"a":1,"b":2}"#, Err("field [b] already exists")),
        ("rename: {field: a, target_field: b, override: true}", r#"{"a":1,"b":2}"#, Ok(r#"{"b":1}"#)),
        ("rename: {field: a, target_field: b}", "{}", Err("field [a] doesn't exist")),
        ("rename: {field: a, target_field: b, ignore_missing: yes}", "{}", Ok("{}")),
        ("rename: {field: a, target_field: b}", r#"{"a":null}"#, Ok(r#"{"b":null}"#)),
        (
            "rename: {field: a, target_field: s.x, on_failure: [set: {field: seen, value: 1}]}",
            r#"{"a":1,"s":"t"}"#,
            Ok(r#"{"s":"t","a":1,"seen":1}"#),
        ),
    ]);
}

#[test]
fn remove_removes_or_keeps() {
    check(&[
        ("remove: {field: a}", r#"{"a":1,"b":2}"#, Ok(r#"{"b":2}"#)),
        ("remove: {field: [a, b.c]}", r#"{"a":1,"b":{"c":1,"d":2}}"#, Ok(r#"{"b":{"d":2}}"#)),
        ("remove: {field: [a, z]}", r#"{"a":1}"#, Err("field [z] not present as part of path [z]")),
        ("remove: {field: [z, a], ignore_missing: true}", r#"{"a":1}"#, Ok("{}")),
        ("remove: {keep: [a.b, c]}", r#"{"a":{"b":1,"x":2},"c":{"d":3},"e":4}"#, Ok(r#"{"a":{"b":1},"c":{"d":3}}"#)),
    ]);
}

#[test]
fn set_sets_values_copies_and_templates() {
    check(&[
        ("set: {field: a.b, value: 1}", "{}", Ok(r#"{"a":{"b":1}}"#)),
        (
            "set: {field: a, value: [x, {y: '{{b}}', z: 1.5}]}",
            r#"{"b":"B"}"#,
            Ok(r#"{"b":"B","a":["x",{"y":"B","z":1.5}]}"#),
        ),
        (
            "set: {field: a, value: '{{{b.0}}}-{{n}}-{{q}}-{{o}}'}",
            r#"{"b":["x"],"n":7,"o":{"p":1}}"#,
            Ok("{\"b\":[\"x\"],\"n\":7,\"o\":{\"p\":1},\"a\":\"x-7--{\\\\\\\"p\\\\\\\":1}\"}"),
        ),
        ("set: {field: a, value: '{{b}}'}", r#"{"b":"q\"\n"}"#, Ok(r#"{"b":"q\"\n","a":"q\\\"\\n"}"#)),
        ("set: {field: a, value: '{{{b}}}'}", r#"{"b":"q\"\n"}"#, Ok(r#"{"b":"q\"\n","a":"q\"\n"}"#)),
        ("set: {field: a, value: '{{b}}', media_type: text/plain}", r#"{"b":"q\""}"#, Ok(r#"{"b":"q\"","a":"q\""}"#)),
        ("set: {field: a, value: 2, override: false}", r#"{"a":1}"#, Ok(r#"{"a":1}"#)),
        ("set: {field: a, value: 2, override: false}", r#"{"a":null}"#, Ok(r#"{"a":2}"#)),
        ("set: {field: a, value: '{{q}}', ignore_empty_value: true}", r#"{"a":1}"#, Ok(r#"{"a":1}"#)),
        ("set: {field: a, value: '{{q}}'}", r#"{"a":1}"#, Ok(r#"{"a":""}"#)),
        ("set: {field: a, copy_from: b}", r#"{"b":{"c":[1]}}"#, Ok(r#"{"b":{"c":[1]},"a":{"c":[1]}}"#)),
        ("set: {field: a, copy_from: b}", "{}", Err("field [b] not present as part of path [b]")),
        ("set: {field: a, copy_from: b, ignore_empty_value: true}", r#"{"b":""}"#, Ok(r#"{"b":""}"#)),
        (
            "set: {field: a.b, value: 1}",
            r#"{"a":"s"}"#,
            Err("cannot set [b] with parent of type [string] as part of path [a.b]"),
        ),
    ]);
}

#[test]
fn append_makes_lists() {
    check(&[
        ("append: {field: a, value: x}", "{}", Ok(r#"{"a":["x"]}"#)),
        ("append: {field: a, value: [x, 2]}", r#"{"a":"s"}"#, Ok(r#"{"a":["s","x",2]}"#)),
        ("append: {field: a, value: x}", r#"{"a":["x"]}"#, Ok(r#"{"a":["x","x"]}"#)),
        ("append: {field: a, value: [x, y, y], allow_duplicates: false}", r#"{"a":["x"]}"#, Ok(r#"{"a":["x","y"]}"#)),
        ("append: {field: a, value: x, allow_duplicates: false}", r#"{"a":"x"}"#, Ok(r#"{"a":"x"}"#)),
        ("append: {field: a.b, value: '{{c}}'}", r#"{"c":"v"}"#, Ok(r#"{"c":"v","a":{"b":["v"]}}"#)),
    ]);
}

#[test]
fn convert_changes_types() {
    let convert = |to: &str, value: &str| {
        apply(&format!("convert: {{field: a, type: {to}}}"), &format!("{{\"a\":{value}}}"))
            .map(|json| json.strip_prefix("{\"a\":").unwrap().strip_suffix('}').unwrap().to_owned())
    };
    for (to, value, expected) in [
        ("integer", "\"12\"", "12"),
        ("integer", "\"-0x1F\"", "-31"),
        ("integer", "[\"1\",2]", "[1,2]"),
        ("long", "\"9223372036854775807\"", "9223372036854775807"),
        ("long", "12", "12"),
        ("float", "\"1.1\"", "1.1"),
        ("float", "16777217", "16777216.0"),
        ("double", "\"1e3\"", "1000.0"),
        ("double", "\" 2.5d\"", "2.5"),
        ("string", "12", "\"12\""),
        ("string", "1.5", "\"1.5\""),
        ("string", "true", "\"true\""),
        ("boolean", "\"TRUE\"", "true"),
        ("ip", "\"2001:db8::1\"", "\"2001:db8::1\""),
        ("auto", "\"true\"", "true"),
        ("auto", "\"12\"", "12"),
        ("auto", "\"99999999999\"", "99999999999"),
        ("auto", "\"1.5\"", "1.5"),
        ("auto", "\"x\"", "\"x\""),
        ("auto", "7", "7"),
    ] {
        assert_eq!(convert(to, value).as_deref(), Ok(expected), "{to} {value}");
    }
    for (to, value, why) in [
        ("integer", "\"2147483648\"", "unable to convert [2147483648] to integer"),
        ("integer", "2147483648", "unable to convert [2147483648] to integer"),
        ("integer", "1.5", "unable to convert [1.5] to integer"),
        ("long", "\"1 \"", "unable to convert [1 ] to long"),
        ("long", "\"--1\"", "unable to convert [--1] to long"),
        ("long", "18446744073709551615", "unable to convert [18446744073709551615] to long"),
        ("float", "\"x\"", "unable to convert [x] to float"),
        ("double", "\"NaN\"", "unable to convert [NaN] to double"),
        ("double", "\"1e999\"", "unable to convert [1e999] to double"),
        ("boolean", "\"yes\"", "[yes] is not a boolean value, cannot convert to boolean"),
        ("ip", "\"1.2.3\"", "[1.2.3] is not a valid ipv4/ipv6 address"),
        ("long", "null", "field [a] is null, cannot be converted to type [long]"),
    ] {
        assert_eq!(convert(to, value), Err(why.to_owned()), "{to} {value}");
    }
    check(&[
        ("convert: {field: a, target_field: b, type: long}", r#"{"a":"1"}"#, Ok(r#"{"a":"1","b":1}"#)),
        ("convert: {field: a, type: long, ignore_missing: true}", r#"{"a":null}"#, Ok(r#"{"a":null}"#)),
        ("convert: {field: a, type: long, ignore_missing: true}", "{}", Ok("{}")),
        ("convert: {field: a, type: long}", "{}", Err("field [a] not present as part of path [a]")),
    ]);
}

#[test]
fn date_reads_and_writes() {
    check(&[
        (
            "date: {field: t, formats: [ISO8601]}",
            r#"{"t":"2026-11-20T01:02:03+01:00"}"#,
            Ok(r#"{"t":"2026-11-20T01:02:03+01:00","@timestamp":"2026-11-20T00:02:03.000Z"}"#),
        ),
        (
            "date: {field: t, target_field: d.x, formats: [yyyy, UNIX]}",
            r#"{"t":1795132800.5}"#,
            Ok(r#"{"t":1795132800.5,"d":{"x":"2026-11-20T00:00:00.500Z"}}"#),
        ),
        (
            "date: {field: t, target_field: t, formats: [UNIX_MS]}",
            r#"{"t":"1795132800007"}"#,
            Ok(r#"{"t":"2026-11-20T00:00:00.007Z"}"#),
        ),
        (
            "date: {field: t, target_field: t, formats: [yyyy/MM/dd], timezone: Europe/Amsterdam}",
            r#"{"t":"2026/07/01"}"#,
            Ok(r#"{"t":"2026-07-01T00:00:00.000+02:00"}"#),
        ),
        (
            "date: {field: t, target_field: t, formats: [yyyy/MM/dd], timezone: '{{z}}'}",
            r#"{"t":"2026/07/01","z":"+05:30"}"#,
            Ok(r#"{"t":"2026-07-01T00:00:00.000+05:30","z":"+05:30"}"#),
        ),
        (
            "date: {field: t, target_field: t, formats: [yyyy], timezone: '{{z}}'}",
            r#"{"t":"2026","z":"Mars"}"#,
            Err("there is no time zone [Mars]"),
        ),
        (
            "date: {field: t, target_field: t, formats: ['MMM dd HH:mm:ss'], locale: en}",
            r#"{"t":"Dec 31 23:59:59"}"#,
            Ok(r#"{"t":"2026-12-31T23:59:59.000Z"}"#),
        ),
        (
            "date: {field: t, target_field: t, formats: ['MMM dd']}",
            r#"{"t":"Feb 01"}"#,
            Ok(r#"{"t":"2027-02-01T00:00:00.000Z"}"#),
        ),
        (
            "date: {field: t, target_field: t, formats: [TAI64N], output_format: 'yyyy-MM-dd HH:mm'}",
            r#"{"t":"@400000006a0f1a0a00000000"}"#,
            Ok(r#"{"t":"2026-05-21 14:43"}"#),
        ),
        ("date: {field: t, formats: [yyyy, ISO8601]}", r#"{"t":"soon"}"#, Err("unable to parse date [soon]")),
        ("date: {field: t, formats: [TAI64N]}", r#"{"t":"@40000000é"}"#, Err("unable to parse date [@40000000é]")),
        ("date: {field: t, formats: [yyyy]}", "{}", Err("field [t] not present as part of path [t]")),
    ]);
}

#[test]
fn grok_captures_in_the_order_of_the_pattern() {
    check(&[
        (
            "grok: {field: m, patterns: ['%{WORD:z} %{NUMBER:a.n:int} %{NUMBER:f:float} %{WORD:b:boolean}']}",
            r#"{"m":"x 7 1.5 TRUE"}"#,
            Ok(r#"{"m":"x 7 1.5 TRUE","z":"x","a":{"n":7},"f":1.5,"b":true}"#),
        ),
        ("grok: {field: m, patterns: ['^%{INT:i}$', '^%{WORD:w}$']}", r#"{"m":"abc"}"#, Ok(r#"{"m":"abc","w":"abc"}"#)),
        ("grok: {field: m, patterns: ['%{INT:i}', '%{WORD:w}']}", r#"{"m":"ab 1"}"#, Ok(r#"{"m":"ab 1","w":"ab"}"#)),
        (
            "grok: {field: m, patterns: ['%{COMMONAPACHELOG}'], ecs_compatibility: v1}",
            r#"{"m":"::1 - bob [20/Nov/2026:00:00:00 +0900] \"GET / HTTP/1.1\" 200 -"}"#,
            Ok(concat!(
                r#"{"m":"::1 - bob [20/Nov/2026:00:00:00 +0900] \"GET / HTTP/1.1\" 200 -","source":{"address":"::1"},"#,
                r#""user":{"name":"bob"},"timestamp":"20/Nov/2026:00:00:00 +0900","http":{"request":{"method":"GET"},"#,
                r#""version":"1.1","response":{"status_code":200}},"url":{"original":"/"}}"#
            )),
        ),
        ("grok: {field: m, patterns: ['%{WORD:w} %{WORD:w}']}", r#"{"m":"a b"}"#, Ok(r#"{"m":"a b","w":["a","b"]}"#)),
        ("grok: {field: m, patterns: ['^(%{INT:w}|%{WORD:w})$']}", r#"{"m":"b"}"#, Ok(r#"{"m":"b","w":"b"}"#)),
        (
            "grok: {field: m, patterns: ['(?<a>x+)(?<b>y)?(?<=x)%{GREEDYDATA:größe}']}",
            r#"{"m":"xxé\u0001"}"#,
            Ok("{\"m\":\"xxé\\u0001\",\"a\":\"xx\",\"größe\":\"é\\u0001\"}"),
        ),
        (
            "grok: {field: m, patterns: ['%{MINE:x}'], pattern_definitions: {MINE: 'a%{INT}', INT: '[0-9]b'}}",
            r#"{"m":"a1b"}"#,
            Ok(r#"{"m":"a1b","x":"a1b"}"#),
        ),
        ("grok: {field: m, patterns: ['%{ID:x=[0-9]{2}}']}", r#"{"m":"a123"}"#, Ok(r#"{"m":"a123","x":"12"}"#)),
        (r"grok: {field: m, patterns: ['(?<q>.)\k<q>']}", r#"{"m":"abb"}"#, Ok(r#"{"m":"abb","q":"b"}"#)),
        ("grok: {field: m, patterns: ['%{DATA:all}$']}", r#"{"m":"\""}"#, Ok(r#"{"m":"\"","all":"\""}"#)),
        ("grok: {field: m, patterns: ['%{INT:m}']}", r#"{"m":"a 1"}"#, Ok(r#"{"m":"1"}"#)),
        (
            "grok: {field: m, patterns: ['%{INT:n:int}']}",
            r#"{"m":"99999999999"}"#,
            Err("For input string: \"99999999999\" (the capture of field [n] is no int)"),
        ),
        (
            "grok: {field: m, patterns: ['%{INT:n:long}']}",
            r#"{"m":"99999999999"}"#,
            Ok(r#"{"m":"99999999999","n":99999999999}"#),
        ),
        (
            "grok: {field: m, patterns: ['%{INT:n}']}",
            r#"{"m":"x"}"#,
            Err("Provided Grok expressions do not match field value: [x]"),
        ),
        (
            "grok: {field: m, patterns: ['x']}",
            r#"{"m":1}"#,
            Err("field [m] of type [integer] cannot be cast to [string]"),
        ),
        ("grok: {field: m, patterns: ['x']}", r#"{"m":null}"#, Err("field [m] is null, cannot process it")),
        ("grok: {field: m, patterns: ['x']}", "{}", Err("field [m] not present as part of path [m]")),
        ("grok: {field: m, patterns: ['x'], ignore_missing: true}", "{}", Ok("{}")),
    ]);
    let long = format!("{{\"m\":\"{}\"}}", "é".repeat(5000));
    let why = apply("grok: {field: m, patterns: ['x']}", &long).unwrap_err();
    assert!(why.ends_with("… (10000 bytes)]") && why.len() < 1200);
}

#[test]
fn patterns_mean_what_they_mean_in_their_dialect() {
    let run = |patterns: &str, more: &str, event: &str| {
        apply(&format!("grok: {{field: m, patterns: {patterns}{more}}}"), event)
    };
    let logstash = ", dialect: logstash";
    let (either, event) = ("['%{INT:i}', '%{WORD:w}']", r#"{"m":"ab 1"}"#);
    assert_eq!(run(either, ", dialect: elasticsearch", event).as_deref(), Ok(r#"{"m":"ab 1","w":"ab"}"#));
    assert_eq!(run(either, logstash, event).as_deref(), Ok(r#"{"m":"ab 1","i":"1"}"#));
    let (nested, event) = ("['(?<[a][b]>x)(?<c.d>y)%{NOTSPACE:n:int}']", r#"{"m":"xy12ms"}"#);
    let expected = Ok(r#"{"m":"xy12ms","a":{"b":"x"},"c":{"d":"y"},"n":12}"#);
    assert_eq!(run(nested, logstash, event).as_deref(), expected);
    let (empty, event) = ("['%{DATA:e}x']", r#"{"m":"x"}"#);
    let (kept, left_out) = (Ok(r#"{"m":"x","e":""}"#), Ok(r#"{"m":"x"}"#));
    assert_eq!(run(empty, "", event).as_deref(), kept);
    assert_eq!(run(empty, ", keep_empty_captures: false", event).as_deref(), left_out);
    assert_eq!(run(empty, logstash, event).as_deref(), left_out);
    assert_eq!(run(empty, ", dialect: logstash, keep_empty_captures: true", event).as_deref(), kept);
}

#[test]
fn which_pattern_matched_is_told_where_that_is_asked_for() {
    let traced = |text: &str, more: &str| {
        let processors = format!(
            "grok: {{field: m, patterns: ['^%{{INT:i}}$', '^%{{WORD:w}}$']{more}}}}}, {{set: {{field: n, value: '{{{{_ingest._grok_match_index}}}}'}}"
        );
        apply(&format!("{{{processors}}}"), &format!("{{\"m\":\"{text}\"}}"))
    };
    let asked = ", trace_match: true";
    assert_eq!(traced("7", asked).as_deref(), Ok(r#"{"m":"7","i":"7","n":"0"}"#));
    assert_eq!(traced("x", asked).as_deref(), Ok(r#"{"m":"x","w":"x","n":"1"}"#));
    assert_eq!(traced("x", "").as_deref(), Ok(r#"{"m":"x","w":"x","n":""}"#));
}

/// It is a failure like others, and told apart from them.
#[test]
fn a_pattern_that_uses_up_its_budget_is_told() {
    const HOSTILE: &str = r"^(?<a>a+?)(?:a|aa)+?\k<a>[bc]";
    let problems = Problems::new("f");
    let steps = steps(&format!("grok: {{field: m, patterns: ['%{{INT:i}}', '{HOSTILE}']}}"), &problems);
    let event = format!("{{\"m\":\"{}\"}}", "a".repeat(200));
    let none = Pipelines::default();
    let mut work = Work::new(serde_json::from_str(&event).unwrap(), None, &none);
    let failure = run_steps(&steps, &mut work).unwrap_err();
    assert!(failure.message.starts_with("grok timeout: the budget was used up by pattern [1] on"), "{failure:?}");
    assert_eq!(work.timeouts, [HOSTILE]);
}

#[test]
fn plain_captures_borrow_from_the_record() {
    use crate::event::Value;
    use std::borrow::Cow;

    let problems = Problems::new("f");
    let steps = steps("grok: {field: message, patterns: ['%{WORD:w} %{GREEDYDATA:rest}']}", &problems);
    let event: Event<'_> = serde_json::from_str(r#"{"message":"one two three"}"#).unwrap();
    let none = Pipelines::default();
    let mut work = Work::new(event, None, &none);
    run_steps(&steps, &mut work).unwrap();
    for name in ["w", "rest"] {
        assert!(matches!(work.event.root().get(name), Some(Value::String(Cow::Borrowed(_)))), "{name}");
    }
}

#[test]
fn patterns_that_cannot_be_compiled_say_why() {
    for (pattern, definitions, why) in [
        ("%{NOTFOUND}", "{}", "unable to find pattern [NOTFOUND]"),
        ("%{A}", "{A: '%{B}', B: 'x%{A}'}", "circular reference detected: A->B->A (in the definition of B)"),
        ("%{A", "{}", "without its }"),
        ("%{}", "{}", "is no reference"),
        ("a)", "{}", "can't be compiled"),
        ("x", "{LOOP: '%{LOOP}'}", "circular reference detected: LOOP->LOOP"),
        ("%{WORD:_ingest.x}", "{}", "no field of the document"),
        ("%{WORD:kafka}", "{}", "record's origin"),
        (
            "%{A9}",
            "{A0: xxxxxxxxxx, A1: '%{A0}%{A0}%{A0}%{A0}%{A0}%{A0}%{A0}%{A0}%{A0}%{A0}', A2: '%{A1}%{A1}%{A1}%{A1}%{A1}%{A1}%{A1}%{A1}%{A1}%{A1}', A3: '%{A2}%{A2}%{A2}%{A2}%{A2}%{A2}%{A2}%{A2}%{A2}%{A2}', A4: '%{A3}%{A3}%{A3}%{A3}%{A3}%{A3}%{A3}%{A3}%{A3}%{A3}', A9: '%{A4}%{A4}%{A4}%{A4}%{A4}%{A4}%{A4}%{A4}%{A4}%{A4}'}",
            "too large",
        ),
    ] {
        let problems = Problems::new("f");
        let text = format!("grok: {{field: m, patterns: ['{pattern}'], pattern_definitions: {definitions}}}");
        assert!(steps(&text, &problems).is_empty());
        let told = problems.into_vec();
        assert!(told[0].what.contains(why), "{pattern}: {told:?}");
    }
}

#[test]
fn what_is_wrong_with_a_definition_is_told_where_it_stands() {
    let definitions = "LOST: 'x%{NUBMER}',\nBAD: 'a(',\nTYPED: '%{INT:n:integer}'";
    let text =
        |pattern| format!("grok: {{field: m, patterns: ['{pattern}'], pattern_definitions: {{\n{definitions}}}}}");
    let places = |told: &[Problem]| told.iter().map(|problem| (problem.line, problem.column)).collect::<Vec<_>>();
    let problems = Problems::new("f");
    assert_eq!(steps(&text("%{WORD}"), &problems).len(), 1);
    let warned = problems.take_warnings();
    assert_eq!(places(&warned), [(2, 9), (3, 9), (4, 9)], "{warned:?}");
    assert!(
        warned[0].what.ends_with("[NUBMER] in Grok's pattern dictionary (in the definition of LOST)"),
        "{warned:?}"
    );
    assert!(warned[1].what.ends_with("parenthesis (in the definition of BAD)"), "{warned:?}");
    assert_eq!(warned[1].hint.as_deref(), Some("no expression uses the definition"));
    assert!(warned[2].what.starts_with("%{INT:n:integer} stays a text: there is no type"), "{warned:?}");
    // What a pattern leads to is a fault, at the same place.
    let problems = Problems::new("f");
    assert!(steps(&text("%{LOST} %{BAD} %{LOST}"), &problems).is_empty());
    let wrong = problems.into_vec();
    assert_eq!(places(&wrong), [(2, 9), (3, 9)], "{wrong:?}");
}

#[test]
fn a_pattern_that_takes_for_ever_elsewhere_or_is_slow_here_is_warned_of() {
    const ELSEWHERE: &str = "exponentially";
    const HERE: &str = "is left to the slower engine";
    for (pattern, warned) in [
        (r"(?<all>(\w+\s*)+):", Some(ELSEWHERE)),
        (r"%{WORD:w} \X", Some(HERE)),
        ("%{URI}", None),
        ("%{COMBINEDAPACHELOG}", None),
    ] {
        let problems = Problems::new("f");
        let text = format!("grok: {{field: m, patterns: ['{pattern}']}}");
        assert_eq!(steps(&text, &problems).len(), 1);
        let told = problems.take_warnings();
        assert_eq!(told.len(), usize::from(warned.is_some()), "{pattern}: {told:?}");
        assert!(warned.is_none_or(|warned| told[0].what.contains(warned)), "{pattern}: {told:?}");
    }
}

/// Found by asking a real server the same.
#[test]
fn small_things_are_as_they_are_there() {
    check(&[
        ("append: {field: a, value: x}", r#"{"a":null}"#, Ok(r#"{"a":[null,"x"]}"#)),
        ("set: {field: t, value: '{{#toJson}}a{{/toJson}}'}", r#"{"a":"x"}"#, Ok(r#"{"a":"x","t":"x"}"#)),
        (
            "set: {field: t, value: '{{#toJson}}a{{/toJson}}'}",
            r#"{"a":{"b":1}}"#,
            Ok(r#"{"a":{"b":1},"t":"{\"b\":1}"}"#),
        ),
        ("set: {field: t, value: '{{#toJson}}a{{/toJson}}'}", "{}", Ok(r#"{"t":""}"#)),
        ("convert: {field: a, type: ip}", r#"{"a":"fe80::1%eth0"}"#, Ok(r#"{"a":"fe80::1%eth0"}"#)),
        (
            "convert: {field: a, type: ip}",
            r#"{"a":"10.0.0.1%x"}"#,
            Err("[10.0.0.1%x] is not a valid ipv4/ipv6 address"),
        ),
        (
            "date: {field: a, formats: [UNIX]}",
            r#"{"a":" 12 "}"#,
            Ok(r#"{"a":" 12 ","@timestamp":"1970-01-01T00:00:12.000Z"}"#),
        ),
    ]);
}
