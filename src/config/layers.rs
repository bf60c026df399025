//! File, variables and flags, laid over one another.
//!
//! Figment merges the values; each keeps the tag of the layer it came from, by which its place is found again. Every
//! single value is carried as text, because that is what variables and flags are; what it means is for the schema to
//! say, once for all three.

use std::collections::BTreeMap;

use figment::value::{Dict, Empty, Map, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::fault::{Found, Place};

/// One value that a variable or a flag sets. Not `Debug`, because it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// The keys that lead to it.
    pub path: Vec<String>,
    /// The value; several for a flag that was repeated.
    pub values: Vec<String>,
    /// Where it was said.
    pub place: Place,
}

/// A value and its place. Not `Debug`, because it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) data: Data,
}

/// What a value is, before its meaning is known.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Data {
    Nothing,
    Text(String),
    List(Vec<Node>),
    /// Each key with its own place.
    Map(BTreeMap<String, (Place, Node)>),
}

/// All that was said in one way.
pub(super) struct Layer {
    name: &'static str,
    values: Dict,
    places: BTreeMap<Vec<String>, Said>,
}

#[derive(Debug, Clone)]
struct Said {
    key: Place,
    value: Place,
}

impl Layer {
    /// The layer of a file, whose root is a map or nothing.
    pub(super) fn of_file(root: &Node) -> Self {
        let mut layer = Self::empty("file", root.place.clone());
        if let Value::Dict(_, values) = layer.place(Vec::new(), &root.place, root) {
            layer.values = values;
        }
        layer
    }

    /// The layer of variables or flags.
    pub(super) fn of_settings(name: &'static str, settings: &[Setting], found: &Found) -> Self {
        let mut layer = Self::empty(name, Place::Default);
        for setting in settings {
            for length in 1..=setting.path.len() {
                let said = Said { key: setting.place.clone(), value: setting.place.clone() };
                layer.places.insert(setting.path[..length].to_vec(), said);
            }
            if !insert(&mut layer.values, setting) {
                let hint = "unset one of the two";
                found.add(setting.place.clone(), "sets what another variable sets as a whole", hint);
            }
        }
        layer
    }

    fn empty(name: &'static str, root: Place) -> Self {
        let places = BTreeMap::from([(Vec::new(), Said { key: root.clone(), value: root })]);
        Self { name, values: Dict::new(), places }
    }

    fn place(&mut self, path: Vec<String>, key: &Place, node: &Node) -> Value {
        let value = match &node.data {
            Data::Nothing => Value::Empty(Tag::Default, Empty::None),
            Data::Text(text) => Value::from(text.clone()),
            Data::List(items) => {
                let numbered = items.iter().enumerate();
                let items =
                    numbered.map(|(index, item)| self.place(join(&path, &index.to_string()), &item.place, item));
                Value::from(items.collect::<Vec<Value>>())
            }
            Data::Map(entries) => {
                let entries = entries.iter();
                let entries =
                    entries.map(|(name, (key, node))| (name.clone(), self.place(join(&path, name), key, node)));
                Value::from(entries.collect::<Dict>())
            }
        };
        self.places.insert(path, Said { key: key.clone(), value: node.place.clone() });
        value
    }
}

impl Provider for &Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// False if something on the way is already there and is no map, or if it is there already.
fn insert(values: &mut Dict, setting: &Setting) -> bool {
    let Some((last, way)) = setting.path.split_last() else { return false };
    let mut dict = values;
    for key in way {
        match dict.entry(key.clone()).or_insert_with(|| Value::from(Dict::new())) {
            Value::Dict(_, inner) => dict = inner,
            _ => return false,
        }
    }
    let value = match &setting.values[..] {
        [one] => Value::from(one.clone()),
        several => Value::from(several.to_vec()),
    };
    dict.insert(last.clone(), value).is_none()
}

/// Lays each layer over those before it, and gives every value its place back.
pub(super) fn merge(layers: &[Layer]) -> Result<Node, Box<figment::Error>> {
    let figment = layers.iter().fold(Figment::new(), |figment, layer| figment.merge(layer));
    let values = figment.data()?.remove(&Profile::Default).unwrap_or_default();
    let root = layers.first().map_or(Place::Default, |layer| layer.places[&Vec::new()].value.clone());
    let found = Provenance { figment: &figment, layers };
    Ok(Node { place: root, data: found.map(&[], values) })
}

struct Provenance<'a> {
    figment: &'a Figment,
    layers: &'a [Layer],
}

impl Provenance<'_> {
    fn map(&self, path: &[String], values: Dict) -> Data {
        let entries = values.into_iter().map(|(key, value)| {
            let path = join(path, &key);
            let place = self.said(&path, value.tag()).key;
            (key, (place, self.node(&path, value)))
        });
        Data::Map(entries.collect())
    }

    fn node(&self, path: &[String], value: Value) -> Node {
        let place = self.said(path, value.tag()).value;
        let data = match value {
            Value::String(_, text) => Data::Text(text),
            Value::Char(_, one) => Data::Text(one.into()),
            Value::Bool(_, truth) => Data::Text(truth.to_string()),
            Value::Num(_, number) => Data::Text(number.to_actual().to_string()),
            Value::Empty(..) => Data::Nothing,
            Value::Dict(_, values) => self.map(path, values),
            Value::Array(_, items) => {
                let numbered = items.into_iter().enumerate();
                Data::List(numbered.map(|(index, item)| self.node(&join(path, &index.to_string()), item)).collect())
            }
        };
        Node { place, data }
    }

    /// Where the layer that this tag belongs to said it; for the items of a repeated flag, where the flag is.
    fn said(&self, path: &[String], tag: Tag) -> Said {
        let name = self.figment.get_metadata(tag).map(|metadata| metadata.name.as_ref());
        let layer = self.layers.iter().find(|layer| Some(layer.name) == name);
        let known = |length: usize| layer.and_then(|layer| layer.places.get(&path[..length]));
        let nowhere = Said { key: Place::Default, value: Place::Default };
        (0..=path.len()).rev().find_map(known).cloned().unwrap_or(nowhere)
    }
}

fn join(path: &[String], key: &str) -> Vec<String> {
    let mut longer = path.to_vec();
    longer.push(key.to_owned());
    longer
}
