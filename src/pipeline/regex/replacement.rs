//! What takes the place of a match, as Java's `replaceAll` reads it: `$1`, `${name}`, and `\` before what is meant itself.

use super::{Groups, Regex};

/// A compiled replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replacement {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// Compiles a replacement for the matches of `regex`.
    ///
    /// # Errors
    /// A group that there is not, or a `$` or `\` that stands alone.
    pub(crate) fn compile(text: &str, regex: &Regex) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' => literal.push(chars.next().ok_or("a \\ at the end of the replacement: write \\\\ for one")?),
                '$' => {
                    let group = if chars.next_if_eq(&'{').is_some() {
                        let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                        regex.group(&name).ok_or_else(|| format!("there is no group {name:?}"))?
                    } else {
                        let Some(first) = chars.peek().and_then(|c| c.to_digit(10)) else {
                            return Err("a $ without the number or {name} of a group: write \\$ for itself".into());
                        };
                        chars.next();
                        let mut group = first as usize;
                        if group >= regex.groups() {
                            return Err(format!("there is no group {group}"));
                        }
                        // As many digits as make the number of a group.
                        while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                            let longer = group * 10 + digit as usize;
                            if longer >= regex.groups() {
                                break;
                            }
                            group = longer;
                            chars.next();
                        }
                        group
                    };
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Group(group));
                }
                c => literal.push(c),
            }
        }
        if !literal.is_empty() || parts.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self { parts })
    }

    /// The text, if there is no group in it.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Appends the replacement of one match. A group that took no part is empty.
    pub(super) fn push(&self, out: &mut String, text: &str, groups: &Groups) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(group) => {
                    if let Some(range) = groups.get(*group) {
                        out.push_str(&text[range]);
                    }
                }
            }
        }
    }
}
