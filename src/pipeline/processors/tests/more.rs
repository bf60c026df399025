//! Texts, lists, and what takes texts apart.

use super::{apply, check};

#[test]
fn texts_are_changed_alone_or_in_lists() {
    check(&[
        ("lowercase: {field: a}", r#"{"a":"ÀB"}"#, Ok(r#"{"a":"àb"}"#)),
        ("uppercase: {field: a, target_field: b.c}", r#"{"a":"straße"}"#, Ok(r#"{"a":"straße","b":{"c":"STRASSE"}}"#)),
        ("trim: {field: a}", r#"{"a":["\u0000 x\t","y"," "]}"#, Ok(r#"{"a":["x","y",""]}"#)),
        ("trim: {field: a}", r#"{"a":"\u00a0x"}"#, Ok("{\"a\":\"\u{a0}x\"}")),
        ("urldecode: {field: a}", r#"{"a":"a+b%20%C3%A9"}"#, Ok(r#"{"a":"a b é"}"#)),
        ("urldecode: {field: a}", r#"{"a":"100%"}"#, Err("Could not URL-decode value.")),
        ("bytes: {field: a}", r#"{"a":["1.5kb","2B","0","3 g"]}"#, Ok(r#"{"a":[1536,2,0,3221225472]}"#)),
        (
            "bytes: {field: a}",
            r#"{"a":"-5kb"}"#,
            Err("failed to parse setting [Ingest Field] with value [-5kb] as a size in bytes"),
        ),
        ("gsub: {field: a, pattern: '\\.', replacement: '-'}", r#"{"a":["1.2","x"]}"#, Ok(r#"{"a":["1-2","x"]}"#)),
        (
            "gsub: {field: a, pattern: '(\\w)=(\\w)', replacement: '$2:$1'}",
            r#"{"a":"x=1 y=2"}"#,
            Ok(r#"{"a":"1:x 2:y"}"#),
        ),
        ("lowercase: {field: a}", r#"{"a":1}"#, Err("field [a] of type [integer] cannot be cast to [string]")),
        (
            "lowercase: {field: a}",
            r#"{"a":["X",1]}"#,
            Err("value [1] of type [integer] in list field [a] cannot be cast to [string]"),
        ),
        ("trim: {field: a}", r#"{"a":null}"#, Err("field [a] is null, cannot process it.")),
        ("trim: {field: a, ignore_missing: true}", r#"{"a":null}"#, Ok(r#"{"a":null}"#)),
        ("trim: {field: a}", "{}", Err("field [a] not present as part of path [a]")),
    ]);
}

#[test]
fn lists_are_made_of_texts_and_texts_of_lists() {
    check(&[
        ("split: {field: a, separator: ',\\s*'}", r#"{"a":"x, y,z,,"}"#, Ok(r#"{"a":["x","y","z"]}"#)),
        (
            "split: {field: a, separator: ',', preserve_trailing: true, target_field: b}",
            r#"{"a":"x,"}"#,
            Ok(r#"{"a":"x,","b":["x",""]}"#),
        ),
        ("split: {field: a, separator: ','}", r#"{"a":null}"#, Err("field [a] is null, cannot split.")),
        ("join: {field: a, separator: '-'}", r#"{"a":["x",1,true,1.5]}"#, Ok(r#"{"a":"x-1-true-1.5"}"#)),
        (
            "join: {field: a, separator: '-'}",
            r#"{"a":"x"}"#,
            Err("field [a] of type [string] cannot be cast to [list]"),
        ),
        ("sort: {field: a, order: desc}", r#"{"a":["b","a","c"]}"#, Ok(r#"{"a":["c","b","a"]}"#)),
        ("sort: {field: a}", r#"{"a":[2,1.5,1]}"#, Ok(r#"{"a":[1,1.5,2]}"#)),
        ("sort: {field: a}", r#"{"a":[1,"a"]}"#, Err("the items of field [a] can't be compared with each other")),
    ]);
}

#[test]
fn json_is_read() {
    check(&[
        ("json: {field: a}", r#"{"a":"{\"b\":[1,2.5,null]}"}"#, Ok(r#"{"a":{"b":[1,2.5,null]}}"#)),
        ("json: {field: a, target_field: x.y}", r#"{"a":"7"}"#, Ok(r#"{"a":"7","x":{"y":7}}"#)),
        (
            "json: {field: a, add_to_root: true}",
            r#"{"a":"{\"b\":1,\"kafka\":2,\"c\":{\"d\":1}}","c":{"e":2}}"#,
            Ok(r#"{"a":"{\"b\":1,\"kafka\":2,\"c\":{\"d\":1}}","c":{"d":1},"b":1,"kafka_original":2}"#),
        ),
        (
            "json: {field: a, add_to_root: true, add_to_root_conflict_strategy: merge}",
            r#"{"a":"{\"c\":{\"d\":1}}","c":{"e":2}}"#,
            Ok(r#"{"a":"{\"c\":{\"d\":1}}","c":{"e":2,"d":1}}"#),
        ),
        ("json: {field: a, add_to_root: true}", r#"{"a":"[1]"}"#, Err("cannot add non-map fields to root of document")),
        ("json: {field: a, allow_duplicate_keys: true}", r#"{"a":"{\"b\":1,\"b\":2}"}"#, Ok(r#"{"a":{"b":2}}"#)),
        (
            "json: {field: a}",
            r#"{"a":"{\"b\":1,\"b\":2}"}"#,
            Err("can't be read as JSON: Duplicate field 'b' at line 1 column 10"),
        ),
        ("json: {field: a}", r#"{"a":"1 2"}"#, Err("can't be read as JSON: trailing characters at line 1 column 3")),
        ("json: {field: a}", r#"{"a":" "}"#, Ok(r#"{"a":null}"#)),
        ("json: {field: a, strict_json_parsing: false}", r#"{"a":"1 2"}"#, Ok(r#"{"a":1}"#)),
    ]);
    let deep = format!("{{\"a\":\"{}\"}}", "[".repeat(5000));
    assert!(apply("json: {field: a}", &deep).unwrap_err().contains("recursion limit"));
}

#[test]
fn keys_and_values_are_parted() {
    let kv = |more: &str| format!("kv: {{field: m, field_split: ' ', value_split: '='{more}}}");
    for (more, event, expected) in [
        ("", r#"{"m":"a=1 b.c=2 a=3"}"#, Ok(r#"{"m":"a=1 b.c=2 a=3","a":["1","3"],"b":{"c":"2"}}"#)),
        (", target_field: t.u, prefix: p_", r#"{"m":"a=1"}"#, Ok(r#"{"m":"a=1","t":{"u":{"p_a":"1"}}}"#)),
        (", include_keys: [a, b], exclude_keys: [b]", r#"{"m":"a=1 b=2 c=3"}"#, Ok(r#"{"m":"a=1 b=2 c=3","a":"1"}"#)),
        (
            ", trim_value: ',;', strip_brackets: true",
            r#"{"m":"a=\"1\" b=2,"}"#,
            Ok(r#"{"m":"a=\"1\" b=2,","a":"1","b":"2"}"#),
        ),
        (", trim_key: '\\s_'", r#"{"m":"_a_=1"}"#, Ok(r#"{"m":"_a_=1","a":"1"}"#)),
        ("", r#"{"m":"a=1 b"}"#, Err("field [m] does not contain value_split [=]")),
        ("", r#"{"m":"a=1=2"}"#, Ok(r#"{"m":"a=1=2","a":"1=2"}"#)),
        ("", r#"{"m":"kafka=1"}"#, Err("the key [kafka] can't be a field: a pipeline can't write [kafka]")),
        ("", r#"{"m":"_id=1"}"#, Err("the key [_id] can't be a field: a pipeline can't write [_id]")),
        ("", r#"{}"#, Err("field [m] doesn't exist")),
    ] {
        check(&[(&kv(more), event, expected)]);
    }
}

#[test]
fn columns_are_taken() {
    let csv = |more: &str| format!("csv: {{field: m, target_fields: [a, b.x, c]{more}}}");
    for (more, line, expected) in [
        ("", "1,2,3,4", Ok(r#""a":"1","b":{"x":"2"},"c":"3""#)),
        ("", "1,,3", Ok(r#""a":"1","c":"3""#)),
        (", empty_value: '-'", "1,,", Ok(r#""a":"1","b":{"x":"-"}"#)),
        ("", "'1','2'", Ok(r#""a":"'1'","b":{"x":"'2'"}"#)),
        (", quote: \"'\"", "'1,''x''',2", Ok(r#""a":"1,'x'","b":{"x":"2"}"#)),
        (", separator: ';', trim: true", " 1 ; 2 ;3 ", Ok(r#""a":"1","b":{"x":"2"},"c":"3 ""#)),
        (", quote: \"'\"", "'1'x", Err("character 'x' after quoted field at 3")),
        (", quote: \"'\"", "1,'x", Err("Unmatched quote")),
    ] {
        let event = format!("{{\"m\":\"{line}\"}}");
        let came = apply(&csv(more), &event);
        let expected = expected.map(|fields| format!("{{\"m\":\"{line}\",{fields}}}")).map_err(str::to_owned);
        assert_eq!(came, expected, "{more} {line}");
    }
}

#[test]
fn dissecting_sets_fields_in_the_order_of_the_pattern() {
    check(&[
        (
            "dissect: {field: m, pattern: '%{z} [%{a.b}] %{?skip} %{+z}', append_separator: '/'}",
            r#"{"m":"1 [2] 3 4 5"}"#,
            Ok(r#"{"m":"1 [2] 3 4 5","z":"1/4 5","a":{"b":"2"}}"#),
        ),
        ("dissect: {field: m, pattern: '%{*k}=%{&k}'}", r#"{"m":"a.b=2"}"#, Ok(r#"{"m":"a.b=2","a":{"b":"2"}}"#)),
        (
            "dissect: {field: m, pattern: '%{*k}=%{&k}'}",
            r#"{"m":"_id=2"}"#,
            Err("[_id] can't be changed by a pipeline"),
        ),
        (
            "dissect: {field: m, pattern: '%{a}-%{b}'}",
            r#"{"m":"x"}"#,
            Err("Unable to find match for dissect pattern: %{a}-%{b} against source: x"),
        ),
        ("dissect: {field: m, pattern: 'é%{a}é%{b}'}", r#"{"m":"éxéy"}"#, Ok(r#"{"m":"éxéy","a":"x","b":"y"}"#)),
    ]);
}

#[test]
fn objects_are_made_of_names_with_dots() {
    check(&[
        ("dot_expander: {field: a.b}", r#"{"a.b":1}"#, Ok(r#"{"a":{"b":1}}"#)),
        ("dot_expander: {field: a.b}", r#"{"a.b":1,"a":{"b":2}}"#, Ok(r#"{"a":{"b":[2,1]}}"#)),
        ("dot_expander: {field: a.b, override: true}", r#"{"a.b":1,"a":{"b":2}}"#, Ok(r#"{"a":{"b":1}}"#)),
        ("dot_expander: {field: '*'}", r#"{"a.b":1,"c.d.e":2,"f":3}"#, Ok(r#"{"f":3,"a":{"b":1},"c":{"d":{"e":2}}}"#)),
        ("dot_expander: {field: a.b}", r#"{"z":1}"#, Ok(r#"{"z":1}"#)),
        ("dot_expander: {field: b.c, path: a}", r#"{"a":{"b.c":1}}"#, Ok(r#"{"a":{"b":{"c":1}}}"#)),
        ("dot_expander: {field: a.b, ignore_failure: true}", r#"{"a.b":1,"a":"x"}"#, Ok(r#"{"a":"x","a.b":1}"#)),
    ]);
}

#[test]
fn loops_run_a_processor_for_each_item() {
    check(&[
        (
            "foreach: {field: a, processor: {uppercase: {field: _ingest._value}}}",
            r#"{"a":["x","y"]}"#,
            Ok(r#"{"a":["X","Y"]}"#),
        ),
        (
            "foreach: {field: a, processor: {append: {field: all, value: '{{{_ingest._value.n}}}', if: ctx._ingest._value.n != 'q'}}}",
            r#"{"a":[{"n":"x"},{"n":"q"}]}"#,
            Ok(r#"{"a":[{"n":"x"},{"n":"q"}],"all":["x"]}"#),
        ),
        (
            "foreach: {field: a, processor: {set: {field: 'b.{{{_ingest._key}}}', value: '{{{_ingest._value}}}!'}}}",
            r#"{"a":{"x":1,"y":2}}"#,
            Ok(r#"{"a":{"x":1,"y":2},"b":{"x":"1!","y":"2!"}}"#),
        ),
        (
            "foreach: {field: a, processor: {foreach: {field: _ingest._value.b, processor: {trim: {field: _ingest._value}}}}}",
            r#"{"a":[{"b":[" x "]},{"b":["y "]}]}"#,
            Ok(r#"{"a":[{"b":["x"]},{"b":["y"]}]}"#),
        ),
        (
            "foreach: {field: a, processor: {trim: {field: _ingest._value}}, on_failure: [set: {field: why, value: '{{{_ingest.on_failure_processor_type}}}'}]}",
            r#"{"a":["x ",1],"_ingest":"own"}"#,
            Ok(r#"{"a":["x ",1],"_ingest":"own","why":"foreach"}"#),
        ),
        ("foreach: {field: a, processor: {trim: {field: x}}, ignore_missing: true}", "{}", Ok("{}")),
        (
            "foreach: {field: a, processor: {trim: {field: x}}}",
            r#"{"a":"s"}"#,
            Err("field [a] of type [string] cannot be cast to [list] or [object]"),
        ),
    ]);
}

#[test]
fn uris_have_parts() {
    check(&[
        (
            "uri_parts: {field: u, target_field: url, remove_if_successful: true, keep_original: false}",
            r#"{"u":"https://ada:s%3At@example.org:8443/a/b%20c.tar.gz?q=1&r=%26#top"}"#,
            Ok(
                r#"{"url":{"domain":"example.org","fragment":"top","path":"/a/b c.tar.gz","extension":"gz","port":8443,"query":"q=1&r=&","scheme":"https","username":"ada","password":"s:t","user_info":"ada:s:t"}}"#,
            ),
        ),
        (
            "uri_parts: {field: u}",
            r#"{"u":"/index.html?a"}"#,
            Ok(
                r#"{"u":"/index.html?a","url":{"path":"/index.html","extension":"html","query":"a","original":"/index.html?a"}}"#,
            ),
        ),
        (
            "uri_parts: {field: u, keep_original: false}",
            r#"{"u":"http://[2001:db8::1]:80/"}"#,
            Ok(
                r#"{"u":"http://[2001:db8::1]:80/","url":{"domain":"[2001:db8::1]","path":"/","port":80,"scheme":"http"}}"#,
            ),
        ),
        (
            "uri_parts: {field: u, keep_original: false}",
            r#"{"u":"http://h/a b|c"}"#,
            Ok(r#"{"u":"http://h/a b|c","url":{"domain":"h","path":"/a b|c","scheme":"http"}}"#),
        ),
        ("uri_parts: {field: u}", r#"{"u":"/a b"}"#, Err("unable to parse URI [/a b]")),
    ]);
}

#[test]
fn names_can_be_templates_and_failing_is_an_option() {
    check(&[
        ("set: {field: 'l.{{{k}}}', value: 1}", r#"{"k":"x"}"#, Ok(r#"{"k":"x","l":{"x":1}}"#)),
        ("rename: {field: '{{{k}}}', target_field: y}", r#"{"k":"x","x":1}"#, Ok(r#"{"k":"x","y":1}"#)),
        ("remove: {field: ['{{{k}}}', k]}", r#"{"k":"x","x":1}"#, Ok("{}")),
        ("set: {field: '{{{k}}}', value: 1}", r#"{"k":"kafka"}"#, Err("[kafka] can't be changed by a pipeline")),
        ("set: {field: '{{{k}}}', value: 1}", r#"{"k":"_id.x"}"#, Err("[_id.x] can't be changed by a pipeline")),
        ("set: {field: '{{{k}}}', value: 1}", "{}", Err("field path cannot be null nor empty")),
        ("fail: {message: 'no {{{k}}}'}", r#"{"k":"x"}"#, Err("no x")),
    ]);
}

#[test]
fn templates_have_sections_and_the_records_time() {
    check(&[
        ("set: {field: t, copy_from: _ingest.timestamp}", "{}", Ok(r#"{"t":"2026-11-20T00:00:00.000Z"}"#)),
        ("set: {field: t, value: '{{_ingest.timestamp}}'}", "{}", Ok(r#"{"t":"2026-11-20T00:00:00.000Z"}"#)),
        (
            "set: {field: t, value: '{{#l}}<{{n}}{{.}}>{{/l}}{{^l}}none{{/l}}{{! gone }}'}",
            r#"{"l":["x","y"],"n":1}"#,
            Ok(r#"{"l":["x","y"],"n":1,"t":"<1x><1y>"}"#),
        ),
        ("set: {field: t, value: '{{#l}}x{{/l}}{{^l}}none{{/l}}'}", r#"{"l":[]}"#, Ok(r#"{"l":[],"t":"none"}"#)),
        (
            "set: {field: t, value: '{{#l}}{{{a}}},{{/l}}'}",
            r#"{"l":[{"a":1},{"a":2}],"a":9}"#,
            Ok(r#"{"l":[{"a":1},{"a":2}],"a":9,"t":"1,2,"}"#),
        ),
        (
            "set: {field: t, value: '{{#join}}l{{/join}} {{#join delimiter='';''}}l{{/join}} {{#toJson}}l{{/toJson}}'}",
            r#"{"l":["x","y"]}"#,
            Ok(r#"{"l":["x","y"],"t":"x,y x;y [\"x\",\"y\"]"}"#),
        ),
    ]);
}
