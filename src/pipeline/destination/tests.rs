//! Times, windows and names.

use super::*;
use crate::pipeline::compile::Compiler;
use crate::yaml::{Place, Problems, Spanned};

const DAY: i64 = 86_400_000;

fn iso(text: &str) -> i64 {
    parse_iso(text, &Zone::UTC).unwrap().millis()
}

fn compile(pattern: &str, lowercase: bool) -> Result<IndexPattern, Vec<String>> {
    let problems = Problems::new("f");
    let index = compile_index(
        Spanned { place: Place::default(), value: pattern },
        lowercase,
        &Compiler::new(&problems, "kafka"),
    );
    match (index, problems.count()) {
        (Some(index), 0) => Ok(index),
        _ => Err(problems.into_vec().iter().map(ToString::to_string).collect()),
    }
}

fn name(pattern: &str, event: &str, millis: i64, zone: &str) -> Result<String, String> {
    let event: Event<'_> = serde_json::from_str(event).unwrap();
    let zone = Zone::parse(zone).unwrap();
    let index = compile(pattern, false).unwrap();
    index.resolve(&mut IndexCache::default(), &event, millis, &zone).map(str::to_owned).map_err(|(why, _)| why)
}

fn settle(event: &str, record: Option<i64>) -> (Result<i64, String>, String) {
    let mut event: Event<'_> = serde_json::from_str(event).unwrap();
    let destination = Destination {
        index: compile("x", false).unwrap(),
        zone: Zone::UTC,
        before: 7 * DAY,
        after: DAY,
        bounds: (iso("2000"), iso("2100")),
    };
    let time = destination.settle_time(&mut event, record);
    (time, serde_json::to_string(&event).unwrap())
}

