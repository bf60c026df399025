//! `grok`: takes a text apart by patterns. What expressions mean is the room [`crate::grok`]'s matter.
//!
//! | option | |
//! |---|---|
//! | `field` | the text; absent or null is a failure unless `ignore_missing`, another type is one always |
//! | `patterns` | the one that matches furthest left wins, of several at the same place the first |
//! | `pattern_definitions` | patterns of one's own, which come before the shipped ones |
//! | `ecs_compatibility` | which set is shipped: `disabled` (legacy) or `v1` |
//! | `dialect` | whose meaning: `elasticsearch` or `logstash`; a dot in a field's name descends in both |
//! | `keep_empty_captures` | whether a capture of no letters makes a field; the dialect's way unless given |
//! | `ignore_missing` | `false` |
//! | `trace_match` | `false`; if `true` templates have `_ingest._grok_match_index` |
//!
//! A capture that is no number of its type is a failure, and so are an engine that gave up and one that failed: each says
//! what it was, and none reads as "do not match".

use std::borrow::Cow;
use std::sync::Mutex;

use crate::event::{Path, Value};
use crate::grok::{
    Dialect, Fault, Field, Grok, Growth, Match, Options, Outcome, Patterns, Scratch, Set, Value as Captured, quoted,
    unused,
};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::{Entry, Fields, Kind, Node, Place, Spanned, Style};

struct GrokProcessor {
    field: Path,
    grok: Grok,
    /// The expressions as they were written.
    patterns: Vec<String>,
    /// The paths of each expression's fields.
    paths: Vec<Vec<Path>>,
    ignore_missing: bool,
    trace_match: bool,
    /// Memory for matching; a run that finds none makes it anew.
    memory: Mutex<Vec<Scratch>>,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let field = fields.required_string("field").and_then(|text| cx.read_path(text));
    let own = fields.string_map("pattern_definitions").unwrap_or_default();
    let node = fields.required("patterns");
    let written = node.and(fields.strings("patterns"));
    for key in ["patterns", "pattern_definitions"] {
        fields.node(key).into_iter().for_each(|node| warn_of_escapes(node, cx));
    }
    let ignore_missing = fields.bool("ignore_missing").unwrap_or(false);
    let trace_match = fields.bool("trace_match").unwrap_or(false);
    // What is not known hides no fault of the patterns: these are looked at as if it were not given.
    let set = choice(fields, "ecs_compatibility", [("disabled", Set::Legacy), ("v1", Set::EcsV1)], cx);
    let dialects = [("elasticsearch", Dialect::Elasticsearch), ("logstash", Dialect::Logstash)];
    let dialect = choice(fields, "dialect", dialects, cx);
    let keep_empty_captures = fields.bool("keep_empty_captures");
    let written = written?;
    if written.is_empty() {
        cx.problems.add_hint(fields.place(), "the grok processor has no pattern", "such as patterns: ['%{IP:client}']");
        return None;
    }
    let usual = Options::new(dialect);
    let options = Options { keep_empty_captures: keep_empty_captures.unwrap_or(usual.keep_empty_captures), ..usual };
    let mut patterns = Patterns::new(set, dialect);
    for (entry, text) in &own {
        patterns.define(&entry.key, text);
    }
    let texts: Vec<&str> = written.iter().map(|text| text.value).collect();
    let nodes = match node.map(|node| &node.kind) {
        Some(Kind::List(nodes)) => nodes.as_slice(),
        _ => node.map(std::slice::from_ref).unwrap_or_default(),
    };
    let add = |fault: &Fault| cx.add(place(fault, nodes, &own), fault.told(), fault.hint.clone());
    let compiled = Grok::compile(&texts, &patterns, options);
    // In a file that is kept, what stands for itself though it looks like a reference is a mistake.
    let (faults, warnings) = match &compiled {
        Ok(grok) => (&[][..], grok.warnings()),
        Err(refused) => (&*refused.faults, &*refused.warnings),
    };
    faults.iter().chain(warnings).for_each(add);
    let captured = |number: usize| match &compiled {
        Ok(grok) => grok.fields(number),
        Err(refused) => refused.fields.get(number).map_or(&[][..], Vec::as_slice),
    };
    let paths: Vec<Option<Vec<Path>>> =
        written.iter().enumerate().map(|(number, text)| paths(captured(number), text.place, cx)).collect();
    let grok = compiled.ok().filter(|grok| grok.warnings().is_empty())?;
    let paths = paths.into_iter().collect::<Option<_>>()?;
    for fault in grok.untyped().iter().chain(&unused(&texts, &patterns, options)) {
        cx.problems.warn(place(fault, nodes, &own), fault.told(), fault.hint.clone().unwrap_or_default());
    }
    for (number, text) in written.iter().enumerate() {
        warn(&grok, number, *text, cx);
    }
    let (memory, patterns) = (Mutex::default(), texts.into_iter().map(str::to_owned).collect());
    Some(Box::new(GrokProcessor { field: field?, grok, patterns, paths, ignore_missing, trace_match, memory }))
}

