//! `foreach`: runs a processor for each item of a list, or each field of an object.
//!
//! | option | |
//! |---|---|
//! | `field` | the list or object; absent or null is a failure unless `ignore_missing` |
//! | `processor` | one processor; `_ingest._value` is the item, `_ingest._key` the name of an object's field |
//! | `ignore_missing` | `false` |
//!
//! The processor sees the event as well, and may change both. It fails at the first item that fails, and the items that
//! were done by then stay changed.

use std::borrow::Cow;

use crate::event::{Object, Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Step, Work, run_steps};
use crate::yaml::Fields;

const INGEST: &str = "_ingest";
const VALUE: &str = "_value";
const KEY: &str = "_key";

struct ForEach {
    field: Path,
    step: Vec<Step>,
    ignore_missing: bool,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let field = fields.required_string("field").and_then(|text| cx.write_path(text));
    let ignore_missing = fields.bool("ignore_missing").unwrap_or(false);
    let node = fields.required("processor")?;
    let step = cx.within_loop(|| cx.step(node))?;
    Some(Box::new(ForEach { field: field?, step: vec![step], ignore_missing }))
}

impl Process for ForEach {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        // The event keeps the items as they were until all are done, as in Elasticsearch.
        let values = match work.event.get(&self.field) {
            None | Some(Value::Null) if self.ignore_missing => return Ok(Flow::Continue),
            None => return Err(self.field.why_missing(work.event.root()).to_string()),
            Some(values @ (Value::Array(_) | Value::Object(_))) => values.clone(),
            Some(Value::Null) => {
                return Err(format!("field [{}] is null, cannot loop over its elements.", self.field));
            }
            Some(other) => {
                let kind = other.kind();
                return Err(format!("field [{}] of type [{kind}] cannot be cast to [list] or [object]", self.field));
            }
        };
        let around = work.event.root_mut().remove(INGEST);
        let outcome = match values {
            Value::Array(items) => self.items(items, work),
            Value::Object(object) => self.fields(object, work),
            _ => Ok((Flow::Continue, None)),
        };
        match around {
            Some(around) => {
                work.event.root_mut().insert(INGEST, around);
            }
            None => {
                work.event.root_mut().remove(INGEST);
            }
        }
        let (flow, changed) = outcome?;
        if let Some(changed) = changed {
            super::set(work, &self.field, changed)?;
        }
        Ok(flow)
    }
}

type Looped<'a> = Result<(Flow, Option<Value<'a>>), String>;

impl ForEach {
    fn items<'a>(&'a self, items: Vec<Value<'a>>, work: &mut Work<'a>) -> Looped<'a> {
        let mut changed = Vec::with_capacity(items.len());
        for value in items {
            let mut item = Object::with_capacity(1);
            item.insert(VALUE, value);
            match self.one(item, work)? {
                (Flow::Drop, _) => return Ok((Flow::Drop, None)),
                (Flow::Continue, mut item) => changed.push(item.remove(VALUE).unwrap_or_default()),
            }
        }
        Ok((Flow::Continue, Some(Value::Array(changed))))
    }

    fn fields<'a>(&'a self, object: Object<'a>, work: &mut Work<'a>) -> Looped<'a> {
        let mut changed = Object::with_capacity(object.len());
        for (name, value) in object {
            let mut item = Object::with_capacity(2);
            item.insert(KEY, Value::String(name.clone()));
            item.insert(VALUE, value);
            match self.one(item, work)? {
                (Flow::Drop, _) => return Ok((Flow::Drop, None)),
                (Flow::Continue, mut item) => {
                    // The name may have been changed, too.
                    let name = match item.remove(KEY) {
                        Some(Value::String(name)) => name,
                        Some(Value::Null) | None => continue,
                        Some(other) => Cow::Owned(other.to_string()),
                    };
                    if let Some(value) = item.remove(VALUE) {
                        changed.insert(name, value);
                    }
                }
            }
        }
        Ok((Flow::Continue, Some(Value::Object(changed))))
    }

    /// Runs the processor with one item in its place, and takes it out again.
    fn one<'a>(&'a self, item: Object<'a>, work: &mut Work<'a>) -> Result<(Flow, Object<'a>), String> {
        work.event.root_mut().insert(INGEST, Value::Object(item));
        let outcome = run_steps(&self.step, work);
        let item = match work.event.root_mut().remove(INGEST) {
            Some(Value::Object(item)) => item,
            _ => Object::new(),
        };
        match outcome {
            Ok(flow) => Ok((flow, item)),
            Err(failure) => Err(failure.message),
        }
    }
}
