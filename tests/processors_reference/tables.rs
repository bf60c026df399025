//! What is compared: values of all kinds, and processors with all their options; and what is different on purpose.

use serde_json::{Value as Json, json};

use super::corpus::Came;

/// Processors of the corpus that Kelp does not have.
pub const NOT_THERE: &[&str] = &[
    "script",
    "date_index_name",
    "html_strip",
    "fingerprint",
    "community_id",
    "network_direction",
    "registered_domain",
    "__processor",
    "user_agent",
    "geoip",
    "remove_by_pattern",
    "copy",
];

/// What the field `f` holds; none is a document without it.
pub fn values() -> Vec<Option<Json>> {
    let mut values = vec![None, Some(Json::Null)];
    let more = [
        json!(""),
        json!(" "),
        json!("abc"),
        json!("ABC def"),
        json!("\t a b \n"),
        json!("1"),
        json!("1.5"),
        json!("-7"),
        json!("+7"),
        json!("0x1F"),
        json!("-0x1f"),
        json!("007"),
        json!("true"),
        json!("TRUE"),
        json!("yes"),
        json!("1e3"),
        json!("1_000"),
        json!("2147483647"),
        json!("2147483648"),
        json!("9223372036854775807"),
        json!("9223372036854775808"),
        json!("3.5e38"),
        json!("1e400"),
        json!("NaN"),
        json!("Infinity"),
        json!("1f"),
        json!("1d"),
        json!(" 12 "),
        json!("0.1"),
        json!("16777217"),
        json!("."),
        json!("1."),
        json!(".5"),
        json!("a,b,,c,,"),
        json!(",a"),
        json!("a, b , \"c,d\" ,e"),
        json!("\"a\"\"b\",c"),
        json!("\"a"),
        json!("a\"b,c"),
        json!("k=v a=b k=w"),
        json!("k = v"),
        json!("k=v=w a"),
        json!("=v k="),
        json!("[k]=<v> (a)='b'"),
        json!("k: v"),
        json!("{\"a\":1}"),
        json!("{\"a\":1,\"a\":2}"),
        json!("{\"other\":{\"c\":1},\"text\":null}"),
        json!("[1,2]"),
        json!("{\"a\":1} x"),
        json!("nul"),
        json!("null"),
        json!("\"s\""),
        json!("12 13"),
        json!("{"),
        json!("a.b"),
        json!("192.168.0.1"),
        json!("::1"),
        json!("192.168.0.256"),
        json!("1.2.3"),
        json!("::ffff:1.2.3.4"),
        json!("fe80::1%eth0"),
        json!("1kb"),
        json!("1.5 MB"),
        json!("1.5mb"),
        json!("0"),
        json!("10b"),
        json!("1pb"),
        json!("-1kb"),
        json!("1KB"),
        json!("1k"),
        json!("%41+b%zz"),
        json!("a%20b+c%C3%A9"),
        json!("%"),
        json!("GET /x?y=1 200"),
        json!("a b  c"),
        json!("2026-11-20T10:00:00Z"),
        json!("2026-11-20"),
        json!("2026-11-20T10:00:00.123456789+01:00"),
        json!("2026-11-20 10:00:00"),
        json!("20/Nov/2026:10:00:00 +0900"),
        json!("1795168800"),
        json!("1795168800.25"),
        json!("1795168800123"),
        json!("Fri Nov 20 10:00:00 2026"),
        json!("2026-13-01"),
        json!("2026-02-30"),
        json!("@4000000052f88ea32489532c"),
        json!("straße ΑΣ"),
        json!("日本語"),
        json!("a\u{0}b"),
        json!("𝒳x"),
        json!("a|b.c*d"),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(9223372036854775807_i64),
        json!(2147483648_i64),
        json!(1795168800),
        json!(1795168800.25),
        json!(1795168800123_i64),
        json!(0.1),
        json!(100000000.0),
        json!(1e21),
        json!(-0.0),
        json!(true),
        json!(false),
        json!([]),
        json!([1, 2]),
        json!(["b", "a", "C"]),
        json!(["1", "x"]),
        json!(["1", "2"]),
        json!([null]),
        json!([[1]]),
        json!(["a", 1]),
        json!([" a ", ""]),
        json!([3, 1.5, 2]),
        json!([true, false]),
        json!([{"x": "1"}, {"x": "2"}]),
        json!({}),
        json!({"a": 1}),
        json!({"a": {"b": "c"}, "d.e": 1}),
    ];
    values.extend(more.into_iter().map(Some));
    values
}

