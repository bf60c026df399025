//! `kelp.yaml` as a layer: text with places, not yet with meaning.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::fault::{Fault, Found, Place};
use super::layers::{Data, Node};
use super::substitute::{LookUp, substitute};
use crate::yaml::{self, Kind, Problems};

/// Reads and parses the file `path`, as seen from `folder`, with its variables replaced; what is wrong with it is in `found`.
/// A file that is empty says nothing.
pub(super) fn read_in(folder: &Path, path: &Path, look_up: LookUp<'_>, found: &Found) -> Node {
    let name = path.display().to_string();
    let nothing = |name: &str| Node { place: Place::File(name.to_owned()), data: Data::Nothing };
    let text = match fs::read_to_string(folder.join(path)) {
        Ok(text) => text,
        Err(error) => {
            let (what, hint) = match error.kind() {
                ErrorKind::NotFound => {
                    ("there is no such file".to_owned(), "give the path of the configuration with -c")
                }
                ErrorKind::InvalidData => ("is not UTF-8 text".to_owned(), "save the file as UTF-8"),
                _ => (format!("cannot be read: {error}"), "the file must be readable by this user"),
            };
            found.add(Place::File(name.clone()), what, hint);
            return nothing(&name);
        }
    };
    let problems = Problems::new(&name);
    let root = yaml::parse(&text, &problems);
    for problem in problems.into_vec() {
        let place = spot(&name, yaml::Place { line: problem.line, column: problem.column });
        let line = text.lines().nth(problem.line.saturating_sub(1)).unwrap_or_default();
        let quotes = || "within { } and [ ] a value with ${…} needs quotes".to_owned();
        let hint =
            if line.contains("${") && problem.what.contains("while parsing") { Some(quotes()) } else { problem.hint };
        found.push(Fault { place, what: problem.what, hint });
    }
    let Some(root) = root else { return nothing(&name) };
    let file = File { name: &name, look_up, found };
    match file.node(&root) {
        None => nothing(&name),
        Some(Node { data: data @ (Data::Map(_) | Data::Nothing), .. }) => Node { place: Place::File(name), data },
        Some(Node { place, .. }) => {
            found.add(place, "must be a group of settings", "such as kafka: {bootstrap_servers: localhost:9092}");
            nothing(&name)
        }
    }
}

struct File<'a> {
    name: &'a str,
    look_up: LookUp<'a>,
    found: &'a Found,
}

impl File<'_> {
    /// The node with its variables replaced; `None` if one cannot be, which is told once and not again by whoever would
    /// have read the value.
    fn node(&self, from: &yaml::Node) -> Option<Node> {
        let data = match &from.kind {
            Kind::Scalar { .. } => match from.text() {
                Some(text) => Data::Text(self.text(from, text)?),
                None => Data::Nothing,
            },
            Kind::List(items) => {
                // All are looked at before one of them spoils the list.
                let items: Vec<Option<Node>> = items.iter().map(|item| self.node(item)).collect();
                Data::List(items.into_iter().collect::<Option<_>>()?)
            }
            Kind::Mapping(entries) => Data::Map(
                entries
                    .iter()
                    .filter_map(|entry| {
                        Some((entry.key.clone(), (spot(self.name, entry.place), self.node(&entry.value)?)))
                    })
                    .collect(),
            ),
        };
        Some(Node { place: spot(self.name, from.place), data })
    }

    fn text(&self, from: &yaml::Node, text: &str) -> Option<String> {
        let faults = match substitute(text, self.look_up) {
            Ok(text) => return Some(text),
            Err(faults) => faults,
        };
        for fault in faults {
            self.found.add(spot(self.name, from.place_of_char(fault.at)), fault.what, fault.hint);
        }
        None
    }
}

fn spot(file: &str, place: yaml::Place) -> Place {
    Place::Spot { file: file.to_owned(), line: place.line, column: place.column }
}
