//! Comparing, computing and types of values, as Java has them.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::event::Value;

/// `+ - * / %`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    /// Whole numbers stay whole where they can (64 bits); `+` joins texts; null where there is no answer.
    pub(super) fn compute(self, left: &Value<'_>, right: &Value<'_>) -> Value<'static> {
        if self == Self::Add && (left.as_str().is_some() || right.as_str().is_some()) {
            return Value::String(Cow::Owned(format!("{left}{right}")));
        }
        if let (Value::Int(left), Value::Int(right)) = (left, right) {
            let whole = match self {
                Self::Add => left.checked_add(*right),
                Self::Subtract => left.checked_sub(*right),
                Self::Multiply => left.checked_mul(*right),
                Self::Divide => left.checked_div(*right),
                Self::Remainder => left.checked_rem(*right),
            };
            return whole.map_or(Value::Null, Value::Int);
        }
        let (Some(left), Some(right)) = (float(left), float(right)) else { return Value::Null };
        Value::Float(match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Remainder => left % right,
        })
    }
}

/// What `instanceof` and casts name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Map,
    List,
    String,
    /// A whole number of 32 bits.
    Integer,
    /// Any whole number: a text does not tell which of the two Java would have.
    Long,
    Float,
    Number,
    Boolean,
}

const KINDS: &[(&str, Kind)] = &[
    ("Object", Kind::Object),
    ("def", Kind::Object),
    ("Map", Kind::Map),
    ("HashMap", Kind::Map),
    ("LinkedHashMap", Kind::Map),
    ("AbstractMap", Kind::Map),
    ("List", Kind::List),
    ("ArrayList", Kind::List),
    ("AbstractList", Kind::List),
    ("Collection", Kind::List),
    ("Iterable", Kind::List),
    ("String", Kind::String),
    ("CharSequence", Kind::String),
    ("Integer", Kind::Integer),
    ("int", Kind::Integer),
    ("Long", Kind::Long),
    ("long", Kind::Long),
    ("Float", Kind::Float),
    ("float", Kind::Float),
    ("Double", Kind::Float),
    ("double", Kind::Float),
    ("Number", Kind::Number),
    ("Boolean", Kind::Boolean),
    ("boolean", Kind::Boolean),
];

impl Kind {
    /// The type of that name, if it is known.
    pub(super) fn named(name: &str) -> Option<Self> {
        KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// Whether a value is of the type; null is of none.
    pub(super) fn fits(self, value: &Value<'_>) -> bool {
        match self {
            Self::Object => *value != Value::Null,
            Self::Map => matches!(value, Value::Object(_)),
            Self::List => matches!(value, Value::Array(_)),
            Self::String => matches!(value, Value::String(_)),
            Self::Integer => matches!(value, Value::Int(number) if i32::try_from(*number).is_ok()),
            Self::Long => matches!(value, Value::Int(_) | Value::UInt(_)),
            Self::Float => matches!(value, Value::Float(_)),
            Self::Number => matches!(value, Value::Int(_) | Value::UInt(_) | Value::Float(_)),
            Self::Boolean => matches!(value, Value::Bool(_)),
        }
    }

    /// The value as that type; null where Java would fail.
    pub(super) fn cast<'e>(self, value: Cow<'e, Value<'e>>) -> Cow<'e, Value<'e>> {
        match (self, value.as_ref()) {
            (Self::Integer | Self::Long, Value::Float(number)) => Cow::Owned(Value::Int(*number as i64)),
            (Self::Float, Value::Int(number)) => Cow::Owned(Value::Float(*number as f64)),
            (kind, inner) if kind.fits(inner) || kind == Self::Integer && Self::Long.fits(inner) => value,
            _ => Cow::Owned(Value::Null),
        }
    }
}

/// Equal as Painless's `==` has it.
pub(super) fn equal(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left == right,
        (Value::Int(_) | Value::UInt(_) | Value::Float(_), Value::Int(_) | Value::UInt(_) | Value::Float(_)) => {
            order(left, right) == Some(Ordering::Equal)
        }
        _ => left == right,
    }
}

/// The order of two numbers.
pub(super) fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    let whole = |value: &Value<'_>| match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::UInt(number) => Some(i128::from(*number)),
        _ => None,
    };
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => float(left)?.partial_cmp(&float(right)?),
    }
}

/// A number as a float.
pub(super) fn float(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::UInt(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}
