//! `rename`: moves a field.
//!
//! | option | |
//! |---|---|
//! | `field` | from; may be a template; its absence is a failure unless `ignore_missing` |
//! | `target_field` | to; may be a template; its presence is a failure unless `override` |
//! | `ignore_missing` | `false` |
//! | `override` | `false` |

use crate::event::Value;
use crate::pipeline::compile::Compiler;
use crate::pipeline::field::{FieldName, set_at};
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::Fields;

struct Rename {
    field: FieldName,
    target: FieldName,
    ignore_missing: bool,
    override_target: bool,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let field = fields.required_string("field").and_then(|text| FieldName::write(text, cx));
    let target = fields.required_string("target_field").and_then(|text| FieldName::write(text, cx));
    let ignore_missing = fields.bool("ignore_missing").unwrap_or(false);
    let override_target = fields.bool("override").unwrap_or(false);
    Some(Box::new(Rename { field: field?, target: target?, ignore_missing, override_target }))
}

impl Process for Rename {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let Some(field) = self.field.path_or_missing(work, self.ignore_missing)? else { return Ok(Flow::Continue) };
        let target = self.target.path(work)?;
        if work.event.get(&field).is_none() {
            return match self.ignore_missing {
                true => Ok(Flow::Continue),
                false => Err(format!("field [{field}] doesn't exist")),
            };
        }
        if !self.override_target && work.event.get(&target).is_some() {
            return Err(format!("field [{target}] already exists"));
        }
        let value = field.remove(work.event.root_mut()).map_err(|error| error.to_string())?;
        // Set as null first: what can't be set must not lose the value.
        match set_at(work, target.clone(), Value::Null) {
            Ok(()) => {
                if let Some(slot) = target.get_mut(work.event.root_mut()) {
                    *slot = value;
                }
                Ok(Flow::Continue)
            }
            Err(error) => {
                set_at(work, field, value)?;
                Err(error)
            }
        }
    }
}
