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
    Class(Class),
}

impl Parser<'_> {
    /// After the opening bracket.
    pub(super) fn bracket(&mut self) -> Result<Node> {
        let (class, negative) = self.bracket_class()?;
        Ok(match (self.flags.fold, negative) {
            (true, negative) => case::folded_class(&class, negative),
            (false, true) => Node::Class(class.negated()),
            (false, false) => Node::Class(class),
        })
    }

    /// The set without its negation, and whether it is negated.
    fn bracket_class(&mut self) -> Result<(Class, bool)> {
        self.depth += 1;
        if self.depth > super::DEEPEST {
            return Err(self.unsupported("brackets nested deeper than 200"));
        }
        let negative = self.take("^");
        let mut parts: Vec<Class> = Vec::new();
        let mut meet: Option<Class> = None;
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
                    parts.push(Class::one(character));
                    last = Last::Character(character);
                }
                Part::Class(class) => {
                    parts.push(class);
                    last = Last::Named;
                }
                Part::Open => {
                    let (inner, negative) = self.bracket_class()?;
                    parts.push(if negative { inner.negated() } else { inner });
                    last = Last::Complete;
                }
                Part::And => {
                    let left = join(&mut parts);
                    meet = Some(meet.map_or(left.clone(), |meet| meet.intersection(&left)));
                    last = Last::Nothing;
                }
                Part::Dash => last = self.dash(last, &mut parts)?,
            }
        }
        self.depth -= 1;
        let right = join(&mut parts);
        Ok((meet.map_or(right.clone(), |meet| meet.intersection(&right)), negative))
    }

    /// A `-`: a range, or itself.
    fn dash(&mut self, last: Last, parts: &mut Vec<Class>) -> Result<Last> {
        let dash = |parts: &mut Vec<Class>| {
            parts.push(Class::one('-'));
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
            Last::Character(low) => {
                let high = match next {
                    Part::Close | Part::And => {
                        self.at = before;
                        return dash(parts);
                    }
                    Part::Character(high) => high,
                    Part::Dash => '-',
                    Part::Class(_) => return Err(self.wrong("a range ends in a class")),
                    Part::Open => {
                        // Oniguruma forgets a range that a nested bracket would end; the bracket is read next.
                        self.at = before;
                        parts.pop();
                        return Ok(Last::Complete);
                    }
                };
                if low > high {
                    return Err(self.wrong("a range ends before it begins"));
                }
                parts.push(Class::new(vec![(low as u32, high as u32)]));
                Ok(Last::Complete)
            }
            Last::Named if !ends => Err(self.wrong("a range begins with a class")),
            Last::Named | Last::Complete => {
                // `[a-c-e]` is `[a-c\-e]`.
                self.at = before;
                parts.push(Class::one('-'));
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
            _ => Ok(Part::Character(self.escaped_character(true)?)),
        }
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

fn join(parts: &mut Vec<Class>) -> Class {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut all = Vec::with_capacity(parts.iter().map(|class| class.ranges().len()).sum());
    parts.drain(..).for_each(|class| all.extend_from_slice(class.ranges()));
    Class::new(all)
}
