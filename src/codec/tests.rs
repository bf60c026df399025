//! One test for each line of the table of fates, and all bytes there are.

use proptest::prelude::*;

use super::*;

type Document = (u32, String, Option<String>);

fn read(codec: Codec, payload: &[u8]) -> Result<Vec<Document>, DropReason> {
    let text = match Text::new(Some(payload), 1 << 20) {
        Ok(text) => text,
        Err(Refusal::Dropped(reason)) => return Err(reason),
        Err(Refusal::TooLarge { .. }) => panic!("the limit is larger than what tests read"),
    };
    let mut documents = Vec::new();
    codec.documents(&text, |sub, source| {
        let decoded = source.decode();
        assert_eq!(decoded, source.decode(), "decoding again gives the same");
        documents.push((sub, serde_json::to_string(&decoded.event).unwrap(), decoded.failure));
    })?;
    Ok(documents)
}

fn one(codec: Codec, payload: &[u8]) -> (String, Option<String>) {
    let mut documents = read(codec, payload).unwrap();
    assert_eq!(documents.len(), 1);
    let (sub, json, failure) = documents.remove(0);
    assert_eq!(sub, 0);
    (json, failure)
}

#[test]
fn a_tombstone_is_dropped() {
    assert_eq!(Text::new(None, 10), Err(Refusal::Dropped(DropReason::Tombstone)));
}

#[test]
fn an_empty_payload_is_dropped() {
    assert_eq!(read(Codec::Plain, b""), Err(DropReason::EmptyPayload));
    assert_eq!(read(Codec::Json, b""), Err(DropReason::EmptyPayload));
}

#[test]
fn a_payload_that_is_too_large_is_refused() {
    assert!(Text::new(Some(b"0123456789"), 10).is_ok());
    assert_eq!(Text::new(Some(b"01234567890"), 10), Err(Refusal::TooLarge { size: 11, limit: 10 }));
}

#[test]
fn invalid_utf8_is_replaced_and_tagged() {
    let expected = "{\"message\":\"a\u{fffd}b\",\"tags\":[\"_invalid_utf8\"]}";
    assert_eq!(one(Codec::Plain, b"a\xffb"), (expected.to_owned(), None));
    let (json, failure) = one(Codec::Json, b"{\"m\":\"\xc3\",\"tags\":\"t\"}");
    assert_eq!((json.as_str(), failure), ("{\"m\":\"\u{fffd}\",\"tags\":[\"t\",\"_invalid_utf8\"]}", None));
}