/// What an option names, or the first of them where it is not given; another name is a fault.
fn choice<T: Copy>(fields: &Fields<'_, '_>, key: &'static str, choices: [(&str, T); 2], cx: &Compiler<'_>) -> T {
    let Some(given) = fields.string(key) else { return choices[0].1 };
    let found = choices.iter().find(|(name, _)| *name == given.value);
    if found.is_none() {
        let hint = format!("give {}", choices.map(|(name, _)| name).join(" or "));
        cx.add(given.place, format!("{key} {:?} is not known", given.value), Some(hint));
    }
    found.unwrap_or(&choices[0]).1
}

/// The paths of an expression's fields; every one that can't be written to is told.
fn paths(fields: &[Field], place: Place, cx: &Compiler<'_>) -> Option<Vec<Path>> {
    let path = |field: &Field| cx.write_path(Spanned { place, value: &field.dotted() });
    let paths: Vec<Option<Path>> = fields.iter().map(path).collect();
    paths.into_iter().collect()
}

/// Tells what is no fault and yet good to know of an expression.
fn warn(grok: &Grok, expression: usize, text: Spanned<&str>, cx: &Compiler<'_>) {
    for finding in grok.findings(expression) {
        if finding.growth == Growth::Exponential && !finding.shipped {
            let what = format!("{}: {}", finding.part, finding.what);
            let hint = "here a match is bounded; elsewhere one line may take hours: let the repetitions have no letter in common";
            cx.problems.warn(text.place, what, hint);
        }
    }
    if let Some(why) = grok.fallback(expression) {
        let what = format!("the pattern {} is left to the slower engine: {why}", quoted(text.value));
        cx.problems.warn(text.place, what, "another way to write it may be faster");
    }
}

/// Tells of control characters that double quotes have made of escapes: `"\b"` is a backspace there, and no boundary of a word.
fn warn_of_escapes(node: &Node, cx: &Compiler<'_>) {
    match &node.kind {
        Kind::List(nodes) => nodes.iter().for_each(|node| warn_of_escapes(node, cx)),
        Kind::Mapping(entries) => entries.iter().for_each(|entry| warn_of_escapes(&entry.value, cx)),
        Kind::Scalar { text, style: Style::DoubleQuoted, .. } => {
            let Some(control) = text.chars().find(|c| c.is_control() && *c != '\t') else { return };
            let escape = match control {
                '\u{0}' => "\\0",
                '\u{7}' => "\\a",
                '\u{8}' => "\\b",
                '\n' => "\\n",
                '\u{b}' => "\\v",
                '\u{c}' => "\\f",
                '\r' => "\\r",
                '\u{1b}' => "\\e",
                _ => "an escape",
            };
            let what =
                format!("the pattern has the character U+{:04X}, which double quotes make of {escape}", control as u32);
            cx.problems.warn(
                node.place,
                what,
                "put the pattern in single quotes, in which a backslash is the pattern's own",
            );
        }
        Kind::Scalar { .. } => {}
    }
}

