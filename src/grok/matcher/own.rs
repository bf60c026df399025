//! Our own engine, in bounded time; see [`engine`].

use super::{Searched, Slot};
use crate::grok::engine;

/// An expression in our own engine.
#[derive(Debug)]
pub(super) struct Program {
    program: engine::Program,
    /// The slot of each field; `None` for a group that there is not, such as one inside of brackets.
    slots: Vec<Option<usize>>,
}

/// Its memory for matching.
#[derive(Debug, Default)]
pub(super) struct Memory {
    engine: engine::Scratch,
    slots: Vec<engine::Slot>,
}

impl Program {
    /// Compiles; the error says why it is left to others.
    pub fn compile(expression: &str, dot_matches_newline: bool, names: &[String]) -> Result<Self, engine::Refusal> {
        let program = engine::compile(expression, &engine::Syntax { dot_matches_newline, ascii_classes: true })?;
        let slot = |name: &String| program.groups().iter().position(|group| group.as_ref() == Some(name));
        let slots = names.iter().map(|name| slot(name).map(|group| group + 1)).collect();
        Ok(Self { program, slots })
    }

    /// Searches for the leftmost match, if that begins before `before`.
    pub fn search(&self, text: &str, before: Option<usize>, memory: &mut Memory, slots: &mut Vec<Slot>) -> Searched {
        memory.slots.resize(self.program.slots().max(memory.slots.len()), engine::Slot::NONE);
        match self.program.search(text, &mut memory.engine, &mut memory.slots) {
            Err(engine::Exhausted) => Searched::Exhausted,
            Ok(false) => Searched::Nowhere,
            Ok(true) => {
                let found = |slot: usize| {
                    let engine::Slot { start, end } = memory.slots[slot];
                    memory.slots[slot].is_some().then_some((start as usize, end as usize))
                };
                let start = found(0).map_or(0, |(start, _)| start);
                if before.is_some_and(|before| start >= before) {
                    return Searched::Nowhere;
                }
                slots.clear();
                slots.push(found(0));
                slots.extend(self.slots.iter().map(|slot| found((*slot)?)));
                Searched::At(start)
            }
        }
    }
}
