//! `lowercase`: writes a text, or each text of a list, in small letters. Options: those of `texts.rs`.

use super::texts::{Change, Changed, Texts};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::Process;
use crate::yaml::Fields;

struct Lowercase;

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    Texts::compile(fields, cx, || Some(Lowercase))
}

impl Change for Lowercase {
    fn change(&self, text: &str) -> Result<Changed, String> {
        let same = text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
        Ok(if same { Changed::Same } else { Changed::text(text.to_lowercase()) })
    }
}
