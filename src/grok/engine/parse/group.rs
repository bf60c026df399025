//! What stands in parentheses: groups, look-around, atomic groups, inline flags.

use super::{Parser, Result};
use crate::grok::engine::tree::{Look, Node};

impl Parser<'_> {
    /// After the opening parenthesis.
    pub(super) fn group(&mut self) -> Result<Node> {
        if self.peek() == Some('*') {
            return Err(self.unsupported("callouts (*NAME)"));
        }
        if !self.take("?") {
            return self.capture(None);
        }
        for (opening, behind, negative) in
            [("=", false, false), ("!", false, true), ("<=", true, false), ("<!", true, true)]
        {
            if self.take(opening) {
                self.behind += u32::from(behind);
                let node = self.inside()?;
                self.behind -= u32::from(behind);
                return Ok(Node::Look(Box::new(Look { node, behind, negative })));
            }
        }
        match self.next() {
            Some(':') => self.inside(),
            Some('>') => Ok(self.inside()?.atomic()),
            Some('<') => {
                let name = self.name('>')?;
                self.capture(Some(name))
            }
            Some('\'') => {
                let name = self.name('\'')?;
                self.capture(Some(name))
            }
            Some('~') => {
                let node = self.any_text("absent groups (?~…)")?;
                self.inside().map(|_| node)
            }
            Some('(') => {
                let node = self.any_text_up_to(')', "conditions (?(…)…)")?;
                self.inside().map(|_| node)
            }
            Some('{') => Err(self.unsupported("callouts (?{…})")),
            Some('C' | 'I' | 'L') => Err(self.unsupported("flags for the whole expression (?C), (?I), (?L)")),
            Some(first) => self.flagged(first),
            None => Err(self.wrong("a group is not closed")),
        }
    }

    fn inside(&mut self) -> Result<Node> {
        let node = self.alternatives()?;
        if self.take(")") { Ok(node) } else { Err(self.wrong("a group is not closed")) }
    }

    fn capture(&mut self, name: Option<String>) -> Result<Node> {
        self.names.push(name);
        let number = self.names.len() as u32;
        Ok(Node::Group(number, Box::new(self.inside()?)))
    }

    /// A group's name, and what closes it.
    pub(super) fn name(&mut self, closing: char) -> Result<String> {
        let rest = &self.text[self.at..];
        let end = rest.find(closing).ok_or_else(|| self.wrong("the name of a group is not closed"))?;
        let name = &rest[..end];
        let good = name.chars().all(|character| character == '_' || character.is_alphanumeric());
        if name.is_empty() || !good || name.starts_with(|first: char| first.is_numeric()) {
            return Err(self.wrong("the name of a group has other characters than letters, digits and _"));
        }
        self.at += end + closing.len_utf8();
        Ok(name.to_owned())
    }

    /// `(?imx-imx)` and `(?imx-imx:…)`; of `a`, `d` and `u` the last counts.
    fn flagged(&mut self, first: char) -> Result<Node> {
        let mut flags = self.flags;
        let mut on = true;
        let mut letter = first;
        loop {
            match letter {
                '-' => on = false,
                'i' => flags.fold = on,
                'm' => flags.dot_all = on,
                'x' => flags.extended = on,
                'a' | 'd' | 'u' if self.ascii_flags && on => {
                    let (classes, all) = (letter != 'u', letter == 'a');
                    (flags.ascii_word, flags.ascii_digit, flags.ascii_space) = (classes, classes, classes);
                    (flags.ascii_posix, flags.ascii_boundary) = (all, all);
                }
                'W' => (flags.ascii_word, flags.ascii_boundary) = (on, on),
                'D' => flags.ascii_digit = on,
                'S' => flags.ascii_space = on,
                'P' => {
                    flags.ascii_posix = on;
                    (flags.ascii_word, flags.ascii_boundary) = (on, on);
                    (flags.ascii_digit, flags.ascii_space) = (on, on);
                }
                'y' => return Err(self.unsupported("text segments (?y{…})")),
                ')' => {
                    // Holds up to the end of the group around it, over all that is alternative there.
                    let before = std::mem::replace(&mut self.flags, flags);
                    let node = self.alternatives();
                    self.flags = before;
                    return node;
                }
                ':' => {
                    let before = std::mem::replace(&mut self.flags, flags);
                    let node = self.inside();
                    self.flags = before;
                    // One thing, whatever is in it: quantifiers inside and outside are not put together.
                    return Ok(Node::Concat(vec![node?]));
                }
                _ => return Err(self.wrong("there is no such group")),
            }
            letter = self.next().ok_or_else(|| self.wrong("a group is not closed"))?;
        }
    }
}
