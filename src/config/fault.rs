//! A mistake in the configuration, and where it was made.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use crate::yaml::Problem;

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

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        let place = match problem.line {
            0 => Place::File(problem.file),
            line => Place::Spot { file: problem.file, line, column: problem.column },
        };
        Self { place, what: problem.what, hint: problem.hint }
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
    /// What is wrong with other parts of it.
    pub(super) more: Vec<Self>,
}

impl Wrong {
    /// What all parts of a value came to, or what is wrong with each of those that came to nothing.
    pub(super) fn collect<T>(parts: impl IntoIterator<Item = Result<T, Self>>) -> Result<Vec<T>, Self> {
        let (mut values, mut wrongs) = (Vec::new(), Vec::new());
        for part in parts {
            match part {
                Ok(value) => values.push(value),
                Err(wrong) => wrongs.push(wrong),
            }
        }
        match wrongs.is_empty() {
            true => Ok(values),
            false => {
                let first = wrongs.remove(0);
                Err(Self { more: wrongs, ..first })
            }
        }
    }

    /// Says which part of the value it is.
    pub(super) fn at(self, place: &Place) -> Self {
        Self { place: Some(place.clone()), ..self }
    }
}

/// Says what is wrong with a value, and what to give instead.
pub(super) fn wrong(what: impl Into<String>, hint: impl Into<String>) -> Wrong {
    Wrong { what: what.into(), hint: Some(hint.into()), place: None, more: Vec::new() }
}

/// Collects mistakes while reading goes on.
#[derive(Debug, Default)]
pub(super) struct Found {
    faults: RefCell<Vec<Fault>>,
    keys: RefCell<BTreeSet<String>>,
}

impl Found {
    pub(super) fn add(&self, place: Place, what: impl Into<String>, hint: impl Into<String>) {
        self.push(Fault { place, what: what.into(), hint: Some(hint.into()) });
    }

    pub(super) fn push(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }

    pub(super) fn wrong(&self, place: Place, key: &str, wrong: Wrong) {
        for other in wrong.more {
            self.wrong(place.clone(), key, other);
        }
        let place = wrong.place.unwrap_or(place);
        self.push(Fault { place, what: format!("{key}: {}", wrong.what), hint: wrong.hint });
    }

    /// Notes that a key was asked for, and so is known.
    pub(super) fn know(&self, key: String) {
        self.keys.borrow_mut().insert(key);
    }

    /// The keys that were asked for.
    pub(super) fn into_keys(self) -> BTreeSet<String> {
        self.keys.into_inner()
    }

    /// True as long as there is no mistake.
    pub(super) fn is_empty(&self) -> bool {
        self.faults.borrow().is_empty()
    }

    /// The mistakes in order.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort();
        faults.dedup();
        faults
    }
}
