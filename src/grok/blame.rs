//! Which definitions an engine's complaint is about.
//!
//! The engine sees one long expression and says what is wrong with it, not where. Each reference is tried alone; of those that are
//! refused the innermost are named. So a fault is found as well beside a reference that can't be expanded, and beside another fault.

use std::collections::{HashMap, HashSet};

use super::engine::{self, Refusal, bracket_head, escape_length};
use super::expand::{Expanded, expand};
use super::fault::{Fault, quoted};
use super::matcher::Matcher;
use super::options::Options;
use super::patterns::Patterns;
use super::reference::{Braces, Read, Reference, named_group, read, references};

/// Definitions are gone into this deep. Circles are told before, but a definition on the spot can have the name of one around it.
const MAX_DEPTH: usize = 64;

/// What is known of definitions, whichever expression leads to them.
#[derive(Default)]
pub(super) struct Memory<'p> {
    /// Of the names that were tried alone the engine's words, where it refuses what they stand for.
    tried: HashMap<&'p str, Option<String>>,
    /// Definitions whose faults were told.
    told: HashSet<&'p str>,
}

impl Memory<'_> {
    /// Makes that faults are told again.
    pub(super) fn forget_told(&mut self) {
        self.told.clear();
    }
}

/// What the engine refuses of an expression. `words` are its words for the whole, where that could be expanded: then there is a fault.
pub(super) fn blame<'p>(
    text: &'p str,
    words: Option<&str>,
    patterns: &'p Patterns,
    options: Options,
    memory: &mut Memory<'p>,
) -> Vec<Fault> {
    let mut blamer = Blamer { patterns, options, path: Vec::new(), memory, faults: Vec::new() };
    blamer.look_at(text, words);
    if let Some(words) = words.filter(|_| blamer.faults.is_empty()) {
        blamer.tell(text, 0, words);
    }
    blamer.faults
}

/// What the engine refuses of an expression, references not looked at.
pub(super) fn of_itself(text: &str, patterns: &Patterns, options: Options) -> Vec<Fault> {
    let memory = &mut Memory::default();
    let mut blamer = Blamer { patterns, options, path: Vec::new(), memory, faults: Vec::new() };
    if let Some((at, words)) = own_fault(text, options) {
        blamer.tell(text, at, &words);
    }
    blamer.faults
}

struct Blamer<'p, 'm> {
    patterns: &'p Patterns,
    options: Options,
    /// The references that lead to what is looked at, outermost first.
    path: Vec<Step<'p>>,
    memory: &'m mut Memory<'p>,
    faults: Vec<Fault>,
}

struct Step<'p> {
    name: &'p str,
    on_the_spot: bool,
    /// Where the reference stands in what is around it.
    at: usize,
}

impl<'p> Blamer<'p, '_> {
    /// Looks for faults in a text: of the references that are refused, or else of the text itself.
    fn look_at(&mut self, text: &'p str, words: Option<&str>) {
        let mut refused = false;
        for (at, reference) in references(text) {
            // One within a definition on the spot is looked at with that.
            let Some((definition, words)) = self.refused(text, at, reference) else { continue };
            refused = true;
            if self.path.len() < MAX_DEPTH && self.memory.told.insert(definition) {
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
    fn refused(&mut self, text: &'p str, at: usize, reference: Reference<'p>) -> Option<(&'p str, String)> {
        let name = reference.name;
        if let Some(definition) = reference.inline {
            let inner = &text[at + "%{".len()..];
            let Read::Reference(_, length) = read(inner) else { return None };
            return Some((definition, self.words(&format!("%{{{}", &inner[..length]))?));
        }
        let definition = self.patterns.get(name)?;
        if !self.memory.tried.contains_key(name) {
            let words = self.words(&format!("%{{{name}}}"));
            self.memory.tried.insert(name, words);
        }
        Some((definition, self.memory.tried.get(name)?.clone()?))
    }

    /// The engine's words, if it refuses what can be expanded.
    fn words(&self, text: &str) -> Option<String> {
        let expanded = expand(text, self.patterns, self.options).ok()?;
        Matcher::check(&expanded, self.options).err()
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
        let quoted = quoted(text);
        self.faults.push(Fault {
            expression: 0,
            offset: self.path.first().map_or(at, |step| step.at),
            within: self.path.iter().map(|step| step.name.to_owned()).collect(),
            place: definition.as_ref().and_then(|(name, at)| self.patterns.place(name, *at)),
            definition,
            what: format!("the pattern {quoted} can't be compiled: {words}"),
            hint: None,
        });
    }
}

/// What is wrong with a text though its references be right: where our own parser stops, and the words of the engine that people know.
/// What another part of the expression may account for is taken to be right, too: it is as many letters.
fn own_fault(text: &str, options: Options) -> Option<(usize, String)> {
    let mut letters = String::with_capacity(text.len());
    let braces = Braces::new(text);
    let mut in_class = 0_u32;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let hidden = hidden(text, at, &braces, in_class > 0);
        if hidden > 0 {
            letters.extend(std::iter::repeat_n('x', hidden));
            at += hidden;
            continue;
        }
        if let Some((_, length)) = named_group(rest).filter(|_| in_class == 0) {
            letters.push_str("(?<");
            letters.extend(std::iter::repeat_n('x', length - "(?<>".len()));
            letters.push('>');
            at += length;
            continue;
        }
        let mut length = c.len_utf8();
        match c {
            '\\' => length += rest[1..].chars().next().map_or(0, char::len_utf8),
            '[' => {
                in_class += 1;
                length += bracket_head(&rest[1..]);
            }
            ']' => in_class = in_class.saturating_sub(1),
            _ => {}
        }
        letters.push_str(&rest[..length]);
        at += length;
    }
    let Err(Refusal::Syntax { at, .. }) = engine::check(&letters, &engine::Syntax::default()) else { return None };
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at))?;
    let plain = Expanded { regex: letters, ..Expanded::default() };
    Some((at, Matcher::check(&plain, options).err()?))
}

/// How long what begins at a byte of the text is, if it is a reference to a definition or to a group. There are none to groups within
/// brackets.
fn hidden(text: &str, at: usize, braces: &Braces, in_class: bool) -> usize {
    let rest = &text[at..];
    if rest.starts_with("%{") {
        return match braces.read(text, at) {
            Read::Reference(_, length) => "%{".len() + length,
            Read::Other(_) | Read::Unclosed => 0,
        };
    }
    let Some(escaped) = rest.strip_prefix('\\').filter(|_| !in_class) else { return 0 };
    match escaped.as_bytes() {
        [b'1'..=b'9', ..] => 2,
        [b'k' | b'g', b'<' | b'\'', ..] => escape_length(rest),
        _ => 0,
    }
}
