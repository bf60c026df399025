//! From an expression's text to its tree, with the grammar of Oniguruma.
//!
//! The syntax is the one that the `onig` crate takes when it is told none. Its oddities are kept, as people's patterns
//! depend on them: an interval is never possessive (`a{2}+` repeats `a{2}`), `a{2}?` is optional rather than lazy, `{,3}`
//! begins at 0, a brace that is no interval is a brace, plain groups do not capture where there are named ones, and
//! nested quantifiers are put together as Oniguruma does, which decides what is tried first.

mod bracket;
mod case;
mod escape;
mod group;
mod quantifier;

use super::class::Class;
use super::tree::{Assertion, Node};
use super::unicode::Named;
use super::{Refusal, Syntax};

/// How deep groups may be nested: the parser and every later step recurse.
const DEEPEST: u32 = 200;

/// What the parser found.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) tree: Node,
    /// Of each capturing group, from number 1.
    pub(super) names: Vec<Option<String>>,
}

/// What inline flags change.
#[derive(Clone, Copy, Debug)]
struct Flags {
    fold: bool,
    dot_all: bool,
    extended: bool,
    ascii_word: bool,
    ascii_digit: bool,
    ascii_space: bool,
    ascii_posix: bool,
    /// `\b` sees words of ASCII only.
    ascii_boundary: bool,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    flags: Flags,
    depth: u32,
    /// How many look-behinds are around.
    behind: u32,
    /// There are flags for what is ASCII, as the engines of Elasticsearch and Logstash have them.
    ascii_flags: bool,
    names: Vec<Option<String>>,
    highest_back: u32,
    numbered_back: bool,
    /// Only an outline is asked for: what the engine cannot do may stand for any text.
    outline: bool,
}

type Result<T> = std::result::Result<T, Refusal>;

/// Parses an expression.
pub(super) fn parse(text: &str, syntax: &Syntax) -> Result<Parsed> {
    parse_as(text, syntax, false)
}

/// Parses an expression to a tree that matches whatever it matches, and maybe more: most of what is not supported stands for any text.
pub(super) fn outline(text: &str, syntax: &Syntax) -> Result<Node> {
    Ok(parse_as(text, syntax, true)?.tree)
}

