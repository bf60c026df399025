//! YAML with places: a text becomes a small tree in which every node knows its line and column, so that each fault
//! that is found later, however deep, can be told as `file:line:column: what (hint)`.
//!
//! The tree is built from the parser's events, not from a ready-made document type, because only so a duplicate key
//! can be told with both of its places, aliases be counted before they are expanded, and merge keys (`<<`) be served.
//! YAML 1.2 (core schema); `yes`, `no`, `on` and `off` are strings that [`Fields::bool`] takes for booleans, as people's
//! pipelines are full of them. Bounded: [`MAX_NODES`] nodes after the expansion of aliases, [`MAX_DEPTH`] levels.
//!
//! - [`parse`] makes the tree.
//! - [`Fields`] reads a mapping against a schema, collecting *all* problems in a [`Problems`].

mod build;
mod fields;
mod scalar;

use std::cell::{Cell, RefCell};
use std::fmt;

pub use build::{MAX_DEPTH, MAX_NODES, parse};
pub use fields::{Fields, Spanned, nearest};
pub use scalar::{parse_byte_size, parse_duration};

/// A place in a file: both from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
}

/// One fault of a file and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file as it was named by whoever asked.
    pub file: String,
    /// The line, from 1; 0 if the fault is of the file as a whole.
    pub line: usize,
    /// The column, from 1; 0 if the fault is of the file as a whole.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.what)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// All the problems of one file, collected while it is walked. Shared by reference: readers of nested mappings add to
/// the same list.
#[derive(Debug)]
pub struct Problems {
    file: String,
    list: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
    count: Cell<usize>,
}

impl Problems {
    /// Makes an empty list for the file that is told as `file`.
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), list: RefCell::default(), warnings: RefCell::default(), count: Cell::new(0) }
    }

    /// Adds a problem.
    pub fn add(&self, place: Place, what: impl Into<String>) {
        self.push(place, what.into(), None);
    }

    /// Adds a problem together with what to do about it.
    pub fn add_hint(&self, place: Place, what: impl Into<String>, hint: impl Into<String>) {
        self.push(place, what.into(), Some(hint.into()));
    }

    /// Adds what is no fault and yet hardly meant, together with what to do about it.
    pub fn warn(&self, place: Place, what: impl Into<String>, hint: impl Into<String>) {
        let (what, hint) = (what.into(), Some(hint.into()));
        let warning = Problem { file: self.file.clone(), line: place.line, column: place.column, what, hint };
        self.warnings.borrow_mut().push(warning);
    }

    /// Takes the warnings out, in the order of their places, each once.
    pub fn take_warnings(&self) -> Vec<Problem> {
        let mut warnings = self.warnings.take();
        warnings.sort_by_key(|warning| (warning.line, warning.column));
        warnings.dedup();
        warnings
    }

    fn push(&self, place: Place, what: String, hint: Option<String>) {
        let problem = Problem { file: self.file.clone(), line: place.line, column: place.column, what, hint };
        self.count.set(self.count.get() + 1);
        self.list.borrow_mut().push(problem);
    }

    /// How many there are so far; a reader compares two counts to learn whether what it read was without fault.
    pub fn count(&self) -> usize {
        self.count.get()
    }

    /// The problems in the order of their places, each once.
    pub fn into_vec(self) -> Vec<Problem> {
        let mut list = self.list.into_inner();
        list.sort_by_key(|problem| (problem.line, problem.column));
        list.dedup();
        list
    }
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In single quotes, where only a quote is escaped.
    Quoted,
    /// In double quotes, where backslashes mean something.
    DoubleQuoted,
    /// As a block (`|` or `>`).
    Block,
}

/// What a scalar means by the core schema. Its text stays at hand, as `1.10` may well be meant as a string.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    /// A floating point number.
    Float(f64),
    /// Anything else, and whatever is quoted.
    String,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A scalar: its text, how it was written and what it means.
    Scalar {
        /// The text, quotes and escapes undone.
        text: String,
        /// How it was written.
        style: Style,
        /// What it means.
        value: Scalar,
        /// Where the text begins, if the file has it letter by letter: without escapes, and each further line below the first.
        verbatim: Option<Place>,
    },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Mapping(Vec<Entry>),
}

/// One node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key begins.
    pub place: Place,
    /// The value.
    pub value: Node,
}

impl Node {
    /// What it is, for messages: `a string`, `a list` and so on.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar { value, .. } => match value {
                Scalar::Null => "nothing",
                Scalar::Bool(_) => "a boolean",
                Scalar::Int(_) | Scalar::UInt(_) => "an integer",
                Scalar::Float(_) => "a number",
                Scalar::String => "a string",
            },
            Kind::List(_) => "a list",
            Kind::Mapping(_) => "a mapping",
        }
    }

    /// The text of a scalar that is not null.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { value: Scalar::Null, .. } => None,
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// True for `null`, `~` and an absent value.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { value: Scalar::Null, .. })
    }

    /// The value of `key` if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Mapping(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// Where character `index` (from 0) of a scalar's text stands, as well as that can be told: exactly for plain and
    /// quoted scalars of one line without escapes and for blocks whose lines are not folded, else the node's own place.
    pub fn place_of_char(&self, index: usize) -> Place {
        let Kind::Scalar { text, verbatim: Some(first), .. } = &self.kind else { return self.place };
        let mut place = *first;
        for c in text.chars().take(index) {
            place = match c {
                '\n' => Place { line: place.line + 1, column: first.column },
                _ => Place { column: place.column + 1, ..place },
            };
        }
        place
    }
}

#[cfg(test)]
mod tests;
