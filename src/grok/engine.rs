//! A regular expression engine for grok: the meaning of Oniguruma, in bounded time.
//!
//! # Contract
//! - **Meaning**: what Oniguruma (its default syntax, UTF-8) does with the same expression: the leftmost match, ways tried
//!   in the order that the expression says, the same captures. What the engine cannot take it refuses ([`Refusal`]), so that the
//!   caller can fall back; it never answers differently.
//! - **Time**: at most about the size of the program times the length of the text. Quick code runs first, under a budget of steps
//!   that grows with the text; when that is used up the plain code runs, which remembers every state that failed. Only
//!   back-references defeat that memory: with these, a budget of steps ends in [`Exhausted`].
//! - **Memory**: everything that a search needs is in a [`Scratch`], which is kept: a warm one allocates nothing. A search takes at
//!   most about 10 MiB, of which some hundred kilobytes are kept; where that is not enough it is [`Exhausted`].
//!
//! # How
//! `parse` makes a tree. From it `plain` makes operations that a textbook has, with a memory of what failed; `simplify` and `quick`
//! make those that usually run, steps over what `analyse` says can come next; `nfa` and `dfa` make automata of parts without
//! captures. `run` runs both kinds. `starts` says where a match can begin, and `set` which of many expressions a text needs.

mod analyse;
mod bytes;
mod class;
mod dfa;
mod grams;
mod letters;
mod memo;
mod needs;
mod nfa;
mod outline;
mod parse;
mod plain;
mod plan;
mod program;
mod quick;
mod run;
mod scan;
mod set;
mod simplify;
mod starts;
mod tree;
mod unicode;

use std::ops::Range;

pub(super) use letters::{COMMENT, bracket_head, comment_length, escape_length, unescaped};
pub use outline::Outline;
use plan::Walked;
use program::Code;
use run::{Input, Stack, Verdict};
pub use set::{Candidates, Set};
use starts::Starts;

/// How many ways may fail before the quick code is given up, and how many more for each byte of the text.
const QUICK_STEPS: u64 = 1000;
const QUICK_STEPS_A_BYTE: u64 = 8;
/// After a text that lacked what an expression needs, the next ones are likely to: of so many this is asked first.
const DOUBTS: u8 = 4;
/// How often walks along the plan may fail on one text; each may be as long as the text.
const PLAN_FAILURES: u32 = 16;
/// The same for the plain code. Without back-references it stays below unless the expression is very large.
const PLAIN_STEPS: u64 = 5_000_000;
const PLAIN_STEPS_A_BYTE: u64 = 64;

/// What can be chosen about the meaning of expressions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Syntax {
    /// `.` matches a newline, too.
    pub dot_matches_newline: bool,
    /// `\d`, `\s` and `\w` mean ASCII only. `\b` and POSIX brackets stay as they are.
    pub ascii_classes: bool,
}

/// Why an expression was not compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is wrong.
    Syntax {
        /// The byte of the expression where it was noticed.
        at: usize,
        /// What is wrong.
        what: String,
    },
    /// It may be right, but says something that the engine cannot do.
    Unsupported {
        /// What that is.
        what: String,
    },
    /// It would need too large a program.
    TooLarge,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Syntax { at, what } => write!(f, "{what} (at byte {at} of the expression)"),
            Refusal::Unsupported { what } => write!(f, "not supported: {what}"),
            Refusal::TooLarge => f.write_str("the expression is too large"),
        }
    }
}

impl std::error::Error for Refusal {}

/// A search that was given up: the budget of steps is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

impl std::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the search took too many steps")
    }
}

impl std::error::Error for Exhausted {}

/// What a group matched: bytes of the text, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Slot {
    /// The group matched nothing.
    pub const NONE: Slot = Slot { start: u32::MAX, end: u32::MAX };

    /// Whether the group matched, be it the empty text.
    pub fn is_some(self) -> bool {
        self.end != u32::MAX
    }

    /// What it matched of the text that was searched.
    #[inline]
    pub fn of(self, text: &str) -> Option<&str> {
        // No text goes as far as where nothing is.
        text.get(self.start as usize..self.end as usize)
    }
}

