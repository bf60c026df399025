//! The methods that conditions can call, on values of any kind; on what they do not fit they give null, or false where
//! they ask.

use std::borrow::Cow;

use super::NULL;
use super::compute::{equal, float, order};
use crate::event::Value;

type Val<'e> = Cow<'e, Value<'e>>;

/// A method that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Contains,
    ContainsKey,
    ContainsValue,
    StartsWith,
    EndsWith,
    Equals,
    EqualsIgnoreCase,
    IsEmpty,
    Length,
    Size,
    ToLowerCase,
    ToUpperCase,
    Trim,
    ToString,
    IndexOf,
    LastIndexOf,
    Substring,
    Replace,
    Get,
    GetOrDefault,
    KeySet,
    Values,
    CompareTo,
    IntValue,
    DoubleValue,
    ParseWhole,
    ParseFloat,
    Abs,
}

/// A method's name, and the least and most arguments that it takes.
pub(super) struct Known {
    pub name: &'static str,
    pub method: Method,
    pub arguments: (usize, usize),
}

const fn known(name: &'static str, method: Method, least: usize, most: usize) -> Known {
    Known { name, method, arguments: (least, most) }
}

/// The methods of values.
pub(super) const METHODS: &[Known] = &[
    known("contains", Method::Contains, 1, 1),
    known("containsKey", Method::ContainsKey, 1, 1),
    known("containsValue", Method::ContainsValue, 1, 1),
    known("startsWith", Method::StartsWith, 1, 1),
    known("endsWith", Method::EndsWith, 1, 1),
    known("equals", Method::Equals, 1, 1),
    known("equalsIgnoreCase", Method::EqualsIgnoreCase, 1, 1),
    known("isEmpty", Method::IsEmpty, 0, 0),
    known("length", Method::Length, 0, 0),
    known("size", Method::Size, 0, 0),
    known("toLowerCase", Method::ToLowerCase, 0, 0),
    known("toUpperCase", Method::ToUpperCase, 0, 0),
    known("trim", Method::Trim, 0, 0),
    known("toString", Method::ToString, 0, 0),
    known("indexOf", Method::IndexOf, 1, 1),
    known("lastIndexOf", Method::LastIndexOf, 1, 1),
    known("substring", Method::Substring, 1, 2),
    known("replace", Method::Replace, 2, 2),
    known("get", Method::Get, 1, 1),
    known("getOrDefault", Method::GetOrDefault, 2, 2),
    known("keySet", Method::KeySet, 0, 0),
    known("values", Method::Values, 0, 0),
    known("compareTo", Method::CompareTo, 1, 1),
    known("intValue", Method::IntValue, 0, 0),
    known("longValue", Method::IntValue, 0, 0),
    known("doubleValue", Method::DoubleValue, 0, 0),
];

/// The functions of classes; their argument takes the place of the value.
pub(super) const FUNCTIONS: &[Known] = &[
    known("String.valueOf", Method::ToString, 1, 1),
    known("Integer.parseInt", Method::ParseWhole, 1, 1),
    known("Long.parseLong", Method::ParseWhole, 1, 1),
    known("Double.parseDouble", Method::ParseFloat, 1, 1),
    known("Float.parseFloat", Method::ParseFloat, 1, 1),
    known("Math.abs", Method::Abs, 1, 1),
];

fn owned<'e>(value: Value<'e>) -> Val<'e> {
    Cow::Owned(value)
}

fn text<'e>(text: String) -> Val<'e> {
    Cow::Owned(Value::String(Cow::Owned(text)))
}

/// Lengths and places count UTF-16 units, as in Java.
fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

fn whole(number: Option<usize>) -> Value<'static> {
    Value::Int(number.map_or(-1, |number| number as i64))
}

