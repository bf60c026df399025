//! The definitions that expressions may refer to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use super::definitions;
use super::fault::Fault;
use super::options::Dialect;
use super::reference::{Read, read};
use super::sets::{self, Set};

/// A shipped set, and definitions of one's own, which come before it.
#[derive(Debug, Clone)]
pub struct Patterns {
    shipped: HashMap<&'static str, String>,
    own: BTreeMap<String, String>,
}

/// What is wrong with a file of definitions.
#[derive(Debug)]
pub struct DefinitionFault {
    /// The file or folder.
    pub path: PathBuf,
    /// The line, from 1, if it is about one.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl Patterns {
    /// A set as it is in a dialect, and nothing else.
    pub fn new(set: Set, dialect: Dialect) -> Self {
        Self { shipped: sets::definitions(set, dialect), own: BTreeMap::new() }
    }

    /// Adds a definition of one's own; the last of a name counts.
    pub fn define(&mut self, name: &str, expression: &str) {
        self.own.insert(name.to_owned(), expression.to_owned());
    }

    /// Adds the definitions of a file, or of every file of a folder in the order of their names.
    ///
    /// # Errors
    /// What can't be read, and every line that is no definition. What could be read is added.
    pub fn load(&mut self, path: &Path) -> Result<(), Vec<DefinitionFault>> {
        let mut faults = Vec::new();
        let at = |path: &Path, error: &io::Error| DefinitionFault {
            path: path.to_owned(),
            line: None,
            what: format!("can't be read: {error}"),
        };
        match files(path) {
            Err(error) => faults.push(at(path, &error)),
            Ok(files) => {
                for file in files {
                    match fs::read_to_string(&file) {
                        Err(error) => faults.push(at(&file, &error)),
                        Ok(text) => faults.extend(self.read(&text).into_iter().map(|(line, what)| DefinitionFault {
                            path: file.clone(),
                            line: Some(line),
                            what,
                        })),
                    }
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Adds definitions, one a line; gives the lines that are none.
    pub fn read(&mut self, text: &str) -> Vec<(usize, String)> {
        let mut faults = Vec::new();
        for definition in definitions::read(text) {
            match definition {
                Ok(definition) => self.define(definition.name, definition.expression),
                Err((line, name)) => {
                    faults.push((line, format!("{name} has no expression (a line is a name, a blank, an expression)")))
                }
            }
        }
        faults
    }

    /// The definition of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|(definition, _)| definition)
    }

    /// The names of all definitions, one's own first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.own.keys().map(String::as_str).chain(self.shipped.keys().copied())
    }

    /// The definition of a name, and whether it is of the shipped set.
    pub(super) fn find(&self, name: &str) -> Option<(&str, bool)> {
        let own = self.own.get(name).map(|definition| (definition.as_str(), false));
        own.or_else(|| self.shipped.get(name).map(|definition| (definition.as_str(), true)))
    }

    /// The circles among one's own definitions, used or not, each told once.
    pub(super) fn circles(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut settled = HashSet::new();
        for name in self.own.keys() {
            if let Some(circle) = self.circle(name, &mut settled) {
                let what = format!("circular reference detected: {}", circle.join("->"));
                faults.push(Fault { expression: 0, offset: 0, within: vec![name.clone()], what, hint: None });
            }
        }
        faults
    }

    /// The first circle that a definition leads to, of those that do not lead to settled ones.
    fn circle<'a>(&'a self, name: &'a str, settled: &mut HashSet<&'a str>) -> Option<Vec<&'a str>> {
        // The way so far: each name, and what of its definition was not looked at yet. As long as there are definitions at most, so
        // it is no recursion.
        let mut path: Vec<(&str, &str)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut next = Some(name);
        loop {
            if let Some(name) = next.take().filter(|name| !settled.contains(name)) {
                if let Some(from) = places.get(name) {
                    let names = path.iter().map(|(name, _)| *name);
                    settled.extend(names.clone());
                    return Some(names.skip(*from).chain([name]).collect());
                }
                // Shipped definitions know of one's own only by name, and can be part of a circle with them.
                if let Some(definition) = self.get(name) {
                    places.insert(name, path.len());
                    path.push((name, definition));
                }
            }
            let (name, rest) = path.last_mut()?;
            next = next_reference(rest);
            if next.is_none() {
                places.remove(name);
                settled.insert(name);
                path.pop();
            }
        }
    }
}

/// The next reference to a definition; what comes after it is left.
fn next_reference<'a>(rest: &mut &'a str) -> Option<&'a str> {
    while let Some((_, inner)) = rest.split_once("%{") {
        *rest = inner;
        if let Read::Reference(reference, length) = read(inner) {
            *rest = &inner[length..];
            if reference.inline.is_none() {
                return Some(reference.name);
            }
        }
    }
    None
}

impl fmt::Display for DefinitionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:1:")?;
        }
        write!(f, " {}", self.what)
    }
}

/// The file, or the files of the folder.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?.path();
        let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if entry.is_file() && !hidden {
            files.push(entry);
        }
    }
    files.sort();
    Ok(files)
}
