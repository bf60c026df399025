//! The index's name: `"name-%{[field]}-%{[a][b]}-%{+yyyy.MM.dd}"`, also `{{a.b}}`.
//!
//! Strict, where others are lenient to their users' harm: a field that is missing, empty or no scalar, and a name that
//! Elasticsearch would refuse, reject the document. What can be known of the name beforehand is checked when the
//! pipeline is compiled. The text of the date is kept for as long as it stays the same, so it is made once a day.

use std::fmt::Write as _;

use crate::event::{Event, Path};
use crate::pipeline::compile::Compiler;
use crate::pipeline::time::{Civil, DatePattern, Moment, Zone, days_from_civil};
use crate::yaml::{Place, Spanned};

/// The most bytes that a name may have.
const MAX_NAME: usize = 255;

/// A compiled name.
#[derive(Debug)]
pub(crate) struct IndexPattern {
    parts: Vec<Part>,
    lowercase: bool,
    has_fields: bool,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Field(Path),
    Date(DatePattern),
}

/// Names and dates that were made before, each with the span of milliseconds for which it holds, the newest last.
/// Belongs to one pipeline. Several are kept, as late events come among those of the day.
#[derive(Debug, Default)]
pub(crate) struct IndexCache {
    /// Names that depend on the time alone.
    names: Vec<(i64, i64, String)>,
    /// The texts of each date of the name.
    dates: Vec<Vec<(i64, i64, String)>>,
    /// A name with fields in it.
    name: String,
}

/// How many texts are kept.
const KEPT: usize = 8;

/// The position of the text that holds at `millis`; if there is none, `make` makes it and says for how long it holds.
fn text_at(texts: &mut Vec<(i64, i64, String)>, millis: i64, make: impl FnOnce() -> (i64, i64, String)) -> usize {
    if let Some(known) = texts.iter().position(|(from, to, _)| (*from..*to).contains(&millis)) {
        return known;
    }
    if texts.len() >= KEPT {
        texts.remove(0);
    }
    texts.push(make());
    texts.len() - 1
}

/// Compiles a name; faults are added to the problems.
pub(crate) fn compile_index(text: Spanned<&str>, lowercase: bool, cx: &Compiler<'_>) -> Option<IndexPattern> {
    let problem = |what: String| cx.problems.add(text.place, what);
    let mut parts = Vec::new();
    let mut sound = true;
    let mut rest = text.value;
    while !rest.is_empty() {
        let next = rest.find("%{").into_iter().chain(rest.find("{{")).min();
        let start = next.unwrap_or(rest.len());
        if start > 0 {
            parts.push(Part::Literal(rest[..start].to_owned()));
            rest = &rest[start..];
            continue;
        }
        let (open, close) = match () {
            () if rest.starts_with("{{{") => ("{{{", "}}}"),
            () if rest.starts_with("{{") => ("{{", "}}"),
            () => ("%{", "}"),
        };
        let Some(end) = rest[open.len()..].find(close) else {
            let what = format!("the index {:?} has a {open} without its {close}", text.value);
            cx.problems.add_hint(text.place, what, "a date is written %{+yyyy.MM.dd}, a field %{[name]}");
            sound = false;
            break;
        };
        let inner = rest[open.len()..open.len() + end].trim();
        rest = &rest[open.len() + end + close.len()..];
        // Whatever else is wrong with the name is told as well.
        match part(inner, text.place, cx) {
            Some(part) => parts.push(part),
            None => sound = false,
        }
    }
    if sound && parts.is_empty() {
        problem("the index has no name".into());
        return None;
    }
    let has_fields = parts.iter().any(|part| matches!(part, Part::Field(_)));
    let pattern = IndexPattern { parts, lowercase, has_fields };
    warn_of_data_streams(&pattern, text.place, cx);
    let lint = pattern.lint(sound, text.place, cx);
    (sound && lint).then_some(pattern)
}

/// What Elasticsearch's own templates make data streams of: `logs-*-*` and the like.
const DATA_STREAMS: &[&str] = &["logs-", "metrics-", "synthetics-", "traces-"];

