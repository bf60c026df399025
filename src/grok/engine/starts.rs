//! Where a match can begin, and whether a text can match at all.

use memchr::memchr;
use memchr::memmem::Finder;

use super::analyse::{Ahead, ahead, min_bytes};
use super::scan::{Run, run_end};
use super::tree::{Assertion, Node};

/// What is known of every match of an expression.
#[derive(Debug)]
pub(super) struct Starts {
    /// Bytes that no match begins with.
    skipped: Run,
    /// It can begin at the end of the text.
    at_end: bool,
    /// It begins at the beginning of the text, or of a line, only.
    anchor: Option<Anchor>,
    /// What every match contains, and how many bytes come before that at least.
    literal: Option<(Finder<'static>, usize)>,
}

impl Starts {
    /// Of a tree that was simplified.
    pub(super) fn new(tree: &Node) -> Starts {
        let first = ahead(tree, Ahead::DONE);
        let mut literals = Literals { best: (Vec::new(), 0), current: (Vec::new(), 0), before: 0 };
        literals.node(tree);
        literals.end();
        let literal = Some(literals.best).filter(|(bytes, _)| !bytes.is_empty());
        Starts {
            skipped: Run::new(first.set.negated()),
            at_end: first.end,
            anchor: anchor(tree),
            literal: literal.map(|(bytes, before)| (Finder::new(&bytes).into_owned(), before)),
        }
    }

    /// Whether a match may begin at the first byte; where there is none it is not said.
    #[inline(always)]
    pub(super) fn is_at_beginning(&self, text: &[u8]) -> bool {
        text.first().is_some_and(|byte| !self.skipped.has(*byte))
    }

    /// The first position from `at` on at which a match may begin.
    #[inline]
    pub(super) fn next(&self, text: &[u8], mut at: usize) -> Option<usize> {
        loop {
            match self.anchor {
                Some(Anchor::Text) if at > 0 => return None,
                Some(Anchor::Line) if at > 0 => at += memchr(b'\n', text.get(at - 1..)?)?,
                Some(_) => {}
                // Most matches begin where they are first looked for.
                None if text.get(at).is_some_and(|byte| !self.skipped.has(*byte)) => {}
                None => at = run_end(text, at, &self.skipped),
            }
            match text.get(at) {
                None => return (self.at_end && at == text.len()).then_some(at),
                Some(byte) if byte & 0xC0 == 0x80 || self.skipped.has(*byte) => at += 1,
                Some(_) => return Some(at),
            }
        }
    }

    /// What every match contains is not there for one that begins at `at` or later.
    pub(super) fn are_none(&self, text: &[u8], at: usize) -> bool {
        let Some((finder, before)) = &self.literal else { return false };
        text.get(at + before..).is_none_or(|text| finder.find(text).is_none())
    }

    /// The last position at which a match may begin, if there is any after `at`.
    pub(super) fn last(&self, text: &[u8], at: usize) -> Option<usize> {
        let Some((finder, before)) = &self.literal else { return Some(text.len()) };
        if self.are_none(text, at) {
            return None;
        }
        let last = memchr::memmem::rfind(text, finder.needle())?;
        last.checked_sub(*before)
    }
}

/// Where every match begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Anchor {
    Line,
    Text,
}

/// Where every match begins, if that is said.
fn anchor(node: &Node) -> Option<Anchor> {
    match node {
        Node::Assert(Assertion::TextStart) => Some(Anchor::Text),
        Node::Assert(Assertion::LineStart) => Some(Anchor::Line),
        // What takes nothing may stand before it.
        Node::Concat(nodes) => {
            let still = nodes.iter().take_while(|node| matches!(node, Node::Assert(_) | Node::Look(_)));
            let next = nodes.get(still.clone().count());
            still.chain(next).filter_map(anchor).max()
        }
        Node::Alternate(nodes) => nodes.iter().map(anchor).min().flatten(),
        Node::Group(_, node) | Node::Atomic(node) => anchor(node),
        _ => None,
    }
}

/// Looks for the longest literal that every match contains.
struct Literals {
    best: (Vec<u8>, usize),
    current: (Vec<u8>, usize),
    /// How many bytes every match has before here.
    before: usize,
}

impl Literals {
    fn node(&mut self, node: &Node) {
        match node {
            Node::Class(class) => match class.single() {
                Some(character) => {
                    if self.current.0.is_empty() {
                        self.current.1 = self.before;
                    }
                    let mut buffer = [0; 4];
                    self.current.0.extend(character.encode_utf8(&mut buffer).bytes());
                    self.before += character.len_utf8();
                }
                None => self.other(node),
            },
            Node::Concat(nodes) => nodes.iter().for_each(|node| self.node(node)),
            Node::Group(_, node) | Node::Atomic(node) => self.node(node),
            // These take nothing, so a literal goes on over them.
            Node::Empty | Node::Assert(_) | Node::Look(_) | Node::Keep => {}
            Node::Repeat(repeat) if repeat.min > 0 => {
                self.end();
                let before = self.before;
                self.node(&repeat.node);
                self.end();
                self.before = before.saturating_add(min_bytes(node) as usize);
            }
            _ => self.other(node),
        }
    }

    fn other(&mut self, node: &Node) {
        self.end();
        self.before = self.before.saturating_add(min_bytes(node) as usize);
    }

    fn end(&mut self) {
        let current = std::mem::take(&mut self.current);
        if worth(&current.0) > worth(&self.best.0) {
            self.best = current;
        }
    }
}

/// How much a literal tells: long ones more, and those of bytes that every line has less.
fn worth(literal: &[u8]) -> usize {
    literal.iter().map(|byte| if matches!(byte, b' ' | b'"' | b':' | b'.' | b'-' | b'/' | b'=') { 1 } else { 3 }).sum()
}
