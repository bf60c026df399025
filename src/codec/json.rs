//! JSON, through `serde_json`, whose reader neither overflows the stack (objects are read to 127 levels, elements are
//! skipped iteratively) nor copies strings without escapes.

use std::fmt;

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::event::Object;

/// True if the text's first character that is no blank opens an array.
pub(super) fn is_array(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('[')
}

/// Reads one object; the error says what is wrong and where.
pub(super) fn object(text: &str) -> Result<Object<'_>, String> {
    serde_json::from_str(text).map_err(|error| {
        // Of an array that breaks off it is the break that matters, not that an array is no object.
        let broken = if is_array(text) { count_elements(text).err() } else { None };
        // A line that begins with a number is no JSON, though its beginning is.
        let beyond = || serde_json::from_str::<serde::de::IgnoredAny>(text).err();
        let broken = broken.or_else(|| if error.is_data() { beyond() } else { None });
        describe(&broken.unwrap_or(error))
    })
}

/// A scalar is JSON, and so is what is only too deep or too great; the rest is not.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let is_json = error.is_data() || text.starts_with("recursion limit") || text.starts_with("number out of range");
    if is_json { text } else { format!("not JSON: {text}") }
}

/// How many elements the array has, if the whole text is one array and nothing else.
pub(super) fn count_elements(text: &str) -> Result<u64, serde_json::Error> {
    let mut count = 0;
    visit(text, |_| count += 1)?;
    Ok(count)
}

/// Hands over the text of each element of an array that was counted before.
pub(super) fn each_element<'t>(text: &'t str, mut each: impl FnMut(u32, &'t str)) {
    let mut sub = 0;
    let outcome = visit(text, |element| {
        each(sub, element);
        sub = sub.saturating_add(1);
    });
    debug_assert!(outcome.is_ok(), "the array was read once already");
}

fn visit<'t>(text: &'t str, each: impl FnMut(&'t str)) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Elements(each).deserialize(&mut reader)?;
    reader.end()
}

struct Elements<F>(F);

impl<'t, F: FnMut(&'t str)> DeserializeSeed<'t> for Elements<F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'t, F: FnMut(&'t str)> Visitor<'t> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'t>>(mut self, mut access: A) -> Result<(), A::Error> {
        while let Some(element) = access.next_element::<&'t RawValue>()? {
            (self.0)(element.get());
        }
        Ok(())
    }
}

/// True if the text is JSON of any kind.
#[cfg(test)]
pub(super) fn is_json(text: &str) -> bool {
    let mut reader = serde_json::Deserializer::from_str(text);
    serde::Deserializer::deserialize_ignored_any(&mut reader, serde::de::IgnoredAny).is_ok() && reader.end().is_ok()
}
