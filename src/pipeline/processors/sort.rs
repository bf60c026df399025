//! `sort`: sorts a list of numbers, of texts or of booleans.
//!
//! | option | |
//! |---|---|
//! | `field` | the list; anything else, and a list of things that can't be compared, is a failure |
//! | `order` | `asc` or `desc` |
//! | `target_field` | where the sorted list goes; the field itself unless given |
//!
//! Texts are compared by their UTF-16 units, as in Java.

use std::cmp::Ordering;

use crate::event::{Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::Fields;

struct Sort {
    field: Path,
    target: Option<Path>,
    descending: bool,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let paths = super::from_to(fields, cx);
    let descending = match fields.string("order") {
        None => false,
        Some(order) => match order.value {
            "asc" => false,
            "desc" => true,
            other => {
                cx.problems.add_hint(order.place, format!("there is no order {other:?}"), "asc or desc");
                false
            }
        },
    };
    let (field, target) = paths?;
    Some(Box::new(Sort { field, target, descending }))
}

impl Process for Sort {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let mut items = match super::field(work, &self.field)? {
            Value::Array(items) => items.clone(),
            Value::Null => return Err(format!("field [{}] is null, cannot sort.", self.field)),
            other => return Err(super::not_castable(&self.field, other, "list")),
        };
        let comparable = items.windows(2).all(|pair| compare(&pair[0], &pair[1]).is_some());
        if !comparable {
            return Err(format!("the items of field [{}] can't be compared with each other", self.field));
        }
        items.sort_by(|a, b| {
            let order = compare(a, b).unwrap_or(Ordering::Equal);
            if self.descending { order.reverse() } else { order }
        });
        super::set(work, self.target.as_ref().unwrap_or(&self.field), Value::Array(items))?;
        Ok(Flow::Continue)
    }
}

fn compare(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => Some(a.total_cmp(b)),
        (Value::Int(a), Value::Float(b)) => (*a as f64).partial_cmp(b),
        (Value::Float(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::String(a), Value::String(b)) if a.is_ascii() && b.is_ascii() => Some(a.cmp(b)),
        (Value::String(a), Value::String(b)) => Some(a.encode_utf16().cmp(b.encode_utf16())),
        _ => None,
    }
}
