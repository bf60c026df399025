//! What a pipeline did with a record, step by step, for people who ask why.
//!
//! A recorder rides in the work on an event where somebody asked for it; where nobody did, the usual way pays for a look at an empty
//! option. What a step changed is found by comparing the event before and after it, so processors know nothing of it.

use crate::event::{Object, Value};
use crate::yaml::Place;

/// What was done with one document of a record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// The document's number within the record.
    pub sub: u32,
    /// What happened, in order; what belongs to another entry follows it with a greater depth.
    pub entries: Vec<Entry>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How deep it is nested: handlers are one deeper than what they handle.
    pub depth: usize,
    /// What it was.
    pub what: What,
    /// The fields that are not as they were before.
    pub changes: Vec<Change>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The codec could not read the payload, and why.
    Unread(String),
    /// A processor.
    Step {
        /// Its type.
        processor: &'static str,
        /// Its tag.
        tag: Option<String>,
        /// Where it stands in the file.
        place: Place,
        /// Its condition as it was written.
        condition: Option<String>,
        /// What came of it.
        came: Came,
    },
    /// The pipeline's own `on_failure` takes over.
    Handlers,
    /// Nobody handled the failure: the event is indexed as it came, and why.
    AsItCame(String),
    /// The event's time was settled, with changes.
    Time,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// It did its work.
    Done,
    /// Its condition was false.
    PassedOver,
    /// It dropped the event.
    Dropped,
    /// It failed, and why.
    Failed {
        /// The reason.
        reason: String,
        /// What follows from it.
        then: Then,
    },
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing: `ignore_failure`.
    Ignored,
    /// The step's own `on_failure`.
    Handled,
    /// What is around the step has to handle it.
    Raised,
}

/// A field that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The field's path.
    pub path: String,
    /// Its value before as JSON, if it was there.
    pub before: Option<String>,
    /// Its value after as JSON, if it is there.
    pub after: Option<String>,
}

/// Writes down what happens.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    traces: Vec<Trace>,
    depth: usize,
}

/// An entry that is not at its end.
pub(crate) struct Opened {
    at: usize,
    before: Value<'static>,
}

impl Recorder {
    /// Begins a document.
    pub(crate) fn begin(&mut self, sub: u32, unread: Option<&str>) {
        self.depth = 0;
        self.traces.push(Trace { sub, entries: Vec::new() });
        if let Some(reason) = unread {
            self.note(What::Unread(reason.to_owned()), Vec::new());
        }
    }

    /// Notes what is no step.
    pub(crate) fn note(&mut self, what: What, changes: Vec<Change>) {
        let depth = self.depth;
        if let Some(trace) = self.traces.last_mut() {
            trace.entries.push(Entry { depth, what, changes });
        }
    }

    /// What was written down so far.
    pub(crate) fn take(&mut self) -> Vec<Trace> {
        std::mem::take(&mut self.traces)
    }

    /// Goes into handlers.
    pub(crate) fn enter(&mut self) {
        self.depth += 1;
    }

    /// Comes out of them.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Notes what may have more below it, and goes into that.
    pub(crate) fn open(&mut self, what: What, event: &Object<'_>) -> Opened {
        self.note(what, Vec::new());
        self.enter();
        let at = self.traces.last().map_or(0, |trace| trace.entries.len().saturating_sub(1));
        Opened { at, before: snapshot(event) }
    }

    /// Comes out of it again, knowing what it was and what it has changed.
    pub(crate) fn close(&mut self, opened: Opened, what: What, event: &Object<'_>) {
        self.leave();
        let Some(entry) = self.traces.last_mut().and_then(|trace| trace.entries.get_mut(opened.at)) else { return };
        entry.changes = since(&opened.before, event);
        entry.what = what;
    }
}

/// The event as it is now, to be compared with later.
pub(crate) fn snapshot(event: &Object<'_>) -> Value<'static> {
    Value::Object(event.clone()).into_owned()
}

/// What has changed since a snapshot.
pub(crate) fn since(before: &Value<'_>, after: &Object<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    if let Value::Object(before) = before {
        compare("", before, after, &mut changes);
    }
    changes
}

fn compare(prefix: &str, before: &Object<'_>, after: &Object<'_>, changes: &mut Vec<Change>) {
    for (name, old) in before.iter() {
        let path = format!("{prefix}{name}");
        match (old, after.get(name)) {
            (Value::Object(old), Some(Value::Object(new))) => compare(&format!("{path}."), old, new, changes),
            (old, Some(new)) if old == new => {}
            (old, new) => {
                changes.push(Change { path, before: Some(old.to_json()), after: new.map(Value::to_json) });
            }
        }
    }
    for (name, new) in after.iter().filter(|(name, _)| !before.contains(name)) {
        changes.push(Change { path: format!("{prefix}{name}"), before: None, after: Some(new.to_json()) });
    }
}

#[cfg(test)]
mod tests;
