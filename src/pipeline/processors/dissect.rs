//! `dissect`: takes a text apart at fixed delimiters: `%{clientip} [%{when}] %{rest}`.
//!
//! | option | |
//! |---|---|
//! | `field` | the text; absent or null is a failure unless `ignore_missing` |
//! | `pattern` | keys in `%{…}` and the delimiters around them |
//! | `append_separator` | empty; what stands between values that are appended to each other |
//! | `ignore_missing` | `false` |
//!
//! `%{a->}` passes over a delimiter that is repeated; `%{+a}` appends to `a`, `%{+a/2}` in that order; `%{?a}` and `%{}`
//! match and are not kept; `%{*a}` is the name and `%{&a}` the value of a field. A text has to match as a whole, but
//! for what follows a last delimiter.

mod pattern;

use crate::event::Path;
use crate::pipeline::compile::{Compiler, is_metadata};
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::{Fields, Spanned};
use pattern::{Name, Pattern};

struct Dissect {
    field: Path,
    pattern: Pattern,
    /// The paths of the results that have a fixed name, in their order.
    paths: Vec<Option<Path>>,
    shown: String,
    ignore_missing: bool,
    origin: String,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let field = fields.required_string("field").and_then(|text| cx.read_path(text));
    let separator = fields.string("append_separator").map_or("", |text| text.value);
    let ignore_missing = fields.bool("ignore_missing").unwrap_or(false);
    let text = fields.required_string("pattern")?;
    let pattern = match Pattern::compile(text.value, separator) {
        Ok(pattern) => pattern,
        Err(error) => {
            cx.problems.add(text.place, error);
            return None;
        }
    };
    let mut paths = Vec::new();
    for name in pattern.names() {
        paths.push(match name {
            Name::Fixed(name) => Some(cx.write_path(Spanned { place: text.place, value: name })?),
            Name::Matched => None,
        });
    }
    let (shown, origin) = (text.value.to_owned(), cx.origin.to_owned());
    Some(Box::new(Dissect { field: field?, pattern, paths, shown, ignore_missing, origin }))
}

impl Process for Dissect {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let why = "cannot process it.";
        let Some(text) = super::text(work, &self.field, self.ignore_missing, why)? else { return Ok(Flow::Continue) };
        let text = text.clone();
        let Some(results) = self.pattern.apply(&text) else {
            let (pattern, text) = (&self.shown, super::cut(&text));
            return Err(format!("Unable to find match for dissect pattern: {pattern} against source: {text}"));
        };
        for (path, (name, value)) in self.paths.iter().zip(results) {
            let value = crate::event::Value::String(value);
            match path {
                Some(path) => super::set(work, path, value)?,
                None => {
                    let path = Path::parse(&name).map_err(|error| error.to_string())?;
                    if is_metadata(path.first()) || path.first() == self.origin {
                        return Err(format!("[{path}] can't be changed by a pipeline"));
                    }
                    path.set_copied(work.event.root_mut(), value).map_err(|error| error.to_string())?;
                }
            }
        }
        Ok(Flow::Continue)
    }
}
