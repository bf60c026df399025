//! Conditions: the part of Painless that people's `if` uses, compiled to a tree.
//!
//! | | |
//! |---|---|
//! | fields | `ctx.a.b`, `ctx?.a?.b`, `ctx['a']['b.c']`, `ctx.list[0]`, `ctx.list.length` |
//! | literals | `'x'`, `"x"`, `1`, `-1.5`, `200L`, `true`, `false`, `null`, `['a', ctx.b]`, `/regex/i` |
//! | comparing | `==` `!=` `<` `<=` `>` `>=`, `=~` (found in) and `==~` (matches whole), `instanceof` |
//! | joining | `&&` `\|\|` `!`, `a ? b : c`, `a ?: b`, parentheses |
//! | computing | `+` `-` `*` `/` `%`, casts such as `(int) x` |
//! | asking | methods of strings, lists, objects and numbers: the table in `method.rs` |
//!
//! More lenient than Painless, where it would fail: a field that is missing is null wherever it stands, `?.` or not;
//! `<` and the like are false on what they do not fit, methods give null there (those that ask, false): never an error.
//! Where Painless gives an answer, it is the same: null equals null only, so `ctx.x != 'a'` holds for an event without
//! `x`. Whole numbers and floats compare by value; a number never equals a string. A value holds if it is `true`.

mod compute;
mod method;
mod parse;
mod tokens;

use std::borrow::Cow;
use std::cmp::Ordering;

use compute::{Kind, Operator};
use method::Method;

use crate::event::{Event, Path, Value};
use crate::pipeline::regex::Regex;

/// A compiled condition.
#[derive(Debug)]
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

#[derive(Debug)]
enum Expr {
    Literal(Value<'static>),
    Field(Path),
    /// `ctx.a.length`: a field of that name, else the length of the list `a`.
    Length {
        field: Path,
        list: Path,
    },
    /// `ctx.containsKey(…)`
    Has(Box<Expr>),
    Member {
        of: Box<Expr>,
        name: String,
    },
    Index {
        of: Box<Expr>,
        at: Box<Expr>,
    },
    List(Vec<Expr>),
    Any(Vec<Expr>),
    All(Vec<Expr>),
    Not(Box<Expr>),
    Equal {
        left: Box<Expr>,
        right: Box<Expr>,
        negated: bool,
    },
    Order {
        left: Box<Expr>,
        right: Box<Expr>,
        orders: &'static [Ordering],
    },
    Is {
        of: Box<Expr>,
        kind: Kind,
    },
    Matches {
        of: Box<Expr>,
        regex: Box<Regex>,
    },
    Call {
        of: Box<Expr>,
        method: Method,
        arguments: Vec<Expr>,
    },
    Choose {
        test: Box<Expr>,
        yes: Box<Expr>,
        no: Box<Expr>,
    },
    Else {
        of: Box<Expr>,
        other: Box<Expr>,
    },
    Compute {
        operator: Operator,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Cast {
        of: Box<Expr>,
        to: Kind,
    },
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
            Self::Equal { left, right, negated } => compute::equal(&left.value(event), &right.value(event)) != *negated,
            Self::Order { left, right, orders } => {
                compute::order(&left.value(event), &right.value(event)).is_some_and(|order| orders.contains(&order))
            }
            Self::Has(name) => name.value(event).as_str().is_some_and(|name| event.root().contains(name)),
            Self::Is { of, kind } => kind.fits(&of.value(event)),
            Self::Matches { of, regex } => {
                of.value(event).as_str().is_some_and(|text| regex.is_match(text) == Ok(true))
            }
            Self::Choose { test, yes, no } => (if test.holds(event) { yes } else { no }).holds(event),
            _ => *self.value(event) == Value::Bool(true),
        }
    }

    /// The value for an event; what is taken from it is borrowed.
    fn value<'e>(&'e self, event: &'e Event<'e>) -> Cow<'e, Value<'e>> {
        match self {
            Self::Literal(value) => Cow::Borrowed(value),
            Self::Field(path) => Cow::Borrowed(event.get(path).unwrap_or(NULL)),
            Self::Length { field, list } => match (event.get(field), event.get(list)) {
                (None, Some(Value::Array(items))) => Cow::Owned(Value::Int(items.len() as i64)),
                (value, _) => Cow::Borrowed(value.unwrap_or(NULL)),
            },
            Self::Member { of, name } => method::member(of.value(event), name),
            Self::Index { of, at } => method::item(of.value(event), &at.value(event)),
            Self::List(items) => {
                Cow::Owned(Value::Array(items.iter().map(|item| item.value(event).into_owned()).collect()))
            }
            Self::Call { of, method, arguments } => match arguments.as_slice() {
                [] => method.call(of.value(event), &[]),
                [one] => method.call(of.value(event), &[one.value(event)]),
                [one, two, ..] => method.call(of.value(event), &[one.value(event), two.value(event)]),
            },
            Self::Choose { test, yes, no } => (if test.holds(event) { yes } else { no }).value(event),
            Self::Else { of, other } => match of.value(event) {
                value if *value == Value::Null => other.value(event),
                value => value,
            },
            Self::Compute { operator, left, right } => {
                Cow::Owned(operator.compute(&left.value(event), &right.value(event)))
            }
            Self::Cast { of, to } => to.cast(of.value(event)),
            Self::Any(_)
            | Self::All(_)
            | Self::Not(_)
            | Self::Equal { .. }
            | Self::Order { .. }
            | Self::Has(_)
            | Self::Is { .. }
            | Self::Matches { .. } => Cow::Owned(Value::Bool(self.holds(event))),
        }
    }

    fn paths(&self, show: &mut dyn FnMut(&Path)) {
        match self {
            Self::Literal(_) => {}
            Self::Field(path) => show(path),
            Self::Length { field, list } => {
                show(field);
                show(list);
            }
            Self::List(parts) | Self::Any(parts) | Self::All(parts) => parts.iter().for_each(|part| part.paths(show)),
            Self::Has(name) => {
                if let Self::Literal(Value::String(name)) = name.as_ref()
                    && let Ok(path) = Path::from_segments([name.as_ref()])
                {
                    show(&path);
                }
                name.paths(show);
            }
            Self::Not(of)
            | Self::Member { of, .. }
            | Self::Is { of, .. }
            | Self::Matches { of, .. }
            | Self::Cast { of, .. } => of.paths(show),
            Self::Index { of: one, at: two }
            | Self::Equal { left: one, right: two, .. }
            | Self::Order { left: one, right: two, .. }
            | Self::Else { of: one, other: two }
            | Self::Compute { left: one, right: two, .. } => {
                one.paths(show);
                two.paths(show);
            }
            Self::Call { of, arguments, .. } => {
                of.paths(show);
                arguments.iter().for_each(|argument| argument.paths(show));
            }
            Self::Choose { test, yes, no } => [test, yes, no].into_iter().for_each(|part| part.paths(show)),
        }
    }
}

#[cfg(test)]
mod tests;
