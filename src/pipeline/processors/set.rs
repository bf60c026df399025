//! `set`: sets a field.
//!
//! | option | |
//! |---|---|
//! | `field` | where; may be a template |
//! | `value` | what: any value; texts are templates |
//! | `copy_from` | instead: the field to copy |
//! | `override` | `true`; if `false` a field that is there and not null stays |
//! | `ignore_empty_value` | `false`; if `true` nothing is set where the template's text is empty, the copied field absent, null or empty |
//! | `media_type` | `application/json`; `text/plain` leaves `{{…}}` unescaped |

use crate::event::{Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::field::{FieldName, set_at};
use crate::pipeline::step::{Flow, Process, Work};
use crate::pipeline::template::{Template, ValueSource, escapes};
use crate::yaml::Fields;

struct Set {
    field: FieldName,
    source: Source,
    override_present: bool,
    ignore_empty: bool,
}

enum Source {
    Value(ValueSource),
    CopyFrom(Path),
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let field = fields.required_string("field").and_then(|text| FieldName::write(text, cx));
    let override_present = fields.bool("override").unwrap_or(true);
    let ignore_empty = fields.bool("ignore_empty_value").unwrap_or(false);
    let escape = escapes(fields);
    let source = match (fields.node("value"), fields.string("copy_from")) {
        (Some(node), None) => ValueSource::compile(node, escape, cx).map(Source::Value),
        (None, Some(from)) if matches!(from.value, "_ingest.timestamp" | "_ingest.pipeline") => {
            let template = format!("{{{{{{{}}}}}}}", from.value);
            let template = Template::compile(&template, from.place, false, cx);
            template.map(|template| Source::Value(ValueSource::Text(template)))
        }
        (None, Some(from)) => cx.read_path(from).map(Source::CopyFrom),
        (Some(node), Some(_)) => {
            let hint = "value sets what it says, copy_from a field's: leave one out";
            cx.problems.add_hint(node.place, "both \"value\" and \"copy_from\", where one is expected", hint);
            None
        }
        (None, None) => {
            let what = "the set processor has neither \"value\" nor \"copy_from\"";
            cx.problems.add_hint(fields.place(), what, "add value: …, or copy_from: FIELD");
            None
        }
    };
    Some(Box::new(Set { field: field?, source: source?, override_present, ignore_empty }))
}

impl Process for Set {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let field = self.field.path(work)?;
        if !self.override_present && work.event.get(&field).is_some_and(|value| *value != Value::Null) {
            return Ok(Flow::Continue);
        }
        let value = match &self.source {
            Source::Value(source) => source.value(work),
            Source::CopyFrom(path) => match work.event.get(path) {
                Some(value) => value.clone(),
                None if self.ignore_empty => return Ok(Flow::Continue),
                None => return Err(path.why_missing(work.event.root()).to_string()),
            },
        };
        let empty = value == Value::Null || value.as_str() == Some("");
        if !(self.ignore_empty && empty) {
            set_at(work, field, value)?;
        }
        Ok(Flow::Continue)
    }
}
