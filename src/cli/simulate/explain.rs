//! Outcomes and traces for people, and traces as JSON.

use std::env;
use std::io::{self, IsTerminal};

use serde_json::{Value, json};

use super::Simulated;
use super::outcome::Outcome;
use crate::clock::write_iso8601;
use crate::pipeline::{Came, Change, Entry, Then, Trace, What};

/// Values longer than this many characters are cut.
const LONGEST: usize = 200;

/// Tells outcomes to people; with colours on a terminal.
pub(super) struct Explainer {
    file: String,
    colours: bool,
}

/// Codes of a terminal.
#[derive(Clone, Copy)]
enum Colour {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Dim = 2,
    Bold = 1,
}

impl Explainer {
    /// `file` is the pipeline's, as it is told.
    pub(super) fn new(file: String) -> Self {
        let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { file, colours: wanted && io::stdout().is_terminal() }
    }

    fn paint(&self, colour: Colour, text: &str) -> String {
        if self.colours { format!("\x1b[{}m{text}\x1b[0m", colour as u8) } else { text.to_owned() }
    }

    /// One record, line by line.
    pub(super) fn record(&self, simulated: &Simulated, explain: bool) -> Vec<String> {
        let time = match simulated.timestamp {
            None => "without a timestamp".to_owned(),
            Some(millis) => {
                let mut text = Vec::new();
                write_iso8601(millis, &mut text);
                format!("of {}", String::from_utf8_lossy(&text))
            }
        };
        let mut lines = vec![self.paint(Colour::Bold, &format!("record {} {time}", simulated.offset))];
        for outcome in &simulated.outcomes {
            if simulated.outcomes.len() > 1 {
                lines.push(format!(" document {}", outcome.sub()));
            }
            let trace = simulated.traces.iter().find(|trace| trace.sub == outcome.sub());
            if let (true, Some(trace)) = (explain, trace) {
                trace.entries.iter().for_each(|entry| self.entry(entry, &mut lines));
            }
            self.outcome(outcome, &mut lines);
        }
        lines.push(String::new());
        lines
    }

    fn entry(&self, entry: &Entry, lines: &mut Vec<String>) {
        let indent = "  ".repeat(entry.depth + 1);
        let (place, said) = self.what(&entry.what);
        lines.push(format!("{indent}{place}{said}"));
        for Change { path, before, after } in &entry.changes {
            let line = match (before, after) {
                (None, Some(after)) => self.paint(Colour::Green, &format!("+ {path}: {}", cut(after))),
                (Some(before), None) => self.paint(Colour::Red, &format!("- {path}: {}", cut(before))),
                (before, after) => {
                    let cut = |value: &Option<String>| value.as_deref().map(cut).unwrap_or_default();
                    self.paint(Colour::Yellow, &format!("~ {path}: {} (was {})", cut(after), cut(before)))
                }
            };
            lines.push(format!("{indent}    {line}"));
        }
    }

    fn what(&self, what: &What) -> (String, String) {
        match what {
            What::Unread(reason) => (String::new(), self.paint(Colour::Red, &format!("the codec failed: {reason}"))),
            What::Handlers => (String::new(), "on_failure of the pipeline:".to_owned()),
            What::AsItCame(reason) => {
                let said = format!("nobody handled it: the event is indexed as it came, tagged ({reason})");
                (String::new(), self.paint(Colour::Red, &said))
            }
            What::Time => (String::new(), "the event's time is settled".to_owned()),
            What::Step { processor, tag, place, condition, came } => {
                let name = match tag {
                    Some(tag) => format!("{processor} [{tag}]"),
                    None => (*processor).to_owned(),
                };
                let condition = condition.as_deref().unwrap_or_default();
                let said = match came {
                    Came::Done => name,
                    Came::PassedOver => {
                        self.paint(Colour::Dim, &format!("{name}: passed over, as this is false: {condition}"))
                    }
                    Came::Dropped => self.paint(Colour::Yellow, &format!("{name}: drops the event")),
                    Came::Failed { reason, then } => {
                        let then = match then {
                            Then::Ignored => "ignored (ignore_failure)",
                            Then::Handled => "handled by its on_failure:",
                            Then::Raised => "not handled by the processor",
                        };
                        self.paint(Colour::Red, &format!("{name}: failed: {reason}; {then}"))
                    }
                };
                (self.paint(Colour::Dim, &format!("{}:{}:{} ", self.file, place.line, place.column)), said)
            }
        }
    }

