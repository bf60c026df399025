//! `drop`: drops the event. Settled, counted, never an error.
//!
//! Options: the common ones only; without an `if` everything is dropped.

use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::Fields;

struct Drop;

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    // Within a handler, a loop or a pipeline that others call, what comes here was chosen already.
    if cx.is_outermost() && fields.node("if").is_none() {
        let what = "this drops every record of the pipeline, as it has no condition";
        cx.problems.warn(fields.place(), what, "add if: …, or leave the topic out");
    }
    Some(Box::new(Drop))
}

impl Process for Drop {
    fn run<'a>(&'a self, _: &mut Work<'a>) -> Result<Flow, String> {
        Ok(Flow::Drop)
    }
}