/// Where a fault stands: in a definition of one's own, or else in the pattern.
fn place(fault: &Fault, patterns: &[Node], own: &[(&Entry, &str)]) -> Place {
    let of_char =
        |node: &Node, text: &str, at: usize| node.place_of_char(text.get(..at).unwrap_or_default().chars().count());
    if let Some((name, at)) = &fault.definition
        && let Some((entry, text)) = own.iter().find(|(entry, _)| entry.key == *name)
    {
        return of_char(&entry.value, text, *at);
    }
    let pattern = patterns.get(fault.expression);
    pattern.map_or(Place::default(), |node| of_char(node, node.text().unwrap_or_default(), fault.offset))
}

impl Process for GrokProcessor {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let text: Cow<'a, str> = match work.event.get(&self.field) {
            Some(Value::String(Cow::Borrowed(text))) => Cow::Borrowed(text),
            Some(Value::String(Cow::Owned(text))) => Cow::Owned(text.clone()),
            None | Some(Value::Null) if self.ignore_missing => return Ok(Flow::Continue),
            None => return Err(self.field.why_missing(work.event.root()).to_string()),
            Some(Value::Null) => return Err(format!("field [{}] is null, cannot process it", self.field)),
            Some(other) => {
                return Err(format!("field [{}] of type [{}] cannot be cast to [string]", self.field, other.kind()));
            }
        };
        let mut scratch = self.memory.lock().ok().and_then(|mut kept| kept.pop()).unwrap_or_default();
        let ran = match &text {
            Cow::Borrowed(text) => self.apply(text, Cow::Borrowed, &mut scratch, work),
            Cow::Owned(text) => self.apply(text, |capture| Cow::Owned(capture.to_owned()), &mut scratch, work),
        };
        if let Ok(mut kept) = self.memory.lock() {
            kept.push(scratch);
        }
        ran
    }
}

impl GrokProcessor {
    /// Matches, and sets the fields of what was captured; `keep` makes a capture live as long as the event.
    fn apply<'a, 't>(
        &'a self,
        text: &'t str,
        keep: impl Fn(&'t str) -> Cow<'a, str>,
        scratch: &mut Scratch,
        work: &mut Work<'a>,
    ) -> Result<Flow, String> {
        let told = |expression: usize| format!("pattern [{expression}] on field value: [{}]", super::cut(text));
        match self.grok.search(text, scratch) {
            Outcome::Match(found) => {
                if self.trace_match {
                    work.grok_match = Some(found.index());
                }
                self.set(&found, &keep, work)?;
                Ok(Flow::Continue)
            }
            Outcome::NoMatch => {
                Err(format!("Provided Grok expressions do not match field value: [{}]", super::cut(text)))
            }
            Outcome::Exhausted { expression } => {
                work.timeouts.push(&self.patterns[expression]);
                Err(format!("grok timeout: the budget was used up by {}", told(expression)))
            }
            Outcome::Failed { expression, what } => {
                Err(format!("grok engine failed: {what}, with {}", told(expression)))
            }
        }
    }

    fn set<'a, 't>(
        &'a self,
        found: &Match<'_, 't>,
        keep: &impl Fn(&'t str) -> Cow<'a, str>,
        work: &mut Work<'a>,
    ) -> Result<(), String> {
        let paths = &self.paths[found.index()];
        let values =
            found.values().map_err(|error| format!("For input string: {:?} ({error})", super::cut(&error.text)))?;
        for (field, value) in values {
            super::set(work, &paths[field], owned(value, keep))?;
        }
        Ok(())
    }
}

fn owned<'a, 't>(value: Captured<'t>, keep: &impl Fn(&'t str) -> Cow<'a, str>) -> Value<'a> {
    match value {
        Captured::Text(text) => Value::String(keep(text)),
        Captured::Int(number) => Value::Int(number),
        Captured::Float(number) => Value::Float(number),
        Captured::Bool(truth) => Value::Bool(truth),
        Captured::List(values) => Value::Array(values.into_iter().map(|value| owned(value, keep)).collect()),
    }
}
