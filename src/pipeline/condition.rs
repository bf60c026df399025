//! Conditions: the part of Painless that people's `if` uses most, compiled to a small tree.
//!
//! | | |
//! |---|---|
//! | fields | `ctx.a.b`, `ctx?.a?.b`, `ctx['a']['b.c']`, `ctx.list[0]` |
//! | literals | `'x'`, `"x"`, `1`, `-1.5`, `200L`, `true`, `false`, `null`, `['a', 'b']` |
//! | comparing | `==` `!=` `<` `<=` `>` `>=` |
//! | joining | `&&` `\|\|` `!` and parentheses |
//! | asking | `x.contains(y)` on strings and lists, `x.startsWith('y')`, `x.endsWith('y')` |
//!
//! More lenient than Painless, where it would fail: a field that is missing is null wherever it stands, `?.` or not;
//! `<` and the like, and methods, on what they do not fit are false, never an error. Where Painless gives an answer,
//! it is the same: null equals null only, so `ctx.x != 'a'` holds for an event without `x`. Whole numbers and floats
//! compare by value; a number never equals a string. A field alone holds if it is `true`.

mod parse;

use std::cmp::Ordering;

use crate::event::{Event, Path, Value};

/// A compiled condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    root: Expr,
}

/// Why a condition can't be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConditionError {
    /// The character at which it was noticed, from 0.
    pub at: usize,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub hint: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Expr {
    Any(Vec<Expr>),
    All(Vec<Expr>),
    Not(Box<Expr>),
    Equal { left: Operand, right: Operand, negated: bool },
    Order { left: Operand, right: Operand, orders: &'static [Ordering] },
    Ask { of: Operand, method: Method, what: Operand },
    True(Operand),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Field(Path),
    Literal(Value<'static>),
}

const NULL: &Value<'static> = &Value::Null;

impl Condition {
    /// Compiles a condition.
    pub(crate) fn compile(text: &str) -> Result<Self, ConditionError> {
        parse::parse(text).map(|root| Self { root })
    }

    /// Whether it holds for an event.
    pub(crate) fn holds(&self, event: &Event<'_>) -> bool {
        self.root.holds(event)
    }

    /// Shows every field that is looked at.
    pub(crate) fn paths(&self, show: &mut dyn FnMut(&Path)) {
        self.root.paths(show);
    }
}

impl Expr {
    fn holds(&self, event: &Event<'_>) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(event)),
            Self::All(parts) => parts.iter().all(|part| part.holds(event)),
            Self::Not(part) => !part.holds(event),
            Self::Equal { left, right, negated } => equal(left.value(event), right.value(event)) != *negated,
            Self::Order { left, right, orders } => {
                order(left.value(event), right.value(event)).is_some_and(|order| orders.contains(&order))
            }
            Self::Ask { of, method, what } => ask(of.value(event), *method, what.value(event)),
            Self::True(operand) => *operand.value(event) == Value::Bool(true),
        }
    }

    fn paths(&self, show: &mut dyn FnMut(&Path)) {
        let mut operand = |operand: &Operand| match operand {
            Operand::Field(path) => show(path),
            Operand::Literal(_) => {}
        };
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().for_each(|part| part.paths(show)),
            Self::Not(part) => part.paths(show),
            Self::Equal { left, right, .. } | Self::Order { left, right, .. } => {
                operand(left);
                operand(right);
            }
            Self::Ask { of, what, .. } => {
                operand(of);
                operand(what);
            }
            Self::True(of) => operand(of),
        }
    }
}

impl Operand {
    fn value<'e, 'a>(&'e self, event: &'e Event<'a>) -> &'e Value<'a> {
        match self {
            Self::Field(path) => event.get(path).unwrap_or(NULL),
            Self::Literal(value) => value,
        }
    }
}

fn equal(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Int(_) | Value::UInt(_) | Value::Float(_), Value::Int(_) | Value::UInt(_) | Value::Float(_)) => {
            order(left, right) == Some(Ordering::Equal)
        }
        _ => left == right,
    }
}

fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    let whole = |value: &Value<'_>| match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::UInt(number) => Some(i128::from(*number)),
        _ => None,
    };
    let float = |value: &Value<'_>| match value {
        Value::Int(number) => Some(*number as f64),
        Value::UInt(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => float(left)?.partial_cmp(&float(right)?),
    }
}

fn ask(of: &Value<'_>, method: Method, what: &Value<'_>) -> bool {
    match (of, what) {
        (Value::String(text), Value::String(part)) => match method {
            Method::Contains => memchr::memmem::find(text.as_bytes(), part.as_bytes()).is_some(),
            Method::StartsWith => text.starts_with(part.as_ref()),
            Method::EndsWith => text.ends_with(part.as_ref()),
        },
        (Value::Array(items), _) if method == Method::Contains => items.iter().any(|item| equal(item, what)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
