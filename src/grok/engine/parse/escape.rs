//! What follows a backslash outside brackets.

use super::{Parser, Refusal, Result, case};
use crate::grok::engine::class::Class;
use crate::grok::engine::tree::{Assertion, Node};
use crate::grok::engine::unicode::{self, Named};

/// Whether the escaped character is just itself.
pub(super) fn stands_for_itself(escaped: char) -> bool {
    !matches!(
        escaped,
        'w' | 'W'
            | 'b'
            | 'B'
            | 'y'
            | 'Y'
            | 's'
            | 'S'
            | 'd'
            | 'D'
            | 'h'
            | 'H'
            | 'K'
            | 'R'
            | 'N'
            | 'O'
            | 'X'
            | 'A'
            | 'Z'
            | 'z'
            | 'G'
            | 'o'
            | 'x'
            | 'u'
            | '0'..='9' | 'k' | 'g' | 'p' | 'P' | 'M' | 'C' | 'c' | 'n' | 't' | 'r' | 'f' | 'a' | 'e' | 'v'
    )
}

impl Parser<'_> {
    /// After the backslash.
    pub(super) fn escape(&mut self) -> Result<Node> {
        let start = self.at;
        let Some(letter) = self.next() else { return Err(self.wrong("nothing follows the backslash")) };
        if let Some((named, negative)) = shorthand(letter) {
            let class = match named {
                Named::Word if !self.flags.ascii_word => unicode::word().clone(),
                named => self.shorthand(named),
            };
            return Ok(Node::Class(if negative { class.negated() } else { class }));
        }
        let word = |negative| Assertion::Word { negative, ascii: self.flags.ascii_boundary };
        Ok(match letter {
            'b' => Node::Assert(word(false)),
            'B' => Node::Assert(word(true)),
            'A' => Node::Assert(Assertion::TextStart),
            'Z' => Node::Assert(Assertion::LastLineEnd),
            'z' => Node::Assert(Assertion::TextEnd),
            'G' => Node::Assert(Assertion::SearchStart),
            'K' => Node::Keep,
            'N' => Node::Class(Class::one('\n').negated()),
            'O' => Node::Class(Class::all()),
            'R' => {
                let single = Class::new(vec![(0x0A, 0x0D), (0x85, 0x85), (0x2028, 0x2029)]);
                Node::Alternate(vec![Node::literal("\r\n"), Node::Class(single)]).atomic()
            }
            'X' | 'y' | 'Y' => return self.any_text("text segments \\X, \\y, \\Y"),
            'g' => return self.call(),
            'k' => return self.reference(),
            'p' | 'P' if self.peek() == Some('{') => match self.property(letter == 'P') {
                Err(Refusal::Unsupported { what }) => return self.any_text_up_to('}', &what),
                class => Node::Class(class?),
            },
            'p' | 'P' => self.character(letter),
            '1'..='9' => return self.numbered(start, letter),
            _ => {
                self.at = start;
                let character = self.escaped_character(false)?;
                self.character(character)
            }
        })
    }

    /// One character, with its cases if these do not matter.
    fn character(&self, character: char) -> Node {
        match (self.flags.fold, self.behind > 0) {
            (true, false) => case::folded_literal(&[character]),
            (true, true) => case::folded_one_by_one(&[character]),
            (false, _) => Node::Class(Class::one(character)),
        }
    }

    /// `\p{…}`, from the brace on.
    pub(super) fn property(&mut self, mut negative: bool) -> Result<Class> {
        self.next();
        if self.take("^") {
            negative = !negative;
        }
        let rest = &self.text[self.at..];
        let end = rest.find('}').ok_or_else(|| self.wrong("the name of a property is not closed"))?;
        let name = &rest[..end];
        let Some(class) = unicode::by_property(name) else {
            return Err(self.unsupported(&format!("the property \\p{{{name}}}")));
        };
        self.at += end + 1;
        Ok(if negative { class.negated() } else { class })
    }

    /// A back-reference by number, or an octal character.
    fn numbered(&mut self, start: usize, first: char) -> Result<Node> {
        let rest = &self.text[start..];
        let digits = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
        match digits.parse::<u32>() {
            Ok(number) if number <= 9 || number as usize <= self.names.len() => {
                self.at = start + digits.len();
                self.back_by_number(number)
            }
            _ if matches!(first, '8' | '9') => Ok(self.character(first)),
            _ => {
                self.at = start;
                let character = self.escaped_character(false)?;
                Ok(self.character(character))
            }
        }
    }

    fn back_by_number(&mut self, number: u32) -> Result<Node> {
        self.highest_back = self.highest_back.max(number);
        self.numbered_back = true;
        Ok(Node::Back { groups: vec![number], fold: self.flags.fold })
    }

    /// `\g<name>`, after the `g`.
    fn call(&mut self) -> Result<Node> {
        const WHAT: &str = "calls of groups \\g<…>";
        match self.next() {
            Some('<') => self.any_text_up_to('>', WHAT),
            Some('\'') => self.any_text_up_to('\'', WHAT),
            _ => Err(self.unsupported(WHAT)),
        }
    }

    /// `\k<name>`, `\k<1>`, `\k<-1>`, after the `k`.
    fn reference(&mut self) -> Result<Node> {
        let closing = match self.peek() {
            Some('<') => '>',
            Some('\'') => '\'',
            _ => return Ok(self.character('k')),
        };
        self.next();
        let rest = &self.text[self.at..];
        let inside = &rest[..rest.find(closing).ok_or_else(|| self.wrong("a reference is not closed"))?];
        if let Ok(number) = inside.parse::<i64>() {
            let known = self.names.len() as i64;
            let absolute = if number < 0 { known + 1 + number } else { number };
            if absolute <= 0 || inside.starts_with('+') {
                return Err(self.wrong("a group is referred to that there is not"));
            }
            self.at += inside.len() + 1;
            return self.back_by_number(u32::try_from(absolute).unwrap_or(u32::MAX));
        }
        if inside.contains(['+', '-']) {
            return self.any_text_up_to(closing, "references with a level \\k<name+1>");
        }
        let name = self.name(closing)?;
        let same = |known: &Option<String>| known.as_deref() == Some(name.as_str());
        let numbers = (1..).zip(&self.names).filter(|(_, known)| same(known)).map(|(number, _)| number);
        let mut groups: Vec<u32> = numbers.collect();
        if groups.is_empty() {
            return Err(self.wrong("a group is referred to that there is not"));
        }
        // The last that has matched counts.
        groups.reverse();
        Ok(Node::Back { groups, fold: self.flags.fold })
    }

    /// The character that an escape stands for, from its letter on.
    pub(super) fn escaped_character(&mut self, in_brackets: bool) -> Result<char> {
        let start = self.at;
        let Some(letter) = self.next() else { return Err(self.wrong("nothing follows the backslash")) };
        let code = match letter {
            'n' => 0x0A,
            't' => 0x09,
            'r' => 0x0D,
            'f' => 0x0C,
            'a' => 0x07,
            'b' => 0x08,
            'e' => 0x1B,
            'v' => 0x0B,
            'x' if self.take("{") => self.braced(16, 8, 'x')?,
            'o' if self.take("{") => self.braced(8, 11, 'o')?,
            'x' => return self.crude(16, 2),
            '0'..='7' => {
                self.at = start;
                if letter == '0' && !in_brackets {
                    self.next();
                    return self.crude(8, 2);
                }
                return self.crude(8, 3);
            }
            'u' => {
                let code = self.digits(16, 4);
                match code {
                    (code, 4) => code,
                    _ => return Err(self.wrong("\\u takes four hexadecimal digits")),
                }
            }
            'c' => self.control()?,
            'C' if self.take("-") => self.control()?,
            'C' => return Err(self.wrong("\\C is followed by - and a character")),
            'M' => return Err(self.unsupported("\\M-x")),
            other => return Ok(other),
        };
        char::from_u32(code).ok_or_else(|| self.wrong("there is no such character"))
    }

    fn control(&mut self) -> Result<u32> {
        match self.next() {
            None => Err(self.wrong("a character is missing after \\c")),
            Some('?') => Ok(0x7F),
            Some('\\') => Ok(self.escaped_character(false)? as u32 & 0x9F),
            Some(character) => Ok(character as u32 & 0x9F),
        }
    }

    pub(super) fn digits(&mut self, radix: u32, most: usize) -> (u32, usize) {
        let mut code = 0_u32;
        let mut count = 0;
        while let Some(digit) = self.peek().and_then(|character| character.to_digit(radix)) {
            if count == most {
                break;
            }
            code = code.saturating_mul(radix).saturating_add(digit);
            count += 1;
            self.next();
        }
        (code, count)
    }

    /// `{…}` after `\x` or `\o`.
    fn braced(&mut self, radix: u32, most: usize, letter: char) -> Result<u32> {
        let opened = self.at;
        let (code, count) = self.digits(radix, most);
        if count == 0 {
            // No number: the letter stands for itself, and the brace too.
            self.at = opened - 1;
            return Ok(letter as u32);
        }
        if self.take("}") {
            return Ok(code);
        }
        match self.peek() {
            Some(' ' | '\n') => Err(self.unsupported("several characters in \\x{…}")),
            _ => Err(self.wrong("a character's number is not closed")),
        }
    }

    /// A byte by number; several of them where UTF-8 needs more for a character.
    fn crude(&mut self, radix: u32, most: usize) -> Result<char> {
        let (first, _) = self.digits(radix, most);
        let Ok(first) = u8::try_from(first) else { return Err(self.wrong("a byte is at most 255")) };
        let mut bytes = vec![first];
        let wanted = match first {
            ..0x80 => 1,
            0xC2..0xE0 => 2,
            0xE0..0xF0 => 3,
            0xF0..0xF5 => 4,
            _ => return Err(self.wrong("no character of UTF-8 begins with this byte")),
        };
        while bytes.len() < wanted {
            let opened = if radix == 16 { self.take("\\x") } else { self.take("\\") };
            let (byte, count) = if opened { self.digits(radix, most) } else { (0, 0) };
            match u8::try_from(byte) {
                Ok(byte) if count > 0 => bytes.push(byte),
                _ => return Err(self.wrong("bytes of a character are missing")),
            }
        }
        let character = std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next());
        character.ok_or_else(|| self.wrong("these bytes are no character of UTF-8"))
    }
}

/// The classes with one letter, and whether it stands for all others.
pub(super) fn shorthand(letter: char) -> Option<(Named, bool)> {
    Some(match letter {
        'w' => (Named::Word, false),
        'W' => (Named::Word, true),
        'd' => (Named::Digit, false),
        'D' => (Named::Digit, true),
        's' => (Named::Space, false),
        'S' => (Named::Space, true),
        'h' => (Named::Xdigit, false),
        'H' => (Named::Xdigit, true),
        _ => return None,
    })
}
