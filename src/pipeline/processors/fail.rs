//! `fail`: fails, with a message of one's own.
//!
//! | option | |
//! |---|---|
//! | `message` | the reason of the failure; a template |

use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::pipeline::template::Template;
use crate::yaml::Fields;

struct Fail {
    message: Template,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let message = fields.required_string("message")?;
    let message = Template::compile(message.value, message.place, false, cx)?;
    Some(Box::new(Fail { message }))
}

impl Process for Fail {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        Err(self.message.render(work).into_owned())
    }
}