/// The processors, one a pipeline.
pub fn pipelines() -> Vec<Json> {
    let mut all: Vec<Json> = Vec::new();
    for kind in ["integer", "long", "float", "double", "string", "boolean", "ip", "auto"] {
        all.push(json!({"convert": {"field": "f", "type": kind}}));
        all.push(json!({"convert": {"field": "f", "type": kind, "target_field": "t.x", "ignore_missing": true}}));
    }
    for name in ["lowercase", "uppercase", "trim", "urldecode", "bytes"] {
        all.push(json!({name: {"field": "f"}}));
        all.push(json!({name: {"field": "f", "target_field": "t.x", "ignore_missing": true}}));
    }
    let more = [
        json!({"append": {"field": "f", "value": "x"}}),
        json!({"append": {"field": "f", "value": ["a", "{{text}}", 1], "allow_duplicates": false}}),
        json!({"append": {"field": "f.g", "value": [1]}}),
        json!({"append": {"field": "list", "value": "{{f}}"}}),
        json!({"append": {"field": "list", "value": ["{{{f}}}"], "allow_duplicates": false}}),
        json!({"csv": {"field": "f", "target_fields": ["a", "b.c", "d"]}}),
        json!({"csv": {"field": "f", "target_fields": ["a", "b", "c"], "trim": true, "empty_value": "E", "ignore_missing": true}}),
        json!({"csv": {"field": "f", "target_fields": ["a", "b"], "separator": " ", "quote": "'"}}),
        json!({"date": {"field": "f", "formats": ["ISO8601"]}}),
        json!({"date": {"field": "f", "formats": ["UNIX"]}}),
        json!({"date": {"field": "f", "formats": ["UNIX_MS", "yyyy-MM-dd"], "target_field": "t"}}),
        json!({"date": {"field": "f", "formats": ["TAI64N", "yyyy-MM-dd HH:mm:ss", "dd/MMM/yyyy:HH:mm:ss Z", "EEE MMM dd HH:mm:ss yyyy"], "timezone": "Europe/Amsterdam", "target_field": "t"}}),
        json!({"date": {"field": "f", "formats": ["ISO8601"], "timezone": "Asia/Tokyo", "output_format": "yyyy/MM/dd HH:mm", "target_field": "t"}}),
        json!({"dissect": {"field": "f", "pattern": "%{a} %{b}"}}),
        json!({"dissect": {"field": "f", "pattern": "%{a} %{+a} %{c}", "append_separator": "-", "ignore_missing": true}}),
        json!({"dissect": {"field": "f", "pattern": "%{*k}=%{&k} %{?x}=%{y}"}}),
        json!({"dissect": {"field": "f", "pattern": "%{a->} %{b}"}}),
        json!({"dot_expander": {"field": "d.e", "path": "f"}}),
        json!({"drop": {"if": "ctx.f == 'abc'"}}),
        json!({"fail": {"message": "no {{{f}}}", "if": "ctx.f != null"}}),
        json!({"foreach": {"field": "f", "processor": {"uppercase": {"field": "_ingest._value"}}}}),
        json!({"foreach": {"field": "f", "ignore_missing": true, "processor": {"append": {"field": "list", "value": "{{_ingest._value}}"}}}}),
        json!({"foreach": {"field": "f", "processor": {"convert": {"field": "_ingest._value.x", "type": "integer", "ignore_missing": true}}}}),
        json!({"grok": {"field": "f", "patterns": ["%{NUMBER:n:int}"]}}),
        json!({"grok": {"field": "f", "patterns": ["^%{WORD:w} %{URIPATHPARAM:p} %{INT:s:long}$", "%{IP:ip}", "%{NUMBER:x:double}"]}}),
        json!({"grok": {"field": "f", "patterns": ["%{DATA:a.b}=%{GREEDYDATA:a.c}"], "ignore_missing": true}}),
        json!({"grok": {"field": "f", "patterns": ["%{WORD:w:boolean}"], "trace_match": true}}),
        json!({"gsub": {"field": "f", "pattern": "[a-c]", "replacement": "-"}}),
        json!({"gsub": {"field": "f", "pattern": "(\\d)(\\d)", "replacement": "$2$1", "target_field": "t", "ignore_missing": true}}),
        json!({"gsub": {"field": "f", "pattern": "\\W*", "replacement": "."}}),
        json!({"join": {"field": "f", "separator": ","}}),
        json!({"join": {"field": "f", "separator": " - ", "target_field": "t"}}),
        json!({"json": {"field": "f"}}),
        json!({"json": {"field": "f", "target_field": "t"}}),
        json!({"json": {"field": "f", "add_to_root": true}}),
        json!({"kv": {"field": "f", "field_split": " ", "value_split": "="}}),
        json!({"kv": {"field": "f", "field_split": "\\s+", "value_split": "\\s*[:=]\\s*", "target_field": "t", "ignore_missing": true}}),
        json!({"kv": {"field": "f", "field_split": " ", "value_split": "=", "strip_brackets": true, "prefix": "p_", "trim_key": "()", "include_keys": ["k", "a", "p_k"]}}),
        json!({"kv": {"field": "f", "field_split": " ", "value_split": "=", "exclude_keys": ["k"], "trim_value": "vw"}}),
        json!({"lowercase": {"field": "f.a"}}),
        json!({"remove": {"field": "f"}}),
        json!({"remove": {"field": ["text", "f"], "ignore_missing": true}}),
        json!({"remove": {"field": "f.a"}}),
        json!({"remove": {"field": "f.0"}}),
        json!({"rename": {"field": "f", "target_field": "g.h"}}),
        json!({"rename": {"field": "f", "target_field": "other.a.b", "ignore_missing": true}}),
        json!({"rename": {"field": "f", "target_field": "text"}}),
        json!({"rename": {"field": "text", "target_field": "f.t"}}),
        json!({"rename": {"field": "f.0", "target_field": "first"}}),
        json!({"set": {"field": "t", "value": "<{{f}}|{{{f}}}>"}}),
        json!({"set": {"field": "f", "value": 1, "override": false}}),
        json!({"set": {"field": "f.x.y", "value": {"a": "{{text}}"}}}),
        json!({"set": {"field": "t", "value": "{{f}}", "ignore_empty_value": true}}),
        json!({"set": {"field": "f.0", "value": "z"}}),
        json!({"set": {"field": "t", "value": "{{#f}}[{{.}}]{{/f}}{{^f}}none{{/f}}"}}),
        json!({"set": {"field": "t", "value": "{{f.a}}{{f.0}}{{#toJson}}f{{/toJson}}"}}),
        json!({"sort": {"field": "f"}}),
        json!({"sort": {"field": "f", "order": "desc", "target_field": "t"}}),
        json!({"split": {"field": "f", "separator": ","}}),
        json!({"split": {"field": "f", "separator": "", "target_field": "t", "ignore_missing": true}}),
        json!({"split": {"field": "f", "separator": "\\s*[,|]\\s*", "preserve_trailing": true}}),
        json!({"split": {"field": "f", "separator": "(?<=a)|\\.", "ignore_missing": true}}),
    ];
    all.extend(more);
    for condition in tables_of_conditions() {
        all.push(json!({"set": {"field": "held", "value": true, "if": condition}}));
    }
    all
}