impl Method {
    /// Calls the method; there are as many arguments as it takes.
    pub(super) fn call<'e>(self, of: Val<'e>, arguments: &[Val<'e>]) -> Val<'e> {
        let argument = || arguments.first().map_or(NULL, |value| value.as_ref());
        let asked = match self {
            Self::Contains => match (of.as_ref(), argument()) {
                (Value::String(text), Value::String(part)) => {
                    memchr::memmem::find(text.as_bytes(), part.as_bytes()).is_some()
                }
                (Value::Array(items), what) => items.iter().any(|item| equal(item, what)),
                _ => false,
            },
            Self::StartsWith => texts(&of, argument()).is_some_and(|(text, part)| text.starts_with(part)),
            Self::EndsWith => texts(&of, argument()).is_some_and(|(text, part)| text.ends_with(part)),
            Self::Equals => *of != Value::Null && equal(&of, argument()),
            Self::EqualsIgnoreCase => texts(&of, argument()).is_some_and(|(a, b)| {
                a.eq_ignore_ascii_case(b) || !a.is_ascii() && a.to_lowercase() == b.to_lowercase()
            }),
            Self::ContainsKey => match (of.as_ref(), argument()) {
                (Value::Object(object), Value::String(name)) => object.contains(name),
                _ => false,
            },
            Self::ContainsValue => match of.as_ref() {
                Value::Object(object) => object.iter().any(|(_, value)| equal(value, argument())),
                _ => false,
            },
            Self::IsEmpty => match of.as_ref() {
                Value::String(text) => text.is_empty(),
                Value::Array(items) => items.is_empty(),
                Value::Object(object) => object.is_empty(),
                _ => false,
            },
            _ => return self.compute(of, arguments),
        };
        owned(Value::Bool(asked))
    }

    fn compute<'e>(self, of: Val<'e>, arguments: &[Val<'e>]) -> Val<'e> {
        let argument = |index: usize| arguments.get(index).map_or(NULL, |value| value.as_ref());
        match (self, of.as_ref()) {
            (Self::ToString, Value::String(_)) => of,
            (Self::ToString, value) => text(value.to_string()),
            (Self::Length, Value::String(text)) => owned(whole(Some(length(text)))),
            (Self::Size | Self::Length, Value::Array(items)) => owned(whole(Some(items.len()))),
            (Self::Size, Value::Object(object)) => owned(whole(Some(object.len()))),
            (Self::ToLowerCase, Value::String(of)) => text(of.to_lowercase()),
            (Self::ToUpperCase, Value::String(of)) => text(of.to_uppercase()),
            (Self::Trim, Value::String(of)) => text(of.trim_matches(|c| c <= ' ').to_owned()),
            (Self::IndexOf, Value::String(text)) => owned(match argument(0).as_str() {
                Some(part) => whole(text.find(part).map(|at| length(&text[..at]))),
                None => Value::Null,
            }),
            (Self::LastIndexOf, Value::String(text)) => owned(match argument(0).as_str() {
                Some(part) => whole(text.rfind(part).map(|at| length(&text[..at]))),
                None => Value::Null,
            }),
            (Self::IndexOf, Value::Array(items)) => {
                owned(whole(items.iter().position(|item| equal(item, argument(0)))))
            }
            (Self::LastIndexOf, Value::Array(items)) => {
                owned(whole(items.iter().rposition(|item| equal(item, argument(0)))))
            }
            (Self::Substring, Value::String(of)) => substring(of, argument(0), arguments.get(1).map(Cow::as_ref)),
            (Self::Replace, Value::String(of)) => match (argument(0).as_str(), argument(1).as_str()) {
                (Some(from), Some(to)) => text(of.replace(from, to)),
                _ => owned(Value::Null),
            },
            (Self::Get, Value::Object(_) | Value::Array(_)) => item(of, argument(0)),
            (Self::GetOrDefault, Value::Object(object)) => match argument(0).as_str().map(|name| object.contains(name))
            {
                Some(true) => item(of, argument(0)),
                _ => arguments.get(1).cloned().unwrap_or(Cow::Borrowed(NULL)),
            },
            (Self::KeySet, Value::Object(object)) => {
                let names = object.iter().map(|(name, _)| Value::String(Cow::Owned(name.to_owned())));
                owned(Value::Array(names.collect()))
            }
            (Self::Values, Value::Object(object)) => {
                owned(Value::Array(object.iter().map(|(_, value)| value.clone()).collect()))
            }
            (Self::CompareTo, value) => owned(match (texts(value, argument(0)), order(value, argument(0))) {
                (Some((a, b)), _) => Value::Int(a.encode_utf16().cmp(b.encode_utf16()) as i64),
                (None, Some(order)) => Value::Int(order as i64),
                _ => Value::Null,
            }),
            (Self::IntValue, Value::Int(_)) => of,
            (Self::IntValue, Value::Float(number)) => owned(Value::Int(*number as i64)),
            (Self::DoubleValue, value) => owned(float(value).map_or(Value::Null, Value::Float)),
            (Self::ParseWhole, Value::String(text)) => owned(text.parse().map_or(Value::Null, Value::Int)),
            (Self::ParseFloat, Value::String(text)) => owned(text.trim().parse().map_or(Value::Null, Value::Float)),
            (Self::Abs, Value::Int(number)) => owned(Value::Int(number.saturating_abs())),
            (Self::Abs, Value::Float(number)) => owned(Value::Float(number.abs())),
            _ => owned(Value::Null),
        }
    }
}

fn texts<'v>(of: &'v Value<'_>, what: &'v Value<'_>) -> Option<(&'v str, &'v str)> {
    Some((of.as_str()?, what.as_str()?))
}

/// Null where the places are out of bounds, or would cut a character in two.
fn substring<'e>(of: &str, from: &Value<'_>, to: Option<&Value<'_>>) -> Val<'e> {
    let place = |value: &Value<'_>| match value {
        Value::Int(number) => {
            let wanted = usize::try_from(*number).ok()?;
            let mut units = 0;
            for (at, c) in of.char_indices() {
                if units >= wanted {
                    return (units == wanted).then_some(at);
                }
                units += c.len_utf16();
            }
            (units == wanted).then_some(of.len())
        }
        _ => None,
    };
    let end = to.map_or(Some(of.len()), place);
    match (place(from), end) {
        (Some(from), Some(to)) if from <= to => text(of[from..to].to_owned()),
        _ => owned(Value::Null),
    }
}

