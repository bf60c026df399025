//! A trace of a running service, lived through again: each core is made anew and told what it was told then, at the same moments; what
//! it asks for has to be what it asked for then. And what can be checked from outside of the cores is checked: see `account` and
//! `channels`.
//!
//! Payloads are not in a trace, so documents here are filled with their place up to the length that they had. The cores cannot
//! tell: none of them reads a body.

mod account;
mod channels;
mod fill;

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;
use std::time::Duration;

use super::{
    Begins, DispatchHeard, FORMAT, Line, Made, Numbered, Step, WorkerHeard, dispatch_says, reader_says, stamps,
    worker_says,
};
use crate::backoff::Chance;
use crate::clock::Moment;
use crate::dispatch::{self, Dispatch};
use crate::reader::{self, Reader};
use crate::worker::{self, Worker};
use account::Account;
use channels::Channels;
use fill::{Again, batch};

/// What was lived through.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Steps by core.
    pub steps: BTreeMap<String, u64>,
    /// Records received.
    pub records: u64,
    /// Offsets committed.
    pub commits: u64,
    /// The trace ends with its limit.
    pub is_cut: bool,
    last: Moment,
    other_version: Option<String>,
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(version) = &self.other_version {
            writeln!(f, "written by version {version}; this is {}", env!("CARGO_PKG_VERSION"))?;
        }
        for (core, steps) in &self.steps {
            writeln!(f, "{steps:>12} steps of {core}")?;
        }
        writeln!(f, "{:>12} records, {} offsets committed, {:?}", self.records, self.commits, self.last.0)?;
        let whole = if self.is_cut { "the trace was cut at its limit; up to there" } else { "the whole trace:" };
        write!(f, "{whole} the same effects, and no violation")
    }
}

/// Lives through a trace again.
///
/// # Errors
/// The first line that is no line of a trace, at which something else follows than then, or that breaks the promise.
pub fn replay(trace: impl BufRead) -> Result<Replayed, String> {
    let mut replay = Replay::default();
    for (number, line) in trace.lines().enumerate() {
        let at = |why: String| format!("line {}: {why}", number + 1);
        let line = line.map_err(|error| at(error.to_string()))?;
        match serde_json::from_str(&line) {
            Ok(numbered) => replay.line(number as u64, numbered).map_err(at)?,
            // The process may have been killed in the middle of its last line.
            Err(error) if error.is_eof() && replay.next > 0 => {
                replay.torn = Some(number + 1);
            }
            Err(error) => return Err(at(format!("no line of a trace: {error}"))),
        }
    }
    if replay.next == 0 {
        return Err("there is nothing in it".to_owned());
    }
    Ok(replay.replayed)
}

/// A check's answer, in words for a person.
type Checked = Result<(), String>;

/// The cores that live again, and what watches them.
#[derive(Default)]
struct Replay {
    next: u64,
    /// A line that was not written to its end.
    torn: Option<usize>,
    reader: Option<Reader>,
    workers: BTreeMap<usize, Worker<Again>>,
    dispatch: Option<Dispatch>,
    channels: Channels,
    account: Account,
    moments: BTreeMap<String, u64>,
    replayed: Replayed,
}

impl Replay {
    fn line(&mut self, number: u64, Numbered { n, line }: Numbered) -> Checked {
        if let Some(torn) = self.torn {
            return Err(format!("line {torn} is torn, and others follow it"));
        }
        if self.replayed.is_cut {
            return Err("the trace was cut, and goes on".to_owned());
        }
        if n != number || n != self.next {
            return Err(format!(
                "number {n} stands where {} should: lines are missing, or others were put in",
                self.next
            ));
        }
        self.next += 1;
        match line {
            Line::Trace { format: FORMAT, version } if n == 0 => {
                self.replayed.other_version = Some(version).filter(|version| version != env!("CARGO_PKG_VERSION"));
                Ok(())
            }
            Line::Trace { format, .. } if n == 0 => {
                Err(format!("a trace of format {format}, and {FORMAT} is known here"))
            }
            _ if n == 0 => Err("no trace begins like this".to_owned()),
            Line::Trace { .. } => Err("a trace begins within another".to_owned()),
            Line::ReaderBegins(Begins { settings, seed }) => {
                self.reader = Some(Reader::new(settings, Chance::new(seed)));
                Ok(())
            }
            Line::WorkerBegins { id, limits } => {
                self.workers.insert(id, Worker::new(id, Again::default(), limits, None));
                Ok(())
            }
            Line::DispatchBegins(Begins { settings, seed }) => {
                self.dispatch = Some(Dispatch::new(settings, Chance::new(seed)));
                Ok(())
            }
            Line::Reader(step) => self.reader(step),
            Line::Worker { id, made, step } => self.worker(id, made, step),
            Line::Dispatch(step) => self.dispatch(step),
            Line::Cut { .. } => {
                self.replayed.is_cut = true;
                Ok(())
            }
        }
    }