/// Conditions that fail on none of the values in Painless.
fn tables_of_conditions() -> &'static [&'static str] {
    &[
        "ctx.f == null",
        "ctx?.f?.a != null",
        "ctx.f == 'abc'",
        "ctx.f == 1",
        "ctx.f == 1.5",
        "ctx.f == true",
        "ctx.f instanceof String",
        "ctx.f instanceof List",
        "ctx.f instanceof Map",
        "ctx.f instanceof Number",
        "ctx.f instanceof Boolean",
        "ctx.f instanceof Integer",
        "ctx.f instanceof Double",
        "ctx.f instanceof String && ctx.f.length() > 3",
        "ctx.f instanceof String && ctx.f.toLowerCase().contains('a')",
        "ctx.f instanceof String && ctx.f.startsWith('1') && !ctx.f.endsWith('5')",
        "ctx.f instanceof Number && ctx.f > 1",
        "ctx.f instanceof List && ctx.f.size() > 1 && ctx.f[0] == 1",
        "ctx.f instanceof List && ctx.f.contains('a')",
        "ctx.f instanceof Map && ctx.f.containsKey('a')",
        "['abc', '1', 1].contains(ctx.f)",
        "ctx.f instanceof String && ctx.f.trim().isEmpty()",
        "ctx.containsKey('f') && ctx.f == null",
        "String.valueOf(ctx.f) == '1'",
        "ctx.f instanceof String && ctx.f.indexOf('b') >= 0 && ctx.f.substring(0, 1) == 'a'",
        "ctx.f?.toString() == 'true'",
        "(ctx.f instanceof List ? ctx.f.size() : 0) == 2",
        "ctx.f instanceof Number && (ctx.f + 1) * 2 == 4",
    ]
}

