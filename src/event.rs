//! Structured fields inside a pipeline: values, objects, events.
//!
//! Everything borrows where it can: strings point into the record's bytes or into the compiled pipeline (`'a` covers
//! both), so a plain capture costs no allocation. Objects keep the order in which fields were added; the order in which
//! a document's fields are written is therefore a function of the record and the pipeline alone.

mod fields;
mod json;
mod path;
mod write;

use std::borrow::Cow;
use std::fmt;

use fields::Fields;
pub use json::parse_json;
pub use path::{Path, PathError, Segment};
pub use write::write_json_str;

/// A value, as JSON knows them, with whole numbers kept apart from floating point ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value<'a> {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above `i64::MAX`.
    UInt(u64),
    /// A floating point number; never NaN or infinite when it comes from JSON, `null` when written if it is.
    Float(f64),
    /// A string.
    String(Cow<'a, str>),
    /// A list.
    Array(Vec<Value<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// Fields by name, in the order in which they were added. Equality looks at no order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object<'a> {
    fields: Fields<'a>,
}

/// What the processors of a pipeline work on: one root object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event<'a> {
    root: Object<'a>,
}

impl<'a> Value<'a> {
    /// A string that borrows.
    pub fn str(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text))
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::UInt(_) => "integer",
            Self::Float(_) => "float",
            Self::String(_) => "string",
            Self::Array(_) => "list",
            Self::Object(_) => "object",
        }
    }

    /// The text of a scalar; `None` for null, lists and objects. Whole numbers are decimal, floats as JSON has them.
    pub fn scalar_text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::String(text) => Cow::Borrowed(text.as_ref()),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::UInt(number) => Cow::Owned(number.to_string()),
            Self::Float(_) => Cow::Owned(self.to_json()),
            Self::Null | Self::Array(_) | Self::Object(_) => return None,
        })
    }

    /// The same value, owning all its text.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::UInt(value) => Value::UInt(value),
            Self::Float(value) => Value::Float(value),
            Self::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Self::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Self::Object(object) => Value::Object(
                object
                    .fields
                    .into_pairs()
                    .into_iter()
                    .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                    .collect(),
            ),
        }
    }

    /// The value as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The text of a scalar, JSON for anything else (`null` for null).
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scalar_text() {
            Some(text) => f.write_str(&text),
            None => f.write_str(&self.to_json()),
        }
    }
}

impl<'a> Object<'a> {
    /// Makes an empty object.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty object with room for `fields` fields.
    pub fn with_capacity(fields: usize) -> Self {
        Self { fields: Fields::with_capacity(fields) }
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// True if there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.len() == 0
    }

    /// The field of exactly this name; dots mean nothing here.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.fields.get(name)
    }

    /// The field of exactly this name.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value<'a>> {
        self.fields.get_mut(name)
    }

    /// True if there is a field of exactly this name.
    pub fn contains(&self, name: &str) -> bool {
        self.fields.get(name).is_some()
    }

    /// Sets a field and gives back what it was. A field that was there keeps its place.
    pub fn insert(&mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) -> Option<Value<'a>> {
        self.fields.insert(name.into(), value)
    }

    /// Takes a field out; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<Value<'a>> {
        self.fields.remove(name)
    }

    /// Keeps the fields that `keep` says yes to, in order.
    pub fn retain(&mut self, keep: impl FnMut(&str, &mut Value<'a>) -> bool) {
        self.fields.retain(keep);
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.fields.iter()
    }
}

impl<'a> Event<'a> {
    /// Makes an event without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The root object.
    pub fn root(&self) -> &Object<'a> {
        &self.root
    }

    /// The root object.
    pub fn root_mut(&mut self) -> &mut Object<'a> {
        &mut self.root
    }

    /// The root object itself.
    pub fn into_root(self) -> Object<'a> {
        self.root
    }

    /// The value at `path`, if there is one (it may be null).
    pub fn get(&self, path: &Path) -> Option<&Value<'a>> {
        path.get(&self.root)
    }

    /// Appends to the list `tags` what is not in it yet. No `tags`, or null: a list is made; a scalar or an object
    /// becomes the list's first item.
    pub fn add_tag(&mut self, tag: &'a str) {
        match self.root.get_mut("tags") {
            None => {
                self.root.insert("tags", Value::Array(vec![Value::str(tag)]));
            }
            Some(Value::Array(tags)) => {
                if tags.iter().all(|known| known.as_str() != Some(tag)) {
                    tags.push(Value::str(tag));
                }
            }
            Some(slot @ Value::Null) => *slot = Value::Array(vec![Value::str(tag)]),
            Some(other) => {
                if other.as_str() != Some(tag) {
                    let first = std::mem::take(other);
                    *other = Value::Array(vec![first, Value::str(tag)]);
                }
            }
        }
    }
}

impl<'a> From<Object<'a>> for Event<'a> {
    fn from(root: Object<'a>) -> Self {
        Self { root }
    }
}

/// The fields in order.
impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Value<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.into_pairs().into_iter()
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Object<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(fields: I) -> Self {
        let fields = fields.into_iter();
        let mut object = Self::with_capacity(fields.size_hint().0);
        for (name, value) in fields {
            object.insert(name, value);
        }
        object
    }
}

#[cfg(test)]
mod tests;
