//! Reads one section of the schema: takes the keys that it knows, and complains of the rest.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::elsewhere;
use super::fault::{Found, Place, Wrong, wrong};
use super::layers::{Data, Node};
use crate::yaml::nearest;

/// What was read for one key.
#[derive(Debug)]
pub(super) struct Read<T> {
    /// The value that was given, or the default.
    pub(super) value: T,
    /// Where it was given; [`Place::Default`] where it was not.
    pub(super) place: Place,
    /// False if what was given is wrong, and the value is the default instead.
    pub(super) sound: bool,
}

impl<T> Read<T> {
    pub(super) fn is_given(&self) -> bool {
        self.place != Place::Default
    }
}

/// A map of the configuration, as far as it is there.
pub(super) struct Section<'a> {
    found: &'a Found,
    name: String,
    entries: Option<&'a BTreeMap<String, (Place, Node)>>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// The whole configuration.
    pub(super) fn root(found: &'a Found, node: &'a Node) -> Self {
        Self::open(found, String::new(), Some(node))
    }

    fn open(found: &'a Found, name: String, node: Option<&'a Node>) -> Self {
        let entries = match node {
            None => None,
            Some(Node { data: Data::Nothing, .. }) => None,
            Some(Node { data: Data::Map(entries), .. }) => Some(entries),
            Some(node) => {
                found.wrong(node.place.clone(), &name, wrong("must be a group of settings", "key: value"));
                None
            }
        };
        Self { found, name, entries, known: RefCell::default() }
    }

    /// The section below this key.
    pub(super) fn section(&self, key: &'static str) -> Section<'a> {
        Section::open(self.found, self.name(key), self.node(key))
    }

    /// Reads a key, or takes its default where it is not given or wrong.
    pub(super) fn read<T>(
        &self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&Node) -> Result<T, Wrong>,
    ) -> Read<T> {
        let Some(node) = self.node(key) else { return Read { value: default, place: Place::Default, sound: true } };
        let place = node.place.clone();
        if node.data == Data::Nothing {
            return Read { value: default, place: Place::Default, sound: true };
        }
        match read(node) {
            Ok(value) => Read { value, place, sound: true },
            Err(wrong) => {
                self.found.wrong(place.clone(), &self.name(key), wrong);
                Read { value: default, place, sound: false }
            }
        }
    }

    /// Every entry of a section whose keys are free.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Place, &'a Node)> {
        self.entries.into_iter().flatten().map(|(key, (place, node))| (key.as_str(), place, node))
    }

    /// Adds a complaint about a value of this section.
    pub(super) fn complain(&self, place: Place, key: &str, wrong: Wrong) {
        self.found.wrong(place, &self.name(key), wrong);
    }

    /// Complains of every key that was not read.
    pub(super) fn finish(self) {
        let known = self.known.borrow();
        for (key, place, _) in self.entries() {
            if !known.contains(&key) {
                let near = || nearest(key, known.iter().copied()).map(|near| format!("did you mean {near:?}?"));
                let hint = match elsewhere::hint(&self.name, key).or_else(near) {
                    Some(hint) => hint,
                    None => format!("known keys: {}", known.join(", ")),
                };
                self.found.add(place.clone(), format!("unknown key {:?}", self.name(key)), hint);
            }
        }
    }

    fn node(&self, key: &'static str) -> Option<&'a Node> {
        self.known.borrow_mut().push(key);
        self.found.know(self.name(key));
        self.entries.and_then(|entries| entries.get(key)).map(|(_, node)| node)
    }

    fn name(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

/// The one text of a node, whitespace around it included; may be empty.
pub(super) fn raw_text(node: &Node) -> Result<&str, Wrong> {
    match &node.data {
        Data::Text(raw) => Ok(raw),
        Data::Nothing | Data::List(_) | Data::Map(_) => text(node),
    }
}

/// The one text of a node, without whitespace around it; not empty.
pub(super) fn text(node: &Node) -> Result<&str, Wrong> {
    match &node.data {
        Data::Text(text) if text.trim().is_empty() => Err(wrong("is empty", "leave it out to take the default")),
        Data::Text(text) => Ok(text.trim()),
        Data::List(_) => Err(wrong("must be one value, not a list", "remove the brackets or dashes")),
        Data::Map(_) => Err(wrong("must be one value, not a group of settings", "remove what is below it")),
        Data::Nothing => Err(wrong("is empty", "leave it out to take the default")),
    }
}

/// One text or several, each with its place; in variables and flags several are parted by commas.
pub(super) fn texts(node: &Node) -> Result<Vec<(&str, &Place)>, Wrong> {
    let texts: Vec<(&str, &Place)> = match &node.data {
        Data::List(items) => {
            let mut texts = Vec::new();
            for item in items {
                texts.push((text(item).map_err(|wrong| wrong.at(&item.place))?, &item.place));
            }
            texts
        }
        _ if matches!(node.place, Place::Spot { .. }) => vec![(text(node)?, &node.place)],
        _ => {
            let parts = text(node)?.split(',').map(str::trim).filter(|part| !part.is_empty());
            parts.map(|part| (part, &node.place)).collect()
        }
    };
    if texts.is_empty() { Err(wrong("is an empty list", "give at least one")) } else { Ok(texts) }
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(node: &Node, words: &[(&str, T)]) -> Result<T, Wrong> {
    let text = text(node)?;
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        wrong(format!("{text:?} is not known"), format!("give {}", names.join(" or ")))
    })
}

/// A whole number in a range.
pub(super) fn number(node: &Node, range: std::ops::RangeInclusive<usize>) -> Result<usize, Wrong> {
    let text = text(node)?;
    let hint = format!("give a whole number from {} to {}", range.start(), range.end());
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) => Err(wrong(format!("{text} is out of range"), hint)),
        Err(_) => Err(wrong(format!("{text:?} is not a whole number"), hint)),
    }
}
