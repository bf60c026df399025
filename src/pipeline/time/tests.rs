//! The calendar against the database's own, patterns there and back.

use proptest::prelude::*;

use super::*;

fn parse(pattern: &str, text: &str) -> Option<i64> {
    parse_near(pattern, text, None)
}

fn parse_near(pattern: &str, text: &str, near: Option<i64>) -> Option<i64> {
    let pattern: DatePattern = pattern.parse().unwrap();
    pattern.parse(text, Assumed { zone: &Zone::UTC, near }).map(Moment::millis)
}

fn iso(text: &str) -> i64 {
    parse_iso(text, &Zone::UTC).unwrap().millis()
}

fn format(pattern: &str, millis: i64, zone: &str) -> String {
    let mut out = String::new();
    let pattern: DatePattern = pattern.parse().unwrap();
    pattern.format(&mut out, Moment::from_millis(millis), &Zone::parse(zone).unwrap());
    out
}

#[test]
fn dates_of_logs_are_read() {
    let day = iso("2026-11-20T13:05:09Z");
    for (pattern, text) in [
        ("dd/MMM/yyyy:HH:mm:ss Z", "20/Nov/2026:22:05:09 +0900"),
        ("yyyy-MM-dd HH:mm:ss,SSS", "2026-11-20 13:05:09,000"),
        ("E MMM dd HH:mm:ss yyyy", "Fri Nov 20 13:05:09 2026"),
        ("EEEE, d MMMM uuuu h:mm:ss a", "friday, 20 november 2026 1:05:09 pm"),
        ("yyyy/MM/dd HH:mm:ss z", "2026/11/20 08:05:09 EST"),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2026-11-20T14:05:09+01:00"),
        ("yyyy-MM-dd'T'HH:mm:ss[.SSS]XX", "2026-11-20T14:05:09+0100"),
        ("yyyyMMddHHmmssX", "20261120130509Z"),
        ("yy-M-d k:m:s x", "26-11-20 14:5:9 +01"),
        ("yyyy-DDD HH:mm:ss", "2026-324 13:05:09"),
        ("dd.MM.yyyy 'o''clock' HH:mm:ss VV", "20.11.2026 o'clock 14:05:09 Europe/Amsterdam"),
    ] {
        assert_eq!(parse(pattern, text), Some(day), "{pattern} {text}");
    }
}

#[test]
fn what_is_no_date_by_the_pattern_is_refused() {
    for (pattern, text) in [
        ("yyyy-MM-dd", "2026-02-30"),
        ("yyyy-MM-dd", "2026-2-03"),
        ("yyyy-MM-dd", "2026-02-03 "),
        ("yyyy-MM-dd", "12026-02-03"),
        ("E yyyy-MM-dd", "Mon 2026-11-20"),
        ("HH:mm", "24:00"),
        ("yyyy Z", "2026 +01:00"),
        ("yyyy XXX", "2026 +0100"),
        ("yyyy z", "2026 QQQ"),
        ("hh a yyyy", "13 AM 2026"),
    ] {
        assert_eq!(parse_near(pattern, text, Some(0)), None, "{pattern} {text}");
    }
}

#[test]
fn the_year_that_is_missing_is_the_one_nearest_to_the_record() {
    let near = |text: &str, record: &str| parse_near("MMM  d HH:mm:ss", text, Some(iso(record)));
    assert_eq!(near("Dec  9 23:59:59", "2027-01-01T00:00:02Z"), Some(iso("2026-12-09T23:59:59Z")));
    assert_eq!(near("Jan  1 00:00:01", "2026-12-31T23:59:58Z"), Some(iso("2027-01-01T00:00:01Z")));
    assert_eq!(near("Jun  1 00:00:00", "2026-11-30T00:00:00Z"), Some(iso("2026-06-01T00:00:00Z")));
    assert_eq!(parse_near("MMM dd", "Feb 29", Some(iso("2026-02-20"))), Some(iso("2024-02-29")));
    assert_eq!(parse_near("MMM dd", "Feb 29", Some(iso("2100-03-01"))), Some(iso("2104-02-29")));
    assert_eq!(parse_near("MMM dd", "Feb 28", None), None);
}

#[test]
fn patterns_that_would_give_wrong_dates_are_refused_with_a_hint() {
    for (pattern, hint) in
        [("YYYY.MM.dd", "yyyy"), ("yyyy.MM.DD", "dd"), ("yyyy.MM.dd q", "supported"), ("yyyy{", "quotes")]
    {
        let (_, told) = DatePattern::compile(pattern).unwrap_err();
        assert!(told.unwrap().contains(hint), "{pattern}");
    }
    for pattern in ["", "'x", "[yyyy", "yyyy]"] {
        assert!(DatePattern::compile(pattern).is_err(), "{pattern}");
    }
}

