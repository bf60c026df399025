//! `join`: makes a text of a list.
//!
//! | option | |
//! |---|---|
//! | `field` | the list; anything else is a failure |
//! | `separator` | what stands between the items |
//! | `target_field` | where the text goes; the field itself unless given |

use std::borrow::Cow;

use crate::event::{Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::Fields;

struct Join {
    field: Path,
    target: Option<Path>,
    separator: String,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let paths = super::from_to(fields, cx);
    let separator = fields.required_string("separator").map(|text| text.value.to_owned());
    let (field, target) = paths?;
    Some(Box::new(Join { field, target, separator: separator? }))
}

impl Process for Join {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let items = match super::field(work, &self.field)? {
            Value::Array(items) => items,
            Value::Null => return Err(format!("field [{}] is null, cannot join.", self.field)),
            other => return Err(super::not_castable(&self.field, other, "list")),
        };
        let mut joined = String::new();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                joined.push_str(&self.separator);
            }
            joined.push_str(&item.scalar_text().unwrap_or_else(|| Cow::Owned(item.to_json())));
        }
        let target = self.target.as_ref().unwrap_or(&self.field);
        super::set(work, target, Value::String(Cow::Owned(joined)))?;
        Ok(Flow::Continue)
    }
}
