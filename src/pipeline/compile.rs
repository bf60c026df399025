//! What every part of a pipeline needs while it is compiled: the list of problems, the rules about fields that may be
//! read and written, and whether the pipeline looks at the record's origin.

use std::cell::{Cell, RefCell};

use super::calls::Calls;
use super::condition::Condition;
use super::meter::StepInfo;
use super::processors;
use super::step::Step;
use crate::event::Path;
use crate::yaml::{Fields, Kind, Node, Place, Problems, Spanned, nearest};

/// Fields of Elasticsearch that are not the document's own.
const METADATA: [&str; 10] = [
    "_index",
    "_id",
    "_type",
    "_routing",
    "_version",
    "_version_type",
    "_op_type",
    "_if_seq_no",
    "_if_primary_term",
    "_dynamic_templates",
];

/// True for the names that Elasticsearch keeps for metadata.
pub(crate) fn is_metadata(name: &str) -> bool {
    name.starts_with('_') && (name == "_ingest" || METADATA.contains(&name))
}

/// The state of a compilation.
pub(crate) struct Compiler<'p> {
    /// Where problems go.
    pub problems: &'p Problems,
    /// The name of the origin's field.
    pub origin: &'p str,
    /// Who calls whom among the file's pipelines.
    pub calls: Calls,
    uses_origin: Cell<bool>,
    /// Every processor so far, by its number.
    found: RefCell<Vec<StepInfo>>,
    /// Where the list stands that is being compiled.
    within: RefCell<String>,
    /// How many loops are around what is being compiled.
    loops: Cell<usize>,
}

impl<'p> Compiler<'p> {
    pub(crate) fn new(problems: &'p Problems, origin: &'p str) -> Self {
        Self {
            problems,
            origin,
            calls: Calls::default(),
            uses_origin: Cell::new(false),
            loops: Cell::new(0),
            found: RefCell::default(),
            within: RefCell::default(),
        }
    }

    /// Compiles what is within a loop, where there is `_ingest._value`.
    pub(crate) fn within_loop<T>(&self, compile: impl FnOnce() -> T) -> T {
        self.loops.set(self.loops.get() + 1);
        let compiled = self.within("processor", compile);
        self.loops.set(self.loops.get() - 1);
        compiled
    }

    /// True if anything compiled so far reads the origin.
    pub(crate) fn uses_origin(&self) -> bool {
        self.uses_origin.get()
    }

    /// Every processor that was compiled, in the order of their numbers.
    pub(crate) fn found(&self) -> Vec<StepInfo> {
        self.found.take()
    }

    /// Compiles what stands below `name`: its processors are found at a place of that name.
    pub(crate) fn within<T>(&self, name: &str, compile: impl FnOnce() -> T) -> T {
        let around = self.within.borrow().clone();
        let dot = if around.is_empty() { "" } else { "." };
        self.within.replace(format!("{around}{dot}{name}"));
        let compiled = compile();
        self.within.replace(around);
        compiled
    }

