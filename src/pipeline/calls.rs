//! Pipelines that call each other within one file: which there are, who calls whom, and that nobody calls himself.
//!
//! They stand in the file that calls them (`pipelines:`), so that the file's bytes alone decide what becomes of a record.
//! A circle of names is a fault of the file. Where a name is a template, who is called is known when it runs; there a
//! circle, calls nested deeper than [`MAX_DEPTH`], and more than [`MAX_CALLS`] calls for one event, are failures.

use std::cell::{Cell, RefCell};

use super::compile::Compiler;
use super::step::{Called, Pipelines};
use crate::yaml::{Entry, Fields, Kind, Place};

/// How many calls one event may take.
pub(crate) const MAX_CALLS: u32 = 1000;
/// How deep calls may be nested.
pub(crate) const MAX_DEPTH: usize = 64;

/// What is known of calls while a file is compiled.
#[derive(Default)]
pub(crate) struct Calls {
    names: RefCell<Vec<String>>,
    current: Cell<Option<usize>>,
    edges: RefCell<Vec<(Option<usize>, usize, Place)>>,
}

impl Calls {
    /// The number of the pipeline of that name, noting that it is called.
    pub(crate) fn call(&self, name: &str, place: Place) -> Option<usize> {
        let called = self.names.borrow().iter().position(|known| known == name)?;
        self.edges.borrow_mut().push((self.current.get(), called, place));
        Some(called)
    }

    /// The names of all pipelines that can be called.
    pub(crate) fn names(&self) -> Vec<String> {
        self.names.borrow().clone()
    }

    /// The way from a pipeline back to itself, if there is one; `done` are those that lead to none.
    fn circle(&self, from: usize, way: &mut Vec<usize>, done: &mut Vec<usize>) -> Option<Place> {
        for (caller, called, place) in self.edges.borrow().iter() {
            if *caller != Some(from) || done.contains(called) {
                continue;
            }
            let back = way.contains(called);
            way.push(*called);
            if back {
                return Some(*place);
            }
            if let Some(place) = self.circle(*called, way, done) {
                return Some(place);
            }
            way.pop();
        }
        done.push(from);
        None
    }
}

/// Notes the names of `pipelines`, before anything is compiled that may call them.
pub(crate) fn note(fields: &Fields<'_, '_>, cx: &Compiler<'_>) {
    *cx.calls.names.borrow_mut() = entries(fields).iter().map(|entry| entry.key.clone()).collect();
}

fn entries<'n>(fields: &Fields<'n, '_>) -> &'n [Entry] {
    match fields.node("pipelines").map(|node| &node.kind) {
        Some(Kind::Mapping(entries)) => entries,
        _ => &[],
    }
}

/// Compiles `pipelines`: each name has a list of processors, or a mapping with `processors` and `on_failure`.
pub(crate) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Pipelines {
    if let Some(node) = fields.node("pipelines").filter(|node| !matches!(node.kind, Kind::Mapping(_))) {
        let what = format!("\"pipelines\" is {}, where a mapping of names to processors is expected", node.describe());
        cx.problems.add(node.place, what);
    }
    let mut called = Vec::new();
    for (index, entry) in entries(fields).iter().enumerate() {
        cx.calls.current.set(Some(index));
        let place = format!("pipelines.{}", entry.key);
        let (processors, on_failure) = cx.within(&place, || match &entry.value.kind {
            Kind::List(nodes) => (cx.steps(nodes), Vec::new()),
            _ => match Fields::new(&entry.value, &format!("the pipeline {:?}", entry.key), cx.problems) {
                Some(fields) => {
                    fields.string("description");
                    let processors = cx.steps(fields.list("processors").unwrap_or_default());
                    let on_failure = cx.handlers(&fields);
                    fields.finish();
                    (processors, on_failure)
                }
                None => (Vec::new(), Vec::new()),
            },
        });
        called.push(Called { name: entry.key.clone(), processors, on_failure });
    }
    cx.calls.current.set(None);
    let names = cx.calls.names();
    let mut done = Vec::new();
    for index in 0..names.len() {
        let mut way = vec![index];
        if done.contains(&index) {
            continue;
        }
        if let Some(place) = cx.calls.circle(index, &mut way, &mut done) {
            // One circle is told once.
            done.extend(&way);
            let way: Vec<&str> = way.iter().map(|index| names[*index].as_str()).collect();
            cx.problems.add(place, format!("pipelines call each other in a circle: {}", way.join(" -> ")));
        }
    }
    Pipelines { name: String::new(), called }
}
