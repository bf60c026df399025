//! Values of any kind with templates in their texts: the `value` of `set` and `append`.

use std::borrow::Cow;

use super::Template;
use crate::event::{Object, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::Work;
use crate::yaml::{Fields, Kind, Node, Scalar};

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
