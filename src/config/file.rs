//! `kelp.yaml` as a layer: text with places, not yet with meaning.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::fault::{Fault, Found, Place};
use super::layers::{Data, Node};
use crate::yaml::{self, Kind, Problems};

/// Reads and parses the file `path`, as seen from `folder`; what is wrong with it is in `found`. A file that is empty says nothing.
pub(super) fn read_in(folder: &Path, path: &Path, found: &Found) -> Node {
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
        found.push(Fault { place, what: problem.what, hint: problem.hint });
    }
    let Some(root) = root else { return nothing(&name) };
    match node(&name, &root) {
        Node { data: data @ (Data::Map(_) | Data::Nothing), .. } => Node { place: Place::File(name), data },
        Node { place, .. } => {
            found.add(place, "must be a group of settings", "such as kafka: {bootstrap_servers: localhost:9092}");
            nothing(&name)
        }
    }
}

fn node(file: &str, from: &yaml::Node) -> Node {
    let data = match &from.kind {
        Kind::Scalar { .. } => from.text().map_or(Data::Nothing, |text| Data::Text(text.to_owned())),
        Kind::List(items) => Data::List(items.iter().map(|item| node(file, item)).collect()),
        Kind::Mapping(entries) => Data::Map(
            entries
                .iter()
                .map(|entry| (entry.key.clone(), (spot(file, entry.place), node(file, &entry.value))))
                .collect(),
        ),
    };
    Node { place: spot(file, from.place), data }
}

fn spot(file: &str, place: yaml::Place) -> Place {
    Place::Spot { file: file.to_owned(), line: place.line, column: place.column }
}
