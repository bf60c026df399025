//! Values with fields in them: the part of Mustache that ingest pipelines use.
//!
//! `{{{a.b}}}` is replaced by the field's text; `{{a.b}}` the same, escaped as within a JSON string (as Elasticsearch
//! does it; `media_type: text/plain` switches that off). A missing or null field is an empty text, lists and objects are
//! JSON. `{{ _ingest.on_failure_message }}`, `…_processor_type` and `…_processor_tag` tell of the failure that is being
//! handled. What is not a template borrows from the pipeline and costs nothing.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::compile::Compiler;
use super::step::Work;
use crate::event::{Object, Path, Value};
use crate::yaml::{Fields, Kind, Node, Place, Scalar};

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
}

/// What a piece stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Of {
    Path(Path),
    FailureMessage,
    FailureProcessor,
    FailureTag,
    GrokMatch,
}

impl Template {
    /// Compiles a text; `escape` is whether `{{…}}` is escaped. A fault is added to the problems at `place`.
    pub(crate) fn compile(text: &str, place: Place, escape: bool, cx: &Compiler<'_>) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            if start > 0 {
                parts.push(Part::Text(rest[..start].to_owned()));
            }
            let triple = rest[start..].starts_with("{{{");
            let (open, close) = if triple { (3, "}}}") } else { (2, "}}") };
            let inner = &rest[start + open..];
            let Some(end) = inner.find(close) else {
                cx.problems.add(place, format!("the template {text:?} has a {{{{ without its }}}}"));
                return None;
            };
            let name = inner[..end].trim();
            let (name, raw) = name.strip_prefix('&').map_or((name, triple), |name| (name.trim(), true));
            parts.push(Part::Field { of: Self::field(name, place, cx)?, escape: escape && !raw });
            rest = &inner[end + close.len()..];
        }
        if parts.is_empty() {
            return Some(Self::Literal(text.to_owned()));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Some(Self::Parts(parts))
    }

    fn field(name: &str, place: Place, cx: &Compiler<'_>) -> Option<Of> {
        if name.starts_with(['#', '/', '^', '>', '!', '=']) {
            cx.problems.add(place, format!("{{{{{name}}}}}: sections, partials and comments are not supported"));
            return None;
        }
        match name {
            "_ingest.on_failure_message" => return Some(Of::FailureMessage),
            "_ingest.on_failure_processor_type" => return Some(Of::FailureProcessor),
            "_ingest.on_failure_processor_tag" => return Some(Of::FailureTag),
            "_ingest._grok_match_index" => return Some(Of::GrokMatch),
            _ => {}
        }
        match Path::parse(name) {
            Ok(path) if cx.is_reserved(path.first()) => {
                let hint = match name {
                    "_ingest.timestamp" => "the time of indexing differs from one reading of a record to the next",
                    _ => {
                        "known: _ingest.on_failure_message, _ingest.on_failure_processor_type, _ingest.on_failure_processor_tag"
                    }
                };
                cx.problems.add_hint(place, format!("{name:?} can't be had in a template"), hint);
                None
            }
            Ok(path) => {
                cx.reads(&path);
                Some(Of::Path(path))
            }
            Err(error) => {
                cx.problems.add(place, format!("template: {error}"));
                None
            }
        }
    }

    /// The text, with the fields of the event in it.
    pub(crate) fn render<'a>(&'a self, work: &Work<'a>) -> Cow<'a, str> {
        let parts = match self {
            Self::Literal(text) => return Cow::Borrowed(text),
            Self::Parts(parts) => parts,
        };
        let mut out = String::new();
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field { of, escape } => {
                    let failure = work.failure.as_ref();
                    let text: Cow<'_, str> = match of {
                        Of::Path(path) => match work.event.get(path) {
                            None | Some(Value::Null) => continue,
                            Some(value) => value.scalar_text().unwrap_or_else(|| Cow::Owned(value.to_json())),
                        },
                        Of::FailureMessage => failure.map_or("", |failure| &failure.message).into(),
                        Of::FailureProcessor => failure.map_or("", |failure| failure.processor).into(),
                        Of::FailureTag => failure.and_then(|failure| failure.tag).unwrap_or("").into(),
                        Of::GrokMatch => match work.grok_match {
                            Some(index) => index.to_string().into(),
                            None => continue,
                        },
                    };
                    if *escape { push_escaped(&mut out, &text) } else { out.push_str(&text) }
                }
            }
        }
        Cow::Owned(out)
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

/// A value of any kind, with templates in its texts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ValueSource {
    /// A value without text.
    Fixed(Value<'static>),
    /// A text.
    Text(Template),
    /// A list.
    List(Vec<ValueSource>),
    /// An object.
    Object(Vec<(String, ValueSource)>),
}

impl ValueSource {
    /// Compiles a node.
    pub(crate) fn compile(node: &Node, escape: bool, cx: &Compiler<'_>) -> Option<Self> {
        Some(match &node.kind {
            Kind::Scalar { text, value, .. } => match value {
                Scalar::Null => Self::Fixed(Value::Null),
                Scalar::Bool(value) => Self::Fixed(Value::Bool(*value)),
                Scalar::Int(value) => Self::Fixed(Value::Int(*value)),
                Scalar::UInt(value) => Self::Fixed(Value::UInt(*value)),
                Scalar::Float(value) => Self::Fixed(Value::Float(*value)),
                Scalar::String => Self::Text(Template::compile(text, node.place, escape, cx)?),
            },
            Kind::List(items) => {
                Self::List(items.iter().map(|item| Self::compile(item, escape, cx)).collect::<Option<_>>()?)
            }
            Kind::Mapping(entries) => Self::Object(
                entries
                    .iter()
                    .map(|entry| Some((entry.key.clone(), Self::compile(&entry.value, escape, cx)?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }

    /// The value for an event.
    pub(crate) fn value<'a>(&'a self, work: &Work<'a>) -> Value<'a> {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(template) => Value::String(template.render(work)),
            Self::List(items) => Value::Array(items.iter().map(|item| item.value(work)).collect()),
            Self::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(name, value)| (Cow::Borrowed(name.as_str()), value.value(work)))
                    .collect::<Object<'a>>(),
            ),
        }
    }
}

/// Reads `media_type`: whether `{{…}}` is escaped.
pub(crate) fn escapes(fields: &Fields<'_, '_>) -> bool {
    match fields.string("media_type") {
        None => true,
        Some(media_type) => match media_type.value {
            "application/json" => true,
            "text/plain" => false,
            other => {
                fields.problems().add_hint(
                    media_type.place,
                    format!("the media type {other:?} is not supported"),
                    "application/json or text/plain",
                );
                true
            }
        },
    }
}
