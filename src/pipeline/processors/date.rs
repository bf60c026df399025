//! `date`: reads a date from a text or a number.
//!
//! | option | |
//! |---|---|
//! | `field` | what |
//! | `formats` | tried in order: `ISO8601`, `UNIX` (seconds), `UNIX_MS`, `TAI64N`, or a Java pattern |
//! | `target_field` | `@timestamp` |
//! | `timezone` | of a date without one, and of the output: `UTC`, an offset or a name; may be a template |
//! | `locale` | English; another is refused where a pattern has names of months or days |
//! | `output_format` | `yyyy-MM-dd'T'HH:mm:ss.SSSXXX` |
//!
//! A pattern without a year takes the year nearest to the record's timestamp (Elasticsearch: that of its clock).

use std::borrow::Cow;

use crate::event::{Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::pipeline::template::Template;
use crate::pipeline::time::{Assumed, DatePattern, Moment, Zone, parse_iso, push_iso_millis};
use crate::yaml::{Fields, Spanned};

struct Date {
    field: Path,
    formats: Vec<Format>,
    target: Path,
    zone: DateZone,
    output: DatePattern,
    default_output: bool,
}

enum Format {
    Iso8601,
    Unix,
    UnixMs,
    Tai64n,
    Pattern(DatePattern),
}

enum DateZone {
    Fixed(Zone),
    Template(Template),
}

const OUTPUT: &str = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX";

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let field = fields.required_string("field").and_then(|text| cx.read_path(text));
    let formats = fields.required("formats").and(fields.strings("formats")).and_then(|texts| {
        if texts.is_empty() {
            cx.problems.add_hint(fields.place(), "the date processor has no format", "such as formats: [ISO8601]");
        }
        // All of them, so that the faults of all are told.
        let formats: Vec<_> = texts.into_iter().map(|text| format(text, cx)).collect();
        formats.into_iter().collect::<Option<Vec<_>>>()
    });
    warn_of_formats(fields, formats.as_deref().unwrap_or_default(), cx);
    let target = fields.string("target_field").unwrap_or(Spanned { place: fields.place(), value: "@timestamp" });
    let target = cx.write_path(target);
    let zone = match fields.string("timezone") {
        None => Some(DateZone::Fixed(Zone::UTC)),
        Some(text) if text.value.contains("{{") => {
            Template::compile(text.value, text.place, false, cx).map(DateZone::Template)
        }
        Some(text) => {
            let zone = Zone::parse(text.value);
            if zone.is_none() {
                let what = format!("there is no time zone {:?}", text.value);
                cx.problems.add_hint(text.place, what, "an offset such as +02:00, or a name such as Europe/Amsterdam");
            }
            zone.map(DateZone::Fixed)
        }
    };
    let output = fields.string("output_format").unwrap_or(Spanned { place: fields.place(), value: OUTPUT });
    let default_output = output.value == OUTPUT;
    let output = pattern(output, cx)?;
    let named = |format: &Format| matches!(format, Format::Pattern(pattern) if pattern.has_names());
    let names = output.has_names() || formats.iter().flatten().any(named);
    if let Some(locale) = fields.string("locale") {
        let english = locale.value.to_ascii_lowercase();
        if names && !(english.starts_with("en") || english == "root") {
            let what = format!("the locale {:?} is not supported: names of months and days are English", locale.value);
            cx.problems.add(locale.place, what);
        }
    }
    Some(Box::new(Date { field: field?, formats: formats?, target: target?, zone: zone?, output, default_output }))
}

/// Tells of formats that hardly mean what they say.
fn warn_of_formats(fields: &Fields<'_, '_>, formats: &[Format], cx: &Compiler<'_>) {
    let has_zone = fields.string("timezone").is_some();
    for (text, format) in fields.strings("formats").iter().flatten().zip(formats) {
        let Format::Pattern(pattern) = format else { continue };
        if !has_zone && !pattern.has_zone() {
            let what = format!("the dates of the format {:?} have no zone and are taken for UTC", text.value);
            cx.problems.warn(text.place, what, "say which zone with timezone: Europe/Amsterdam, or timezone: UTC");
        }
        if pattern.has_minutes_alone() {
            let what = format!("the format {:?} has minutes and no hour", text.value);
            cx.problems.warn(text.place, what, "mm is the minute; the month is MM");
        }
    }
}

fn format(text: Spanned<&str>, cx: &Compiler<'_>) -> Option<Format> {
    Some(match text.value.to_ascii_uppercase().as_str() {
        "ISO8601" => Format::Iso8601,
        "UNIX" => Format::Unix,
        "UNIX_MS" => Format::UnixMs,
        "TAI64N" => Format::Tai64n,
        _ => Format::Pattern(pattern(text, cx)?),
    })
}

fn pattern(text: Spanned<&str>, cx: &Compiler<'_>) -> Option<DatePattern> {
    match DatePattern::compile(text.value) {
        Ok(pattern) => Some(pattern),
        Err((what, hint)) => {
            cx.add(text.place, what, hint);
            None
        }
    }
}

impl Process for Date {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let named;
        let zone = match &self.zone {
            DateZone::Fixed(zone) => zone,
            DateZone::Template(template) => {
                let name = template.render(work);
                let name = if name.is_empty() { Cow::Borrowed("UTC") } else { name };
                named = Zone::parse(&name).ok_or_else(|| format!("there is no time zone [{}]", super::cut(&name)))?;
                &named
            }
        };
        let value = super::field(work, &self.field)?;
        let text = value.scalar_text().unwrap_or_else(|| Cow::Owned(value.to_json()));
        let assumed = Assumed { zone, near: work.record_millis };
        let moment = self.formats.iter().find_map(|format| format.parse(&text, assumed));
        let Some(moment) = moment else {
            return Err(format!("unable to parse date [{}]", super::cut(&text)));
        };
        let mut out = String::with_capacity(32);
        match zone {
            Zone::Fixed(0) if self.default_output => push_iso_millis(&mut out, moment.millis()),
            _ => self.output.format(&mut out, moment, zone),
        }
        super::set(work, &self.target, Value::String(Cow::Owned(out)))?;
        Ok(Flow::Continue)
    }
}

impl Format {
    fn parse(&self, text: &str, assumed: Assumed<'_>) -> Option<Moment> {
        match self {
            Self::Iso8601 => parse_iso(text, assumed.zone),
            Self::Unix => {
                let seconds: f64 = text.trim().parse().ok()?;
                // Within the years that can be written.
                (seconds.abs() < 2.5e11).then(|| Moment::from_millis((seconds * 1000.0) as i64))
            }
            Self::UnixMs => {
                let millis: i64 = text.parse().ok()?;
                (millis.abs() < 250_000_000_000_000).then(|| Moment::from_millis(millis))
            }
            Self::Tai64n => {
                let hex = text.strip_prefix('@').unwrap_or(text);
                let seconds = i64::from_str_radix(hex.get(1..16)?, 16).ok()?;
                let nanos = i64::from_str_radix(hex.get(16..24)?, 16).ok()?;
                (seconds < 250_000_000_000).then(|| Moment::from_millis(seconds * 1000 - 10_000 + nanos / 1_000_000))
            }
            Self::Pattern(pattern) => pattern.parse(text, assumed),
        }
    }
}
