//! Oniguruma, the engine whose meaning is the field's own.
//!
//! Its build here differs from Elasticsearch's and Logstash's in one thing: `\d`, `\s` and `\w` know all letters. They are
//! written out before it sees them.
//!
//! It backtracks, and knows a limit of retries for one position of the text only; a retry can go over all of the text. So a search has a
//! budget of bytes, of which each position has a share first. Where that is not enough, the positions are tried one by one, with more
//! as long as the budget lasts. Our own engine says what it can of where a match may begin and what it contains, though it cannot run
//! the expression.

use std::fmt::Write as _;

use onig::{Error, MatchParam, Regex, RegexOptions, Region, SearchOptions, Syntax as OnigSyntax};

use super::{Searched, Slot, Syntax};
use crate::grok::engine::{self, Outline};

/// How many bytes a search may go over, about: divided by one more than the look-aheads with a repetition in them, of which so many count
/// at most. These go over the text at each position, too.
const BUDGET: usize = 400_000_000;
const MOST_LOOKS: usize = 7;
/// How often a position may be tried again at least, and all of them at most.
const RETRIES: (usize, usize) = (4, 10_000_000);
/// How many ways may be open: some forty bytes each.
const OPEN_WAYS: u32 = 1 << 19;

/// An expression in Oniguruma.
#[derive(Debug)]
pub(super) struct Program {
    regex: Regex,
    /// What is known of its matches.
    outline: Option<Outline>,
    /// How many bytes a search may go over.
    budget: usize,
    /// It says where the search began (`\G`), so that no position can be tried by itself.
    asks_for_the_start: bool,
}

impl Program {
    /// Compiles, and gives the slot of each field; the error is in Oniguruma's words.
    pub fn compile(expression: &str, syntax: Syntax, names: &[String]) -> Result<(Self, Vec<Option<usize>>), String> {
        let options = if syntax.dot_matches_newline {
            RegexOptions::REGEX_OPTION_MULTILINE
        } else {
            RegexOptions::REGEX_OPTION_NONE
        };
        let compile = |expression: &str| {
            Regex::with_options(expression, options, OnigSyntax::default())
                .map_err(|error| error.description().trim().to_owned())
        };
        // What is wrong as it was written may be right when the classes are written out: `[a-\d]`.
        compile(expression)?;
        let regex = compile(&with_ascii_classes(expression))?;
        let mut groups = vec![None; names.len()];
        regex.foreach_name(|name, numbers| {
            if let Some(field) = names.iter().position(|known| known == name) {
                groups[field] = numbers.first().map(|number| *number as usize);
            }
            true
        });
        let own = engine::Syntax { dot_matches_newline: syntax.dot_matches_newline, ascii_classes: true };
        let budget = BUDGET / (1 + looks_with_repetitions(expression).min(MOST_LOOKS));
        let asks_for_the_start = expression.contains(r"\G");
        Ok((Self { regex, outline: Outline::new(expression, &own), budget, asks_for_the_start }, groups))
    }

    /// Searches for the leftmost match, if that begins before `before`. (Oniguruma's own range would cut off the match,
    /// too.)
    pub fn search(&self, text: &str, before: Option<usize>, slots: &mut Vec<Slot>) -> Searched {
        let Ok(_) = u32::try_from(text.len()) else { return Searched::Exhausted };
        let last = match &self.outline {
            Some(outline) => outline.last(text),
            None => Some(text.len()),
        };
        let Some(last) = last else { return Searched::Nowhere };
        let end = before.unwrap_or(usize::MAX).min(last + 1);
        let mut region = Region::new();
        let length = text.len() + 1;
        let share = ((self.budget / length).min(RETRIES.1) / length).max(RETRIES.0);
        let mut searched = Searched::Exhausted;
        if length <= self.budget / length {
            let (all, options) = (text.len(), SearchOptions::SEARCH_OPTION_NONE);
            searched = came(self.regex.search_with_param(text, 0, all, options, Some(&mut region), limits(share)));
        }
        if matches!(searched, Searched::Exhausted) && !self.asks_for_the_start {
            searched = self.one_by_one(text, end, share, &mut region);
        }
        match searched {
            Searched::At(start) if before.is_some_and(|before| start >= before) => Searched::Nowhere,
            Searched::At(_) => {
                let half = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                let slot = |(start, end)| Slot { start: half(start), end: half(end) };
                slots.clear();
                slots.extend((0..region.len()).map(|group| region.pos(group).map_or(Slot::NONE, slot)));
                searched
            }
            _ => searched,
        }
    }

    /// Tries the positions of a text before `end`, each with as many retries as are left.
    fn one_by_one(&self, text: &str, end: usize, share: usize, region: &mut Region) -> Searched {
        let length = text.len() + 1;
        let mut left = self.budget;
        let mut from = 0;
        while let Some(start) = self.next_start(text, from).filter(|start| *start < end) {
            from = start + 1;
            let Some(rest) = left.checked_sub(length - start) else { return Searched::Exhausted };
            left = rest;
            let mut retries = share;
            loop {
                let options = SearchOptions::SEARCH_OPTION_NONE;
                let matched = self.regex.match_with_param(text, start, options, Some(region), limits(retries));
                match came(matched) {
                    Searched::At(_) => return Searched::At(start),
                    Searched::Nowhere => break,
                    Searched::Exhausted if retries < left / length => {
                        left -= retries * length;
                        retries = (retries * 16).min(left / length).min(RETRIES.1);
                    }
                    other => return other,
                }
            }
        }
        Searched::Nowhere
    }

    /// The first position from one on at which a match may begin.
    fn next_start(&self, text: &str, from: usize) -> Option<usize> {
        match &self.outline {
            Some(outline) => outline.next(text, from),
            None => (from..=text.len()).find(|at| text.is_char_boundary(*at)),
        }
    }
}

/// How many look-aheads repeat something, about.
fn looks_with_repetitions(expression: &str) -> usize {
    let inside = |look: &str| {
        look.starts_with(['=', '!']) && look[..look.find(')').unwrap_or(look.len())].contains(['*', '+', '{'])
    };
    expression.split("(?").skip(1).filter(|look| inside(look)).count()
}

fn came(result: Result<Option<usize>, Error>) -> Searched {
    match result {
        Ok(Some(at)) => Searched::At(at),
        Ok(None) => Searched::Nowhere,
        Err(error) if LIMITS.contains(&error.code()) => Searched::Exhausted,
        Err(error) => Searched::Failed(error.description().trim().to_owned()),
    }
}

fn limits(retries: usize) -> MatchParam {
    let mut limits = MatchParam::default();
    limits.set_retry_limit_in_match(u32::try_from(retries).unwrap_or(u32::MAX));
    limits.set_match_stack_limit(OPEN_WAYS);
    limits
}

/// Oniguruma's codes for limits that were hit: stack, retries in a match, retries in a search.
const LIMITS: &[i32] = &[-15, -17, -18];

/// The expression with `\d`, `\s`, `\w` and their opposites as classes of ASCII.
fn with_ascii_classes(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len() + expression.len() / 4);
    let mut chars = expression.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('s') => out.push_str(r"[\t-\r ]"),
            Some('S') => out.push_str(r"[^\t-\r ]"),
            Some('w') => out.push_str("[0-9A-Za-z_]"),
            Some('W') => out.push_str("[^0-9A-Za-z_]"),
            Some(other) => write!(out, "\\{other}").expect("a string takes all"),
            None => out.push('\\'),
        }
    }
    out
}
