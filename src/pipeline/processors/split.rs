//! `split`: makes a list of a text.
//!
//! | option | |
//! |---|---|
//! | `field` | the text; absent or null is a failure unless `ignore_missing`, another type is one always |
//! | `separator` | a regular expression, read as Java reads it (see `regex.rs`) |
//! | `preserve_trailing` | `false`: empty pieces at the end are left out |
//! | `target_field` | where the list goes; the field itself unless given |
//! | `ignore_missing` | `false` |

use crate::event::{Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::regex::{Regex, slice};
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::Fields;

struct Split {
    field: Path,
    target: Option<Path>,
    separator: Regex,
    preserve_trailing: bool,
    ignore_missing: bool,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let paths = super::from_to(fields, cx);
    let separator = fields.required_string("separator").and_then(|text| super::regex(text, cx));
    let preserve_trailing = fields.bool("preserve_trailing").unwrap_or(false);
    let ignore_missing = fields.bool("ignore_missing").unwrap_or(false);
    let (field, target) = paths?;
    Some(Box::new(Split { field, target, separator: separator?, preserve_trailing, ignore_missing }))
}

impl Process for Split {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let Some(text) = super::text(work, &self.field, self.ignore_missing, "cannot split.")? else {
            return Ok(Flow::Continue);
        };
        let pieces = self.separator.split(text, 0, self.preserve_trailing)?;
        let pieces = pieces.into_iter().map(|range| Value::String(slice(text, range))).collect();
        super::set(work, self.target.as_ref().unwrap_or(&self.field), Value::Array(pieces))?;
        Ok(Flow::Continue)
    }
}
