//! What the processors have in common that change a text, or each text of a list: `lowercase`, `uppercase`, `trim`,
//! `gsub`, `urldecode`, `bytes`.
//!
//! | option | |
//! |---|---|
//! | `field` | a text or a list of texts; absent or null is a failure unless `ignore_missing`, another type is one always |
//! | `target_field` | where the result goes; the field itself unless given |
//! | `ignore_missing` | `false` |

use std::borrow::Cow;
use std::ops::Range;

use crate::event::{Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::Fields;

/// What became of a text.
pub(super) enum Changed {
    /// Nothing.
    Same,
    /// A piece of it is left, which borrows as the text did.
    Piece(Range<usize>),
    /// Something else.
    To(Value<'static>),
}

/// What a processor does to one text.
pub(super) trait Change: Send + Sync {
    fn change(&self, text: &str) -> Result<Changed, String>;
}

impl Changed {
    /// From a text that may be as it was.
    pub(super) fn text(text: String) -> Self {
        Self::To(Value::String(Cow::Owned(text)))
    }
}

/// A processor that changes texts.
pub(super) struct Texts<C> {
    field: Path,
    target: Option<Path>,
    ignore_missing: bool,
    change: C,
}

impl<C: Change + 'static> Texts<C> {
    /// Compiles the common options.
    pub(super) fn compile(
        fields: &Fields<'_, '_>,
        cx: &Compiler<'_>,
        change: impl FnOnce() -> Option<C>,
    ) -> Option<Box<dyn Process>> {
        let paths = super::from_to(fields, cx);
        let ignore_missing = fields.bool("ignore_missing").unwrap_or(false);
        let change = change();
        let (field, target) = paths?;
        Some(Box::new(Self { field, target, ignore_missing, change: change? }))
    }

    /// The changed value, or `None` where it is the same.
    fn changed<'a>(&self, value: &Value<'a>) -> Result<Option<Value<'a>>, String> {
        let text = |text: &Cow<'a, str>| -> Result<Option<Value<'a>>, String> {
            Ok(match self.change.change(text)? {
                Changed::Same => None,
                Changed::Piece(range) => Some(Value::String(crate::pipeline::regex::slice(text, range))),
                Changed::To(value) => Some(value),
            })
        };
        match value {
            Value::String(inner) => text(inner),
            Value::Array(items) => {
                let items = items.iter().map(|item| match item {
                    Value::String(inner) => Ok(text(inner)?.unwrap_or_else(|| item.clone())),
                    other => Err(format!(
                        "value [{other}] of type [{}] in list field [{}] cannot be cast to [string]",
                        other.kind(),
                        self.field
                    )),
                });
                items.collect::<Result<_, _>>().map(|items| Some(Value::Array(items)))
            }
            other => Err(format!("field [{}] of type [{}] cannot be cast to [string]", self.field, other.kind())),
        }
    }
}

impl<C: Change + 'static> Process for Texts<C> {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let value = match work.event.get(&self.field) {
            None | Some(Value::Null) if self.ignore_missing => return Ok(Flow::Continue),
            None => return Err(self.field.why_missing(work.event.root()).to_string()),
            Some(Value::Null) => return Err(format!("field [{}] is null, cannot process it.", self.field)),
            Some(value) => value,
        };
        let changed = self.changed(value)?;
        match (&self.target, changed) {
            (Some(target), Some(changed)) => super::set(work, target, changed)?,
            (Some(target), None) => {
                let same = value.clone();
                super::set(work, target, same)?;
            }
            (None, Some(changed)) => {
                if let Some(slot) = self.field.get_mut(work.event.root_mut()) {
                    *slot = changed;
                }
            }
            (None, None) => {}
        }
        Ok(Flow::Continue)
    }
}
