//! `grok`: takes a text apart by patterns.
//!
//! | option | |
//! |---|---|
//! | `field` | the text; absent or null is a failure unless `ignore_missing`, another type is one always |
//! | `patterns` | tried in order, the first that matches wins |
//! | `pattern_definitions` | patterns of one's own, which come before the shipped ones |
//! | `ignore_missing` | `false` |
//! | `trace_match` | `false`; if `true` templates have `_ingest._grok_match_index` |
//! | `ecs_compatibility` | `disabled`, as only the legacy patterns are shipped |
//!
//! `%{NAME}`, `%{NAME:field}`, `%{NAME:field:type}` with the types `int`, `long`, `float`, `double`, `boolean` (another
//! one stays a string), `%{NAME:field=regex}`, `(?<field>…)`; a dot in a field's name descends. The search is not
//! anchored, a dot does not match a newline (write `(?m)` where it should), `^` and `$` are at lines. A field that
//! occurs twice in a match gets a list of both, as in Elasticsearch 8. A whole number that does not fit its type is a failure.
//!
//! The engine gives up on a text after ten million steps; that too reads as "do not match".

mod expand;

use std::borrow::Cow;

use ::grok::{Grok, Pattern};

use self::expand::{Expanded, Field, Type, expand};
use crate::event::{Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::{Fields, Spanned};

struct GrokProcessor {
    field: Path,
    expressions: Vec<Expression>,
    ignore_missing: bool,
    trace_match: bool,
}

struct Expression {
    pattern: Pattern,
    /// The path and type of each group, by the number in the group's name.
    captures: Vec<(Path, Type)>,
    /// True if two groups have the same field.
    repeats: bool,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let field = fields.required_string("field").and_then(|text| cx.read_path(text));
    let own: Vec<(&str, &str)> = fields
        .string_map("pattern_definitions")
        .unwrap_or_default()
        .into_iter()
        .map(|(entry, text)| (entry.key.as_str(), text))
        .collect();
    let patterns = fields.required("patterns").and(fields.strings("patterns"));
    let expressions: Option<Vec<Expression>> = patterns.and_then(|patterns| {
        if patterns.is_empty() {
            cx.problems.add(fields.place(), "the grok processor has no pattern");
        }
        // All of them, so that the faults of all are told.
        let compiled: Vec<_> = patterns.into_iter().map(|text| expression(text, &own, cx)).collect();
        compiled.into_iter().collect()
    });
    let ignore_missing = fields.bool("ignore_missing").unwrap_or(false);
    let trace_match = fields.bool("trace_match").unwrap_or(false);
    if let Some(ecs) = fields.string("ecs_compatibility").filter(|ecs| ecs.value != "disabled") {
        cx.problems.add(
            ecs.place,
            format!("ecs_compatibility {:?} is not supported: only the legacy patterns are shipped", ecs.value),
        );
    }
    Some(Box::new(GrokProcessor { field: field?, expressions: expressions?, ignore_missing, trace_match }))
}

fn expression(text: Spanned<&str>, own: &[(&str, &str)], cx: &Compiler<'_>) -> Option<Expression> {
    let Expanded { regex, fields } = match expand(text.value, own) {
        Ok(expanded) => expanded,
        Err(error) => {
            cx.add(text.place, error.what, error.hint);
            return None;
        }
    };
    let pattern = match Grok::empty().compile(&regex, true) {
        Ok(pattern) => pattern,
        Err(error) => {
            let cause = in_engines_words(&error);
            let what = format!("the pattern {:?} can't be compiled: {}", text.value, super::cut(&cause));
            cx.problems.add(text.place, what);
            return None;
        }
    };
    let mut captures: Vec<(Path, Type)> = Vec::with_capacity(fields.len());
    let mut repeats = false;
    for Field { name, kind } in fields {
        let path = cx.write_path(Spanned { place: text.place, value: &name })?;
        repeats |= captures.iter().any(|(known, _)| *known == path);
        captures.push((path, kind));
    }
    Some(Expression { pattern, captures, repeats })
}

/// The engine's own words, without the expanded expression that comes with them.
fn in_engines_words(error: &::grok::Error) -> String {
    let text = match error {
        ::grok::Error::RegexCompilationFailed(text) => text.clone(),
        other => other.to_string(),
    };
    let first = text.lines().next().unwrap_or_default();
    let words = first.split_once("), ").map_or(first, |(_, words)| words);
    words.trim_end_matches("):").to_owned()
}

impl Process for GrokProcessor {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let text: Cow<'a, str> = match work.event.get(&self.field) {
            Some(Value::String(Cow::Borrowed(text))) => Cow::Borrowed(text),
            Some(Value::String(Cow::Owned(text))) => Cow::Owned(text.clone()),
            None | Some(Value::Null) if self.ignore_missing => return Ok(Flow::Continue),
            None => return Err(self.field.why_missing(work.event.root()).to_string()),
            Some(Value::Null) => return Err(format!("field [{}] is null, cannot process it", self.field)),
            Some(other) => {
                return Err(format!("field [{}] of type [{}] cannot be cast to [string]", self.field, other.kind()));
            }
        };
        for (index, expression) in self.expressions.iter().enumerate() {
            let matched = match &text {
                Cow::Borrowed(text) => expression.apply(text, Cow::Borrowed, work)?,
                Cow::Owned(text) => expression.apply(text, |capture| Cow::Owned(capture.to_owned()), work)?,
            };
            if matched {
                if self.trace_match {
                    work.grok_match = Some(index);
                }
                return Ok(Flow::Continue);
            }
        }
        Err(format!("Provided Grok expressions do not match field value: [{}]", super::cut(&text)))
    }
}

