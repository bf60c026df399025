//! An expression as a tree, as exact as a lint needs it. What it does not know is taken for something that can match
//! anything or nothing.
//!
//! The engine's own tree will not do. It has nested quantifiers put together as Oniguruma does (`(?:a+)+` is `a+`), which most engines that run away
//! do not; it has forgotten where its parts were written, which tells a shipped definition's faults from the user's; and there is none of an
//! expression that is left to Oniguruma, where a lint is wanted most.

use super::place::Place;
use super::set::Set;

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// One letter of a set.
    Set(Set),
    /// One after the other.
    Row(Vec<Node>),
    /// One of them.
    Choice(Vec<Node>),
    /// Repeated.
    Repeat(Box<Repeat>),
    /// Once matched, it is not gone back into.
    Atomic(Box<Node>),
    /// A place between letters: the beginning or end of something.
    Place(Place),
    /// Look-around, and what it says of the letters beside it.
    Look(Box<Node>, Place),
    /// References back, and what else is not known.
    Unknown,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Repeat {
    pub body: Node,
    pub least: u32,
    /// `None` without an end.
    pub most: Option<u32>,
    /// Where it is written, with its quantifier.
    pub span: (usize, usize),
}

impl Repeat {
    /// Whether it can have so many rounds that each being ambiguous is too much: without end, or so many that all ways of
    /// cutting a line up are, or (where a round is short) that two to their power is.
    pub fn is_long(&self) -> bool {
        self.most.is_none_or(|most| most >= if self.body.is_endless() { 10 } else { 20 })
    }

    /// Whether a round that takes nothing is counted, rather than ending it.
    pub fn counts(&self) -> bool {
        self.most.is_some() || self.least >= 20
    }
}

impl Node {
    fn is_endless(&self) -> bool {
        match self {
            Self::Row(parts) | Self::Choice(parts) => parts.iter().any(Self::is_endless),
            Self::Atomic(inner) => inner.is_endless(),
            Self::Repeat(repeat) => repeat.most.is_none() || repeat.body.is_endless(),
            Self::Set(_) | Self::Place(_) | Self::Look(..) | Self::Unknown => false,
        }
    }
}

/// Deeper nesting is not looked into.
const MAX_DEPTH: usize = 120;