    /// True while a processor of the file's own list is compiled: every record comes to it.
    pub(crate) fn is_outermost(&self) -> bool {
        self.within.borrow().bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Gives a processor its number.
    fn number(&self, kind: &'static str, tag: Option<&str>) -> usize {
        let mut found = self.found.borrow_mut();
        found.push(StepInfo { place: self.within.borrow().clone(), kind, tag: tag.map(str::to_owned) });
        found.len() - 1
    }

    /// Notes that a path is read.
    pub(crate) fn reads(&self, path: &Path) {
        if path.first() == self.origin {
            self.uses_origin.set(true);
        }
    }

    /// Notes that the origin may be read, by a name that is not known yet.
    pub(crate) fn reads_origin(&self) {
        self.uses_origin.set(true);
    }

    /// Compiles a path that is read only.
    pub(crate) fn read_path(&self, text: Spanned<&str>) -> Option<Path> {
        let path = self.path(text)?;
        self.reads(&path);
        Some(path)
    }

    /// Compiles a path that is written or removed.
    pub(crate) fn write_path(&self, text: Spanned<&str>) -> Option<Path> {
        let path = self.path(text)?;
        if path.first() == self.origin {
            self.problems.add_hint(
                text.place,
                format!("{:?} is where the record's origin is kept and can't be changed", self.origin),
                "take another field, or rename the origin's with destination.origin",
            );
            return None;
        }
        Some(path)
    }

    fn path(&self, text: Spanned<&str>) -> Option<Path> {
        if text.value.contains("{{") {
            self.problems.add(text.place, format!("{:?}: a template is not supported in this name", text.value));
            return None;
        }
        match Path::parse(text.value) {
            Ok(path) if self.is_reserved(&path) => {
                self.problems.add_hint(
                    text.place,
                    format!("{:?} is no field of the document", text.value),
                    "index and id of a document are made by the destination alone",
                );
                None
            }
            Ok(path) => Some(path),
            Err(error) => {
                self.problems.add(text.place, error.to_string());
                None
            }
        }
    }

    /// True for what Elasticsearch keeps for metadata, which are no fields of the document.
    pub(crate) fn is_reserved(&self, path: &Path) -> bool {
        match path.segments() {
            [first, second, ..] if first.name == "_ingest" => {
                self.loops.get() == 0 || !matches!(second.name.as_str(), "_value" | "_key")
            }
            [first, ..] => is_metadata(&first.name),
            [] => false,
        }
    }

    /// Compiles a list of processors.
    pub(crate) fn steps(&self, nodes: &[Node]) -> Vec<Step> {
        let each = |(index, node): (usize, &Node)| self.within(&index.to_string(), || self.step(node));
        nodes.iter().enumerate().filter_map(each).collect()
    }

    /// Compiles an `on_failure` list, which must not be empty.
    pub(crate) fn handlers(&self, fields: &Fields<'_, '_>) -> Vec<Step> {
        let Some(node) = fields.node("on_failure") else { return Vec::new() };
        match &node.kind {
            Kind::List(nodes) if nodes.is_empty() => {
                self.problems.add_hint(node.place, "an empty on_failure", "leave it out, or say what to do");
                Vec::new()
            }
            Kind::List(nodes) => self.within("on_failure", || self.steps(nodes)),
            _ => {
                let what = format!("\"on_failure\" is {}, where a list of processors is expected", node.describe());
                self.problems.add(node.place, what);
                Vec::new()
            }
        }
    }

    /// Compiles one processor.
    pub(crate) fn step(&self, node: &Node) -> Option<Step> {
        let Kind::Mapping(entries) = &node.kind else {
            let what =
                format!("a processor is {}, where a mapping of its name to its options is expected", node.describe());
            self.problems.add_hint(node.place, what, "write - drop: {if: …}");
            return None;
        };
        let [entry] = entries.as_slice() else {
            self.problems.add_hint(
                node.place,
                format!("a processor with {} names, where one is expected", entries.len()),
                "indent the options deeper than the name, and begin each processor with a dash",
            );
            return None;
        };
        let Some(known) = processors::PROCESSORS.iter().find(|known| known.name == entry.key) else {
            let what = format!("there is no processor {:?}", entry.key);
            let names = processors::PROCESSORS.iter().map(|known| known.name);
            let hint = match nearest(&entry.key, names.clone()) {
                Some(name) => format!("did you mean {name:?}?"),
                None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
            };
            self.problems.add_hint(entry.place, what, hint);
            return None;
        };
        let fields = Fields::new(&entry.value, &format!("the {} processor", known.name), self.problems)?;
        let condition = fields.string("if").map(|text| self.condition(text, fields.node("if")));
        let condition_text = fields.string("if").map(|text| text.value.to_owned());
        let tag = fields.string("tag").map(|tag| tag.value.to_owned());
        fields.string("description");
        let ignore_failure = fields.bool("ignore_failure").unwrap_or(false);
        let number = self.number(known.name, tag.as_deref());
        let on_failure = self.handlers(&fields);
        let process = (known.compile)(&fields, self);
        fields.finish();
        Some(Step {
            number,
            condition: condition.flatten(),
            condition_text,
            place: entry.place,
            name: known.name,
            tag,
            ignore_failure,
            on_failure,
            process: process?,
        })
    }

    fn condition(&self, text: Spanned<&str>, node: Option<&Node>) -> Option<Condition> {
        match Condition::compile(text.value) {
            Ok(condition) => {
                condition.paths(&mut |path| {
                    self.reads(path);
                    if self.is_reserved(path) {
                        let what = format!("condition: ctx.{path} is no field of the document");
                        self.problems.add_hint(text.place, what, "index and id are made by the destination alone");
                    }
                });
                Some(condition)
            }
            Err(error) => {
                let place = node.map_or(text.place, |node| node.place_of_char(error.at));
                self.add(place, format!("condition: {}", error.what), error.hint);
                None
            }
        }
    }

    /// Adds a problem that may have a hint.
    pub(crate) fn add(&self, place: Place, what: String, hint: Option<String>) {
        match hint {
            Some(hint) => self.problems.add_hint(place, what, hint),
            None => self.problems.add(place, what),
        }
    }
}
