//! The processors, one file each. A new one is a file and a line in [`PROCESSORS`].
//!
//! Common to all: `if`, `tag`, `description`, `ignore_failure`, `on_failure`.

mod append;
mod bytes;
mod convert;
mod csv;
mod date;
mod dissect;
mod dot_expander;
mod drop;
mod fail;
mod foreach;
mod grok;
mod gsub;
mod join;
mod json;
mod kv;
mod lowercase;
mod pipeline;
mod remove;
mod rename;
mod set;
mod sort;
mod split;
mod texts;
mod trim;
mod uppercase;
mod uri_parts;
mod urldecode;

use std::borrow::Cow;

use super::compile::Compiler;
use super::regex::Regex;
use super::step::{Process, Work};
use crate::event::{Path, Value};
use crate::yaml::{Fields, Spanned};

/// A processor's name, and what makes one of its options.
pub(crate) struct Known {
    pub name: &'static str,
    pub compile: fn(&Fields<'_, '_>, &Compiler<'_>) -> Option<Box<dyn Process>>,
}

/// Every processor there is.
pub(crate) const PROCESSORS: &[Known] = &[
    Known { name: "append", compile: append::compile },
    Known { name: "bytes", compile: bytes::compile },
    Known { name: "convert", compile: convert::compile },
    Known { name: "csv", compile: csv::compile },
    Known { name: "date", compile: date::compile },
    Known { name: "dissect", compile: dissect::compile },
    Known { name: "dot_expander", compile: dot_expander::compile },
    Known { name: "drop", compile: drop::compile },
    Known { name: "fail", compile: fail::compile },
    Known { name: "foreach", compile: foreach::compile },
    Known { name: "grok", compile: grok::compile },
    Known { name: "gsub", compile: gsub::compile },
    Known { name: "join", compile: join::compile },
    Known { name: "json", compile: json::compile },
    Known { name: "kv", compile: kv::compile },
    Known { name: "lowercase", compile: lowercase::compile },
    Known { name: "pipeline", compile: pipeline::compile },
    Known { name: "remove", compile: remove::compile },
    Known { name: "rename", compile: rename::compile },
    Known { name: "set", compile: set::compile },
    Known { name: "sort", compile: sort::compile },
    Known { name: "split", compile: split::compile },
    Known { name: "trim", compile: trim::compile },
    Known { name: "uppercase", compile: uppercase::compile },
    Known { name: "uri_parts", compile: uri_parts::compile },
    Known { name: "urldecode", compile: urldecode::compile },
];

/// Reads `field` and `target_field`. Without a target the field itself is written.
fn from_to(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<(Path, Option<Path>)> {
    let target = fields.string("target_field");
    let field = fields.required_string("field").and_then(|text| match target {
        Some(_) => cx.read_path(text),
        None => cx.write_path(text),
    });
    match target {
        Some(text) => {
            let target = cx.write_path(text);
            Some((field?, Some(target?)))
        }
        None => Some((field?, None)),
    }
}

/// Compiles a regular expression.
fn regex(text: Spanned<&str>, cx: &Compiler<'_>) -> Option<Regex> {
    match Regex::compile(text.value) {
        Ok(regex) => Some(regex),
        Err(error) => {
            cx.problems.add(text.place, format!("{:?} is no regular expression: {error}", text.value));
            None
        }
    }
}

/// The text of a field; nothing where it is absent or null and that is all right. `why` ends the message of a null.
fn text<'e, 'a>(
    work: &'e Work<'a>,
    path: &Path,
    ignore_missing: bool,
    why: &str,
) -> Result<Option<&'e Cow<'a, str>>, String> {
    match work.event.get(path) {
        Some(Value::String(text)) => Ok(Some(text)),
        None | Some(Value::Null) if ignore_missing => Ok(None),
        None => Err(path.why_missing(work.event.root()).to_string()),
        Some(Value::Null) => Err(format!("field [{path}] is null, {why}")),
        Some(other) => Err(not_castable(path, other, "string")),
    }
}

/// That a field has another type than it should.
fn not_castable(path: &Path, value: &Value<'_>, to: &str) -> String {
    format!("field [{path}] of type [{}] cannot be cast to [{to}]", value.kind())
}

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
