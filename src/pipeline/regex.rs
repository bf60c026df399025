//! Regular expressions as Java reads them, with bounded time: for `gsub`, `split`, `kv` and conditions.
//!
//! The engine is `fancy-regex`: linear time where an expression has no look-around, back reference, possessive or atomic
//! part, else backtracking that gives up after a million steps, which is a failure of the processor (Java would go on
//! for ever). What Java reads differently is rewritten ([`translate`]): `\d \w \s \b` and POSIX classes are ASCII, `.`
//! excludes all line terminators, `$` is also before the last of them, `\h \R \Z \Q…\E` and Java's names of classes.
//! An expression that is a plain text is searched as such.
//!
//! Matches follow each other as in Java's `Matcher.find`: an empty one may follow a longer one at once.

mod replacement;
mod translate;

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

pub(crate) use replacement::Replacement;

/// Steps of backtracking within one search.
const STEPS: usize = 1_000_000;

/// A compiled expression.
#[derive(Debug, Clone)]
pub(crate) struct Regex {
    engine: Engine,
    groups: usize,
    names: Vec<(String, usize)>,
}

#[derive(Debug, Clone)]
enum Engine {
    /// A text without anything special in it.
    Plain(String),
    Fancy {
        regex: Box<fancy_regex::Regex>,
        /// The same, slower, for the texts that make a difference.
        exact: Option<Box<Exact>>,
    },
}

/// The expression with Java's `$` and `\b`: the one matters where a text ends with a line terminator, the other where it is not ASCII.
#[derive(Debug, Clone)]
struct Exact {
    regex: fancy_regex::Regex,
    has_end: bool,
    has_boundary: bool,
}

impl Exact {
    fn matters(&self, text: &str) -> bool {
        self.has_end && translate::ends_with_terminator(text) || self.has_boundary && !text.is_ascii()
    }
}

/// The places of a match and of its groups.
pub(crate) struct Groups(Vec<Option<Range<usize>>>);

impl Groups {
    /// The place of a group; 0 is the match itself.
    pub(crate) fn get(&self, group: usize) -> Option<Range<usize>> {
        self.0.get(group).cloned().flatten()
    }
}

impl Regex {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn compile(pattern: &str) -> Result<Self, String> {
        if let Some(text) = translate::as_plain_text(pattern) {
            return Ok(Self { engine: Engine::Plain(text), groups: 1, names: Vec::new() });
        }
        let translated = translate::translate(pattern)?;
        let regex = build(&translated.simple)?;
        let (has_end, has_boundary) = (translated.has_end, translated.has_boundary);
        let exact = match &translated.exact {
            Some(pattern) => Some(Box::new(Exact { regex: build(pattern)?, has_end, has_boundary })),
            None => None,
        };
        let names = regex.capture_names().enumerate();
        let names = names.filter_map(|(index, name)| name.map(|name| (name.to_owned(), index))).collect();
        let groups = regex.captures_len();
        Ok(Self { engine: Engine::Fancy { regex: Box::new(regex), exact }, groups, names })
    }

    /// Compiles an expression that has to match a whole text.
    ///
    /// # Errors
    /// As [`Regex::compile`].
    pub(crate) fn compile_whole(pattern: &str) -> Result<Self, String> {
        Self::compile(pattern)?;
        Self::compile(&format!("\\A(?:{pattern})\\z"))
    }

    /// How many groups there are, the match itself included.
    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// The number of a named group.
    pub(crate) fn group(&self, name: &str) -> Option<usize> {
        self.names.iter().find(|(known, _)| known == name).map(|(_, index)| *index)
    }

    /// Whether it matches anywhere.
    ///
    /// # Errors
    /// If the engine gives up.
    pub(crate) fn is_match(&self, text: &str) -> Result<bool, String> {
        self.find_at(text, 0).map(|found| found.is_some())
    }

    /// The first match at `at` or later.
    ///
    /// # Errors
    /// If the engine gives up.
    pub(crate) fn find_at(&self, text: &str, at: usize) -> Result<Option<Range<usize>>, String> {
        match &self.engine {
            Engine::Plain(part) => {
                Ok(memmem::find(&text.as_bytes()[at..], part.as_bytes())
                    .map(|index| at + index..at + index + part.len()))
            }
            Engine::Fancy { .. } => match self.fancy(text).find_from_pos(text, at) {
                Ok(found) => Ok(found.map(|found| found.start()..found.end())),
                Err(error) => Err(gave_up(&error)),
            },
        }
    }

