//! `kv`: takes a text of keys and values apart, such as `a=1 b=2`.
//!
//! | option | |
//! |---|---|
//! | `field` | the text; may be a template; absent or null is a failure unless `ignore_missing` |
//! | `field_split` | a regular expression between the pairs |
//! | `value_split` | a regular expression between a key and its value; a pair without it is a failure |
//! | `target_field` | the object that the fields are put into; may be a template; the event itself unless given |
//! | `include_keys`, `exclude_keys` | which keys are taken, or not |
//! | `prefix` | what is put before each key |
//! | `trim_key`, `trim_value` | characters that are taken off both ends |
//! | `strip_brackets` | `false`; if `true` one bracket or quote is taken off each end of a value |
//! | `ignore_missing` | `false` |
//!
//! A dot in a key descends. A key that comes twice, or is there already, makes a list.

use std::borrow::Cow;
use std::ops::Range;

use crate::event::{Object, Path, Value};
use crate::pipeline::compile::{Compiler, is_metadata};
use crate::pipeline::field::FieldName;
use crate::pipeline::regex::{Regex, Replacement, slice};
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::Fields;

struct Kv {
    field: FieldName,
    target: Option<FieldName>,
    field_split: Regex,
    value_split: Regex,
    shown_split: String,
    include: Option<Vec<String>>,
    exclude: Vec<String>,
    prefix: String,
    trim_key: Option<Trimmer>,
    trim_value: Option<Trimmer>,
    strip_brackets: bool,
    ignore_missing: bool,
    origin: String,
}

/// Takes characters off both ends; a plain set of them without the engine.
enum Trimmer {
    Characters(Vec<char>),
    Regex(Regex, Replacement),
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let field = fields.required_string("field").and_then(|text| FieldName::read(text, cx));
    let target = fields.string("target_field").filter(|text| !text.value.is_empty());
    let target = match target {
        Some(text) => Some(FieldName::write(text, cx)?),
        None => None,
    };
    let field_split = fields.required_string("field_split").and_then(|text| super::regex(text, cx));
    let value_split = fields.required_string("value_split");
    let shown_split = value_split.map_or(String::new(), |text| text.value.to_owned());
    let value_split = value_split.and_then(|text| super::regex(text, cx));
    let keys = |name| {
        let texts = fields.strings(name)?;
        Some(texts.into_iter().map(|text| text.value.to_owned()).collect::<Vec<String>>())
    };
    let (include, exclude) = (keys("include_keys"), keys("exclude_keys").unwrap_or_default());
    let trimmer = |name| match fields.string(name) {
        None => Some(None),
        Some(text) => match Trimmer::compile(text.value) {
            Ok(trimmer) => Some(Some(trimmer)),
            Err(error) => {
                cx.problems.add(text.place, format!("{name} {:?}: {error}", text.value));
                None
            }
        },
    };
    let (trim_key, trim_value) = (trimmer("trim_key"), trimmer("trim_value"));
    Some(Box::new(Kv {
        prefix: fields.string("prefix").map_or(String::new(), |text| text.value.to_owned()),
        strip_brackets: fields.bool("strip_brackets").unwrap_or(false),
        ignore_missing: fields.bool("ignore_missing").unwrap_or(false),
        field: field?,
        target,
        field_split: field_split?,
        value_split: value_split?,
        shown_split,
        include,
        exclude,
        trim_key: trim_key?,
        trim_value: trim_value?,
        origin: cx.origin.to_owned(),
    }))
}

impl Trimmer {
    fn compile(set: &str) -> Result<Self, String> {
        if !set.contains(['\\', '[', ']', '^', '-', '&']) {
            return Ok(Self::Characters(set.chars().collect()));
        }
        let regex = Regex::compile(&format!("(^([{set}]+))|([{set}]+$)"))?;
        let nothing = Replacement::compile("", &regex)?;
        Ok(Self::Regex(regex, nothing))
    }

    fn trim<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, String> {
        match self {
            Self::Characters(set) => {
                let start = text.len() - text.trim_start_matches(set.as_slice()).len();
                let end = start + text[start..].trim_end_matches(set.as_slice()).len();
                Ok(slice(&text, start..end))
            }
            Self::Regex(regex, nothing) => Ok(regex.replace_all(&text, nothing)?.map_or(text, Cow::Owned)),
        }
    }
}