/// A field of an object, or `length` of a list.
pub(super) fn member<'e>(of: Val<'e>, name: &str) -> Val<'e> {
    match of {
        Cow::Borrowed(Value::Object(object)) => Cow::Borrowed(object.get(name).unwrap_or(NULL)),
        Cow::Owned(Value::Object(mut object)) => owned(object.remove(name).unwrap_or_default()),
        other => match other.as_ref() {
            Value::Array(items) if name == "length" => owned(whole(Some(items.len()))),
            _ => owned(Value::Null),
        },
    }
}

/// An item of a list, from the end if negative, or a field of an object.
pub(super) fn item<'e>(of: Val<'e>, at: &Value<'_>) -> Val<'e> {
    match (at, of.as_ref()) {
        (Value::String(name), Value::Object(_)) => member(of, name),
        (Value::Int(index), Value::Array(items)) => {
            let index = if *index < 0 { *index + items.len() as i64 } else { *index };
            let Ok(index) = usize::try_from(index) else { return owned(Value::Null) };
            match of {
                Cow::Borrowed(Value::Array(items)) => Cow::Borrowed(items.get(index).unwrap_or(NULL)),
                other => match other.into_owned() {
                    Value::Array(mut items) if index < items.len() => owned(items.swap_remove(index)),
                    _ => owned(Value::Null),
                },
            }
        }
        _ => owned(Value::Null),
    }
}
