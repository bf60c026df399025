//! `remove`: removes fields, or all but some.
//!
//! | option | |
//! |---|---|
//! | `field` | a path or a list of paths to remove, which may be templates; an absent one is a failure unless `ignore_missing` |
//! | `keep` | instead: a path or a list of paths to keep, with the objects that they lie in |
//! | `ignore_missing` | `false` |

use crate::event::{Object, Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::field::FieldName;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::Fields;

enum Remove {
    Fields { fields: Vec<FieldName>, ignore_missing: bool },
    Keep { fields: Vec<Path> },
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let ignore_missing = fields.bool("ignore_missing").unwrap_or(false);
    if let Some(node) = fields.node("keep") {
        if fields.node("field").is_some() {
            let hint = "field removes what it names, keep all else: leave one out";
            cx.problems.add_hint(node.place, "both \"field\" and \"keep\", where one is expected", hint);
        }
        let keep: Option<Vec<Path>> = fields.strings("keep")?.into_iter().map(|text| cx.read_path(text)).collect();
        let mut keep = keep?;
        keep.extend(Path::from_segments([cx.origin]));
        return Some(Box::new(Remove::Keep { fields: keep }));
    }
    fields.required("field")?;
    let paths: Option<Vec<FieldName>> =
        fields.strings("field")?.into_iter().map(|text| FieldName::write(text, cx)).collect();
    Some(Box::new(Remove::Fields { fields: paths?, ignore_missing }))
}

impl Process for Remove {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        match self {
            Self::Fields { fields, ignore_missing } => {
                for field in fields {
                    let Some(path) = field.path_or_missing(work, *ignore_missing)? else { continue };
                    if *ignore_missing && work.event.get(&path).is_none() {
                        continue;
                    }
                    path.remove(work.event.root_mut()).map_err(|error| error.to_string())?;
                }
            }
            Self::Keep { fields } => {
                let paths: Vec<&[_]> = fields.iter().map(Path::segments).collect();
                keep(work.event.root_mut(), &paths);
            }
        }
        Ok(Flow::Continue)
    }
}

/// Keeps what lies on one of the paths, whose first segments are names in `object`.
fn keep(object: &mut Object<'_>, paths: &[&[crate::event::Segment]]) {
    object.retain(|name, value| {
        let below: Vec<&[_]> = paths.iter().filter(|path| path[0].name == name).map(|path| &path[1..]).collect();
        match value {
            _ if below.is_empty() => false,
            _ if below.iter().any(|path| path.is_empty()) => true,
            Value::Object(inner) => {
                keep(inner, &below);
                true
            }
            _ => true,
        }
    });
}