/// Why one is different on purpose; none if it is not.
pub fn why_different(step: &Json, doc: &Json, theirs: &Came, ours: &Came) -> Option<&'static str> {
    let (name, options) = step.as_object()?.iter().next()?;
    let value = &doc["f"];
    let told = value.as_str().unwrap_or_default();
    let as_text = matches!(name.as_str(), "append" | "set" | "join") || options["type"] == "string";
    let nested = |value: &Json| value.is_array() || value.is_object();
    match name.as_str() {
        _ if matches!(theirs, Came::Refused(_)) => Some("an answer that is no JSON"),
        _ if as_text && value.as_f64().is_some_and(|number| value.is_f64() && number.abs() >= 1e7) => {
            Some("Java writes large floats with an exponent")
        }
        _ if as_text && nested(value) && options["if"].is_null() => Some("lists and objects are written as JSON"),
        "convert" if shows(theirs, &["\"Infinity\"", "\"NaN\""]) => Some("JSON has no such number"),
        "bytes" if told.contains('.') => Some("fractions: Elasticsearch takes them, OpenSearch 3 no more"),
        "csv" if told.starts_with(['\t', ' ']) => Some("a column of blanks is joined with the next there"),
        "date" if shows(theirs, &["\"+", "1970-01-01T00:00:0"]) && failed(ours) => {
            Some("years of more than four digits, and what only Java takes for a number")
        }
        "date" if options["timezone"] == "Europe/Amsterdam" && told.ends_with("+0900") => {
            Some("an offset in the text counts, whatever the timezone says")
        }
        "json" if nested(value) => Some("the text that Java makes of a list looks like JSON"),
        "json" if told == "1e400" || told == "9223372036854775808" => Some("JSON has no such number"),
        "json" if failed(ours) => Some(
            "what follows a value is passed over there; strict_json_parsing of Elasticsearch 8 is the default here",
        ),
        "foreach" if value.is_object() => Some("over the fields of objects: Elasticsearch does, OpenSearch does not"),
        "foreach" if nested(value) && step.to_string().contains("{{_ingest._value}}") => {
            Some("lists and objects are written as JSON")
        }
        "kv" if told.starts_with("::") => Some("an empty key within a target is a fault here"),
        "sort" if failed(theirs) && !failed(ours) => Some("whole numbers and floats can't be compared in Java"),
        "set" if failed(theirs) && options["if"] == "ctx?.f?.a != null" => Some("conditions are lenient"),
        _ => None,
    }
}

fn failed(came: &Came) -> bool {
    matches!(came, Came::Failed(_))
}

fn shows(came: &Came, texts: &[&str]) -> bool {
    matches!(came, Came::Document(document) if texts.iter().any(|text| document.to_string().contains(text)))
}
