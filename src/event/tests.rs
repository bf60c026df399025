//! Values, paths and JSON.

use proptest::prelude::*;

use super::*;

fn event(json: &str) -> Event<'_> {
    serde_json::from_str(json).unwrap()
}

fn json(event: &Event<'_>) -> String {
    serde_json::to_string(event).unwrap()
}

#[test]
fn strings_without_escapes_borrow() {
    let event = event(r#"{"a":"x","b":"\n","c":{"d":"y"}}"#);
    let borrowed = |path: &str| matches!(event.get(&Path::parse(path).unwrap()), Some(Value::String(Cow::Borrowed(_))));
    assert!(borrowed("a") && borrowed("c.d") && !borrowed("b"));
}

#[test]
fn numbers_and_duplicate_keys() {
    let text = r#"{"a":1,"b":18446744073709551615,"c":184467440737095516150,"d":-1,"e":1.5,"a":2}"#;
    let event = event(text);
    assert_eq!(event.root().get("a"), Some(&Value::Int(2)));
    assert_eq!(event.root().get("b"), Some(&Value::UInt(u64::MAX)));
    assert_eq!(event.root().get("c"), Some(&Value::Float(184_467_440_737_095_516_150.0)));
    assert_eq!(json(&event), r#"{"a":2,"b":18446744073709551615,"c":1.844674407370955e+20,"d":-1,"e":1.5}"#);
}

#[test]
fn paths_descend_into_objects_and_lists() {
    let event = event(r#"{"a":{"b":[{"c":1},2]},"x.y":3,"n":null}"#);
    let get = |path: &str| event.get(&Path::parse(path).unwrap()).cloned();
    assert_eq!(get("a.b.0.c"), Some(Value::Int(1)));
    assert_eq!(get("_source.a.b.1"), Some(Value::Int(2)));
    assert_eq!(get("x.y"), None);
    assert_eq!(get("a.b.2"), None);
    assert_eq!(get("n"), Some(Value::Null));
    assert_eq!(event.get(&Path::from_segments(["x.y"]).unwrap()), Some(&Value::Int(3)));
}

#[test]
fn a_missing_field_says_why() {
    let event = event(r#"{"a":{"b":[1]},"s":"x","n":null}"#);
    let why = |path: &str| Path::parse(path).unwrap().why_missing(event.root()).to_string();
    assert_eq!(why("q"), "field [q] not present as part of path [q]");
    assert_eq!(why("a.q.r"), "field [q] not present as part of path [a.q.r]");
    assert_eq!(why("s.t"), "cannot resolve [t] from a value of type [string] as part of path [s.t]");
    assert_eq!(why("n.t"), "cannot resolve [t] from null as part of path [n.t]");
    assert_eq!(why("a.b.3"), "[3] is out of bounds for a list with length [1] as part of path [a.b.3]");
    assert_eq!(why("a.b.x"), "[x] is not an integer, cannot be used as an index as part of path [a.b.x]");
}

#[test]
fn setting_makes_what_is_missing_or_changes_nothing() {
    let paths: Vec<Path> =
        ["new.a.b", "a.b.0", "a.c", "s.t", "n.t", "a.b.9", "a.b.x.y"].iter().map(|p| Path::parse(p).unwrap()).collect();
    let mut event = event(r#"{"a":{"b":[1]},"s":"x","n":null}"#);
    for path in &paths[..3] {
        path.set(event.root_mut(), Value::Bool(true)).unwrap();
    }
    let before = json(&event);
    assert_eq!(before, r#"{"a":{"b":[true],"c":true},"s":"x","n":null,"new":{"a":{"b":true}}}"#);
    for path in &paths[3..] {
        path.set(event.root_mut(), Value::Bool(true)).unwrap_err();
        assert_eq!(json(&event), before);
    }
}

#[test]
fn removing_keeps_the_order() {
    let mut event = event(r#"{"a":1,"b":{"c":2,"d":3},"e":[1,2,3]}"#);
    for path in ["a", "b.c", "e.1"] {
        Path::parse(path).unwrap().remove(event.root_mut()).unwrap();
    }
    assert_eq!(json(&event), r#"{"b":{"d":3},"e":[1,3]}"#);
    assert!(Path::parse("b.c").unwrap().remove(event.root_mut()).is_err());
}

#[test]
fn tags_become_a_list() {
    for (before, after) in [
        ("{}", r#"{"tags":["_t"]}"#),
        (r#"{"tags":null}"#, r#"{"tags":["_t"]}"#),
        (r#"{"tags":"a"}"#, r#"{"tags":["a","_t"]}"#),
        (r#"{"tags":"_t"}"#, r#"{"tags":"_t"}"#),
        (r#"{"tags":["a","_t"]}"#, r#"{"tags":["a","_t"]}"#),
        (r#"{"tags":{"k":1}}"#, r#"{"tags":[{"k":1},"_t"]}"#),
    ] {
        let mut event = event(before);
        event.add_tag("_t");
        assert_eq!(json(&event), after);
    }
}

#[test]
fn bad_paths_are_refused() {
    for path in ["", "a..b", ".a", "a.", "_source."] {
        assert!(Path::parse(path).is_err(), "{path:?}");
    }
    assert!(Path::parse(&vec!["a"; 65].join(".")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_is_set_can_be_got_and_removed(
        names in proptest::collection::vec("[a-c0-2]{1,2}", 1..5),
        start in "\\{(\"[a-c]\":[1-9]{1,3}(,\"[0-2]\":\\{\\})?)?\\}",
    ) {
        let path = Path::from_segments(names.iter().map(String::as_str)).unwrap();
        let mut event = event(&start);
        let before = event.clone();
        match path.set(event.root_mut(), Value::Int(7)) {
            Ok(()) => {
                prop_assert_eq!(path.get(event.root()), Some(&Value::Int(7)));
                prop_assert_eq!(path.remove(event.root_mut()).unwrap(), Value::Int(7));
                prop_assert_eq!(path.get(event.root()), None);
            }
            Err(_) => prop_assert_eq!(event, before),
        }
    }
}