fn parse_as(text: &str, syntax: &Syntax, outline: bool) -> Result<Parsed> {
    let flags = Flags {
        fold: false,
        dot_all: syntax.dot_matches_newline,
        extended: false,
        ascii_word: syntax.ascii_classes,
        ascii_digit: syntax.ascii_classes,
        ascii_space: syntax.ascii_classes,
        ascii_posix: false,
        ascii_boundary: false,
    };
    let mut parser = Parser {
        text,
        at: 0,
        flags,
        depth: 0,
        behind: 0,
        ascii_flags: syntax.ascii_classes,
        names: Vec::new(),
        highest_back: 0,
        numbered_back: false,
        outline,
    };
    let tree = parser.alternatives()?;
    if parser.peek().is_some() {
        return Err(parser.wrong("a parenthesis is closed that was not opened"));
    }
    parser.finish(tree)
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn take(&mut self, expected: &str) -> bool {
        let there = self.text[self.at..].starts_with(expected);
        if there {
            self.at += expected.len();
        }
        there
    }

    fn wrong(&self, what: &str) -> Refusal {
        Refusal::Syntax { at: self.at, what: what.to_owned() }
    }

    fn unsupported(&self, what: &str) -> Refusal {
        Refusal::Unsupported { what: what.to_owned() }
    }

    /// What is not supported: any text, where only an outline is asked for.
    fn any_text(&self, what: &str) -> Result<Node> {
        if self.outline { Ok(Node::Class(Class::all()).repeat(0, None, true)) } else { Err(self.unsupported(what)) }
    }

    /// The same, of something that goes up to here.
    fn any_text_up_to(&mut self, closing: char, what: &str) -> Result<Node> {
        let node = self.any_text(what)?;
        match self.text[self.at..].find(closing) {
            Some(end) => self.at += end + closing.len_utf8(),
            None => return Err(self.unsupported(what)),
        }
        Ok(node)
    }

    /// Up to a closing parenthesis, which is left, or the end. Flags that are changed within are as before afterwards.
    fn alternatives(&mut self) -> Result<Node> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.unsupported("groups nested deeper than 200"));
        }
        let flags = self.flags;
        let mut branches = vec![self.branch()?];
        while self.take("|") {
            branches.push(self.branch()?);
        }
        self.flags = flags;
        self.depth -= 1;
        Ok(Node::alternate(branches))
    }

    fn branch(&mut self) -> Result<Node> {
        let mut nodes = Vec::new();
        // Characters that are waiting to become one literal; a quantifier takes the last of them.
        let mut literal: Vec<char> = Vec::new();
        loop {
            self.skip_blanks()?;
            let Some(character) = self.peek() else { break };
            if matches!(character, '|' | ')') {
                break;
            }
            if let Some(plain) = self.literal_character(character)? {
                literal.push(plain);
                self.skip_blanks()?;
                if self.at_quantifier()? {
                    literal.pop();
                    self.flush(&mut literal, &mut nodes);
                    let one = self.flush_one(plain);
                    nodes.push(self.quantified(one)?);
                }
                continue;
            }
            self.flush(&mut literal, &mut nodes);
            if self.at_quantifier()? {
                return Err(self.wrong("there is nothing to repeat before the quantifier"));
            }
            let node = self.atom()?;
            self.skip_blanks()?;
            nodes.push(self.quantified(node)?);
        }
        self.flush(&mut literal, &mut nodes);
        Ok(Node::concat(nodes))
    }

    fn flush(&self, literal: &mut Vec<char>, nodes: &mut Vec<Node>) {
        match literal.as_slice() {
            [] => {}
            characters if self.flags.fold && self.behind > 0 => nodes.push(case::folded_one_by_one(characters)),
            characters if self.flags.fold => nodes.push(case::folded_literal(characters)),
            characters => nodes.push(Node::literal(&characters.iter().collect::<String>())),
        }
        literal.clear();
    }

    fn flush_one(&self, character: char) -> Node {
        let mut nodes = Vec::new();
        self.flush(&mut vec![character], &mut nodes);
        Node::concat(nodes)
    }

    /// Comments, and blanks where these mean nothing.
    fn skip_blanks(&mut self) -> Result<()> {
        loop {
            if self.take("(?#") {
                loop {
                    match self.next() {
                        None => return Err(self.wrong("a comment is not closed")),
                        Some('\\') => {
                            self.next();
                        }
                        Some(')') => break,
                        Some(_) => {}
                    }
                }
                continue;
            }
            match self.peek() {
                Some(' ' | '\t' | '\n' | '\r' | '\x0C') if self.flags.extended => {
                    self.next();
                }
                Some('#') if self.flags.extended => while self.next().is_some_and(|character| character != '\n') {},
                _ => return Ok(()),
            }
        }
    }

    /// Takes a character that stands for itself, escaped or not.
    fn literal_character(&mut self, character: char) -> Result<Option<char>> {
        match character {
            '.' | '[' | '(' | '^' | '$' | '*' | '+' | '?' => Ok(None),
            '{' if self.interval()?.is_some() => Ok(None),
            '\\' => {
                let Some(escaped) = self.text[self.at + 1..].chars().next() else {
                    return Err(self.wrong("nothing follows the backslash"));
                };
                if !escape::stands_for_itself(escaped) {
                    return Ok(None);
                }
                self.next();
                Ok(self.next())
            }
            _ => Ok(self.next()),
        }
    }

    /// Anything but a literal character.
    fn atom(&mut self) -> Result<Node> {
        match self.next() {
            Some('.') => Ok(Node::Class(self.dot())),
            Some('[') => self.bracket(),
            Some('(') => self.group(),
            Some('^') => Ok(Node::Assert(Assertion::LineStart)),
            Some('$') => Ok(Node::Assert(Assertion::LineEnd)),
            Some('\\') => self.escape(),
            _ => Err(self.wrong("an expression is missing here")),
        }
    }

    fn dot(&self) -> Class {
        if self.flags.dot_all { Class::all() } else { Class::one('\n').negated() }
    }

    fn shorthand(&self, named: Named) -> Class {
        named.class(match named {
            Named::Word => self.flags.ascii_word,
            Named::Digit => self.flags.ascii_digit,
            Named::Space => self.flags.ascii_space,
            _ => self.flags.ascii_posix,
        })
    }

    /// Settles which groups capture.
    fn finish(self, mut tree: Node) -> Result<Parsed> {
        let count = self.names.len() as u32;
        if self.highest_back > count {
            return Err(self.wrong("a group is referred to that there is not"));
        }
        let named = self.names.iter().filter(|name| name.is_some()).count();
        if named == 0 || named == self.names.len() {
            if named > 0 && self.numbered_back {
                return Err(self.wrong("where groups have names they are referred to by name"));
            }
            return Ok(Parsed { tree, names: self.names });
        }
        if self.numbered_back {
            return Err(self.wrong("where groups have names they are referred to by name"));
        }
        let mut next = 0;
        let numbers: Vec<Option<u32>> = self
            .names
            .iter()
            .map(|name| {
                next += u32::from(name.is_some());
                name.is_some().then_some(next)
            })
            .collect();
        renumber(&mut tree, &numbers);
        Ok(Parsed { tree, names: self.names.into_iter().filter(Option::is_some).collect() })
    }
}

fn renumber(node: &mut Node, numbers: &[Option<u32>]) {
    match node {
        Node::Group(number, inner) => {
            renumber(inner, numbers);
            match numbers[*number as usize - 1] {
                Some(new) => *number = new,
                None => *node = std::mem::replace(inner, Node::Empty),
            }
        }
        Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter_mut().for_each(|node| renumber(node, numbers)),
        Node::Repeat(repeat) => renumber(&mut repeat.node, numbers),
        Node::Atomic(inner) => renumber(inner, numbers),
        Node::Look(look) => renumber(&mut look.node, numbers),
        Node::Back { groups, .. } => {
            groups.iter_mut().for_each(|group| *group = numbers[*group as usize - 1].unwrap_or(*group));
        }
        Node::Empty | Node::Fail | Node::Class(_) | Node::Assert(_) | Node::Keep => {}
    }
}
