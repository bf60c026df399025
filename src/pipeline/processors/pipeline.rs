//! `pipeline`: runs another pipeline of the same file.
//!
//! | option | |
//! |---|---|
//! | `name` | one of the names in `pipelines:`; may be a template |
//! | `ignore_missing_pipeline` | `false`; if `true` a name that there is not is passed over |
//!
//! A failure within that its `on_failure` does not handle is one of this processor; handlers are told of the processor that
//! failed first. A `drop` within drops the event.

use crate::pipeline::calls::{MAX_CALLS, MAX_DEPTH};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work, run_handlers, run_steps};
use crate::pipeline::template::Template;
use crate::pipeline::trace::What;
use crate::yaml::{Fields, nearest};

enum Call {
    Fixed(usize),
    /// There is none of that name, which is all right.
    Nothing,
    Template {
        name: Template,
        ignore_missing: bool,
    },
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let ignore_missing = fields.bool("ignore_missing_pipeline").unwrap_or(false);
    let name = fields.required_string("name")?;
    if name.value.contains("{{") {
        let name = Template::compile(name.value, name.place, false, cx)?;
        return Some(Box::new(Call::Template { name, ignore_missing }));
    }
    if let Some(called) = cx.calls.call(name.value, name.place) {
        return Some(Box::new(Call::Fixed(called)));
    }
    if ignore_missing {
        return Some(Box::new(Call::Nothing));
    }
    let names = cx.calls.names();
    let hint = match nearest(name.value, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "write its processors under that name in pipelines: of this file".into(),
    };
    cx.problems.add_hint(name.place, format!("there is no pipeline {:?} to call", name.value), hint);
    None
}

impl Process for Call {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let called = match self {
            Self::Fixed(called) => *called,
            Self::Nothing => return Ok(Flow::Continue),
            Self::Template { name, ignore_missing } => {
                let name = name.render(work);
                match work.pipelines.called.iter().position(|known| known.name == *name) {
                    Some(called) if work.calls.contains(&called) => {
                        return Err(format!("Cycle detected for pipeline: {name}"));
                    }
                    Some(called) => called,
                    None if *ignore_missing => return Ok(Flow::Continue),
                    None => {
                        let name = super::cut(&name);
                        return Err(format!("Pipeline processor configured for non-existent pipeline [{name}]"));
                    }
                }
            }
        };
        if work.called >= MAX_CALLS || work.calls.len() >= MAX_DEPTH {
            return Err(format!("more than {MAX_CALLS} pipelines were called, or {MAX_DEPTH} within each other"));
        }
        work.called += 1;
        work.calls.push(called);
        let pipeline = &work.pipelines.called[called];
        let outcome = match run_steps(&pipeline.processors, work) {
            Err(failure) if !pipeline.on_failure.is_empty() => {
                if let Some(recorder) = &mut work.trace {
                    recorder.note(What::Handlers, Vec::new());
                }
                run_handlers(&pipeline.on_failure, failure, work)
            }
            outcome => outcome,
        };
        work.calls.pop();
        outcome.map_err(|failure| {
            let message = failure.message.clone();
            work.inner = Some(failure);
            message
        })
    }
}