impl Expression {
    /// Matches, and sets the fields of what was captured; `keep` makes a capture live as long as the event.
    fn apply<'a, 't>(
        &'a self,
        text: &'t str,
        keep: impl Fn(&'t str) -> Cow<'a, str>,
        work: &mut Work<'a>,
    ) -> Result<bool, String> {
        let Some(matches) = self.pattern.match_against(text) else { return Ok(false) };
        let mut repeated: Vec<(&'a Path, Value<'a>)> = Vec::new();
        for (group, capture) in matches.iter() {
            let Some((path, kind)) = expand::group_number(group).and_then(|number| self.captures.get(number)) else {
                continue;
            };
            // The crate ties captures to its own value; the same bytes are found again in the text.
            let start = capture.as_ptr() as usize - text.as_ptr() as usize;
            let value = convert(keep(&text[start..start + capture.len()]), *kind)?;
            if self.repeats {
                gather(&mut repeated, path, value);
            } else {
                super::set(work, path, value)?;
            }
        }
        for (path, value) in repeated {
            super::set(work, path, value)?;
        }
        Ok(true)
    }
}

/// Adds a capture; the second of a field makes a list of both.
fn gather<'a>(gathered: &mut Vec<(&'a Path, Value<'a>)>, path: &'a Path, value: Value<'a>) {
    match gathered.iter_mut().find(|(known, _)| *known == path) {
        None => gathered.push((path, value)),
        Some((_, Value::Array(values))) => values.push(value),
        Some((_, first)) => {
            let values = vec![std::mem::take(first), value];
            *first = Value::Array(values);
        }
    }
}

fn convert(capture: Cow<'_, str>, kind: Type) -> Result<Value<'_>, String> {
    let fail = |capture: &str| Err(format!("For input string: \"{}\"", super::cut(capture)));
    match kind {
        Type::String => Ok(Value::String(capture)),
        Type::Int => match capture.parse::<i32>() {
            Ok(number) => Ok(Value::Int(i64::from(number))),
            Err(_) => fail(&capture),
        },
        Type::Long => match capture.parse() {
            Ok(number) => Ok(Value::Int(number)),
            Err(_) => fail(&capture),
        },
        Type::Float => match capture.trim().parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(super::widen(number))),
            _ => fail(&capture),
        },
        Type::Double => match capture.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => fail(&capture),
        },
        Type::Boolean => Ok(Value::Bool(capture.eq_ignore_ascii_case("true"))),
    }
}