    /// Counts a step; time goes on, for each core.
    fn count(&mut self, core: String, at: u64) -> Result<Moment, String> {
        let before = self.moments.insert(core.clone(), at).unwrap_or_default();
        if at < before {
            return Err(format!("{core} is told the moment {at} after {before}"));
        }
        *self.replayed.steps.entry(core).or_default() += 1;
        let now = Moment(Duration::from_nanos(at));
        self.replayed.last = self.replayed.last.max(now);
        Ok(now)
    }

    fn reader(&mut self, Step { at, input, effects: then }: Step<reader::Input>) -> Checked {
        let now = self.count("the reader".to_owned(), at)?;
        let told = format!("{input:?}");
        self.channels.reader_hears(&input)?;
        let reader = self.reader.as_mut().ok_or("the reader has not begun")?;
        let mut effects = Vec::new();
        reader.step(now, input, &mut effects);
        compare(&told, &then, effects.iter().map(reader_says).collect())?;
        for effect in &effects {
            if let reader::Effect::Commit(entries) = effect {
                self.replayed.commits += entries.len() as u64;
            }
            self.account.reader_says(effect)?;
            self.channels.reader_says(effect)?;
        }
        Ok(())
    }

    fn worker(&mut self, id: usize, made: Made, Step { at, input, effects: then }: Step<WorkerHeard>) -> Checked {
        let now = self.count(format!("worker {id}"), at)?;
        let told = serde_json::to_string(&input).unwrap_or_default();
        self.channels.worker_hears(id, &input)?;
        self.account.worker_hears(id, &input, &made)?;
        let input = match input {
            WorkerHeard::Begin { origin, position } => worker::Input::Begin { origin, position },
            WorkerHeard::Records { holding, offsets, timestamps } => {
                let stamps = stamps(&offsets, &timestamps);
                self.replayed.records += stamps.len() as u64;
                let origin = self.account.origin(holding).ok_or(format!("{holding} has not begun"))?;
                worker::Input::Records { records: batch(&origin, &stamps), permit: None }
            }
            WorkerHeard::Position { holding, position } => worker::Input::Position { holding, position },
            WorkerHeard::Settled(runs) => worker::Input::Settled(runs.into_iter().flat_map(|run| run.each()).collect()),
            WorkerHeard::Drain(holding) => worker::Input::Drain(holding),
            WorkerHeard::End(holding) => worker::Input::End(holding),
            WorkerHeard::Tick { quiet } => {
                let worker = self.workers.get_mut(&id).ok_or(format!("worker {id} has not begun"))?;
                worker.is_quiet(quiet);
                worker::Input::Tick
            }
        };
        let worker = self.workers.get_mut(&id).ok_or(format!("worker {id} has not begun"))?;
        worker.transform_mut().made = made;
        let mut effects = Vec::new();
        worker.step(now, input, &mut effects);
        let in_flight = worker.in_flight();
        compare(&told, &then, effects.iter().map(worker_says).collect())?;
        for effect in effects {
            self.channels.worker_says(id, &effect);
            self.account.worker_says(id, effect)?;
        }
        self.account.check_counts(id, in_flight)
    }

    fn dispatch(&mut self, Step { at, input, effects: then }: Step<DispatchHeard>) -> Checked {
        let now = self.count("the dispatch".to_owned(), at)?;
        let told = serde_json::to_string(&input).unwrap_or_default();
        self.channels.dispatch_hears(&input)?;
        self.account.dispatch_hears(&input);
        let input = match input {
            DispatchHeard::Begin(holding) => dispatch::Input::Begin(holding),
            DispatchHeard::End(holding) => dispatch::Input::End(holding),
            DispatchHeard::Submit { worker, index, bytes, documents } => {
                dispatch::Input::Submit(self.account.bulk((worker, index, bytes), &documents)?)
            }
            DispatchHeard::Prepared(result) => dispatch::Input::Prepared(result),
            DispatchHeard::Checked(index, result) => dispatch::Input::Checked(index, result),
            DispatchHeard::Answered(request, outcome) => dispatch::Input::Answered(request, outcome.into_outcome()),
            DispatchHeard::LookedUp(request, found) => dispatch::Input::LookedUp(request, found),
            DispatchHeard::Tick => dispatch::Input::Tick,
        };
        let dispatch = self.dispatch.as_mut().ok_or("the dispatch has not begun")?;
        let mut effects = Vec::new();
        dispatch.step(now, input, &mut effects);
        compare(&told, &then, effects.iter().map(dispatch_says).collect())?;
        for effect in &effects {
            self.account.dispatch_says(effect)?;
            self.channels.dispatch_says(effect);
        }
        Ok(())
    }
}

/// The same follows as then.
fn compare(told: &str, then: &[String], now: Vec<String>) -> Checked {
    if then == now {
        return Ok(());
    }
    let hint = match then.iter().any(|effect| effect.starts_with("Mismatch")) {
        true => {
            "\nthe slots of documents are counted by those who have them, and here nobody loses any: see who had them"
        }
        false => "",
    };
    let list = |effects: &[String]| match effects {
        [] => "  nothing".to_owned(),
        effects => effects.iter().map(|effect| format!("  {effect}")).collect::<Vec<_>>().join("\n"),
    };
    Err(format!("something else follows from {told}\nthen:\n{}\nnow:\n{}{hint}", list(then), list(&now)))
}
