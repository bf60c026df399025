//! What runs an expression: the engine, seen from the front. Our own takes what it can; Oniguruma has the rest.

mod onig;
mod own;

use super::expand::{Expanded, group_name};
use super::options::{Dialect, Options};

/// Where a match or a capture begins and ends, in bytes; `None` if the group took no part.
pub(super) type Slot = Option<(usize, usize)>;
/// Where a match begins.
pub(super) type Start = usize;

/// Memory for matching, to be used again.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The whole match and the fields of what was searched last.
    pub(super) slots: Vec<Slot>,
    /// The same of the best match so far.
    pub(super) best: Vec<Slot>,
    memory: own::Memory,
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
    fallback: Option<String>,
}

/// The engines there are.
#[derive(Debug)]
enum Engine {
    Own(Box<own::Program>),
    Onig(onig::Program),
}

impl Matcher {
    /// Compiles an expanded expression; the error is in the engine's words.
    pub fn compile(expanded: &Expanded, options: Options) -> Result<Self, String> {
        // In both dialects \d, \s and \w are of ASCII, while \b and the POSIX brackets know all letters.
        let syntax = Syntax { dot_matches_newline: options.dialect == Dialect::Logstash };
        let groups: Vec<String> = (0..expanded.fields.len()).map(group_name).collect();
        let refusal = match own::Program::compile(&expanded.regex, syntax.dot_matches_newline, &groups) {
            Ok(program) => return Ok(Self { engine: Engine::Own(Box::new(program)), fallback: None }),
            Err(refusal) => refusal,
        };
        // What is wrong for both is told in Oniguruma's words, which people know.
        let program = onig::Program::compile(&expanded.regex, syntax, &groups)?;
        Ok(Self { engine: Engine::Onig(program), fallback: Some(refusal.to_string()) })
    }

    /// Why the expression is left to the general engine.
    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// Searches for the leftmost match, of those that begin before `before`, and fills the slots.
    pub fn search(&self, text: &str, before: Option<Start>, scratch: &mut Scratch) -> Searched {
        match &self.engine {
            Engine::Own(program) => program.search(text, before, &mut scratch.memory, &mut scratch.slots),
            Engine::Onig(program) => program.search(text, before, &mut scratch.slots),
        }
    }
}
