//! What became of a text.

use std::fmt;

use super::matcher::Slot;
use super::options::{Dialect, Options};
use super::value::{Type, Value};
use super::{Expression, Field, Group};

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
        let (captured, slots, fields) = (self.captured(), self.slots, &self.expression.fields);
        self.expression.groups.iter().zip(fields).enumerate().filter_map(move |(number, (group, field))| {
            let text = captured.by(group)?;
            Some(Capture { number, field, text, start: slots[group.slot].start as usize })
        })
    }

    /// The fields and their values, each once, in the order of the groups. The number is that of the first group of the
    /// same path. Nothing is allocated but the lists of what was captured several times.
    ///
    /// # Errors
    /// A capture is no number of its type.
    #[inline(always)]
    pub fn values(&self) -> Result<Values<'_, 'm, 't>, Unparsable> {
        match (!self.expression.may_fail.is_empty()).then(|| self.unparsable()).flatten() {
            Some(unparsable) => Err(unparsable),
            None => Ok(Values { of: self, left: self.expression.groups.iter(), number: 0 }),
        }
    }

    /// The first capture that its type can't take.
    #[inline(never)]
    fn unparsable(&self) -> Option<Unparsable> {
        let captured = self.captured();
        self.expression.may_fail.iter().find_map(|&number| {
            let group = &self.expression.groups[number];
            let text = captured.by(group)?;
            let fails = group.kind.convert(text, self.options.dialect).is_none();
            let field = || self.expression.fields[number].name.clone();
            fails.then(|| Unparsable { field: field(), kind: group.kind, text: text.to_owned() })
        })
    }

    fn captured(&self) -> Captured<'m, 't> {
        Captured { text: self.text, slots: self.slots, keep_empty: self.options.keep_empty_captures }
    }
}

/// What the groups of a match captured.
#[derive(Debug, Clone, Copy)]
struct Captured<'m, 't> {
    text: &'t str,
    slots: &'m [Slot],
    keep_empty: bool,
}

impl<'t> Captured<'_, 't> {
    /// What a group captured, if it took part and that counts.
    #[inline(always)]
    fn by(&self, group: &Group) -> Option<&'t str> {
        let text = self.slots.get(group.slot)?.of(self.text)?;
        (!text.is_empty() || self.keep_empty).then_some(text)
    }
}

/// The fields of a match and their values; see [`Match::values`].
#[derive(Debug, Clone)]
pub struct Values<'a, 'm, 't> {
    of: &'a Match<'m, 't>,
    left: std::slice::Iter<'m, Group>,
    /// That of the next group.
    number: usize,
}

// What a field costs is the loop of whoever asks; with a loop within, such as that of `for_each`, less is moved about.
impl<'t> Iterator for Values<'_, '_, 't> {
    type Item = (usize, Value<'t>);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, Value<'t>)> {
        let Values { of, left, number } = self;
        let captured = of.captured();
        left.find_map(|group| {
            *number += 1;
            of.value(captured, *number - 1, group)
        })
    }

    #[inline(always)]
    fn fold<B, F: FnMut(B, (usize, Value<'t>)) -> B>(self, init: B, mut with: F) -> B {
        let Values { of, left, number } = self;
        let captured = of.captured();
        let mut so_far = init;
        for (number, group) in (number..).zip(left) {
            if let Some(told) = of.value(captured, number, group) {
                so_far = with(so_far, told);
            }
        }
        so_far
    }
}

impl<'t> Match<'_, 't> {
    /// What there is of a group; nothing if it captured nothing, or if that is told with another group.
    #[inline(always)]
    fn value(&self, captured: Captured<'_, 't>, number: usize, group: &Group) -> Option<(usize, Value<'t>)> {
        let text = captured.by(group)?;
        if group.is_plain { Some((number, Value::Text(text))) } else { self.unusual(number, group, text) }
    }

    /// The same, of one that has a type, or is not the only one of its field.
    #[inline(never)]
    fn unusual(&self, number: usize, group: &Group, text: &'t str) -> Option<(usize, Value<'t>)> {
        if group.repeated {
            return self.joined(number, text);
        }
        Some((number, group.kind.convert(text, self.options.dialect)?))
    }

    /// The value of a field that has several groups, of which one captured this text; none if that was told with another.
    fn joined(&self, number: usize, text: &'t str) -> Option<(usize, Value<'t>)> {
        let (all, dialect) = (self.captured(), self.options.dialect);
        let (before, others) = self.expression.groups.split_at(number);
        let (group, after) = others.split_first()?;
        let captured = |other: &Group| all.by(other).filter(|_| other.first == group.first);
        if before.iter().any(|other| captured(other).is_some()) {
            return None;
        }
        let mut value = group.kind.convert(text, dialect)?;
        for other in after {
            let Some(text) = captured(other) else { continue };
            join(&mut value, other.kind.convert(text, dialect)?, dialect);
        }
        Some((group.first, value))
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
