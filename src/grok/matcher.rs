//! What runs an expression: the engine, seen from the front. Our own takes what it can; Oniguruma has the rest.

mod onig;
mod own;

use super::engine;
use super::expand::{Expanded, group_name};
use super::options::{Dialect, Options};

pub(super) use super::engine::Slot;

/// Where a match was found. It begins there unless `\K` says otherwise.
pub(super) type Start = usize;

/// Memory for matching, to be used again.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The whole match and the groups of what was searched last.
    pub(super) slots: Vec<Slot>,
    /// The same of the best match so far.
    pub(super) best: Vec<Slot>,
    /// Which expressions are tried.
    pub(super) candidates: engine::Candidates,
    pub(super) memory: engine::Scratch,
}

impl Scratch {
    /// Makes one.
    pub fn new() -> Self {
        Self::default()
    }
}

/// What an engine is to make of an expression.
#[derive(Debug, Clone, Copy)]
struct Syntax {
    /// Whether a dot matches a newline.
    dot_matches_newline: bool,
}

/// What came of a search.
#[derive(Debug)]
pub(super) enum Searched {
    /// A match that begins here; the slots are filled.
    At(Start),
    /// No match.
    Nowhere,
    /// The budget is used up.
    Exhausted,
    /// The engine failed, in its words.
    Failed(String),
}

/// An expression in an engine.
#[derive(Debug)]
pub(super) struct Matcher {
    engine: Engine,
    /// The slot of each field; `None` for a group that there is not, such as one inside of brackets.
    fields: Vec<Option<usize>>,
    fallback: Option<String>,
}

/// The engines there are.
#[derive(Debug)]
enum Engine {
    Own(Box<own::Program>),
    Onig(Box<onig::Program>),
}

impl Matcher {
    /// Compiles an expanded expression; the error is in the engine's words.
    pub fn compile(expanded: &Expanded, options: Options) -> Result<Self, String> {
        // In both dialects \d, \s and \w are of ASCII, while \b and the POSIX brackets know all letters.
        let syntax = Syntax { dot_matches_newline: options.dialect == Dialect::Logstash };
        let groups: Vec<String> = (0..expanded.fields.len()).map(group_name).collect();
        let refusal = match own::Program::compile(&expanded.regex, syntax.dot_matches_newline, &groups) {
            Ok((program, fields)) => {
                return Ok(Self { engine: Engine::Own(Box::new(program)), fields, fallback: None });
            }
            Err(refusal) => refusal,
        };
        // What is wrong for both is told in Oniguruma's words, which people know.
        let (program, fields) = onig::Program::compile(&expanded.regex, syntax, &groups)?;
        Ok(Self { engine: Engine::Onig(Box::new(program)), fields, fallback: Some(refusal.to_string()) })
    }

    /// Says whether an expanded expression can be compiled; the error is in the engine's words. It takes much less time than to do so.
    pub fn check(expanded: &Expanded, options: Options) -> Result<(), String> {
        if own::Program::takes(&expanded.regex, options.dialect == Dialect::Logstash) {
            return Ok(());
        }
        Self::compile(expanded, options).map(|_| ())
    }

    /// Why the expression is left to the general engine.
    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// Bytes of the program, about, if it is one of the own engine.
    #[cfg(test)]
    pub(super) fn size(&self) -> Option<usize> {
        match &self.engine {
            Engine::Own(program) => Some(program.size()),
            Engine::Onig(_) => None,
        }
    }

    /// The slot of each field.
    pub fn fields(&self) -> &[Option<usize>] {
        &self.fields
    }

    /// The expression in our own engine, if that has it.
    pub fn own(&self) -> Option<&engine::Program> {
        match &self.engine {
            Engine::Own(program) => Some(program.engine()),
            Engine::Onig(_) => None,
        }
    }

    /// Searches for the leftmost match, of those that begin before `before`, and fills the slots.
    pub fn search(
        &self,
        text: &str,
        before: Option<Start>,
        memory: &mut engine::Scratch,
        slots: &mut Vec<Slot>,
    ) -> Searched {
        match &self.engine {
            Engine::Own(program) => program.search(text, before, memory, slots),
            Engine::Onig(program) => program.search(text, before, slots),
        }
    }
}

#[cfg(test)]
mod list_tests;