#[test]
fn a_text_is_the_message() {
    assert_eq!(one(Codec::Plain, "[grüß]\n".as_bytes()), (r#"{"message":"[grüß]\n"}"#.to_owned(), None));
}

#[test]
fn an_object_is_its_fields_and_the_last_of_duplicate_keys_wins() {
    assert_eq!(one(Codec::Json, br#" {"a":1,"b":2,"a":{"c":3}} "#), (r#"{"a":{"c":3},"b":2}"#.to_owned(), None));
}

#[test]
fn an_array_is_many_documents() {
    let documents = read(Codec::Json, br#" [{"a":1}, 7 ,[{}],"x",{"b":"\ud800"},{}]"#).unwrap();
    let told: Vec<(u32, &str, bool)> =
        documents.iter().map(|(sub, json, failure)| (*sub, json.as_str(), failure.is_some())).collect();
    assert_eq!(
        told,
        [
            (0, r#"{"a":1}"#, false),
            (1, r#"{"message":"7"}"#, true),
            (2, r#"{"message":"[{}]"}"#, true),
            (3, r#"{"message":"\"x\""}"#, true),
            (4, r#"{"message":"{\"b\":\"\\ud800\"}"}"#, true),
            (5, "{}", false),
        ]
    );
}

#[test]
fn an_empty_array_is_dropped() {
    assert_eq!(read(Codec::Json, b" [ \n]"), Err(DropReason::EmptyArray));
}

#[test]
fn half_an_array_is_one_failure() {
    for payload in [&b"[{\"a\":1},"[..], b"[{\"a\":1}] x", b"[", b"[]]", b"[{\"a\":}]"] {
        let (json, failure) = one(Codec::Json, payload);
        assert!(json.starts_with(r#"{"message":"["#), "{json}");
        let failure = failure.unwrap();
        assert!(failure.contains("column") && !failure.contains("expected a JSON object"), "{failure}");
    }
}

#[test]
fn what_is_no_json_or_a_scalar_is_a_failure() {
    for payload in ["not json", "{\"a\":1", "{} {}", " ", "7", "null", "true", "\"x\"", "\u{feff}{}", "{\"a\":1e999}"] {
        let (json, failure) = one(Codec::Json, payload.as_bytes());
        let expected = format!("{{\"message\":{}}}", serde_json::to_string(payload).unwrap());
        assert_eq!(json, expected);
        assert!(failure.is_some(), "{payload}");
    }
    let failure = |payload: &str| one(Codec::Json, payload.as_bytes()).1.unwrap();
    assert_eq!(failure("not json"), "not JSON: expected ident at line 1 column 2");
    assert_eq!(failure("10.0.0.1 GET /"), "not JSON: trailing characters at line 1 column 5");
    assert_eq!(failure("{\"a\":1"), "not JSON: EOF while parsing an object at line 1 column 6");
    for payload in ["7", "\"x\"", "{\"a\":1e999}"] {
        assert!(!failure(payload).contains("not JSON"), "{}", failure(payload));
    }
}

#[test]
fn deep_nesting_is_a_failure_and_no_danger() {
    for (open, close) in [("{\"a\":", "}"), ("{\"a\":[", "]}")] {
        let deep = format!("{}1{}", open.repeat(1000), close.repeat(1000));
        assert!(one(Codec::Json, deep.as_bytes()).1.unwrap().contains("recursion limit"));
    }
    let element = format!("[{{}},{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    let documents = read(Codec::Json, element.as_bytes()).unwrap();
    assert_eq!((documents.len(), documents[1].2.is_some()), (2, true));
    let levels = |n: usize| format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n));
    assert_eq!(one(Codec::Json, levels(127).as_bytes()).1, None);
    assert!(one(Codec::Json, levels(128).as_bytes()).1.is_some());
}

#[test]
fn numbers_beyond_64_bits_are_floats() {
    let (json, failure) = one(Codec::Json, br#"{"a":18446744073709551616,"b":-9223372036854775809}"#);
    assert_eq!(failure, None);
    let back: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (back["a"].as_f64(), back["b"].as_f64()),
        (Some(18_446_744_073_709_551_616.0), Some(-9_223_372_036_854_775_808.0))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_have_a_defined_fate(payload in proptest::collection::vec(any::<u8>(), 1..200)) {
        let text = String::from_utf8_lossy(&payload).into_owned();
        let (json, failure) = one(Codec::Plain, &payload);
        let back: serde_json::Value = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(back["message"].as_str(), Some(text.as_str()));
        prop_assert_eq!(failure, None);
        prop_assert_eq!(back.get("tags").is_some(), std::str::from_utf8(&payload).is_err());
    }

    #[test]
    fn what_looks_like_json_has_a_defined_fate(text in "[\\[\\]{}\",:a0 \\\\\u{fffd}-]{1,24}") {
        match read(Codec::Json, text.as_bytes()) {
            Err(reason) => {
                prop_assert_eq!(reason, DropReason::EmptyArray);
                prop_assert!(json::is_json(&text));
            }
            Ok(documents) => {
                prop_assert!(!documents.is_empty());
                for (index, (sub, json, failure)) in documents.iter().enumerate() {
                    prop_assert_eq!(*sub as usize, index);
                    prop_assert_eq!(json.as_bytes()[0], b'{');
                    if !json::is_json(&text) {
                        prop_assert!(failure.is_some() && documents.len() == 1);
                    }
                }
            }
        }
    }
}
