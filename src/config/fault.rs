//! A mistake in the configuration, and where it was made.

use std::cell::RefCell;
use std::fmt;

/// Where something was said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a file, at a line and column from 1.
    Spot {
        /// The file's path as it was given.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
    },
    /// A file as a whole.
    File(String),
    /// In an environment variable.
    Variable(String),
    /// In a flag of the command line.
    Flag(&'static str),
    /// Nowhere: a default.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spot { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::File(file) => f.write_str(file),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
            Self::Default => f.write_str("default configuration"),
        }
    }
}

/// One mistake: `place: what (hint)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where it was made.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Every mistake that was found, in the order of the file, then variables, then flags; one a line. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// What a reader of one value has to say against it, before its place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) hint: Option<String>,
    /// The part of the value that is wrong, if not the whole.
    pub(super) place: Option<Place>,
}

impl Wrong {
    /// Says which part of the value it is.
    pub(super) fn at(self, place: &Place) -> Self {
        Self { place: Some(place.clone()), ..self }
    }
}

/// Says what is wrong with a value, and what to give instead.
pub(super) fn wrong(what: impl Into<String>, hint: impl Into<String>) -> Wrong {
    Wrong { what: what.into(), hint: Some(hint.into()), place: None }
}

/// Collects mistakes while reading goes on.
#[derive(Debug, Default)]
pub(super) struct Found(RefCell<Vec<Fault>>);

impl Found {
    pub(super) fn add(&self, place: Place, what: impl Into<String>, hint: impl Into<String>) {
        self.push(Fault { place, what: what.into(), hint: Some(hint.into()) });
    }

    pub(super) fn push(&self, fault: Fault) {
        self.0.borrow_mut().push(fault);
    }

    pub(super) fn wrong(&self, place: Place, key: &str, wrong: Wrong) {
        let place = wrong.place.unwrap_or(place);
        self.push(Fault { place, what: format!("{key}: {}", wrong.what), hint: wrong.hint });
    }

    /// The mistakes in order, if there are any.
    pub(super) fn into_result<T>(self, value: T) -> Result<T, Faults> {
        let mut faults = self.0.into_inner();
        faults.sort();
        faults.dedup();
        if faults.is_empty() { Ok(value) } else { Err(Faults(faults)) }
    }
}
