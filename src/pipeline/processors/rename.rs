//! `rename`: moves a field.
//!
//! | option | |
//! |---|---|
//! | `field` | from; its absence is a failure unless `ignore_missing` |
//! | `target_field` | to; its presence is a failure unless `override` |
//! | `ignore_missing` | `false` |
//! | `override` | `false` |

use crate::event::Path;
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::Fields;

struct Rename {
    field: Path,
    target: Path,
    ignore_missing: bool,
    override_target: bool,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let field = fields.required_string("field").and_then(|text| cx.write_path(text));
    let target = fields.required_string("target_field").and_then(|text| cx.write_path(text));
    let ignore_missing = fields.bool("ignore_missing").unwrap_or(false);
    let override_target = fields.bool("override").unwrap_or(false);
    Some(Box::new(Rename { field: field?, target: target?, ignore_missing, override_target }))
}

impl Process for Rename {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        if work.event.get(&self.field).is_none() {
            return match self.ignore_missing {
                true => Ok(Flow::Continue),
                false => Err(format!("field [{}] doesn't exist", self.field)),
            };
        }
        if !self.override_target && work.event.get(&self.target).is_some() {
            return Err(format!("field [{}] already exists", self.target));
        }
        let root = work.event.root_mut();
        let value = self.field.remove(root).map_err(|error| error.to_string())?;
        // Set as null first: what can't be set must not lose the value.
        match self.target.set(root, crate::event::Value::Null) {
            Ok(()) => {
                if let Some(slot) = self.target.get_mut(root) {
                    *slot = value;
                }
                Ok(Flow::Continue)
            }
            Err(error) => {
                self.field.set(root, value).map_err(|error| error.to_string())?;
                Err(error.to_string())
            }
        }
    }
}
