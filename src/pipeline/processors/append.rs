//! `append`: appends to a list.
//!
//! | option | |
//! |---|---|
//! | `field` | the list; may be a template; where there is none it is made; a single value, also a null, becomes its first item |
//! | `value` | a value or a list of values; texts are templates |
//! | `allow_duplicates` | `true`; if `false` what is in the list already is not appended |
//! | `media_type` | `application/json`; `text/plain` leaves `{{…}}` unescaped |

use crate::event::Value;
use crate::pipeline::compile::Compiler;
use crate::pipeline::field::{FieldName, set_at};
use crate::pipeline::step::{Flow, Process, Work};
use crate::pipeline::template::{ValueSource, escapes};
use crate::yaml::Fields;

struct Append {
    field: FieldName,
    value: ValueSource,
    allow_duplicates: bool,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let field = fields.required_string("field").and_then(|text| FieldName::write(text, cx));
    let escape = escapes(fields);
    let value = fields.required("value").and_then(|node| ValueSource::compile(node, escape, cx));
    let allow_duplicates = fields.bool("allow_duplicates").unwrap_or(true);
    Some(Box::new(Append { field: field?, value: value?, allow_duplicates }))
}

impl Process for Append {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let field = self.field.path(work)?;
        let values = match self.value.value(work) {
            Value::Array(values) => values,
            value => vec![value],
        };
        let mut items = match field.get_mut(work.event.root_mut()).map(std::mem::take) {
            None => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(single) => {
                // A single value that already is what would be appended stays as it is.
                if !self.allow_duplicates && values.iter().all(|value| *value == single) {
                    set_at(work, field, single)?;
                    return Ok(Flow::Continue);
                }
                vec![single]
            }
        };
        for value in values {
            if self.allow_duplicates || !items.contains(&value) {
                items.push(value);
            }
        }
        set_at(work, field, Value::Array(items))?;
        Ok(Flow::Continue)
    }
}
