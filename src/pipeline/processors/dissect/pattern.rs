//! A dissect pattern and its matching.
//!
//! Matching is a walk from delimiter to delimiter. A delimiter that follows itself at once gives empty values to the next
//! keys, unless the key before it has `->`.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

use crate::pipeline::regex::slice;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    leading: String,
    keys: Vec<Key>,
    results: Vec<Shape>,
    separator: String,
}

/// A key, and the delimiter that follows it.
#[derive(Debug)]
struct Key {
    kind: Kind,
    name: String,
    padded: bool,
    delimiter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Skip,
    /// To be appended; the place, if one is given.
    Append(Option<u32>),
    NameOf,
    ValueOf,
}

/// What a result is made of: numbers of keys.
#[derive(Debug)]
enum Shape {
    /// The last of the keys of one name.
    One {
        name: String,
        key: usize,
    },
    /// Keys in the order in which their values are appended.
    Joined {
        name: String,
        keys: Vec<usize>,
    },
    Reference {
        name: usize,
        value: usize,
    },
}

/// The name of a result.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name<'p> {
    Fixed(&'p str),
    /// It is matched, too.
    Matched,
}

/// The results of a text: names and values.
pub(super) type Results<'p, 'a> = Vec<(Cow<'p, str>, Cow<'a, str>)>;

impl Pattern {
    /// Compiles a pattern.
    pub(super) fn compile(pattern: &str, separator: &str) -> Result<Self, String> {
        let fail = |reason: &str| format!("Unable to parse pattern: {pattern} Reason: {reason}");
        let nothing = || fail("Unable to find any keys or delimiters.");
        let start = pattern.find("%{").ok_or_else(nothing)?;
        let mut keys = Vec::new();
        let mut rest = &pattern[start..];
        while let Some(inner) = rest.strip_prefix("%{") {
            let Some(end) = inner.find('}') else { break };
            let after = &inner[end + 1..];
            // A delimiter has one character at least, if it is not the end: `%{a}%{b}` has `%{b}` for the one of `a`.
            let skip = after.chars().next().map_or(0, char::len_utf8);
            let length = after[skip..].find("%{").map_or(after.len(), |index| skip + index);
            keys.push(key(&inner[..end], &after[..length])?);
            rest = &after[length..];
        }
        if keys.iter().all(|key| key.kind == Kind::Skip) {
            return Err(nothing());
        }
        let results = shapes(&mut keys).map_err(|reason| fail(&reason))?;
        Ok(Self { leading: pattern[..start].to_owned(), keys, results, separator: separator.to_owned() })
    }

    /// The names of the results, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = Name<'_>> {
        self.results.iter().map(|shape| match shape {
            Shape::One { name, .. } | Shape::Joined { name, .. } => Name::Fixed(name),
            Shape::Reference { .. } => Name::Matched,
        })
    }

    /// The results of a text, or nothing if it does not match.
    pub(super) fn apply<'p, 'a>(&'p self, text: &Cow<'a, str>) -> Option<Results<'p, 'a>> {
        let places = self.places(text)?;
        let mut results: Results<'p, 'a> = Vec::with_capacity(self.results.len());
        for shape in &self.results {
            match shape {
                Shape::One { name, key } => {
                    results.push((Cow::Borrowed(name), slice(text, places[*key].clone())));
                }
                Shape::Joined { name, keys } => {
                    let values: Vec<&str> = keys.iter().map(|key| &text[places[*key].clone()]).collect();
                    results.push((Cow::Borrowed(name), Cow::Owned(values.join(&self.separator))));
                }
                Shape::Reference { name, value } => {
                    let name = text[places[*name].clone()].to_owned();
                    results.push((Cow::Owned(name), slice(text, places[*value].clone())));
                }
            }
        }
        // As in Elasticsearch, two results of one name are no match; only those with matched names can be such.
        let references = self.results.iter().any(|shape| matches!(shape, Shape::Reference { .. }));
        let twice = |index: usize| results[..index].iter().any(|(name, _)| *name == results[index].0);
        if references && (0..results.len()).any(twice) { None } else { Some(results) }
    }

    /// Where in the text each key's value is.
    fn places(&self, text: &str) -> Option<Vec<Range<usize>>> {
        if text.len() <= self.leading.len() || !text.starts_with(&self.leading) {
            return None;
        }
        let mut places: Vec<Range<usize>> = Vec::with_capacity(self.keys.len());
        let mut at = self.leading.len();
        let mut keys = self.keys.iter();
        let mut key = keys.next()?;
        let mut ended = false;
        while !key.delimiter.is_empty() {
            let Some(found) = memmem::find(&text.as_bytes()[at..], key.delimiter.as_bytes()) else { break };
            places.push(at..at + found);
            let delimiter = key.delimiter.as_str();
            at += found + delimiter.len();
            while text[at..].starts_with(delimiter) {
                at += delimiter.len();
                if !key.padded {
                    let Some(next) = keys.next() else {
                        ended = true;
                        break;
                    };
                    key = next;
                    places.push(at..at);
                }
            }
            match keys.next() {
                Some(next) if !ended => key = next,
                _ => break,
            }
        }
        if places.len() < self.keys.len() && key.delimiter.is_empty() {
            places.push(at.min(text.len())..text.len());
        }
        (places.len() == self.keys.len()).then_some(places)
    }
}