impl Default for Slot {
    fn default() -> Slot {
        Slot::NONE
    }
}

/// The memory that searches need. One for each thread; any program can use it.
#[derive(Debug, Default)]
pub struct Scratch {
    stack: Stack,
    plan: Box<plan::Memory>,
    /// So many more texts are looked through for what an expression needs before anything else.
    doubts: u8,
}

impl Scratch {
    /// How many bytes it occupies between searches, about: at most some hundred kilobytes.
    pub fn size(&self) -> usize {
        self.stack.size() + size_of::<plan::Memory>()
    }
}

/// A compiled expression.
#[derive(Debug)]
pub struct Program {
    names: Vec<Option<String>>,
    plain: Code,
    /// Nothing if it would be too large.
    quick: Option<Code>,
    /// The way through the quick code that most texts take.
    plan: Option<plan::Plan>,
    starts: Starts,
    needs: Vec<needs::Need>,
}

/// Compiles an expression.
pub fn compile(expression: &str, syntax: &Syntax) -> Result<Program, Refusal> {
    let parsed = parse::parse(expression, syntax)?;
    let groups = parsed.names.len() as u32 + 1;
    let plain = plain::compile(&parsed.tree, groups)?;
    let tree = simplify::simplify(parsed.tree);
    let quick = quick::compile(&tree, groups).ok();
    let plan = quick.as_ref().and_then(plan::build);
    Ok(Program { names: parsed.names, plain, quick, plan, starts: Starts::new(&tree), needs: needs::needs(&tree) })
}

/// Says whether an expression can be compiled, in much less time than it takes to do so.
pub(super) fn check(expression: &str, syntax: &Syntax) -> Result<(), Refusal> {
    let parsed = parse::parse(expression, syntax)?;
    plain::compile(&parsed.tree, parsed.names.len() as u32 + 1).map(|_| ())
}

impl Program {
    /// The names of the groups, the first being that of slot 1. Where any has a name, only those that have one are groups; two
    /// groups can have the same name.
    pub fn groups(&self) -> &[Option<String>] {
        &self.names
    }

    /// How many slots a search fills: the whole match and the groups.
    pub fn slots(&self) -> usize {
        self.names.len() + 1
    }

    /// Searches for the leftmost match. If there is one, slot 0 is all of it and slot n what group n matched.
    ///
    /// # Panics
    /// If there are fewer slots than [`Program::slots`].
    pub fn search(&self, text: &str, scratch: &mut Scratch, slots: &mut [Slot]) -> Result<bool, Exhausted> {
        Ok(self.search_before(text, usize::MAX, scratch, slots)?.is_some())
    }

    /// The same, among the positions of the text before `end`; a match may go on beyond. Gives the position, which is where slot 0
    /// begins unless `\K` moved that.
    ///
    /// # Panics
    /// If there are fewer slots than [`Program::slots`].
    pub fn search_before(
        &self,
        text: &str,
        end: usize,
        scratch: &mut Scratch,
        slots: &mut [Slot],
    ) -> Result<Option<usize>, Exhausted> {
        let Ok(_) = u32::try_from(text.len() + 1) else { return Err(Exhausted) };
        let slots = &mut slots[..self.slots()];
        let input = Input { text: text.as_bytes(), origin: 0 };
        if scratch.doubts > 0 {
            scratch.doubts -= 1;
            if self.starts.are_none(input.text, 0) {
                scratch.doubts = DOUBTS;
                return Ok(None);
            }
        }
        scratch.plan.failures = PLAN_FAILURES;
        // Most texts match where they begin.
        let mut walked = None;
        if end > 0 && self.starts.is_at_beginning(input.text) {
            walked = self.walk(input.text, 0, scratch, slots);
            if walked == Some(Walked::Matched) {
                return Ok(Some(0));
            }
        }
        self.search_on(input, end, walked, scratch, slots)
    }