fn warn_of_data_streams(pattern: &IndexPattern, place: Place, cx: &Compiler<'_>) {
    let Some(all) = pattern.wildcard() else { return };
    if let Some(beginning) = DATA_STREAMS.iter().find(|beginning| all.starts_with(**beginning)) {
        let what =
            format!("Elasticsearch keeps names like {beginning}*-* for data streams, which others may be writing");
        let hint = format!("begin the name with something else, such as app-{beginning}");
        cx.problems.warn(place, what, hint);
    }
}

fn part(inner: &str, place: Place, cx: &Compiler<'_>) -> Option<Part> {
    if let Some(pattern) = inner.strip_prefix('+') {
        return match DatePattern::compile(pattern) {
            Ok(pattern) => Some(Part::Date(pattern)),
            Err((what, hint)) => {
                cx.add(place, format!("index: {what}"), hint);
                None
            }
        };
    }
    if inner.starts_with('@') {
        let what = format!("index: a time is written as a date, and this is the whole field {inner}");
        cx.problems.add_hint(place, what, "write %{+yyyy.MM.dd}");
        return None;
    }
    let path = match inner.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(names) => Path::from_segments(names.split("][")),
        None => Path::parse(inner),
    };
    match path {
        Ok(path) if path.as_str().contains(['[', ']']) => {
            let what = format!("index: the brackets of {inner:?} do not belong together");
            cx.problems.add_hint(place, what, "fields are written %{[a][b]}");
            None
        }
        Ok(path) => {
            cx.reads(&path);
            Some(Part::Field(path))
        }
        Err(error) => {
            cx.problems.add_hint(place, format!("index: {error}"), "fields are written %{[a][b]}");
            None
        }
    }
}

impl IndexPattern {
    /// All names that it can make, as Elasticsearch's index patterns have it: the name itself if there is only one, else what
    /// all begin with and `*`; nothing if they have no common beginning.
    pub(crate) fn wildcard(&self) -> Option<String> {
        let Some(Part::Literal(text)) = self.parts.first() else { return None };
        let text = if self.lowercase { text.to_lowercase() } else { text.clone() };
        Some(if self.parts.len() == 1 { text } else { text + "*" })
    }

    /// Checks what can be checked without a record: literals, and a date for a sample.
    fn lint(&self, complete: bool, place: Place, cx: &Compiler<'_>) -> bool {
        let before = cx.problems.count();
        let mut whole = String::new();
        for part in &self.parts {
            let mut text = String::new();
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Date(date) => {
                    if date.has_minutes_alone() {
                        let what = "the index has minutes and no hour in its date";
                        cx.problems.add_hint(place, what, "mm is the minute; the month is MM");
                    }
                    date.format(&mut text, Moment { seconds: 0, nanos: 0 }, &Zone::UTC);
                }
                Part::Field(_) => text.push('x'),
            }
            if self.lowercase {
                text = text.to_lowercase();
            }
            if let Some((_, variable)) = text.split_once("${") {
                let name = variable.split('}').next().unwrap_or_default();
                let hint = "only kelp.yaml has variables; a field is written %{[name]}, a date %{+yyyy.MM.dd}";
                cx.problems.add_hint(place, format!("${{{name}}} is not replaced in a pipeline's file"), hint);
                continue;
            }
            if let Some(c) = text.chars().find(|c| c.is_uppercase()) {
                let what = format!("an index name has no capitals, and this has {c:?}");
                cx.problems.add_hint(place, what, "write it in small letters, or set destination.lowercase: true");
            }
            if let Some(c) = text.chars().find(|c| is_forbidden(*c)) {
                let hint = "take small letters, digits, dots, hyphens and underscores";
                cx.problems.add_hint(place, format!("{c:?} can't be in an index name"), hint);
            }
            whole.push_str(&text);
        }
        if complete
            && before == cx.problems.count()
            && let Err(what) = check(&whole)
        {
            cx.problems.add_hint(place, what, "begin with a letter or a digit; 255 bytes at most");
        }
        before == cx.problems.count()
    }

    /// The name for an event of a time; `zone` is that of the date.
    ///
    /// # Errors
    /// Why there is no name, and what it would have been as far as it is known.
    pub(crate) fn resolve<'c>(
        &self,
        cache: &'c mut IndexCache,
        event: &Event<'_>,
        millis: i64,
        zone: &Zone,
    ) -> Result<&'c str, (String, Option<String>)> {
        if let Some(known) = cache.names.iter().position(|(from, to, _)| (*from..*to).contains(&millis)) {
            return Ok(&cache.names[known].2);
        }
        cache.name.clear();
        let (mut from, mut to) = (i64::MIN, i64::MAX);
        let mut dates = 0;
        for part in &self.parts {
            match part {
                Part::Literal(text) => cache.name.push_str(text),
                Part::Field(path) => push_field(&mut cache.name, path, event).map_err(|why| (why, None))?,
                Part::Date(pattern) => {
                    if cache.dates.len() <= dates {
                        cache.dates.push(Vec::new());
                    }
                    let texts = &mut cache.dates[dates];
                    let at = text_at(texts, millis, || {
                        let mut text = String::new();
                        pattern.format(&mut text, Moment::from_millis(millis), zone);
                        let (from, to) =
                            if pattern.is_daily() { day(millis, zone) } else { (millis, millis.saturating_add(1)) };
                        (from, to, text)
                    });
                    let (since, until, text) = &texts[at];
                    cache.name.push_str(text);
                    (from, to) = (from.max(*since), to.min(*until));
                    dates += 1;
                }
            }
        }
        if self.lowercase {
            cache.name = cache.name.to_lowercase();
        }
        if let Err(what) = check(&cache.name) {
            return Err((what, Some(cache.name.clone())));
        }
        if self.has_fields {
            return Ok(&cache.name);
        }
        let at = text_at(&mut cache.names, millis, || (from, to, cache.name.clone()));
        Ok(&cache.names[at].2)
    }
}

