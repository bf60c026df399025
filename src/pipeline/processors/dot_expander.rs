//! `dot_expander`: makes objects of a field whose own name has dots: `a.b` becomes `b` within `a`.
//!
//! | option | |
//! |---|---|
//! | `field` | the name with its dots, or `*` for all of them at that level |
//! | `path` | the object that it lies in, where that is not the event itself |
//! | `override` | `false`; if `true` a value that is there already is replaced, else both make a list |
//!
//! Where a field is that has to become an object, the processor fails.

use crate::event::{Object, Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::Fields;

struct DotExpander {
    /// The name, and the path that it becomes; none for all names.
    field: Option<(String, Path)>,
    within: Option<Path>,
    override_present: bool,
    origin: String,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let within = match fields.string("path") {
        Some(text) => Some(cx.write_path(text)?),
        None => None,
    };
    let override_present = fields.bool("override").unwrap_or(false);
    let name = fields.required_string("field")?;
    let field = match name.value {
        "*" => None,
        text if !text.contains('.') => {
            let what = format!("{text:?} has no dot that could be expanded");
            cx.problems.add_hint(name.place, what, "give the whole name, or '*' for all of them");
            return None;
        }
        text => Some((text.to_owned(), if within.is_some() { Path::parse(text).ok()? } else { cx.write_path(name)? })),
    };
    Some(Box::new(DotExpander { field, within, override_present, origin: cx.origin.to_owned() }))
}

impl Process for DotExpander {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let root = work.event.root_mut();
        let object = match &self.within {
            None => root,
            Some(path) => match path.get_mut(root) {
                Some(Value::Object(object)) => object,
                Some(other) => return Err(super::not_castable(path, other, "object")),
                None => return Err(path.why_missing(work.event.root()).to_string()),
            },
        };
        match &self.field {
            Some((name, path)) => self.expand(object, name, path)?,
            None => {
                let dotted = object.iter().map(|(name, _)| name).filter(|name| name.contains('.'));
                let names: Vec<String> = dotted.map(str::to_owned).collect();
                for name in names {
                    let path = Path::parse(&name).map_err(|error| error.to_string())?;
                    if self.within.is_some() || path.first() != self.origin {
                        self.expand(object, &name, &path)?;
                    }
                }
            }
        }
        Ok(Flow::Continue)
    }
}

impl DotExpander {
    fn expand(&self, object: &mut Object<'_>, name: &str, path: &Path) -> Result<(), String> {
        if !object.contains(name) {
            return Ok(());
        }
        let value = object.remove(name).unwrap_or_default();
        self.put(object, name, path, value)
    }

    fn put<'a>(&self, object: &mut Object<'a>, name: &str, path: &Path, value: Value<'a>) -> Result<(), String> {
        match path.get_mut(object) {
            Some(slot) if self.override_present => *slot = value,
            Some(slot) => append(slot, value),
            None => {
                let held = value.clone();
                if path.set_copied(object, value).is_err() {
                    object.insert(name.to_owned(), held);
                    let part = blocking(object, path);
                    return Err(format!(
                        "cannot expand [{path}], because [{part}] is not an object field, but a value field"
                    ));
                }
            }
        }
        Ok(())
    }
}

fn append<'a>(slot: &mut Value<'a>, value: Value<'a>) {
    let mut items = match std::mem::take(slot) {
        Value::Array(items) => items,
        single => vec![single],
    };
    match value {
        Value::Array(more) => items.extend(more),
        value => items.push(value),
    }
    *slot = Value::Array(items);
}

/// The part of a path that is a value where an object is needed.
fn blocking(object: &Object<'_>, path: &Path) -> String {
    let names: Vec<&str> = path.segments().iter().map(|segment| segment.name.as_str()).collect();
    (1..names.len())
        .map(|count| names[..count].join("."))
        .find(|part| {
            Path::parse(part).is_ok_and(|path| path.get(object).is_some_and(|v| !matches!(v, Value::Object(_))))
        })
        .unwrap_or_default()
}
