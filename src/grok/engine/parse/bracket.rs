//! Bracket expressions: ranges, nested brackets, intersections, POSIX names.

use super::{Parser, Result, case, escape};
use crate::grok::engine::class::Class;
use crate::grok::engine::letters::closes_later;
use crate::grok::engine::tree::Node;
use crate::grok::engine::unicode::{self, Named};

/// What was read last, as far as a `-` after it has to know.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Nothing,
    /// A character that a range could begin with.
    Character(char),
    /// The same, a byte that is no character.
    Byte(u8),
    /// A class such as `\d`, which no range begins with.
    Named,
    /// A range or a nested bracket is complete.
    Complete,
}

/// One part of a bracket expression.
enum Part {
    Close,
    Dash,
    And,
    Open,
    Character(char),
    /// A byte beyond ASCII by its number (`\xe9`), which with those after it is no character.
    Byte(u8),
    Class(Class),
}

/// Characters, and bytes that are none. Where any is written these are what Joni's bit set has of bytes beyond ASCII.
#[derive(Default)]
struct Chars {
    class: Class,
    /// From 128 on.
    bytes: u128,
    /// A byte that is no character was written.
    crude: bool,
}

/// What is in brackets, or on one side of `&&`, while it is read.
#[derive(Default)]
struct Parts {
    classes: Vec<Class>,
    /// Bytes that are no characters, from and to.
    bytes: Vec<(u8, u8)>,
    /// What is in brackets within these.
    nested: Chars,
}