/// Appends the text of a field.
fn push_field(name: &mut String, path: &Path, event: &Event<'_>) -> Result<(), String> {
    let Some(value) = event.get(path) else {
        return Err(format!("the index needs the field [{path}], which is missing"));
    };
    match value.scalar_text() {
        Some(text) if !text.is_empty() => {
            name.push_str(&text);
            Ok(())
        }
        Some(_) => Err(format!("the index needs the field [{path}], which is empty")),
        None => Err(format!("the index needs the field [{path}], which is of type [{}]", value.kind())),
    }
}

/// A span of milliseconds around `millis` that is of one day in the zone.
fn day(millis: i64, zone: &Zone) -> (i64, i64) {
    let seconds = millis.div_euclid(1000);
    let offset = zone.offset_at(seconds);
    let civil = Civil::at(Moment { seconds, nanos: 0 }, offset);
    let start = days_from_civil(civil.year, civil.month, civil.day) * 86_400 - i64::from(offset);
    // Around a change of the clocks the offset is not that of the whole day; then the text is made for each event.
    if zone.offset_at(start) == offset && zone.offset_at(start + 86_399) == offset {
        (start.saturating_mul(1000), start.saturating_add(86_400).saturating_mul(1000))
    } else {
        (millis, millis.saturating_add(1))
    }
}

fn is_forbidden(c: char) -> bool {
    matches!(c, '\\' | '/' | '*' | '?' | '"' | '<' | '>' | '|' | ' ' | ',' | '#' | ':') || c.is_control()
}

/// Elasticsearch's rules for the name of an index.
fn check(name: &str) -> Result<(), String> {
    let mut what = String::new();
    if name.len() > MAX_NAME {
        write!(what, "has {} bytes, more than {MAX_NAME}", name.len())
    } else if name == "." || name == ".." {
        write!(what, "is no name")
    } else if name.starts_with(['-', '_', '+']) {
        write!(what, "begins with -, _ or +")
    } else if let Some(c) = name.chars().find(|c| is_forbidden(*c)) {
        write!(what, "has {c:?}")
    } else if let Some(c) = name.chars().find(|c| c.is_uppercase()) {
        write!(what, "has the capital {c:?}; destination.lowercase: true would write it small")
    } else {
        return Ok(());
    }
    .expect("a string takes all");
    let shown: String = name.chars().take(64).collect();
    Err(format!("illegal index name {shown:?}: it {what}"))
}
