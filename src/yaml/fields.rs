//! Reading a mapping against a schema that is nothing but the names asked for.
//!
//! Every getter notes its name, so that [`Fields::finish`] can refuse what nobody asked for and name the nearest known
//! key; there is no second list of keys that could drift from the code that reads them. A getter that finds a fault
//! adds it and gives `None`, so that reading goes on and all faults are told at once.

use std::cell::RefCell;
use std::time::Duration;

use super::scalar::{parse_bool, parse_byte_size, parse_duration};
use super::{Entry, Kind, Node, Place, Problems, Scalar};

/// A value and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spanned<T> {
    /// Where it stands.
    pub place: Place,
    /// The value.
    pub value: T,
}

/// A mapping that is being read.
pub struct Fields<'n, 'p> {
    place: Place,
    what: String,
    entries: &'n [Entry],
    known: RefCell<Vec<&'static str>>,
    problems: &'p Problems,
}

impl<'n, 'p> Fields<'n, 'p> {
    /// Begins to read `node`, which is told as `what` (`the source`, `a grok processor`). A null counts as an empty
    /// mapping, as `drop:` is how people write it. Anything else is a problem, and `None`.
    pub fn new(node: &'n Node, what: &str, problems: &'p Problems) -> Option<Self> {
        let entries: &[Entry] = match &node.kind {
            Kind::Mapping(entries) => entries,
            Kind::Scalar { value: Scalar::Null, .. } => &[],
            _ => {
                problems.add(node.place, format!("{what} is {}, where a mapping is expected", node.describe()));
                return None;
            }
        };
        Some(Self { place: node.place, what: what.to_owned(), entries, known: RefCell::default(), problems })
    }

    /// Where the mapping begins.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The list that problems are added to.
    pub fn problems(&self) -> &'p Problems {
        self.problems
    }

    /// The node of `key`, if it is there (it may be a null).
    pub fn node(&self, key: &'static str) -> Option<&'n Node> {
        self.known.borrow_mut().push(key);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The node of `key`; its absence is a problem.
    pub fn required(&self, key: &'static str) -> Option<&'n Node> {
        let node = self.node(key);
        if node.is_none() {
            let what = format!("{} has no {key:?}, which it needs", self.what);
            self.problems.add_hint(self.place, what, format!("add {key}: …"));
        }
        node
    }

    /// A nested mapping, told as `what`.
    pub fn mapping(&self, key: &'static str, what: &str) -> Option<Fields<'n, 'p>> {
        Fields::new(self.node(key)?, what, self.problems)
    }

    /// A string; a number or a boolean gives its text.
    pub fn string(&self, key: &'static str) -> Option<Spanned<&'n str>> {
        string(self.node(key)?, key, self.problems)
    }

    /// A string that has to be there.
    pub fn required_string(&self, key: &'static str) -> Option<Spanned<&'n str>> {
        string(self.required(key)?, key, self.problems)
    }

    /// A boolean; `yes`, `no`, `on`, `off` count.
    pub fn bool(&self, key: &'static str) -> Option<bool> {
        self.scalar(key, "true or false", parse_bool).map(|spanned| spanned.value)
    }

    /// A whole number.
    pub fn integer(&self, key: &'static str) -> Option<Spanned<i64>> {
        self.scalar(key, "a whole number", |text| text.parse().ok())
    }

    /// A duration such as `500ms`, `3s`, `1m`, `2h`, `7d`.
    pub fn duration(&self, key: &'static str) -> Option<Spanned<Duration>> {
        self.scalar(key, "a duration such as 500ms, 3s, 1m, 2h or 7d", parse_duration)
    }

    /// A byte size such as `512MiB`.
    pub fn byte_size(&self, key: &'static str) -> Option<Spanned<u64>> {
        self.scalar(key, "a size such as 64KiB, 512MiB or 1GiB", parse_byte_size)
    }

    /// A list of strings; one string alone is a list of one.
    pub fn strings(&self, key: &'static str) -> Option<Vec<Spanned<&'n str>>> {
        let node = self.node(key)?;
        match &node.kind {
            Kind::List(items) => items.iter().map(|item| string(item, key, self.problems)).collect(),
            _ => string(node, key, self.problems).map(|one| vec![one]),
        }
    }

    /// The items of a list.
    pub fn list(&self, key: &'static str) -> Option<&'n [Node]> {
        let node = self.node(key)?;
        match &node.kind {
            Kind::List(items) => Some(items),
            _ => {
                self.problems.add(node.place, format!("{key:?} is {}, where a list is expected", node.describe()));
                None
            }
        }
    }

    /// A mapping of strings to strings with keys of the user's own, such as pattern definitions.
    pub fn string_map(&self, key: &'static str) -> Option<Vec<(&'n Entry, &'n str)>> {
        let node = self.node(key)?;
        match &node.kind {
            Kind::Mapping(entries) => entries
                .iter()
                .map(|entry| string(&entry.value, &entry.key, self.problems).map(|text| (entry, text.value)))
                .collect(),
            _ => {
                self.problems.add(node.place, format!("{key:?} is {}, where a mapping is expected", node.describe()));
                None
            }
        }
    }

    fn scalar<T>(&self, key: &'static str, expected: &str, parse: fn(&str) -> Option<T>) -> Option<Spanned<T>> {
        let node = self.node(key)?;
        match node.text().map(parse) {
            Some(Some(value)) => Some(Spanned { place: node.place, value }),
            Some(None) => {
                let text = node.text().unwrap_or_default();
                self.problems.add(node.place, format!("{key:?} is {text:?}, where {expected} is expected"));
                None
            }
            None => {
                self.problems.add(node.place, format!("{key:?} is {}, where {expected} is expected", node.describe()));
                None
            }
        }
    }

    /// Refuses every key that was not asked for, naming the nearest one that was.
    pub fn finish(self) {
        let known = self.known.borrow();
        for entry in self.entries {
            if known.iter().any(|name| *name == entry.key) {
                continue;
            }
            let what = format!("{} has an unknown key {:?}", self.what, entry.key);
            match nearest(&entry.key, known.iter().copied()) {
                Some(name) => self.problems.add_hint(entry.place, what, format!("did you mean {name:?}?")),
                None => {
                    let mut names: Vec<&str> = known.clone();
                    names.sort_unstable();
                    names.dedup();
                    self.problems.add_hint(entry.place, what, format!("known keys: {}", names.join(", ")));
                }
            }
        }
    }
}

fn string<'n>(node: &'n Node, key: &str, problems: &Problems) -> Option<Spanned<&'n str>> {
    match node.text() {
        Some(value) => Some(Spanned { place: node.place, value }),
        None => {
            problems.add(node.place, format!("{key:?} is {}, where a string is expected", node.describe()));
            None
        }
    }
}

/// The name among `names` that differs least from `wrong`, if it differs by no more than a third of its letters.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (distance(wrong, name), name))
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(1))
        .min()
        .map(|(_, name)| name)
}

/// How many letters have to be inserted, deleted, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    rows[a.len()][b.len()]
}