impl Parser<'_> {
    /// After the opening bracket.
    pub(super) fn bracket(&mut self) -> Result<Node> {
        let (chars, negative) = self.brackets()?;
        // One byte alone is the character of that number.
        let alone = chars.crude && !negative && chars.class.ranges().is_empty() && chars.bytes.is_power_of_two();
        let (class, begun) = match alone {
            true => (Class::one(char::from(0x80 | chars.bytes.trailing_zeros() as u8)), Class::default()),
            false => (chars.class.clone(), chars.begun()),
        };
        if !self.flags.fold {
            let class = class.union(&begun);
            return Ok(Node::Class(if negative { class.negated() } else { class }));
        }
        // Cases are added to what was written, and two letters have one beyond ASCII.
        let beyond = ['k', 'K', 's', 'S'].into_iter().any(|letter| class.contains(letter));
        let begun = if beyond { Class::default() } else { begun };
        Ok(match case::folded_class(&class, negative) {
            folded if begun.ranges().is_empty() => folded,
            Node::Class(folded) if negative => Node::Class(folded.intersection(&begun.negated())),
            Node::Class(folded) => Node::Class(folded.union(&begun)),
            folded => Node::Alternate(vec![folded, Node::Class(begun)]),
        })
    }

    /// What is between the brackets, without its negation, and whether it is negated.
    fn brackets(&mut self) -> Result<(Chars, bool)> {
        self.depth += 1;
        if self.depth > super::DEEPEST {
            return Err(self.unsupported("brackets nested deeper than 200"));
        }
        let negative = self.take("^");
        let mut parts = Parts::default();
        let mut meet: Option<Chars> = None;
        let mut last = Last::Nothing;
        let mut first = true;
        loop {
            let mut part = self.part()?;
            if first && matches!(part, Part::Close) {
                if !closes_later(&self.text[self.at..]) {
                    return Err(self.wrong("the brackets are empty"));
                }
                part = Part::Character(']');
            }
            first = false;
            match part {
                Part::Close => break,
                Part::Character(character) => {
                    parts.classes.push(Class::one(character));
                    last = Last::Character(character);
                }
                Part::Byte(byte) => {
                    parts.bytes.push((byte, byte));
                    last = Last::Byte(byte);
                }
                Part::Class(class) => {
                    parts.classes.push(class);
                    last = Last::Named;
                }
                Part::Open => {
                    let (inner, negative) = self.brackets()?;
                    parts.nested.add(if negative { inner.negated() } else { inner });
                    last = Last::Complete;
                }
                Part::And => {
                    let left = parts.join();
                    meet = Some(match meet {
                        Some(meet) => meet.and(left),
                        None => left,
                    });
                    last = Last::Nothing;
                }
                Part::Dash => last = self.dash(last, &mut parts)?,
            }
        }
        self.depth -= 1;
        let right = parts.join();
        let chars = match meet {
            Some(meet) => meet.and(right),
            None => right,
        };
        Ok((chars, negative))
    }

    /// A `-`: a range, or itself.
    fn dash(&mut self, last: Last, parts: &mut Parts) -> Result<Last> {
        let dash = |parts: &mut Parts| {
            parts.classes.push(Class::one('-'));
            Ok(Last::Character('-'))
        };
        let before = self.at;
        let next = self.part()?;
        let ends = matches!(next, Part::Close | Part::And);
        match last {
            Last::Nothing => {
                self.at = before;
                dash(parts)
            }
            Last::Character(_) | Last::Byte(_) => {
                let high = match next {
                    Part::Close | Part::And => {
                        self.at = before;
                        return dash(parts);
                    }
                    Part::Character(high) => Last::Character(high),
                    Part::Byte(high) => Last::Byte(high),
                    Part::Dash => Last::Character('-'),
                    Part::Class(_) => return Err(self.wrong("a range ends in a class")),
                    Part::Open => {
                        // Oniguruma forgets a range that a nested bracket would end; the bracket is read next.
                        self.at = before;
                        match last {
                            Last::Byte(_) => _ = parts.bytes.pop(),
                            _ => _ = parts.classes.pop(),
                        }
                        return Ok(Last::Complete);
                    }
                };
                if !parts.range(last, high) {
                    return Err(self.wrong("a range ends before it begins"));
                }
                Ok(Last::Complete)
            }
            Last::Named if !ends => Err(self.wrong("a range begins with a class")),
            Last::Named | Last::Complete => {
                // `[a-c-e]` is `[a-c\-e]`.
                self.at = before;
                parts.classes.push(Class::one('-'));
                Ok(Last::Character('-'))
            }
        }
    }

    fn part(&mut self) -> Result<Part> {
        let Some(character) = self.next() else { return Err(self.wrong("the brackets are not closed")) };
        match character {
            ']' => Ok(Part::Close),
            '-' => Ok(Part::Dash),
            '&' if self.take("&") => Ok(Part::And),
            '[' => {
                if let Some(class) = self.posix()? {
                    return Ok(Part::Class(class));
                }
                Ok(Part::Open)
            }
            '\\' => self.escaped_part(),
            other => Ok(Part::Character(other)),
        }
    }

    fn escaped_part(&mut self) -> Result<Part> {
        let Some(letter) = self.peek() else { return Err(self.wrong("nothing follows the backslash")) };
        if let Some((named, negative)) = escape::shorthand(letter) {
            self.next();
            let class = self.shorthand(named);
            return Ok(Part::Class(if negative { class.negated() } else { class }));
        }
        match letter {
            'p' | 'P' => {
                self.next();
                if self.peek() == Some('{') {
                    return Ok(Part::Class(self.property(letter == 'P')?));
                }
                Ok(Part::Character(letter))
            }
            // What means something outside is itself here.
            'A' | 'B' | 'G' | 'K' | 'N' | 'O' | 'R' | 'X' | 'Y' | 'Z' | 'g' | 'k' | 'y' | 'z' | '8' | '9' => {
                self.next();
                Ok(Part::Character(letter))
            }
            _ => {
                let start = self.at;
                self.escaped_character(true).map(Part::Character).or_else(|refusal| {
                    self.at = start;
                    self.byte().map(Part::Byte).ok_or(refusal)
                })
            }
        }
    }

    /// A byte beyond ASCII by its number, after the backslash.
    fn byte(&mut self) -> Option<u8> {
        let (radix, most) = if self.take("x") { (16, 2) } else { (8, 3) };
        let (byte, _) = self.digits(radix, most);
        u8::try_from(byte).ok().filter(|byte| !byte.is_ascii())
    }

    /// `[:name:]`, after its opening bracket.
    fn posix(&mut self) -> Result<Option<Class>> {
        let rest = &self.text[self.at..];
        let Some(inside) = rest.strip_prefix(':') else { return Ok(None) };
        let Some(end) = inside.find(":]") else { return Ok(None) };
        // It is one as soon as only letters are between the colons; the name then has to be known.
        let name = &inside[..end];
        let bare = name.strip_prefix('^').unwrap_or(name);
        if bare.len() > 20 || !bare.chars().all(|character| character.is_ascii_alphabetic()) {
            return Ok(None);
        }
        let Some(named) = Named::by_name(bare) else {
            return Err(self.wrong("there is no such class between [: and :]"));
        };
        self.at += end + 3;
        let ascii = match named {
            Named::Digit | Named::Space | Named::Word => self.flags.ascii_posix,
            _ => self.flags.ascii_posix,
        };
        let class = unicode::Named::class(named, ascii);
        Ok(Some(if name.starts_with('^') { class.negated() } else { class }))
    }
}

