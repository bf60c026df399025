//! What became of a text.

use std::fmt;

use super::matcher::Slot;
use super::options::{Dialect, Options};
use super::value::{Type, Value};
use super::{Expression, Field, Home};

/// What became of a text.
#[derive(Debug)]
pub enum Outcome<'m, 't> {
    /// An expression matched.
    Match(Match<'m, 't>),
    /// None did.
    NoMatch,
    /// The engine used up its budget of steps or memory for this text; whether there is a match is not known.
    Exhausted {
        /// With which expression.
        expression: usize,
    },
    /// The engine failed; whether there is a match is not known.
    Failed {
        /// With which expression.
        expression: usize,
        /// In its words.
        what: String,
    },
}

/// A match.
#[derive(Clone, Copy)]
pub struct Match<'m, 't> {
    pub(super) index: usize,
    pub(super) text: &'t str,
    pub(super) expression: &'m Expression,
    /// The whole match, then the groups.
    pub(super) slots: &'m [Slot],
    pub(super) options: Options,
}

/// One capture.
#[derive(Debug, Clone, Copy)]
pub struct Capture<'m, 't> {
    /// Its number among the expression's fields.
    pub number: usize,
    /// Its field.
    pub field: &'m Field,
    /// What was captured.
    pub text: &'t str,
    /// Where it begins in the text, in bytes.
    pub start: usize,
}

/// A capture that its type can't take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unparsable {
    /// The field's name.
    pub field: String,
    /// What it was to become.
    pub kind: Type,
    /// What was captured.
    pub text: String,
}

impl<'m, 't> Match<'m, 't> {
    /// Which expression matched.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Where the match begins and ends, in bytes.
    pub fn span(&self) -> (usize, usize) {
        let whole = self.slots.first().copied().unwrap_or_default();
        // `\K` in a look-ahead puts the beginning behind the end.
        (whole.start.min(whole.end) as usize, whole.end as usize)
    }

    /// What was captured, in the order of the groups. Groups that took no part are left out, and so are empty ones unless
    /// they are to be kept.
    pub fn captures(&self) -> impl Iterator<Item = Capture<'m, 't>> + use<'m, 't> {
        let (text, keep) = (self.text, self.options.keep_empty_captures);
        let (slots, fields) = (self.slots, &self.expression.fields);
        self.expression.matcher.fields().iter().enumerate().filter_map(move |(number, slot)| {
            let slot = slots[(*slot)?];
            let captured = slot.of(text).filter(|captured| !captured.is_empty() || keep)?;
            Some(Capture { number, field: &fields[number], text: captured, start: slot.start as usize })
        })
    }

    /// The fields and their values, each once, in the order of the groups. The number is that of the first group of the
    /// same path. Takes memory for lists alone.
    ///
    /// # Errors
    /// A capture is no number of its type; that is known before there is a value.
    pub fn values(&self) -> Result<impl Iterator<Item = (usize, Value<'t>)> + use<'m, 't>, Unparsable> {
        let (found, expression, dialect) = (*self, self.expression, self.options.dialect);
        let value = move |number: usize| expression.fields[number].kind.convert(found.text_of(number)?, dialect);
        // What is to be converted is converted twice, which costs less than to keep it.
        for number in &expression.typed {
            if let Some(text) = found.text_of(*number).filter(|_| value(*number).is_none()) {
                let Field { name, kind, .. } = &expression.fields[*number];
                return Err(Unparsable { field: name.clone(), kind: *kind, text: text.to_owned() });
            }
        }
        let count = expression.fields.len();
        Ok((0..count).filter_map(move |number| {
            let mut joined = value(number)?;
            let Home { first, alone } = expression.homes[number];
            if !alone {
                let is_same = |other: &usize| expression.homes[*other].first == first;
                // The first one that captured has them all.
                if (first..number).filter(is_same).any(|earlier| found.text_of(earlier).is_some()) {
                    return None;
                }
                let later = (number + 1..count).filter(is_same);
                later.filter_map(value).for_each(|other| join(&mut joined, other, dialect));
            }
            Some((first, joined))
        }))
    }

    /// What a group captured, as [`Match::captures`] gives it.
    fn text_of(&self, number: usize) -> Option<&'t str> {
        let slot = self.slots[self.expression.matcher.fields()[number]?];
        slot.of(self.text).filter(|captured| !captured.is_empty() || self.options.keep_empty_captures)
    }
}

/// Adds what a field captured once more.
fn join<'t>(known: &mut Value<'t>, value: Value<'t>, dialect: Dialect) {
    match known {
        Value::List(values) => values.push(value),
        // Logstash adds to strings and lists only.
        Value::Int(_) | Value::Float(_) | Value::Bool(_) if dialect == Dialect::Logstash => {}
        first => {
            let values = vec![std::mem::replace(first, Value::Bool(false)), value];
            *first = Value::List(values);
        }
    }
}

impl fmt::Debug for Match<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let captures = self.captures().map(|capture| (&capture.field.name, capture.text));
        write!(f, "{} at {:?}: ", self.index, self.span())?;
        f.debug_map().entries(captures).finish()
    }
}

impl fmt::Display for Unparsable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Type::String => "string",
            Type::Int => "int",
            Type::Long => "long",
            Type::Float => "float",
            Type::Double => "double",
            Type::Boolean => "boolean",
        };
        write!(f, "the capture of field [{}] is no {kind}", self.field)
    }
}
