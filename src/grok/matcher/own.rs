//! Our own engine, in bounded time; see [`engine`].

use super::{Searched, Slot};
use crate::grok::engine;

/// An expression in our own engine.
#[derive(Debug)]
pub(super) struct Program(engine::Program);

impl Program {
    /// Compiles, and gives the slot of each field; the error says why it is left to others.
    pub fn compile(
        expression: &str,
        dot_matches_newline: bool,
        names: &[String],
    ) -> Result<(Self, Vec<Option<usize>>), engine::Refusal> {
        let program = engine::compile(expression, &engine::Syntax { dot_matches_newline, ascii_classes: true })?;
        let slot = |name: &String| program.groups().iter().position(|group| group.as_ref() == Some(name));
        let slots = names.iter().map(|name| slot(name).map(|group| group + 1)).collect();
        Ok((Self(program), slots))
    }

    /// Whether it can be compiled.
    pub fn takes(expression: &str, dot_matches_newline: bool) -> bool {
        engine::check(expression, &engine::Syntax { dot_matches_newline, ascii_classes: true }).is_ok()
    }

    #[cfg(test)]
    pub fn size(&self) -> usize {
        self.0.size()
    }

    /// The program itself.
    pub fn engine(&self) -> &engine::Program {
        &self.0
    }

    /// Searches for the leftmost match, if that begins before `before`.
    pub fn search(
        &self,
        text: &str,
        before: Option<usize>,
        scratch: &mut engine::Scratch,
        slots: &mut Vec<Slot>,
    ) -> Searched {
        slots.resize(self.0.slots(), Slot::NONE);
        match self.0.search_before(text, before.unwrap_or(usize::MAX), scratch, slots) {
            Err(engine::Exhausted) => Searched::Exhausted,
            Ok(None) => Searched::Nowhere,
            Ok(Some(start)) => Searched::At(start),
        }
    }
}