impl Process for Kv {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let Some(field) = self.field.path_or_missing(work, self.ignore_missing)? else { return Ok(Flow::Continue) };
        if work.event.get(&field).is_none() && !self.ignore_missing {
            return Err(format!("field [{field}] doesn't exist"));
        }
        let why = "cannot extract key-value pairs.";
        let Some(text) = super::text(work, &field, self.ignore_missing, why)? else { return Ok(Flow::Continue) };
        let text = text.clone();
        let target = match &self.target {
            Some(target) => Some(target.path(work)?),
            None => None,
        };
        for part in self.field_split.split(&text, 0, false)? {
            let Some((key, value)) = self.pair(&text, part)? else {
                return Err(format!("field [{field}] does not contain value_split [{}]", self.shown_split));
            };
            let key = match &self.trim_key {
                Some(trimmer) => trimmer.trim(key)?,
                None => key,
            };
            let taken = self.include.as_ref().is_none_or(|keys| keys.iter().any(|known| *known == key));
            if !taken || self.exclude.iter().any(|known| *known == key) {
                continue;
            }
            let value = if self.strip_brackets { strip_brackets(value) } else { value };
            let value = match &self.trim_value {
                Some(trimmer) => trimmer.trim(value)?,
                None => value,
            };
            let key = if self.prefix.is_empty() { key } else { Cow::Owned(format!("{}{key}", self.prefix)) };
            self.append(work, target.as_deref(), key, Value::String(value))?;
        }
        Ok(Flow::Continue)
    }
}

/// A key and its value.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

impl Kv {
    /// The key and the value of a part of the text; nothing if they are not parted.
    fn pair<'a>(&self, text: &Cow<'a, str>, part: Range<usize>) -> Result<Option<Pair<'a>>, String> {
        let inner = &text[part.clone()];
        let pieces = self.value_split.split(inner, 2, false)?;
        let [key, value] = pieces.as_slice() else { return Ok(None) };
        let within = |range: &Range<usize>| slice(text, part.start + range.start..part.start + range.end);
        Ok(Some((within(key), within(value))))
    }

    fn append<'a>(
        &self,
        work: &mut Work<'a>,
        target: Option<&Path>,
        key: Cow<'a, str>,
        value: Value<'a>,
    ) -> Result<(), String> {
        let root = work.event.root_mut();
        if target.is_none() {
            let first = key.split('.').next().unwrap_or_default();
            if is_metadata(first) || first == self.origin {
                return Err(format!("the key [{key}] can't be a field: a pipeline can't write [{first}]"));
            }
        }
        // A plain name goes straight into its object; one with dots is a path like any other.
        let object = match target {
            _ if key.contains('.') || key.is_empty() => None,
            None => Some(&mut *root),
            Some(target) => {
                if target.get(root).is_none() {
                    target.set_copied(root, Value::Object(Object::new())).map_err(|error| error.to_string())?;
                }
                match target.get_mut(root) {
                    Some(Value::Object(object)) => Some(object),
                    _ => None,
                }
            }
        };
        match object {
            Some(object) => match object.get_mut(&key) {
                Some(slot) => add(slot, value),
                None => {
                    object.insert(key, value);
                }
            },
            None => {
                let path = match target {
                    Some(target) => Path::parse(&format!("{target}.{key}")),
                    None => Path::parse(&key),
                };
                let path = path.map_err(|error| error.to_string())?;
                match path.get_mut(root) {
                    Some(slot) => add(slot, value),
                    None => path.set_copied(root, value).map_err(|error| error.to_string())?,
                }
            }
        }
        Ok(())
    }
}

/// Adds to what is there already.
fn add<'a>(slot: &mut Value<'a>, value: Value<'a>) {
    match slot {
        Value::Null => *slot = value,
        Value::Array(items) => items.push(value),
        single => {
            let first = std::mem::take(single);
            *single = Value::Array(vec![first, value]);
        }
    }
}

fn strip_brackets(text: Cow<'_, str>) -> Cow<'_, str> {
    let start = usize::from(text.starts_with(['(', '[', '<', '"', '\'']));
    let closes = text[start..].ends_with([')', ']', '>', '"', '\'']);
    let end = text.len() - usize::from(closes);
    slice(&text, start..end)
}