/// Reads an expression that an engine has accepted.
pub(super) fn parse(expression: &str) -> Node {
    Parser { text: expression, at: 0, depth: 0 }.choice()
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, what: &str) -> bool {
        let found = self.text[self.at..].starts_with(what);
        if found {
            self.at += what.len();
        }
        found
    }

    fn choice(&mut self) -> Node {
        let mut branches = vec![self.row()];
        while self.eat("|") {
            branches.push(self.row());
        }
        if branches.len() == 1 { branches.remove(0) } else { Node::Choice(branches) }
    }

    fn row(&mut self) -> Node {
        let mut row = Vec::new();
        while let Some(c) = self.peek() {
            if c == '|' || c == ')' {
                break;
            }
            let start = self.at;
            let mut atom = self.atom();
            while let Some((least, most)) = self.quantifier() {
                // A plus after a quantifier of one letter takes hold for good; after braces it is a quantifier.
                let braces = self.text[..self.at].ends_with('}');
                let lazy = self.eat("?");
                let possessive = !lazy && !braces && self.eat("+");
                let body = std::mem::replace(&mut atom, Node::Unknown);
                let repeat = Node::Repeat(Box::new(Repeat { body, least, most, span: (start, self.at) }));
                atom = if possessive { Node::Atomic(Box::new(repeat)) } else { repeat };
            }
            match atom {
                Node::Row(inner) => row.extend(inner),
                atom => row.push(atom),
            }
        }
        if row.len() == 1 { row.remove(0) } else { Node::Row(row) }
    }

    fn quantifier(&mut self) -> Option<(u32, Option<u32>)> {
        match self.peek()? {
            '*' => self.take().map(|_| (0, None)),
            '+' => self.take().map(|_| (1, None)),
            '?' => self.take().map(|_| (0, Some(1))),
            '{' => {
                let (inner, _) = self.text[self.at + 1..].split_once('}')?;
                let number = |text: &str| text.parse::<u32>().ok();
                let bounds = match inner.split_once(',') {
                    None => number(inner).map(|count| (count, Some(count)))?,
                    Some(("", most)) => (0, Some(number(most)?)),
                    Some((least, "")) => (number(least)?, None),
                    Some((least, most)) => (number(least)?, Some(number(most)?)),
                };
                self.at += inner.len() + 2;
                Some(bounds)
            }
            _ => None,
        }
    }

    fn atom(&mut self) -> Node {
        match self.take() {
            Some('(') => self.group(),
            Some('[') => Node::Set(self.class()),
            Some('.') => Node::Set(Set::one('\n').not()),
            Some('^') => Node::Place(Place::after(Set::one('\n'))),
            Some('$') => Node::Place(Place::before(Set::one('\n'))),
            Some('\\') => self.escape(),
            Some(c) => Node::Set(Set::one(c)),
            None => Node::Unknown,
        }
    }

    fn group(&mut self) -> Node {
        if self.depth >= MAX_DEPTH {
            self.at = self.text.len();
            return Node::Unknown;
        }
        if self.eat("?#") {
            self.skip_to(')');
            return Node::Row(Vec::new());
        }
        let look = ["?=", "?!", "?<=", "?<!"].into_iter().find(|mark| self.eat(mark));
        let atomic = look.is_none() && self.eat("?>");
        let unknown = look.is_none() && !atomic && (self.eat("?~") || self.eat("?("));
        if look.is_none() && !atomic && !unknown {
            if self.eat("?<") {
                self.skip_to('>');
            } else if self.eat("?'") {
                self.skip_to('\'');
            } else if self.eat("?") {
                // Flags: what they change is not looked at. Without a colon they are about the rest, which is read on.
                while self.peek().is_some_and(|c| c.is_ascii_alphabetic() || c == '-') {
                    self.take();
                }
                if self.eat(")") {
                    return Node::Row(Vec::new());
                }
                self.eat(":");
            }
        }
        self.depth += 1;
        let inner = self.choice();
        self.depth -= 1;
        self.eat(")");
        match look {
            Some(mark) => {
                let place = Place::of_look(&inner, mark.contains('<'), mark.ends_with('!'));
                Node::Look(Box::new(inner), place)
            }
            None if unknown => Node::Unknown,
            None if atomic => Node::Atomic(Box::new(inner)),
            None => inner,
        }
    }

    fn skip_to(&mut self, end: char) {
        self.at = self.text[self.at..].find(end).map_or(self.text.len(), |found| self.at + found + end.len_utf8());
    }

    fn escape(&mut self) -> Node {
        match self.peek() {
            Some(c @ ('b' | 'B' | 'A' | 'z' | 'Z' | 'G' | 'K' | 'y' | 'Y')) => {
                self.take();
                Node::Place(match c {
                    'b' => Place::boundary(true),
                    'B' => Place::boundary(false),
                    'A' | 'G' => Place::after(Set::NONE),
                    'z' => Place::before(Set::NONE),
                    'Z' => Place::before(Set::one('\n')),
                    _ => Place::ANY,
                })
            }
            Some('k' | 'g') => {
                self.take();
                self.skip_to('>');
                Node::Unknown
            }
            Some('1'..='9' | 'X') => self.take().map_or(Node::Unknown, |_| Node::Unknown),
            _ => Node::Set(self.letter().1),
        }
    }

    /// What an escape stands for, and the letter if it is one.
    fn letter(&mut self) -> (Option<char>, Set) {
        let class = |set: Set| (None, set);
        let one = |c: char| (Some(c), Set::one(c));
        match self.take() {
            Some('d') => class(Set::digit()),
            Some('D') => class(Set::digit().not()),
            Some('w') => class(Set::word()),
            Some('W') => class(Set::word().not()),
            Some('s') => class(Set::space()),
            Some('S') => class(Set::space().not()),
            Some('h') => class(Set::hex()),
            Some('H') => class(Set::hex().not()),
            Some('R') => class(Set::range('\n', '\r').with_others()),
            Some('p' | 'P') if self.eat("{") => {
                self.skip_to('}');
                class(Set::word().with_others())
            }
            Some('x') if self.eat("{") => {
                let start = self.at;
                self.skip_to('}');
                let digits = self.text[start..self.at].trim_end_matches('}');
                u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).map_or(class(Set::ALL), one)
            }
            Some('x') => {
                let digits: String = self.text[self.at..].chars().take(2).take_while(char::is_ascii_hexdigit).collect();
                self.at += digits.len();
                u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).map_or(class(Set::ALL), one)
            }
            Some('t') => one('\t'),
            Some('n') => one('\n'),
            Some('r') => one('\r'),
            Some('f') => one('\u{c}'),
            Some('v') => one('\u{b}'),
            Some('a') => one('\u{7}'),
            Some('e') => one('\u{1b}'),
            Some(c) => one(c),
            None => class(Set::NONE),
        }
    }

    /// What stands between brackets; the first is taken already.
    fn class(&mut self) -> Set {
        let negated = self.eat("^");
        let mut set = Set::NONE;
        let mut meets: Option<Set> = None;
        let mut first = true;
        loop {
            let (letter, mut part) = match self.peek() {
                None => break,
                Some(']') if !first => break,
                Some('[') if self.text[self.at..].starts_with("[:") => (None, self.posix()),
                Some('[') => {
                    self.take();
                    (None, self.class())
                }
                Some('&') if self.eat("&&") => {
                    meets = Some(meets.map_or(set, |known| known.and(set)));
                    set = Set::NONE;
                    continue;
                }
                Some('\\') => {
                    self.take();
                    self.letter()
                }
                Some(c) => {
                    self.take();
                    (Some(c), Set::one(c))
                }
            };
            first = false;
            let rest = &self.text[self.at..];
            if let Some(from) = letter
                && rest.starts_with('-')
                && !rest.starts_with("-]")
                && !rest.starts_with("-[")
            {
                self.take();
                let to = if self.eat("\\") { self.letter().0 } else { self.take() };
                part = to.filter(|to| *to >= from).map_or(part.or(Set::one('-')), |to| Set::range(from, to));
            }
            set = set.or(part);
        }
        self.eat("]");
        let set = meets.map_or(set, |known| known.and(set));
        if negated { set.not() } else { set }
    }

    fn posix(&mut self) -> Set {
        let start = self.at + 2;
        let Some(length) = self.text[start..].find(":]") else {
            self.take();
            return Set::one('[');
        };
        let name = &self.text[start..start + length];
        self.at = start + length + 2;
        let set = match name.trim_start_matches('^') {
            "alnum" => Set::of(|c| c.is_ascii_alphanumeric()).with_others(),
            "alpha" | "upper" | "lower" => Set::of(|c| c.is_ascii_alphabetic()).with_others(),
            "digit" => Set::digit().with_others(),
            "xdigit" => Set::hex(),
            "space" => Set::space().with_others(),
            "blank" => Set::of(|c| matches!(c, ' ' | '\t')).with_others(),
            "punct" => Set::of(|c| c.is_ascii_punctuation()).with_others(),
            "word" => Set::word().with_others(),
            _ => Set::ALL,
        };
        if name.starts_with('^') { set.not() } else { set }
    }
}
