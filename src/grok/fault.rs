//! What is wrong with an expression, and where.

use std::fmt;
use std::path::PathBuf;

/// A fault of an expression or a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which of the expressions.
    pub expression: usize,
    /// Where in the expression, in bytes: the fault itself, or the reference that leads to it.
    pub offset: usize,
    /// The definitions that lead to the fault, outermost first; empty if it is in the expression itself.
    pub within: Vec<String>,
    /// Which of these is at fault, and where in it, in bytes. A definition on the spot is part of what it stands in.
    pub definition: Option<(String, usize)>,
    /// The same as a place, if the definition is from a file.
    pub place: Option<Place>,
    /// What is wrong.
    pub what: String,
    /// What can be done about it.
    pub hint: Option<String>,
}

/// A place in a file of definitions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

impl Fault {
    /// What is wrong, and in which definition; what can be done about it is left out.
    pub fn told(&self) -> String {
        match self.within.last() {
            Some(name) => format!("{} (in the definition of {name})", self.what),
            None => self.what.clone(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told())?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// A text as it is shown in messages: cut to a sane length.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(200) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// An expression between quotes, letter by letter: backslashes are not doubled. It is cut to a sane length.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in shown(text).chars() {
        if c.is_control() { quoted.extend(c.escape_debug()) } else { quoted.push(c) }
    }
    quoted + "\""
}

/// The name among `names` that differs least from `wrong`, if it differs by no more than a third of its letters.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .filter(|name| name.len().abs_diff(wrong.len()) <= (name.len() / 3).max(1))
        .map(|name| (distance(wrong.as_bytes(), name.as_bytes()), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min()
        .map(|(_, name)| name)
}

/// How many letters have to be inserted, deleted, replaced or swapped with their neighbour.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(!a[i - 1].eq_ignore_ascii_case(&b[j - 1]));
                let least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped { least.min(rows[i - 2][j - 2] + 1) } else { least }
            };
        }
    }
    rows[a.len()][b.len()]
}
