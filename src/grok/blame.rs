//! Which definitions an engine's complaint is about.
//!
//! The engine sees one long expression and says what is wrong with it, not where. Each reference is tried alone; of those that are
//! refused the innermost are named. So a fault is found as well beside a reference that can't be expanded, and beside another fault.

use std::collections::HashSet;

use super::engine::{self, Refusal};
use super::expand::{Expanded, expand};
use super::fault::Fault;
use super::matcher::Matcher;
use super::options::Options;
use super::patterns::Patterns;
use super::reference::{Read, Reference, named_group, read, references};

/// Definitions are gone into this deep. Circles are told before, but a definition on the spot can have the name of one around it.
const MAX_DEPTH: usize = 64;

/// What the engine refuses of an expression. `words` are its words for the whole, where that could be expanded: then there is a fault.
pub(super) fn blame(text: &str, words: Option<&str>, patterns: &Patterns, options: Options) -> Vec<Fault> {
    let mut blamer = Blamer { patterns, options, path: Vec::new(), seen: HashSet::new(), faults: Vec::new() };
    blamer.look_at(text, words);
    if let Some(words) = words.filter(|_| blamer.faults.is_empty()) {
        blamer.tell(text, 0, words);
    }
    blamer.faults
}

struct Blamer<'p> {
    patterns: &'p Patterns,
    options: Options,
    /// The references that lead to what is looked at, outermost first.
    path: Vec<Step<'p>>,
    /// Definitions that were looked at.
    seen: HashSet<&'p str>,
    faults: Vec<Fault>,
}

struct Step<'p> {
    name: &'p str,
    on_the_spot: bool,
    /// Where the reference stands in what is around it.
    at: usize,
}

impl<'p> Blamer<'p> {
    /// Looks for faults in a text: of the references that are refused, or else of the text itself.
    fn look_at(&mut self, text: &'p str, words: Option<&str>) {
        let mut refused = false;
        for (at, reference) in references(text) {
            // One within a definition on the spot is looked at with that.
            let Some((definition, words)) = self.refused(text, at, reference) else { continue };
            refused = true;
            if self.path.len() < MAX_DEPTH && self.seen.insert(definition) {
                self.path.push(Step { name: reference.name, on_the_spot: reference.inline.is_some(), at });
                self.look_at(definition, Some(&words));
                self.path.pop();
            }
        }
        match own_fault(text, self.options) {
            Some((at, words)) => self.tell(text, at, &words),
            None if !refused => words.into_iter().for_each(|words| self.tell(text, 0, words)),
            None => {}
        }
    }

    /// The definition that a reference leads to, and the engine's words, if it refuses that alone.
    fn refused(&self, text: &'p str, at: usize, reference: Reference<'p>) -> Option<(&'p str, String)> {
        let inner = &text[at + "%{".len()..];
        let Reference { name, inline, .. } = reference;
        let Read::Reference(_, length) = read(inner) else { return None };
        let alone = if inline.is_some() { format!("%{{{}", &inner[..length]) } else { format!("%{{{name}}}") };
        let definition = inline.or_else(|| self.patterns.get(name))?;
        let expanded = expand(&alone, self.patterns, self.options).ok()?;
        let words = Matcher::compile(&expanded, self.options).err()?;
        Some((definition, words))
    }

    fn tell(&mut self, text: &str, at: usize, words: &str) {
        let mut place = at;
        let mut definition = None;
        for step in self.path.iter().rev() {
            if !step.on_the_spot {
                definition = Some((step.name.to_owned(), place));
                break;
            }
            place = step.at;
        }
        let shown = match text.char_indices().nth(200) {
            None => text.to_owned(),
            Some((end, _)) => format!("{}…", &text[..end]),
        };
        self.faults.push(Fault {
            expression: 0,
            offset: self.path.first().map_or(at, |step| step.at),
            within: self.path.iter().map(|step| step.name.to_owned()).collect(),
            place: definition.as_ref().and_then(|(name, at)| self.patterns.place(name, *at)),
            definition,
            what: format!("the pattern {shown:?} can't be compiled: {words}"),
            hint: None,
        });
    }
}

/// What is wrong with a text though its references be right: where our own parser stops, and the words of the engine that people know.
/// What another part of the expression may account for is taken to be right, too: it is as many letters.
fn own_fault(text: &str, options: Options) -> Option<(usize, String)> {
    let mut letters = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let hidden = hidden(rest);
        if hidden > 0 {
            letters.extend(std::iter::repeat_n('x', hidden));
            rest = &rest[hidden..];
        } else if let Some((_, length)) = named_group(rest) {
            letters.push_str("(?<");
            letters.extend(std::iter::repeat_n('x', length - "(?<>".len()));
            letters.push('>');
            rest = &rest[length..];
        } else {
            let length = if c == '\\' { 1 + rest[1..].chars().next().map_or(0, char::len_utf8) } else { c.len_utf8() };
            letters.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    let Err(Refusal::Syntax { at, .. }) = engine::compile(&letters, &engine::Syntax::default()) else { return None };
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at))?;
    let plain = Expanded { regex: letters, ..Expanded::default() };
    Some((at, Matcher::compile(&plain, options).err()?))
}

/// How long what the text begins with is, if it is a reference to a definition or to a group.
fn hidden(text: &str) -> usize {
    if let Some(inner) = text.strip_prefix("%{") {
        return match read(inner) {
            Read::Reference(_, length) => "%{".len() + length,
            Read::Other(_) | Read::Unclosed => 0,
        };
    }
    let Some(escaped) = text.strip_prefix('\\') else { return 0 };
    match escaped.as_bytes() {
        [b'1'..=b'9', ..] => 2,
        [b'k' | b'g', open @ (b'<' | b'\''), ..] => {
            let close = if *open == b'<' { '>' } else { '\'' };
            escaped.find(close).filter(|end| *end > 1).map_or(0, |end| 1 + end + 1)
        }
        _ => 0,
    }
}