    /// The first match at `at` or later, with its groups.
    ///
    /// # Errors
    /// If the engine gives up.
    pub(crate) fn groups_at(&self, text: &str, at: usize) -> Result<Option<Groups>, String> {
        match &self.engine {
            Engine::Plain(_) => Ok(self.find_at(text, at)?.map(|range| Groups(vec![Some(range)]))),
            Engine::Fancy { .. } => match self.fancy(text).captures_from_pos(text, at) {
                Ok(Some(captures)) => {
                    let places = captures.iter().map(|group| group.map(|group| group.start()..group.end()));
                    Ok(Some(Groups(places.collect())))
                }
                Ok(None) => Ok(None),
                Err(error) => Err(gave_up(&error)),
            },
        }
    }

    fn fancy(&self, text: &str) -> &fancy_regex::Regex {
        match &self.engine {
            Engine::Fancy { exact: Some(exact), .. } if exact.matters(text) => &exact.regex,
            Engine::Fancy { regex, .. } => regex,
            Engine::Plain(_) => unreachable!("a plain text has no engine"),
        }
    }

    /// Every match in order, with the place at which the search goes on after it.
    ///
    /// # Errors
    /// If the engine gives up, or `each` fails.
    fn each(
        &self,
        text: &str,
        mut each: impl FnMut(Range<usize>, usize) -> Result<Again, String>,
    ) -> Result<(), String> {
        let mut at = 0;
        while at <= text.len() {
            let Some(range) = self.find_at(text, at)? else { break };
            let from = at;
            at = if range.is_empty() { range.end + next_char(text, range.end) } else { range.end };
            if each(range, from)? == Again::No {
                break;
            }
        }
        Ok(())
    }

    /// The text with every match replaced; the text itself if there is none.
    ///
    /// # Errors
    /// If the engine gives up.
    pub(crate) fn replace_all(&self, text: &str, with: &Replacement) -> Result<Option<String>, String> {
        let mut out = String::new();
        let mut copied = 0;
        let mut any = false;
        self.each(text, |range, from| {
            any = true;
            out.push_str(&text[copied..range.start]);
            copied = range.end;
            if let Some(literal) = with.literal() {
                out.push_str(literal);
            } else if let Some(groups) = self.groups_at(text, from)? {
                with.push(&mut out, text, &groups);
            }
            Ok(Again::Yes)
        })?;
        if !any {
            return Ok(None);
        }
        out.push_str(&text[copied..]);
        Ok(Some(out))
    }

    /// The pieces between matches, as Java's `split` gives them: no empty first piece from an empty match, and no empty
    /// pieces at the end unless `keep_empty_end`. `limit` is the most pieces, 0 for all.
    ///
    /// # Errors
    /// If the engine gives up.
    pub(crate) fn split(&self, text: &str, limit: usize, keep_empty_end: bool) -> Result<Vec<Range<usize>>, String> {
        let mut pieces: Vec<Range<usize>> = Vec::new();
        let mut start = 0;
        let mut found = false;
        self.each(text, |range, _| {
            if limit > 0 && pieces.len() + 1 == limit {
                return Ok(Again::No);
            }
            if range.end == 0 {
                return Ok(Again::Yes);
            }
            found = true;
            pieces.push(start..range.start);
            start = range.end;
            Ok(Again::Yes)
        })?;
        pieces.push(start..text.len());
        if limit == 0 && !keep_empty_end && found {
            while pieces.last().is_some_and(Range::is_empty) {
                pieces.pop();
            }
        }
        Ok(pieces)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Again {
    Yes,
    No,
}

/// How many bytes the character at `at` has; 1 at the end, so that the search ends.
fn next_char(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

fn build(pattern: &str) -> Result<fancy_regex::Regex, String> {
    fancy_regex::RegexBuilder::new(pattern)
        .backtrack_limit(STEPS)
        .delegate_size_limit(4 << 20)
        .build()
        .map_err(|error| error.to_string())
}

fn gave_up(error: &fancy_regex::Error) -> String {
    format!("the expression gave up: {error}")
}

/// A piece of a text that borrows as long as the text does.
pub(crate) fn slice<'a>(text: &Cow<'a, str>, range: Range<usize>) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
        Cow::Owned(text) => Cow::Owned(text[range].to_owned()),
    }
}

#[cfg(test)]
mod tests;