    fn outcome(&self, outcome: &Outcome, lines: &mut Vec<String>) {
        match outcome {
            Outcome::Document { index, id, document, .. } => {
                lines.push(self.paint(Colour::Bold, &format!("  indexed into {index} as {id}")));
                let value: Value = serde_json::from_str(document.get()).unwrap_or_default();
                let pretty = serde_json::to_string_pretty(&value).unwrap_or_default();
                lines.extend(pretty.lines().map(|line| format!("  {line}")));
            }
            Outcome::Dropped { reason, .. } => {
                lines.push(self.paint(Colour::Bold, &format!("  dropped ({})", reason.as_str())));
            }
            Outcome::Rejected { rejection, .. } => {
                let said = format!("  dead letter, stage {}: {}", rejection.stage.as_str(), rejection.reason);
                lines.push(self.paint(Colour::Red, &said));
            }
        }
    }
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(LONGEST) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &value[..end], value.len()),
    }
}

/// A trace as a list of objects, one for each thing that happened.
pub(super) fn as_json(trace: &Trace) -> Value {
    trace.entries.iter().map(entry_as_json).collect()
}

fn entry_as_json(entry: &Entry) -> Value {
    let mut told = match &entry.what {
        What::Unread(reason) => json!({"codec": "failed", "reason": reason}),
        What::Handlers => json!({"on_failure": "pipeline"}),
        What::AsItCame(reason) => json!({"as_it_came": true, "reason": reason}),
        What::Time => json!({"time": "settled"}),
        What::Step { processor, tag, place, condition, came } => {
            let mut told = json!({"processor": processor, "line": place.line, "column": place.column});
            let (word, failure) = match came {
                Came::Done => ("done", None),
                Came::PassedOver => ("passed_over", None),
                Came::Dropped => ("dropped", None),
                Came::Failed { reason, then } => ("failed", Some((reason, then))),
            };
            told["came"] = word.into();
            if let Some(tag) = tag {
                told["tag"] = tag.as_str().into();
            }
            if let Some(condition) = condition {
                told["if"] = condition.as_str().into();
            }
            if let Some((reason, then)) = failure {
                told["reason"] = reason.as_str().into();
                told["then"] = match then {
                    Then::Ignored => "ignored",
                    Then::Handled => "handled",
                    Then::Raised => "raised",
                }
                .into();
            }
            told
        }
    };
    told["depth"] = entry.depth.into();
    let parsed = |value: &Option<String>| value.as_deref().and_then(|json| serde_json::from_str::<Value>(json).ok());
    let of = |has: fn(&Change) -> bool| entry.changes.iter().filter(move |change| has(change));
    let added: serde_json::Map<_, _> = of(|change| change.before.is_none())
        .map(|change| (change.path.clone(), parsed(&change.after).unwrap_or_default()))
        .collect();
    let removed: serde_json::Map<_, _> = of(|change| change.after.is_none())
        .map(|change| (change.path.clone(), parsed(&change.before).unwrap_or_default()))
        .collect();
    let changed: serde_json::Map<_, _> = of(|change| change.before.is_some() && change.after.is_some())
        .map(|change| (change.path.clone(), json!({"from": parsed(&change.before), "to": parsed(&change.after)})))
        .collect();
    for (word, fields) in [("added", added), ("changed", changed), ("removed", removed)] {
        if !fields.is_empty() {
            told[word] = fields.into();
        }
    }
    told
}
