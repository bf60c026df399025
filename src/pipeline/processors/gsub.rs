//! `gsub`: replaces what a regular expression matches in a text, or in each text of a list.
//!
//! | option | |
//! |---|---|
//! | `pattern` | a regular expression, read as Java reads it (see `regex.rs`) |
//! | `replacement` | what takes the place of a match; `$1` and `${name}` are groups, `\$` is a `$` |
//!
//! and those of `texts.rs`.

use super::texts::{Change, Changed, Texts};
use crate::pipeline::compile::Compiler;
use crate::pipeline::regex::{Regex, Replacement};
use crate::pipeline::step::Process;
use crate::yaml::Fields;

struct Gsub {
    regex: Regex,
    replacement: Replacement,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let regex = fields.required_string("pattern").and_then(|text| super::regex(text, cx));
    let replacement = fields.required_string("replacement");
    Texts::compile(fields, cx, || {
        let (regex, text) = (regex?, replacement?);
        match Replacement::compile(text.value, &regex) {
            Ok(replacement) => Some(Gsub { regex, replacement }),
            Err(error) => {
                cx.problems.add(text.place, format!("the replacement {:?}: {error}", text.value));
                None
            }
        }
    })
}

impl Change for Gsub {
    fn change(&self, text: &str) -> Result<Changed, String> {
        Ok(match self.regex.replace_all(text, &self.replacement)? {
            None => Changed::Same,
            Some(replaced) => Changed::text(replaced),
        })
    }
}