    /// Goes along the plan, if there is one and it is not given up.
    #[inline(always)]
    fn walk(&self, text: &[u8], start: usize, scratch: &mut Scratch, slots: &mut [Slot]) -> Option<Walked> {
        let plan = self.plan.as_ref().filter(|_| scratch.plan.failures > 0)?;
        let code = self.quick.as_ref()?;
        Some(plan::Walk { plan, code, text, memory: &mut scratch.plan, slots }.go(start))
    }

    /// The same, where it is known what came of the walk from the beginning of the text, if there was one.
    #[inline(never)]
    fn search_on(
        &self,
        input: Input<'_>,
        end: usize,
        mut known: Option<Walked>,
        scratch: &mut Scratch,
        slots: &mut [Slot],
    ) -> Result<Option<usize>, Exhausted> {
        // Steps are dear where a back-reference compares long texts, and many where there is no quick code.
        let dear = !self.plain.backs.is_empty() || self.quick.is_none();
        if dear && self.last_start(input.text, 0).is_none() {
            return Ok(None);
        }
        let Some(quick) = &self.quick else { return self.search_plainly(input, 0..end, scratch, slots) };
        scratch.stack.allow(QUICK_STEPS + QUICK_STEPS_A_BYTE * input.text.len() as u64);
        let mut end = end;
        let mut from = 0;
        while let Some(start) = self.starts.next(input.text, from).filter(|start| *start < end) {
            let walked = known.take().or_else(|| self.walk(input.text, start, scratch, slots));
            let verdict = match walked {
                Some(Walked::Matched) => Verdict::Matched,
                Some(Walked::Failed) => Verdict::Failed,
                Some(Walked::GaveUp) | None => run::run(quick, input, start, &mut scratch.stack, slots),
            };
            match verdict {
                Verdict::Matched => return Ok(Some(start)),
                Verdict::Failed => {}
                Verdict::TooLong => {
                    // Before anything long is begun.
                    let Some(last) = self.last_start(input.text, start) else { break };
                    let end = end.min(last.saturating_add(1));
                    return self.search_plainly(input, start..end, scratch, slots);
                }
            }
            if from == 0 {
                // Most texts match where they are first tried; only now is it worth looking for what they need.
                let Some(last) = self.starts.last(input.text, start + 1) else {
                    scratch.doubts = DOUBTS;
                    break;
                };
                end = end.min(last.saturating_add(1));
            }
            from = start + 1;
        }
        Ok(None)
    }

    /// The last position from one on at which a match may begin; none if the text lacks anything that the expression needs.
    fn last_start(&self, text: &[u8], from: usize) -> Option<usize> {
        self.starts.last(text, from).filter(|_| needs::has_all(text, &self.needs))
    }

    /// Searches with the memory of what failed: slower, but never for long.
    fn search_plainly(
        &self,
        input: Input<'_>,
        mut within: Range<usize>,
        scratch: &mut Scratch,
        slots: &mut [Slot],
    ) -> Result<Option<usize>, Exhausted> {
        let stack = &mut scratch.stack;
        stack.allow(PLAIN_STEPS + PLAIN_STEPS_A_BYTE * input.text.len() as u64);
        let mut found = Ok(None);
        while let Some(start) = self.starts.next(input.text, within.start).filter(|start| *start < within.end) {
            match run::run(&self.plain, input, start, stack, slots) {
                Verdict::Matched => found = Ok(Some(start)),
                Verdict::Failed => {
                    within.start = start + 1;
                    continue;
                }
                Verdict::TooLong => found = Err(Exhausted),
            }
            break;
        }
        stack.memo.clear();
        found
    }

    /// How many bytes the program occupies, about.
    pub fn size(&self) -> usize {
        let needs: usize = self.needs.iter().flatten().map(|text| text.len() + size_of::<Vec<u8>>()).sum();
        self.plain.size()
            + self.quick.as_ref().map_or(0, Code::size)
            + self.plan.as_ref().map_or(0, plan::Plan::size)
            + needs
            + size_of::<Program>()
    }
}

#[cfg(test)]
mod differential_tests;
#[cfg(test)]
pub(super) mod generated;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod shortcut_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::LINES;