fn key(text: &str, delimiter: &str) -> Result<Key, String> {
    let fail = |reason: &str| Err(format!("Unable to parse key: {text} Reason: {reason}"));
    let modifiers: String = text.chars().filter(|c| "/+*&?".contains(*c)).collect();
    if modifiers.len() > 1 && modifiers != "+/" {
        return fail("multiple modifiers are not allowed.");
    }
    let (bare, padded) = text.strip_suffix("->").map_or((text, false), |bare| (bare, true));
    let after = |sign: char| bare.split_once(sign).map_or("", |(_, name)| name);
    let (kind, name) = match modifiers.as_str() {
        "" if bare.is_empty() => (Kind::Skip, bare),
        "" => (Kind::Plain, bare),
        "?" => (Kind::Skip, after('?')),
        "+" => (Kind::Append(None), after('+')),
        "*" => (Kind::NameOf, after('*')),
        "&" => (Kind::ValueOf, after('&')),
        _ => match after('+').split_once('/') {
            Some((name, place)) if modifiers == "+/" => match place.parse() {
                Ok(place) => (Kind::Append(Some(place)), name),
                Err(_) => return fail("The key name could be determined"),
            },
            _ => return fail("The key name could be determined"),
        },
    };
    if name.is_empty() && kind != Kind::Skip {
        return fail("The key name could be determined");
    }
    Ok(Key { kind, name: name.to_owned(), padded, delimiter: delimiter.to_owned() })
}

/// What the results are made of, in the order of their first keys.
fn shapes(keys: &mut [Key]) -> Result<Vec<Shape>, String> {
    let appended: Vec<String> =
        keys.iter().filter(|key| matches!(key.kind, Kind::Append(_))).map(|key| key.name.clone()).collect();
    for key in keys.iter_mut().filter(|key| key.kind == Kind::Plain && appended.contains(&key.name)) {
        key.kind = Kind::Append(None);
    }
    let mut shapes: Vec<Shape> = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let of_name = |kind: fn(Kind) -> bool| {
            let numbers = keys.iter().enumerate().filter(|(_, other)| kind(other.kind) && other.name == key.name);
            numbers.map(|(number, _)| number).collect::<Vec<usize>>()
        };
        match key.kind {
            Kind::Skip => {}
            Kind::Plain => {
                let all = of_name(|kind| kind == Kind::Plain);
                if all[0] == index {
                    shapes.push(Shape::One { name: key.name.clone(), key: all[all.len() - 1] });
                }
            }
            Kind::Append(_) => {
                let mut all = of_name(|kind| matches!(kind, Kind::Append(_)));
                if all[0] == index {
                    // Those without a place come first, in the order of the pattern.
                    all.sort_by_key(|number| match keys[*number].kind {
                        Kind::Append(Some(place)) => i64::from(place),
                        _ => -1,
                    });
                    shapes.push(Shape::Joined { name: key.name.clone(), keys: all });
                }
            }
            Kind::NameOf | Kind::ValueOf => {
                let all = of_name(|kind| matches!(kind, Kind::NameOf | Kind::ValueOf));
                match all.as_slice() {
                    [a, b] if keys[*a].kind != keys[*b].kind => {
                        let (name, value) = if keys[*a].kind == Kind::NameOf { (*a, *b) } else { (*b, *a) };
                        if *a == index {
                            shapes.push(Shape::Reference { name, value });
                        }
                    }
                    _ => {
                        let names: Vec<&str> = all.iter().map(|number| keys[*number].name.as_str()).collect();
                        return Err(format!(
                            "Found invalid key/reference associations: '{}' Please ensure each '*<key>' is matched with a \
                             matching '&<key>",
                            names.join(",")
                        ));
                    }
                }
            }
        }
    }
    Ok(shapes)
}