#[test]
fn a_name_is_made_of_literals_fields_and_the_date() {
    let at = iso("2026-11-19T23:30:00Z");
    let event = r#"{"app":"web","a":{"b":7},"e":"","l":[1],"U":"Up","s":"a b"}"#;
    assert_eq!(name("x-%{[app]}-%{[a][b]}-%{+yyyy.MM.dd}", event, at, "UTC").unwrap(), "x-web-7-2026.11.19");
    assert_eq!(name("x-{{a.b}}-{{{app}}}-%{app}-%{+yyyy-'w'MM}", event, at, "+01:00").unwrap(), "x-7-web-web-2026-w11");
    assert_eq!(name("x-%{+dd}", event, at, "Europe/Amsterdam").unwrap(), "x-20");
    for (pattern, why) in [
        ("x-%{[nope]}", "[nope], which is missing"),
        ("x-%{[e]}", "[e], which is empty"),
        ("x-%{[l]}", "of type [list]"),
        ("x-%{[U]}", "capital 'U'"),
        ("x-%{[s]}", "has ' '"),
    ] {
        assert!(name(pattern, event, at, "UTC").unwrap_err().contains(why), "{pattern}");
    }
    let long = format!(r#"{{"app":"{}"}}"#, "é".repeat(130));
    assert!(name("%{[app]}", &long, at, "UTC").unwrap_err().contains("260 bytes"));
    assert!(name("%{[app]}", r#"{"app":"_x"}"#, at, "UTC").unwrap_err().contains("begins with"));
    assert!(name("%{[app]}", r#"{"app":".."}"#, at, "UTC").unwrap_err().contains("no name"));
}

#[test]
fn capitals_are_written_small_only_on_request() {
    assert!(compile("Web-%{+yyyy}", false).unwrap_err()[0].contains("capitals"));
    let index = compile("Web-%{[U]}", true).unwrap();
    assert_eq!(index.wildcard().as_deref(), Some("web-*"));
    let event: Event<'_> = serde_json::from_str(r#"{"U":"UP"}"#).unwrap();
    assert_eq!(index.resolve(&mut IndexCache::default(), &event, 0, &Zone::UTC).unwrap(), "web-up");
}

#[test]
fn what_is_wrong_with_every_name_is_told_at_once() {
    for (pattern, what) in [
        ("", "no name"),
        ("x-%{+YYYY.MM.dd}", "the year is yyyy"),
        ("x-%{+yyyy.MM.DD}", "the day of the month is dd"),
        ("x-%{+yyyy-MMM}", "capitals"),
        ("x-%{+HH:mm}", "':' can't be"),
        ("_x", "begins with"),
        ("x y", "' ' can't be"),
        ("x-%{[a]", "without its }"),
        ("x-%{[a..b", "without its }"),
        ("x-%{[]}", "not valid"),
    ] {
        let told = compile(pattern, false).err().unwrap_or_default().join("\n");
        assert!(told.contains(what), "{pattern}: {told}");
    }
}

#[test]
fn a_cached_name_changes_when_the_day_does() {
    let index = compile("x-%{+yyyy.MM.dd}", false).unwrap();
    let event = Event::new();
    for zone in ["UTC", "Europe/Amsterdam", "Asia/Kolkata", "America/Sao_Paulo"] {
        let zone = Zone::parse(zone).unwrap();
        let mut kept = IndexCache::default();
        // Over both changes of the clocks of a year, every 20 minutes, forwards and with a look back.
        for step in 0..(366 * 72) {
            let millis = iso("2026-01-01") + step * 1_200_000;
            for millis in [millis, millis - 3_000_000] {
                let fresh = index.resolve(&mut IndexCache::default(), &event, millis, &zone).unwrap().to_owned();
                assert_eq!(index.resolve(&mut kept, &event, millis, &zone).unwrap(), fresh);
            }
        }
    }
}

#[test]
fn a_time_within_the_window_is_kept() {
    let record = iso("2026-11-20T12:00:00Z");
    for own in ["2026-11-13T12:00:00.000Z", "2026-11-21T12:00:00Z", "2026-11-20T21:00:00+09:00"] {
        let event = format!(r#"{{"@timestamp":"{own}"}}"#);
        assert_eq!(settle(&event, Some(record)), (Ok(iso(own)), event));
    }
}

#[test]
fn a_time_outside_of_it_gives_way_to_the_records() {
    let record = iso("2026-11-20T12:00:00Z");
    for own in ["2026-11-13T11:59:59.999Z", "2026-11-21T12:00:00.001Z", "1970-01-01T00:00:00Z"] {
        let (time, event) = settle(&format!(r#"{{"@timestamp":"{own}","tags":"a"}}"#), Some(record));
        assert_eq!(time, Ok(record));
        let expected = format!(
            r#"{{"@timestamp":"2026-11-20T12:00:00.000Z","tags":["a","_time_out_of_window"],"original_timestamp":"{own}"}}"#
        );
        assert_eq!(event, expected);
    }
}

#[test]
fn what_is_no_time_is_kept_as_a_text() {
    let record = iso("2026-11-20T12:00:00Z");
    for (own, kept) in [("\"yesterday\"", "\"yesterday\""), ("7", "\"7\""), ("[1]", "\"[1]\"")] {
        let (time, event) = settle(&format!(r#"{{"@timestamp":{own}}}"#), Some(record));
        assert_eq!(time, Ok(record));
        let expected = format!(
            r#"{{"@timestamp":"2026-11-20T12:00:00.000Z","original_timestamp":{kept},"tags":["_bad_timestamp"]}}"#
        );
        assert_eq!(event, expected);
    }
}

#[test]
fn a_missing_time_is_the_records() {
    for event in ["{}", r#"{"@timestamp":null}"#] {
        let (time, event) = settle(event, Some(1));
        assert_eq!((time, event.as_str()), (Ok(1), r#"{"@timestamp":"1970-01-01T00:00:00.001Z"}"#));
    }
}

#[test]
fn without_a_records_timestamp_the_bounds_decide() {
    assert_eq!(settle(r#"{"@timestamp":"2026-11-20"}"#, None).0, Ok(iso("2026-11-20")));
    for event in
        [r#"{"@timestamp":"1999-12-31T23:59:59Z"}"#, r#"{"@timestamp":"2100-01-01"}"#, r#"{"@timestamp":"x"}"#, "{}"]
    {
        assert!(settle(event, None).0.is_err(), "{event}");
    }
}
