//! The definitions that expressions may refer to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, fs, io};

use super::definitions;
use super::fault::{Fault, Place};
use super::options::Dialect;
use super::reference::{leads_to, references};
use super::sets::{self, Set};

/// A shipped set, and definitions of one's own, which come before it.
#[derive(Debug, Clone)]
pub struct Patterns {
    shipped: HashMap<&'static str, String>,
    own: BTreeMap<String, Own>,
    notes: Vec<DefinitionFault>,
}

/// A definition of one's own.
#[derive(Debug, Clone)]
struct Own {
    definition: String,
    /// Where it begins, if it is from a file.
    source: Option<Source>,
}

#[derive(Debug, Clone)]
struct Source {
    path: Arc<Path>,
    line: usize,
    column: usize,
}

/// What is wrong with a file of definitions, or hardly meant.
#[derive(Debug, Clone)]
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
        Self { shipped: sets::definitions(set, dialect), own: BTreeMap::new(), notes: Vec::new() }
    }

    /// Adds a definition of one's own; the last of a name counts.
    pub fn define(&mut self, name: &str, expression: &str) {
        self.own.insert(name.to_owned(), Own { definition: expression.to_owned(), source: None });
    }

    /// Adds the definitions of a file, or of every file of a folder in the order of their names. What of it is hardly meant is told
    /// by [`Patterns::notes`].
    ///
    /// # Errors
    /// What can't be read, and every line that is no definition. What could be read is added.
    pub fn load(&mut self, path: &Path) -> Result<(), Vec<DefinitionFault>> {
        let mut faults = Vec::new();
        let at = |path: &Path, error: &io::Error| fault(path, None, format!("can't be read: {error}"));
        match files(path, &mut self.notes) {
            Err(error) => faults.push(at(path, &error)),
            Ok(files) => {
                for file in files {
                    match fs::read_to_string(&file) {
                        Err(error) => faults.push(at(&file, &error)),
                        Ok(text) => self.read(&file, &text, &mut faults),
                    }
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Adds the definitions of a file.
    fn read(&mut self, path: &Path, text: &str, faults: &mut Vec<DefinitionFault>) {
        let shared: Arc<Path> = Arc::from(path);
        let mut lines: HashMap<&str, usize> = HashMap::new();
        for definition in definitions::read(text) {
            match definition {
                Ok(definitions::Definition { name, expression, line, column }) => {
                    if let Some(before) = lines.insert(name, line) {
                        let what = format!("{name} is defined in line {before}, too: this one counts");
                        self.notes.push(fault(path, Some(line), what));
                    }
                    let source = Some(Source { path: Arc::clone(&shared), line, column });
                    self.own.insert(name.to_owned(), Own { definition: expression.to_owned(), source });
                }
                Err((line, name)) => {
                    let what = format!("{name} has no expression (a line is a name, a blank, an expression)");
                    faults.push(fault(path, Some(line), what));
                }
            }
        }
    }

    /// What was loaded, or was not, and is hardly meant so.
    pub fn notes(&self) -> &[DefinitionFault] {
        &self.notes
    }

    /// The definition of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|(definition, _)| definition)
    }

    /// The names of all definitions, one's own first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.own_names().chain(self.shipped.keys().copied())
    }

    pub(super) fn own_names(&self) -> impl Iterator<Item = &str> {
        self.own.keys().map(String::as_str)
    }

    pub(super) fn is_own(&self, name: &str) -> bool {
        self.own.contains_key(name)
    }

    /// The definition of a name, and whether it is of the shipped set.
    pub(super) fn find(&self, name: &str) -> Option<(&str, bool)> {
        let own = self.own.get(name).map(|own| (own.definition.as_str(), false));
        own.or_else(|| self.shipped.get(name).map(|definition| (definition.as_str(), true)))
    }

    /// Where byte `at` of a definition stands, if it is from a file.
    pub(super) fn place(&self, name: &str, at: usize) -> Option<Place> {
        let Own { definition, source } = self.own.get(name)?;
        let Source { path, line, column } = source.as_ref()?;
        let before = definition.get(..at).unwrap_or_default().chars().count();
        Some(Place { path: path.to_path_buf(), line: *line, column: column + before })
    }

    /// A fault at byte `at` of a definition, to which no expression need lead.
    pub(super) fn fault_in(&self, name: &str, at: usize, what: String, hint: Option<String>) -> Fault {
        let (within, definition) = (vec![name.to_owned()], Some((name.to_owned(), at)));
        Fault { expression: 0, offset: 0, within, definition, place: self.place(name, at), what, hint }
    }

    /// One's own definitions that no expression leads to, and no other one of these: they lead to the rest, as circles are told before.
    /// Those that are shipped word by word are passed over, and names that can't be referred to.
    pub(super) fn unused<'a>(&'a self, expressions: &[&'a str]) -> Vec<&'a str> {
        let mut used: HashSet<&str> = HashSet::new();
        let mut open = expressions.to_vec();
        while let Some(text) = open.pop() {
            for (_, reference) in references(text) {
                if used.insert(reference.name) {
                    open.extend(self.get(reference.name));
                }
            }
        }
        let unused = |(name, own): &(&String, &Own)| {
            let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            letters && !used.contains(name.as_str()) && self.shipped.get(name.as_str()) != Some(&own.definition)
        };
        let unused = || self.own.iter().filter(unused);
        let led_to: HashSet<&str> =
            unused().flat_map(|(_, own)| leads_to(&own.definition)).map(|(_, name)| name).collect();
        unused().map(|(name, _)| name.as_str()).filter(|name| !led_to.contains(name)).collect()
    }
}

impl DefinitionFault {
    /// The file, and the line and its first column if it is about a line.
    pub fn place(&self) -> String {
        let path = self.path.display();
        self.line.map_or_else(|| path.to_string(), |line| format!("{path}:{line}:1"))
    }
}

impl fmt::Display for DefinitionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.what)
    }
}

fn fault(path: &Path, line: Option<usize>, what: String) -> DefinitionFault {
    DefinitionFault { path: path.to_owned(), line, what }
}

/// The file, or the files of the folder; what is passed over there is noted.
fn files(path: &Path, notes: &mut Vec<DefinitionFault>) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    let mut passed = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?.path();
        let name = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if entry.is_dir() {
            passed.push(fault(&entry, None, "is not read: it is a folder in a folder of definitions".to_owned()));
        } else if name.ends_with('~') {
            // Read after the file itself, its old definitions would be the ones that count.
            passed.push(fault(&entry, None, "is not read: it looks like an editor's copy of another file".to_owned()));
        } else if entry.is_file() {
            files.push(entry);
        }
    }
    files.sort();
    passed.sort_by(|a, b| a.path.cmp(&b.path));
    notes.extend(passed);
    Ok(files)
}
