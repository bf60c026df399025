//! The processors, one file each. A new one is a file and a line in [`PROCESSORS`].
//!
//! Common to all: `if`, `tag`, `description`, `ignore_failure`, `on_failure`.

mod append;
mod convert;
mod date;
mod drop;
mod grok;
mod remove;
mod rename;
mod set;

use std::borrow::Cow;

use super::compile::Compiler;
use super::step::{Process, Work};
use crate::event::{Path, Value};
use crate::yaml::Fields;

/// A processor's name, and what makes one of its options.
pub(crate) struct Known {
    pub name: &'static str,
    pub compile: fn(&Fields<'_, '_>, &Compiler<'_>) -> Option<Box<dyn Process>>,
}

/// Every processor there is.
pub(crate) const PROCESSORS: &[Known] = &[
    Known { name: "append", compile: append::compile },
    Known { name: "convert", compile: convert::compile },
    Known { name: "date", compile: date::compile },
    Known { name: "drop", compile: drop::compile },
    Known { name: "grok", compile: grok::compile },
    Known { name: "remove", compile: remove::compile },
    Known { name: "rename", compile: rename::compile },
    Known { name: "set", compile: set::compile },
];

/// The value of a field; its absence is the error.
fn field<'e, 'a>(work: &'e Work<'a>, path: &Path) -> Result<&'e Value<'a>, String> {
    work.event.get(path).ok_or_else(|| path.why_missing(work.event.root()).to_string())
}

/// Sets a field.
fn set<'a>(work: &mut Work<'a>, path: &'a Path, value: Value<'a>) -> Result<(), String> {
    path.set(work.event.root_mut(), value).map_err(|error| error.to_string())
}

/// A text for a message, cut to a sane length.
fn cut(text: &str) -> Cow<'_, str> {
    const LIMIT: usize = 512;
    match text.char_indices().nth(LIMIT) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}… ({} bytes)", &text[..end], text.len())),
    }
}

/// A single-precision number as the float that has the same shortest decimal form.
fn widen(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}

#[cfg(test)]
mod tests;
