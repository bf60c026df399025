//! `csv`: takes the columns of one line of comma-separated values.
//!
//! | option | |
//! |---|---|
//! | `field` | the line; absent or null is a failure unless `ignore_missing` |
//! | `target_fields` | the columns' fields in order; columns that are too many are passed over, missing ones leave no field |
//! | `separator` | `,`; one character |
//! | `quote` | `"`; one character; twice within quotes it stands for itself |
//! | `trim` | `false`; if `true` blanks and tabs around columns without quotes are taken off |
//! | `empty_value` | what an empty column becomes; without it the column leaves no field |
//! | `ignore_missing` | `false` |
//!
//! A quote in the middle of a column that does not begin with one, a newline outside quotes, and a quote without its end
//! are failures. The fields of the columns before stay set.

use std::borrow::Cow;

use crate::event::{Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::regex::slice;
use crate::pipeline::step::{Flow, Process, Work};
use crate::pipeline::template::ValueSource;
use crate::yaml::Fields;

struct Csv {
    field: Path,
    targets: Vec<Path>,
    separator: char,
    quote: char,
    trim: bool,
    empty: Option<ValueSource>,
    ignore_missing: bool,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let field = fields.required_string("field").and_then(|text| cx.read_path(text));
    let targets = fields.required("target_fields").and(fields.strings("target_fields"));
    if targets.as_ref().is_some_and(Vec::is_empty) {
        cx.problems.add_hint(fields.place(), "the csv processor has no target_fields", "name a field for each column");
    }
    let targets: Option<Vec<Path>> =
        targets.and_then(|texts| texts.into_iter().map(|text| cx.write_path(text)).collect());
    let one = |name, default| match fields.string(name) {
        None => default,
        Some(text) => {
            let mut chars = text.value.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => c,
                _ => {
                    let what = format!("{name:?} is {:?}, where one character is expected", text.value);
                    cx.problems.add(text.place, what);
                    default
                }
            }
        }
    };
    let (separator, quote) = (one("separator", ','), one("quote", '"'));
    let trim = fields.bool("trim").unwrap_or(false);
    let empty = match fields.node("empty_value") {
        None => None,
        Some(node) => Some(ValueSource::compile(node, false, cx)?),
    };
    let ignore_missing = fields.bool("ignore_missing").unwrap_or(false);
    Some(Box::new(Csv { field: field?, targets: targets?, separator, quote, trim, empty, ignore_missing }))
}

impl Process for Csv {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let why = "cannot process it.";
        let Some(line) = super::text(work, &self.field, self.ignore_missing, why)? else { return Ok(Flow::Continue) };
        let line = line.clone();
        let mut columns = Columns { line: &line, at: 0, separator: self.separator, quote: self.quote, trim: self.trim };
        for target in &self.targets {
            let Some(value) = columns.next(&line)? else { break };
            match &self.empty {
                Some(empty) if value.is_empty() => {
                    let value = empty.value(work);
                    super::set(work, target, value)?;
                }
                None if value.is_empty() => {}
                _ => super::set(work, target, Value::String(value))?,
            }
        }
        Ok(Flow::Continue)
    }
}

/// The columns of a line, one after the other.
struct Columns<'t> {
    line: &'t str,
    at: usize,
    separator: char,
    quote: char,
    trim: bool,
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

impl Columns<'_> {
    /// The next column; nothing where only blanks are left, which are no column. `line` is the text again, of which
    /// pieces are lent.
    fn next<'a>(&mut self, line: &Cow<'a, str>) -> Result<Option<Cow<'a, str>>, String> {
        let rest = &self.line[self.at..];
        // Blanks before a quote are passed over, trimmed or not. A separator may itself be a blank.
        let blank = |c: char| is_blank(c) && c != self.separator && c != self.quote;
        let inner = rest.trim_start_matches(blank);
        if inner.is_empty() {
            return Ok(None);
        }
        let first = self.line.len() - inner.len();
        if inner.starts_with(self.quote) {
            self.at = first + self.quote.len_utf8();
            return self.quoted(line).map(Some);
        }
        let start = if self.trim { first } else { self.at };
        for (index, c) in self.line[start..].char_indices() {
            let index = start + index;
            if c == self.separator {
                self.at = index + c.len_utf8();
                return Ok(Some(slice(line, start..self.trimmed(start, index))));
            }
            if index != first && (c == '\n' || c == '\r' || c == self.quote) {
                return Err(format!("Illegal character inside unquoted field at {}", self.units(index)));
            }
        }
        // The last column keeps its blanks at the end, as in Elasticsearch.
        self.at = self.line.len();
        Ok(Some(slice(line, start..self.at)))
    }

    fn trimmed(&self, start: usize, end: usize) -> usize {
        if self.trim { start + self.line[start..end].trim_end_matches(is_blank).len() } else { end }
    }

    fn quoted<'a>(&mut self, line: &Cow<'a, str>) -> Result<Cow<'a, str>, String> {
        let width = self.quote.len_utf8();
        let start = self.at;
        let mut joined: Option<String> = None;
        let mut piece = start;
        let value = loop {
            let Some(index) = self.line[piece..].find(self.quote).map(|index| piece + index) else {
                return Err("Unmatched quote".into());
            };
            if !self.line[index + width..].starts_with(self.quote) {
                let value = match joined {
                    Some(mut joined) => {
                        joined.push_str(&self.line[piece..index]);
                        Cow::Owned(joined)
                    }
                    None => slice(line, start..index),
                };
                self.at = index + width;
                break value;
            }
            joined.get_or_insert_with(String::new).push_str(&self.line[piece..index + width]);
            piece = index + 2 * width;
        };
        for (index, c) in self.line[self.at..].char_indices() {
            if c == self.separator {
                self.at += index + c.len_utf8();
                return Ok(value);
            }
            if !is_blank(c) {
                let place = self.units(self.at + index);
                return Err(format!("character '{c}' after quoted field at {place}"));
            }
        }
        self.at = self.line.len();
        Ok(value)
    }

    /// Places in messages count UTF-16 units.
    fn units(&self, index: usize) -> usize {
        self.line[..index].encode_utf16().count()
    }
}
