//! Paths to fields, as Elasticsearch's ingest pipelines write them: `a.b.c` descends, a number takes an item of a list.
//!
//! A name that itself has a dot is not reached by a path (Elasticsearch: the same; there one uses `dot_expander`).
//! Setting makes the objects in between. Errors are worded as `IngestDocument` words them, with our names of types.

use std::borrow::Cow;
use std::fmt;

use super::{Object, Value};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Segment {
    /// The field's name.
    pub name: String,
    /// The name read as an index of a list, if it is one.
    pub index: Option<usize>,
}

/// A compiled path of one segment or more.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    text: String,
    segments: Vec<Segment>,
}

/// The most segments that a path may have; objects nest no deeper through setting than through reading.
pub const MAX_SEGMENTS: usize = 64;

/// Why a path could not be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathError(String);

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PathError {}

impl Path {
    /// Compiles `a.b.c`. A leading `_source.` is the root itself, as in Elasticsearch.
    ///
    /// # Errors
    /// Where the path is empty, has an empty segment, or more than 64.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let rest = text.strip_prefix("_source.").unwrap_or(text);
        if rest.is_empty() {
            return Err(PathError("field path cannot be null nor empty".into()));
        }
        Self::from_segments(rest.split('.'))
    }

    /// Makes a path of names that are taken as they are, dots and all.
    ///
    /// # Errors
    /// As [`Path::parse`].
    pub fn from_segments<'s>(names: impl IntoIterator<Item = &'s str>) -> Result<Self, PathError> {
        let segments: Vec<Segment> =
            names.into_iter().map(|name| Segment { name: name.to_owned(), index: parse_index(name) }).collect();
        let text = segments.iter().map(|segment| segment.name.as_str()).collect::<Vec<_>>().join(".");
        if segments.is_empty() || segments.iter().any(|segment| segment.name.is_empty()) {
            return Err(PathError(format!("path [{text}] is not valid")));
        }
        if segments.len() > MAX_SEGMENTS {
            return Err(PathError(format!("path [{text}] has more than {MAX_SEGMENTS} segments")));
        }
        Ok(Self { text, segments })
    }

    /// The path as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of the root's field that the path goes through.
    pub fn first(&self) -> &str {
        &self.segments[0].name
    }

    /// The steps; at least one.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The value, if there is one (it may be null).
    pub fn get<'e, 'a>(&self, root: &'e Object<'a>) -> Option<&'e Value<'a>> {
        let mut value = root.get(&self.segments[0].name)?;
        for segment in &self.segments[1..] {
            value = match value {
                Value::Object(object) => object.get(&segment.name)?,
                Value::Array(items) => items.get(segment.index?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// The value, to be changed.
    pub fn get_mut<'e, 'a>(&self, root: &'e mut Object<'a>) -> Option<&'e mut Value<'a>> {
        let mut value = root.get_mut(&self.segments[0].name)?;
        for segment in &self.segments[1..] {
            value = match value {
                Value::Object(object) => object.get_mut(&segment.name)?,
                Value::Array(items) => items.get_mut(segment.index?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// Why [`Path::get`] finds nothing.
    pub fn why_missing(&self, root: &Object<'_>) -> PathError {
        let mut parent: Option<&Value<'_>> = None;
        for segment in &self.segments {
            let next = match parent {
                None => root.get(&segment.name),
                Some(Value::Object(object)) => object.get(&segment.name),
                Some(Value::Array(items)) => match self.index(segment, items.len()) {
                    Ok(index) => items.get(index),
                    Err(error) => return error,
                },
                Some(Value::Null) => return self.error(format_args!("cannot resolve [{}] from null", segment.name)),
                Some(other) => {
                    let what =
                        format_args!("cannot resolve [{}] from a value of type [{}]", segment.name, other.kind());
                    return self.error(what);
                }
            };
            match next {
                Some(value) => parent = Some(value),
                None => return self.error(format_args!("field [{}] not present", segment.name)),
            }
        }
        self.error(format_args!("field [{}] is present", self.text))
    }

    /// Sets the value, making the objects in between.
    ///
    /// # Errors
    /// Where something in between is neither an object nor a list, or an index is out of bounds; nothing is changed.
    pub fn set<'a>(&'a self, root: &mut Object<'a>, value: Value<'a>) -> Result<(), PathError> {
        self.set_with(root, value, |segment| Cow::Borrowed(segment.name.as_str()))
    }

    /// Sets the value like [`Path::set`], for a path that does not outlive the event: the names are copied.
    ///
    /// # Errors
    /// As [`Path::set`].
    pub fn set_copied<'a>(&self, root: &mut Object<'a>, value: Value<'a>) -> Result<(), PathError> {
        self.set_with(root, value, |segment| Cow::Owned(segment.name.clone()))
    }

    fn set_with<'s, 'a>(
        &'s self,
        root: &mut Object<'a>,
        value: Value<'a>,
        name: impl Fn(&'s Segment) -> Cow<'a, str>,
    ) -> Result<(), PathError> {
        let (last, parents) = self.segments.split_last().expect("a path has a segment");
        if parents.is_empty() {
            root.insert(name(last), value);
            return Ok(());
        }
        let mut at = 0;
        let mut parent: Slot<'_, 'a> = Slot::Object(root);
        // Descends as far as there is something; what is missing is built apart and put in at the end, so that a failure
        // changes nothing.
        loop {
            let segment = &self.segments[at];
            if at == parents.len() {
                return match parent {
                    Slot::Object(object) => {
                        object.insert(name(segment), value);
                        Ok(())
                    }
                    Slot::Array(items) => {
                        let index = self.index(segment, items.len())?;
                        items[index] = value;
                        Ok(())
                    }
                };
            }
            let next = match parent {
                Slot::Object(object) => {
                    if !object.contains(&segment.name) {
                        let nested = self.segments[at + 1..].iter().rev().fold(value, |inner, segment| {
                            let mut object = Object::new();
                            object.insert(name(segment), inner);
                            Value::Object(object)
                        });
                        object.insert(name(segment), nested);
                        return Ok(());
                    }
                    object.get_mut(&segment.name)
                }
                Slot::Array(items) => {
                    let index = self.index(segment, items.len())?;
                    items.get_mut(index)
                }
            };
            at += 1;
            let child = &self.segments[at].name;
            parent = match next {
                Some(Value::Object(object)) => Slot::Object(object),
                Some(Value::Array(items)) => Slot::Array(items),
                Some(Value::Null) | None => {
                    return Err(self.error(format_args!("cannot set [{child}] with null parent")));
                }
                Some(other) => {
                    let kind = other.kind();
                    return Err(self.error(format_args!("cannot set [{child}] with parent of type [{kind}]")));
                }
            };
        }
    }

    /// Takes the value out; what stays keeps its order.
    ///
    /// # Errors
    /// Where there is nothing at the path.
    pub fn remove<'a>(&self, root: &mut Object<'a>) -> Result<Value<'a>, PathError> {
        let (last, parents) = self.segments.split_last().expect("a path has a segment");
        let removed = if parents.is_empty() {
            root.remove(&last.name)
        } else {
            let parent = Path::find(parents, root);
            match parent {
                Some(Value::Object(object)) => object.remove(&last.name),
                Some(Value::Array(items)) => match last.index {
                    Some(index) if index < items.len() => Some(items.remove(index)),
                    _ => None,
                },
                _ => None,
            }
        };
        removed.ok_or_else(|| self.why_missing(root))
    }

    fn find<'e, 'a>(segments: &[Segment], root: &'e mut Object<'a>) -> Option<&'e mut Value<'a>> {
        let (first, rest) = segments.split_first()?;
        let mut value = root.get_mut(&first.name)?;
        for segment in rest {
            value = match value {
                Value::Object(object) => object.get_mut(&segment.name)?,
                Value::Array(items) => items.get_mut(segment.index?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    fn index(&self, segment: &Segment, length: usize) -> Result<usize, PathError> {
        match segment.index {
            None => Err(self.error(format_args!("[{}] is not an integer, cannot be used as an index", segment.name))),
            Some(index) if index >= length => {
                Err(self.error(format_args!("[{index}] is out of bounds for a list with length [{length}]")))
            }
            Some(index) => Ok(index),
        }
    }

    fn error(&self, what: fmt::Arguments<'_>) -> PathError {
        PathError(format!("{what} as part of path [{}]", self.text))
    }
}

enum Slot<'e, 'a> {
    Object(&'e mut Object<'a>),
    Array(&'e mut Vec<Value<'a>>),
}

fn parse_index(name: &str) -> Option<usize> {
    if name.bytes().all(|b| b.is_ascii_digit()) { name.parse().ok() } else { None }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
