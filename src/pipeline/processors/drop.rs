//! `drop`: drops the event. Settled, counted, never an error.
//!
//! Options: the common ones only; without an `if` everything is dropped.

use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::Fields;

struct Drop;

pub(super) fn compile(_: &Fields<'_, '_>, _: &Compiler<'_>) -> Option<Box<dyn Process>> {
    Some(Box::new(Drop))
}

impl Process for Drop {
    fn run<'a>(&'a self, _: &mut Work<'a>) -> Result<Flow, String> {
        Ok(Flow::Drop)
    }
}