#[test]
fn dates_are_written() {
    let moment = iso("2026-11-20T13:05:09.123Z");
    assert_eq!(format("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", moment, "UTC"), "2026-11-20T13:05:09.123Z");
    assert_eq!(format("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", moment, "Asia/Kolkata"), "2026-11-20T18:35:09.123+05:30");
    assert_eq!(format("E, d MMM yy h:m a Z D", moment, "-08:00"), "Fri, 20 Nov 26 5:5 AM -0800 324");
    let mut out = String::new();
    push_iso_millis(&mut out, -1);
    assert_eq!(out, "1969-12-31T23:59:59.999Z");
    for (millis, text) in [(i64::MAX, "+292278994-08-17T07:12:55.807Z"), (i64::MIN, "-292275055-05-16T16:47:04.192Z")] {
        out.clear();
        push_iso_millis(&mut out, millis);
        assert_eq!(out, text);
    }
}

#[test]
fn iso_8601_is_what_a_date_field_takes() {
    for text in [
        "2026",
        "2026-11",
        "2026-11-20",
        "2026-11-20T13",
        "2026-11-20T13:05Z",
        "2026-11-20T13:05:09.123456789+0100",
        "2026-11-20T13:05:09,1+01",
    ] {
        assert!(parse_iso(text, &Zone::UTC).is_some(), "{text}");
    }
    for text in [
        "",
        "26-11-20",
        "2026-11-20 13:05",
        "2026-13-01",
        "2026-02-29",
        "2026-11-20T24:00",
        "2026-11-20T13:05:09.",
        "2026-11-20T13:05:09.1234567890",
        "2026-11-20Tx",
        "2026-11-20T13:05 Z",
        "2026-11-20T13:05+25:00",
        "é026",
        "2026-11-20T13:05é",
    ] {
        assert!(parse_iso(text, &Zone::UTC).is_none(), "{text}");
    }
    assert_eq!(
        parse_iso("2026-07-01T00:00", &Zone::parse("Europe/Amsterdam").unwrap()).unwrap().millis(),
        iso("2026-06-30T22:00:00Z")
    );
}

#[test]
fn skipped_and_doubled_hours_are_as_in_java() {
    let zone = Zone::parse("Europe/Amsterdam").unwrap();
    let moment = |text: &str| parse_iso(text, &zone).unwrap().millis();
    assert_eq!(moment("2026-03-29T02:30"), iso("2026-03-29T01:30Z"));
    assert_eq!(moment("2026-10-25T02:30"), iso("2026-10-25T00:30Z"));
}

#[test]
fn zones_have_names_and_offsets() {
    assert_eq!(Zone::parse("UTC+1"), None);
    assert_eq!(Zone::parse("UTC+01:00"), Some(Zone::Fixed(3600)));
    assert_eq!(Zone::parse("+0130"), Some(Zone::Fixed(5400)));
    assert_eq!(Zone::parse("Mars/Olympus"), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_calendar_is_the_databases(days in -700_000_i32..2_900_000) {
        let (year, month, day) = civil_from_days(i64::from(days));
        prop_assert_eq!(days_from_civil(year, month, day), i64::from(days));
        let theirs = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
        prop_assert_eq!((year, month, day), (i64::from(theirs.year()), theirs.month() as u32, theirs.day() as u32));
    }

    #[test]
    fn what_is_written_is_read_back(
        millis in 0_i64..253_402_300_799_999,
        pattern in prop::sample::select(vec![
            "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "EEEE d MMMM uuuu k:m:s,SSS Z", "D/yyyy hh:mm:ss.SSS a x", "yyyyMMddHHmmssSSSX",
        ]),
        zone in prop::sample::select(vec!["UTC", "Asia/Kolkata", "America/St_Johns", "-11:00"]),
    ) {
        // The short offsets have whole hours or minutes only; before 1900 named zones have seconds, so dates begin in 1970.
        let text = format(pattern, millis, zone);
        prop_assert_eq!(parse(pattern, &text), Some(millis), "{}", text);
        let mut out = String::new();
        push_iso_millis(&mut out, millis);
        prop_assert_eq!(iso(&out), millis);
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,30}", pattern in "[yMdHhmsSaEZXz' :.,\\[\\]-]{0,12}") {
        let zone = Zone::UTC;
        if let Ok(pattern) = DatePattern::compile(&pattern) {
            pattern.parse(&text, Assumed { zone: &zone, near: Some(0) });
        }
        parse_iso(&text, &zone);
    }
}
