//! `trim`: takes blanks and control characters off both ends of a text, or of each text of a list. Options: those of
//! `texts.rs`.

use super::texts::{Change, Changed, Texts};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::Process;
use crate::yaml::Fields;

struct Trim;

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    Texts::compile(fields, cx, || Some(Trim))
}

impl Change for Trim {
    fn change(&self, text: &str) -> Result<Changed, String> {
        let start = text.len() - text.trim_start_matches(|c| c <= ' ').len();
        let piece = text[start..].trim_end_matches(|c| c <= ' ');
        let range = start..start + piece.len();
        Ok(if range == (0..text.len()) { Changed::Same } else { Changed::Piece(range) })
    }
}
