//! `json`: reads a text as JSON.
//!
//! | option | |
//! |---|---|
//! | `field` | the text |
//! | `target_field` | where the value goes; the field itself unless given |
//! | `add_to_root` | `false`; if `true` the fields of the value, which has to be an object, become the event's |
//! | `add_to_root_conflict_strategy` | `replace`, or `merge`: objects that are there already keep what is not in the value |
//! | `allow_duplicate_keys` | `false`; if `true` the last of two fields of one name wins, else they are a failure |
//! | `strict_json_parsing` | `true`; if `false` what follows the first value is passed over |
//!
//! A field that is no text is read as the text that it has: `7` is 7. With `add_to_root`, a field of the name of the
//! record's origin becomes `<origin>_original`, as in a payload.

use std::borrow::Cow;

use crate::event::{Object, Path, Value, parse_json};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::Fields;

struct Json {
    field: Path,
    target: Option<Path>,
    to_root: Option<Conflict>,
    duplicates: bool,
    strict: bool,
    origin: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conflict {
    Replace,
    Merge,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let add_to_root = fields.bool("add_to_root").unwrap_or(false);
    let duplicates = fields.bool("allow_duplicate_keys").unwrap_or(false);
    let strict = fields.bool("strict_json_parsing").unwrap_or(true);
    let conflict = match fields.string("add_to_root_conflict_strategy") {
        None => Conflict::Replace,
        Some(name) => match name.value.to_ascii_lowercase().as_str() {
            "replace" => Conflict::Replace,
            "merge" => Conflict::Merge,
            other => {
                cx.problems.add_hint(name.place, format!("there is no strategy {other:?}"), "replace or merge");
                Conflict::Replace
            }
        },
    };
    if let Some(target) = fields.node("target_field").filter(|_| add_to_root) {
        let what = "both \"target_field\" and \"add_to_root\", where one is expected";
        cx.problems.add_hint(target.place, what, "one object goes to one place: leave one out");
    }
    let (field, target) = super::from_to(fields, cx)?;
    let to_root = add_to_root.then_some(conflict);
    Some(Box::new(Json { field, target, to_root, duplicates, strict, origin: cx.origin.to_owned() }))
}

impl Process for Json {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let value = match super::field(work, &self.field)? {
            Value::String(Cow::Borrowed(text)) => self.parse(text)?,
            Value::String(Cow::Owned(text)) => self.parse(text)?.into_owned(),
            Value::Array(_) | Value::Object(_) => {
                return Err(format!("field [{}] is no text that can be read as JSON", self.field));
            }
            other => other.clone(),
        };
        let Some(conflict) = self.to_root else {
            super::set(work, self.target.as_ref().unwrap_or(&self.field), value)?;
            return Ok(Flow::Continue);
        };
        let Value::Object(mut object) = value else {
            return Err("cannot add non-map fields to root of document".into());
        };
        if let Some(value) = object.remove(&self.origin) {
            object.insert(format!("{}_original", self.origin), value);
        }
        merge(work.event.root_mut(), object, conflict);
        Ok(Flow::Continue)
    }
}

impl Json {
    /// An empty text is null, as in Elasticsearch.
    fn parse<'t>(&self, text: &'t str) -> Result<Value<'t>, String> {
        if text.trim_ascii().is_empty() {
            return Ok(Value::Null);
        }
        parse_json(text, self.duplicates, self.strict).map_err(|error| format!("can't be read as JSON: {error}"))
    }
}

fn merge<'a>(into: &mut Object<'a>, from: Object<'a>, conflict: Conflict) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(value)) if conflict == Conflict::Merge => {
                merge(inner, value, conflict);
            }
            (Some(slot), value) => *slot = value,
            (None, value) => {
                into.insert(name, value);
            }
        }
    }
}
