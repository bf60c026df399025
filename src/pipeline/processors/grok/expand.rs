//! From a grok pattern to one regular expression.
//!
//! The references are expanded here and not by the `grok` crate, which refuses field names in other letters than
//! ASCII's, renames repeated fields and keeps only one of them; it is given a plain expression whose groups have names
//! of our own. These are numbered in the order of the pattern, so that the captures come in that order, and a
//! document's fields too.

use std::fmt::Write as _;

use crate::yaml::nearest;

/// How deep references may go; cycles are told as such before.
const MAX_DEPTH: usize = 64;
/// How long an expression may become.
const MAX_LENGTH: usize = 1 << 20;

/// An expression, and the field and type of each of its groups.
pub(super) struct Expanded {
    pub regex: String,
    pub fields: Vec<Field>,
}

/// What a group captures.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub name: String,
    pub kind: Type,
}

/// What a capture is converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Int,
    Long,
    Float,
    Double,
    Boolean,
}

/// Why a pattern can't be expanded.
#[derive(Debug)]
pub(super) struct ExpandError {
    pub what: String,
    pub hint: Option<String>,
}

/// The number in a group's name.
pub(super) fn group_number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix('k')?;
    digits
        .bytes()
        .try_fold(0, |number: usize, digit| digit.is_ascii_digit().then(|| number * 10 + usize::from(digit - b'0')))
}

/// Expands a pattern with definitions of one's own and the shipped ones.
pub(super) fn expand(pattern: &str, own: &[(&str, &str)]) -> Result<Expanded, ExpandError> {
    let mut expander = Expander { own, regex: String::new(), fields: Vec::new(), path: Vec::new() };
    expander.pattern(pattern)?;
    Ok(Expanded { regex: expander.regex, fields: expander.fields })
}

struct Expander<'p> {
    own: &'p [(&'p str, &'p str)],
    regex: String,
    fields: Vec<Field>,
    path: Vec<&'p str>,
}

impl<'p> Expander<'p> {
    fn pattern(&mut self, text: &'p str) -> Result<(), ExpandError> {
        let mut rest = text;
        let mut in_class = 0_u32;
        while let Some(c) = rest.chars().next() {
            if let Some(reference) = rest.strip_prefix("%{") {
                rest = self.reference(reference)?;
                continue;
            }
            let mut length = c.len_utf8();
            match c {
                '\\' => {
                    if let Some(after) = self.back_reference(rest) {
                        rest = after;
                        continue;
                    }
                    length += rest[1..].chars().next().map_or(0, char::len_utf8);
                }
                '[' => in_class += 1,
                ']' => in_class = in_class.saturating_sub(1),
                '(' if in_class == 0 => {
                    if let Some((name, after)) = named_group(rest) {
                        self.open_group(name, Type::String);
                        rest = after;
                        continue;
                    }
                }
                _ => {}
            }
            self.regex.push_str(&rest[..length]);
            rest = &rest[length..];
        }
        Ok(())
    }

    /// Expands what comes after `%{` and gives what comes after its `}`.
    fn reference(&mut self, text: &'p str) -> Result<&'p str, ExpandError> {
        let Some(end) = closing_brace(text) else {
            return Err(self.error("a %{ without its }", Some("a % before a { is written \\x25")));
        };
        let (inner, rest) = (&text[..end], &text[end + 1..]);
        let (head, inline) = match inner.split_once('=') {
            Some((head, regex)) => (head, Some(regex)),
            None => (inner, None),
        };
        let mut parts = head.splitn(3, ':');
        let name = parts.next().unwrap_or_default();
        let field = parts.next();
        let kind = parts.next();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(self.error(&format!("%{{{inner}}} does not begin with the name of a pattern"), None));
        }
        let definition = match inline {
            Some(regex) => regex,
            None => self.definition(name)?,
        };
        if let Some(from) = self.path.iter().position(|known| *known == name) {
            let mut circle: Vec<&str> = self.path[from..].to_vec();
            circle.push(name);
            return Err(self.error(&format!("circular reference detected: {}", circle.join("->")), None));
        }
        if self.path.len() >= MAX_DEPTH || self.regex.len() > MAX_LENGTH {
            return Err(self.error("the pattern becomes too large when its references are expanded", None));
        }
        match field {
            Some(field) if !field.is_empty() => self.open_group(field, Type::by_name(kind)),
            _ => self.regex.push_str("(?:"),
        }
        self.path.push(name);
        self.pattern(definition)?;
        self.path.pop();
        self.regex.push(')');
        Ok(rest)
    }

    /// Expands `\k<name>` and `\g<name>` of a group that stands before, whose name is ours by now.
    fn back_reference(&mut self, text: &'p str) -> Option<&'p str> {
        let kind = text.get(..3).filter(|kind| matches!(*kind, "\\k<" | "\\g<"))?;
        let (name, rest) = text[3..].split_once('>')?;
        let group = self.fields.iter().rposition(|field| field.name == name)?;
        write!(self.regex, "{kind}k{group:04}>").expect("a string takes all");
        Some(rest)
    }

    fn definition(&self, name: &str) -> Result<&'p str, ExpandError> {
        let own = self.own.iter().find(|(known, _)| *known == name);
        let found = own.copied().or_else(|| grok::patterns().iter().find(|(known, _)| *known == name).copied());
        found.map(|(_, definition)| definition).ok_or_else(|| {
            let known =
                self.own.iter().map(|(known, _)| *known).chain(grok::patterns().iter().map(|(known, _)| *known));
            let hint = nearest(name, known).map(|near| format!("did you mean {near}?"));
            ExpandError { what: format!("unable to find pattern [{name}] in Grok's pattern dictionary"), hint }
        })
    }

    fn open_group(&mut self, field: &str, kind: Type) {
        // Four digits: the crate gives the captures in the order of their names.
        write!(self.regex, "(?<k{:04}>", self.fields.len()).expect("a string takes all");
        self.fields.push(Field { name: field.to_owned(), kind });
    }

    fn error(&self, what: &str, hint: Option<&str>) -> ExpandError {
        let within = match self.path.last() {
            Some(name) => format!(" (in the definition of {name})"),
            None => String::new(),
        };
        ExpandError { what: format!("{what}{within}"), hint: hint.map(str::to_owned) }
    }
}

impl Type {
    fn by_name(name: Option<&str>) -> Self {
        match name {
            Some("int") => Self::Int,
            Some("long") => Self::Long,
            Some("float") => Self::Float,
            Some("double") => Self::Double,
            Some("boolean") => Self::Boolean,
            _ => Self::String,
        }
    }
}

/// The index of the `}` that ends a reference; an inline expression may have pairs of braces.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' if depth == 0 => return Some(index),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The name of `(?<name>` and what comes after it, if the text begins with that; look-behind is something else.
fn named_group(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("(?<")?;
    if inner.starts_with(['=', '!']) {
        return None;
    }
    inner.split_once('>').filter(|(name, _)| !name.is_empty())
}
