//! Values with fields in them: the part of Mustache that ingest pipelines use.
//!
//! `{{{a.b}}}` is replaced by the field's text; `{{a.b}}` the same, escaped as within a JSON string (as Elasticsearch
//! does it; `media_type: text/plain` switches that off). A missing or null field is an empty text, lists and objects are
//! JSON. What is not a template borrows from the pipeline and costs nothing.
//!
//! Sections: `{{#a}}…{{/a}}` for each item of a list, or once where there is something, with `{{.}}` for it and its fields
//! by their names; `{{^a}}…{{/a}}` where there is nothing; `{{#toJson}}a{{/toJson}}`, `{{#join}}a{{/join}}`, also with
//! `delimiter='…'`; `{{! a comment }}`.
//!
//! Of `_ingest` there are `timestamp` (the record's, so that a record that is read again gives the same document),
//! `pipeline`, and in handlers `on_failure_message`, `on_failure_processor_type`, `on_failure_processor_tag` and
//! `on_failure_pipeline`; within `foreach` also `_value` and `_key`.

mod parse;
mod source;

use std::borrow::Cow;
use std::fmt::Write as _;

pub(crate) use source::{ValueSource, escapes};

use super::step::Work;
use super::time::push_iso_millis;
use crate::event::{Object, Path, Value};

/// A text with fields in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Template {
    /// Without any.
    Literal(String),
    /// With some.
    Parts(Vec<Part>),
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Text(String),
    Field { of: Of, escape: bool },
    Section { of: Of, inverted: bool, parts: Vec<Part> },
    Json(Of),
    Join { of: Of, delimiter: String },
}

/// What a piece stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Of {
    Path(Path),
    /// The item of the section around.
    Item,
    Timestamp,
    Pipeline,
    FailureMessage,
    FailureProcessor,
    FailureTag,
    FailurePipeline,
    GrokMatch,
}

impl Template {
    /// The text, with the fields of the event in it.
    pub(crate) fn render<'a>(&'a self, work: &Work<'a>) -> Cow<'a, str> {
        let parts = match self {
            Self::Literal(text) => return Cow::Borrowed(text),
            Self::Parts(parts) => parts,
        };
        // A field alone, as it is nearly always: no copy of what borrows anyway.
        if let [Part::Field { of: Of::Path(path), escape: false }] = parts.as_slice()
            && let Some(Value::String(Cow::Borrowed(text))) = work.event.get(path)
        {
            return Cow::Borrowed(text);
        }
        let mut out = String::new();
        render_parts(parts, work, &mut Vec::new(), &mut out);
        Cow::Owned(out)
    }
}

fn render_parts<'e>(parts: &[Part], work: &'e Work<'_>, items: &mut Vec<&'e Value<'e>>, out: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Field { of, escape } => {
                let value = of.value(work, items);
                let text = match value.as_ref() {
                    Value::Null => continue,
                    value => value.scalar_text().unwrap_or_else(|| Cow::Owned(value.to_json())),
                };
                if *escape { push_escaped(out, &text) } else { out.push_str(&text) }
            }
            Part::Json(of) => match of.value(work, items).as_ref() {
                Value::Null => {}
                // As Elasticsearch has it: only what is no text by itself is written as JSON.
                value => out.push_str(&value.scalar_text().unwrap_or_else(|| Cow::Owned(value.to_json()))),
            },
            Part::Join { of, delimiter } => match of.value(work, items).as_ref() {
                Value::Array(values) => {
                    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
                    out.push_str(&texts.join(delimiter));
                }
                Value::Null => {}
                single => out.push_str(&single.to_string()),
            },
            Part::Section { of, inverted, parts } => section(of, *inverted, parts, work, items, out),
        }
    }
}

fn section<'e>(
    of: &Of,
    inverted: bool,
    parts: &[Part],
    work: &'e Work<'_>,
    items: &mut Vec<&'e Value<'e>>,
    out: &mut String,
) {
    let value = of.value(work, items);
    let nothing = match value.as_ref() {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match value {
        _ if nothing != inverted => {}
        _ if inverted => render_parts(parts, work, items, out),
        Cow::Borrowed(Value::Array(values)) => {
            for value in values {
                items.push(value);
                render_parts(parts, work, items, out);
                items.pop();
            }
        }
        Cow::Borrowed(value) => {
            items.push(value);
            render_parts(parts, work, items, out);
            items.pop();
        }
        Cow::Owned(_) => render_parts(parts, work, items, out),
    }
}

impl Of {
    /// What it stands for; null if there is nothing. A name is looked for in the items around first, the innermost first.
    fn value<'e>(&self, work: &'e Work<'_>, items: &[&'e Value<'e>]) -> Cow<'e, Value<'e>> {
        let failure = work.failure.as_ref();
        let text = |text: Option<&'e str>| text.map_or(Cow::Owned(Value::Null), |text| Cow::Owned(Value::str(text)));
        match self {
            Self::Path(path) => {
                let around = items.iter().rev().filter_map(|item| match item {
                    Value::Object(object) if object.contains(path.first()) => path.get(object),
                    _ => None,
                });
                match around.into_iter().next().or_else(|| work.event.get(path)) {
                    Some(value) => Cow::Borrowed(value),
                    None => Cow::Owned(Value::Null),
                }
            }
            Self::Item => match items.last() {
                Some(item) => Cow::Borrowed(item),
                None => Cow::Owned(Value::Object(Object::clone(work.event.root()))),
            },
            Self::Timestamp => match work.record_millis {
                Some(millis) => {
                    let mut text = String::with_capacity(24);
                    push_iso_millis(&mut text, millis);
                    Cow::Owned(Value::String(Cow::Owned(text)))
                }
                None => Cow::Owned(Value::Null),
            },
            Self::Pipeline => text(Some(work.pipeline())),
            Self::FailureMessage => text(failure.map(|failure| failure.message.as_str())),
            Self::FailureProcessor => text(failure.map(|failure| failure.processor)),
            Self::FailureTag => text(failure.and_then(|failure| failure.tag)),
            Self::FailurePipeline => text(failure.map(|failure| failure.pipeline)),
            Self::GrokMatch => Cow::Owned(work.grok_match.map_or(Value::Null, |index| Value::Int(index as i64))),
        }
    }
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes all"),
            c => out.push(c),
        }
    }
}
