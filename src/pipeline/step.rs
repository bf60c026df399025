//! Steps and the running of them: conditions, failures, handlers.
//!
//! As in Elasticsearch: a step whose condition does not hold is passed over; a failure is ignored (`ignore_failure`),
//! else handled by the step's own `on_failure`, else by what is around it. A handler that fails is a failure in its turn.

use super::condition::Condition;
use super::meter::Probe;
use super::trace::{Came, Recorder, Then, What};
use crate::event::Event;
use crate::yaml::Place;

/// What a processor asks for when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// On to the next step.
    Continue,
    /// Drop the event.
    Drop,
}

/// One processor, compiled. The lifetime is that of the pipeline and of the record alike, so that what a processor
/// adds to an event can borrow from both.
pub(crate) trait Process: Send + Sync {
    /// Works on the event; an error is the reason of the failure.
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String>;
}

/// One event that is being worked on.
pub(crate) struct Work<'a> {
    /// The event.
    pub event: Event<'a>,
    /// The record's timestamp in milliseconds since 1970.
    pub record_millis: Option<i64>,
    /// The failure that is being handled.
    pub failure: Option<Failure<'a>>,
    /// Which expression of the last traced grok matched.
    pub grok_match: Option<usize>,
    /// The patterns that used up their budget.
    pub timeouts: Vec<&'a str>,
    /// Writes down what happens, where somebody asked for it.
    pub trace: Option<Box<Recorder>>,
    /// Counts what each step does.
    pub probe: Probe<'a>,
    /// The pipelines that can be called.
    pub pipelines: &'a Pipelines,
    /// Which of them are running, the innermost last.
    pub calls: Vec<usize>,
    /// How many calls there were.
    pub called: u32,
    /// The failure within a called pipeline, for who called it.
    pub inner: Option<Failure<'a>>,
}

impl<'a> Work<'a> {
    /// Work on an event that nobody counts.
    pub(crate) fn new(event: Event<'a>, record_millis: Option<i64>, pipelines: &'a Pipelines) -> Self {
        Self {
            event,
            record_millis,
            failure: None,
            grok_match: None,
            timeouts: Vec::new(),
            trace: None,
            probe: Probe::default(),
            pipelines,
            calls: Vec::new(),
            called: 0,
            inner: None,
        }
    }

    /// The name of the pipeline that is running.
    pub(crate) fn pipeline(&self) -> &'a str {
        self.calls.last().map_or(&self.pipelines.name, |index| &self.pipelines.called[*index].name)
    }
}

/// The pipelines of one file: its own name, and those that its processors can call.
#[derive(Default)]
pub(crate) struct Pipelines {
    pub name: String,
    pub called: Vec<Called>,
}

/// A pipeline that is called by others.
pub(crate) struct Called {
    pub name: String,
    pub processors: Vec<Step>,
    pub on_failure: Vec<Step>,
}

/// Why and where a pipeline failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure<'a> {
    /// The reason.
    pub message: String,
    /// The processor's type, or `codec`.
    pub processor: &'static str,
    /// The processor's tag.
    pub tag: Option<&'a str>,
    /// The name of the pipeline that it happened in.
    pub pipeline: &'a str,
}

/// A processor with what is common to all.
pub(crate) struct Step {
    /// Its place in `Pipeline::steps`.
    pub number: usize,
    pub condition: Option<Condition>,
    /// The condition as it was written.
    pub condition_text: Option<String>,
    /// Where its name stands.
    pub place: Place,
    pub name: &'static str,
    pub tag: Option<String>,
    pub ignore_failure: bool,
    pub on_failure: Vec<Step>,
    pub process: Box<dyn Process>,
}

impl Step {
    fn told(&self, came: Came) -> What {
        let (tag, condition) = (self.tag.clone(), self.condition_text.clone());
        What::Step { processor: self.name, tag, place: self.place, condition, came }
    }

    fn came(&self, ran: &Result<Flow, String>) -> Came {
        match ran {
            Ok(Flow::Continue) => Came::Done,
            Ok(Flow::Drop) => Came::Dropped,
            Err(reason) => {
                let then = match (self.ignore_failure, self.on_failure.is_empty()) {
                    (true, _) => Then::Ignored,
                    (false, false) => Then::Handled,
                    (false, true) => Then::Raised,
                };
                Came::Failed { reason: reason.clone(), then }
            }
        }
    }
}

/// Runs steps in order.
pub(crate) fn run_steps<'a>(steps: &'a [Step], work: &mut Work<'a>) -> Result<Flow, Failure<'a>> {
    for step in steps {
        let started = work.probe.start();
        if step.condition.as_ref().is_some_and(|condition| !condition.holds(&work.event)) {
            if let Some(recorder) = &mut work.trace {
                recorder.note(step.told(Came::PassedOver), Vec::new());
            }
            work.probe.passed_over(step.number, started);
            continue;
        }
        let opened = work.trace.as_mut().map(|recorder| recorder.open(step.told(Came::Done), work.event.root()));
        let ran = step.process.run(work);
        work.probe.ran(step.number, started, ran.is_err());
        if let (Some(opened), Some(recorder)) = (opened, &mut work.trace) {
            recorder.close(opened, step.told(step.came(&ran)), work.event.root());
        }
        match ran {
            Ok(Flow::Continue) => {}
            Ok(Flow::Drop) => return Ok(Flow::Drop),
            Err(_) if step.ignore_failure => work.inner = None,
            Err(message) => {
                let failure = match work.inner.take() {
                    Some(inner) => inner,
                    None => {
                        let (tag, pipeline) = (step.tag.as_deref(), work.pipeline());
                        Failure { message, processor: step.name, tag, pipeline }
                    }
                };
                if step.on_failure.is_empty() {
                    return Err(failure);
                }
                if run_handlers(&step.on_failure, failure, work)? == Flow::Drop {
                    return Ok(Flow::Drop);
                }
            }
        }
    }
    Ok(Flow::Continue)
}

/// Runs the handlers of a failure, which they can read.
pub(crate) fn run_handlers<'a>(
    handlers: &'a [Step],
    failure: Failure<'a>,
    work: &mut Work<'a>,
) -> Result<Flow, Failure<'a>> {
    let around = work.failure.replace(failure);
    if let Some(recorder) = &mut work.trace {
        recorder.enter();
    }
    let outcome = run_steps(handlers, work);
    if let Some(recorder) = &mut work.trace {
        recorder.leave();
    }
    work.failure = around;
    outcome
}
