//! Oniguruma, the engine whose meaning is the field's own.
//!
//! Its build here differs from Elasticsearch's and Logstash's in one thing: `\d`, `\s` and `\w` know all letters. They are
//! written out before it sees them. It backtracks; a limit of steps per match ends what would run away.

use std::fmt::Write as _;

use onig::{MatchParam, Regex, RegexOptions, Region, SearchOptions, Syntax as OnigSyntax};

use super::{Searched, Slot, Syntax};

/// An expression in Oniguruma.
#[derive(Debug)]
pub(super) struct Program {
    regex: Regex,
}

impl Program {
    /// Compiles, and gives the slot of each field; the error is in Oniguruma's words.
    pub fn compile(expression: &str, syntax: Syntax, names: &[String]) -> Result<(Self, Vec<Option<usize>>), String> {
        let ascii = with_ascii_classes(expression);
        let options = if syntax.dot_matches_newline {
            RegexOptions::REGEX_OPTION_MULTILINE
        } else {
            RegexOptions::REGEX_OPTION_NONE
        };
        let regex = Regex::with_options(&ascii, options, OnigSyntax::default())
            .map_err(|error| error.description().trim().to_owned())?;
        let mut groups = vec![None; names.len()];
        regex.foreach_name(|name, numbers| {
            if let Some(field) = names.iter().position(|known| known == name) {
                groups[field] = numbers.first().map(|number| *number as usize);
            }
            true
        });
        Ok((Self { regex }, groups))
    }

    /// Searches for the leftmost match, if that begins before `before`. (Oniguruma's own range would cut off the match,
    /// too.)
    pub fn search(&self, text: &str, before: Option<usize>, slots: &mut Vec<Slot>) -> Searched {
        let Ok(_) = u32::try_from(text.len()) else { return Searched::Exhausted };
        let mut region = Region::new();
        let searched = self.regex.search_with_param(
            text,
            0,
            text.len(),
            SearchOptions::SEARCH_OPTION_NONE,
            Some(&mut region),
            MatchParam::default(),
        );
        match searched {
            Ok(Some(start)) if before.is_some_and(|before| start >= before) => Searched::Nowhere,
            Ok(Some(start)) => {
                let half = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                let slot = |(start, end)| Slot { start: half(start), end: half(end) };
                slots.clear();
                slots.extend((0..region.len()).map(|group| region.pos(group).map_or(Slot::NONE, slot)));
                Searched::At(start)
            }
            Ok(None) => Searched::Nowhere,
            Err(error) if LIMITS.contains(&error.code()) => Searched::Exhausted,
            Err(error) => Searched::Failed(error.description().trim().to_owned()),
        }
    }
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