impl Parts {
    /// Adds a range, if it does not end before it begins.
    fn range(&mut self, from: Last, to: Last) -> bool {
        let code = |end| match end {
            Last::Byte(byte) => u32::from(byte),
            Last::Character(character) => character as u32,
            _ => u32::MAX,
        };
        let (low, high) = (code(from), code(to));
        match (from, to) {
            (Last::Byte(low), Last::Byte(high)) => self.bytes.push((low, high)),
            (Last::Character('\0'..='\x7F'), Last::Byte(high)) => {
                self.classes.push(Class::new(vec![(low, 0x7F)]));
                self.bytes.push((0x80, high));
            }
            _ if low <= high => self.classes.push(Class::new(vec![(low, high)])),
            _ => {}
        }
        low <= high
    }

    /// All that was read.
    fn join(&mut self) -> Chars {
        let class = match self.classes.as_mut_slice() {
            [_] => self.classes.remove(0),
            _ => Class::new(self.classes.drain(..).flat_map(|class| class.ranges().to_vec()).collect()),
        };
        let mut bytes = 0;
        let crude = !self.bytes.is_empty();
        for (low, high) in self.bytes.drain(..) {
            (low..=high).for_each(|byte| bytes |= 1 << (byte & 0x7F));
        }
        let mut all = std::mem::take(&mut self.nested);
        all.add(Chars { class, bytes, crude });
        all
    }
}

impl Chars {
    fn add(&mut self, other: Chars) {
        self.class = match self.class.ranges() {
            [] => other.class,
            _ => self.class.union(&other.class),
        };
        (self.bytes, self.crude) = (self.bytes | other.bytes, self.crude | other.crude);
    }

    fn and(self, other: Chars) -> Chars {
        let class = self.class.intersection(&other.class);
        Chars { class, bytes: self.bytes & other.bytes, crude: self.crude | other.crude }
    }

    fn negated(self) -> Chars {
        Chars { class: self.class.negated(), bytes: !self.bytes, crude: self.crude }
    }

    /// What bytes that are no characters stand for: the characters that begin with them, if the class has none beyond ASCII. So Joni has
    /// it, the engine of Elasticsearch and Logstash.
    fn begun(&self) -> Class {
        if !self.crude || self.class.ranges().iter().any(|(_, high)| *high >= 0x80) {
            return Class::default();
        }
        let bytes = (0x80..=0xFF).filter(|byte| self.bytes >> (byte & 0x7F) & 1 != 0);
        Class::new(bytes.filter_map(begun_with).collect())
    }
}

/// The characters that begin with a byte beyond ASCII.
fn begun_with(byte: u8) -> Option<(u32, u32)> {
    let code = u32::from(byte);
    Some(match byte {
        0xC2..0xE0 => ((code & 0x1F) << 6, (code & 0x1F) << 6 | 0x3F),
        0xE0 => (0x800, 0xFFF),
        0xE1..0xF0 => ((code & 0x0F) << 12, (code & 0x0F) << 12 | 0xFFF),
        0xF0 => (0x1_0000, 0x3_FFFF),
        0xF1..0xF4 => ((code & 0x07) << 18, (code & 0x07) << 18 | 0x3_FFFF),
        0xF4 => (0x10_0000, 0x10_FFFF),
        _ => return None,
    })
}
