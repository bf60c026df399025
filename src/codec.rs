//! Bytes to event: `plain` and `json`. Every payload has a defined fate:
//!
//! | payload | `plain` | `json` |
//! |---|---|---|
//! | none (tombstone) | dropped, `tombstone` | dropped, `tombstone` |
//! | no bytes | dropped, `empty_payload` | dropped, `empty_payload` |
//! | larger than `max_payload` | rejected at stage `codec` | rejected at stage `codec` |
//! | invalid UTF-8 | U+FFFD in its stead, tag `_invalid_utf8` | the same, then read as JSON |
//! | a text | `{message: text}` | |
//! | an object | | its fields; of duplicate keys the last wins |
//! | an array | | a document for each element, numbered from 0 by its place |
//! | an empty array | | dropped, `empty_array` |
//! | an element that is no object | | a failure of that document alone |
//! | not JSON, or a scalar | | a failure |
//! | nested deeper than 127 levels | | a failure |
//! | a whole number beyond 64 bits | | a float |
//! | a number beyond a float's range | | a failure |
//!
//! A failure is no error of ours: the document is `{message: text}`, the processors do not see it, and the pipeline
//! decides what becomes of it.
//!
//! A [`Source`] can be decoded again and gives the same event again, which is how a pipeline undoes its changes without
//! having kept a copy.

mod json;

use std::borrow::Cow;

use crate::event::{Event, Object, Value};
use crate::record::DropReason;

/// The tag of an event whose payload was not valid UTF-8.
pub const TAG_INVALID_UTF8: &str = "_invalid_utf8";

/// How bytes become events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// The text as it is, in `message`.
    Plain,
    /// An object, or an array of objects.
    Json,
}

/// A payload that can be read: text, with its faults replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<'a> {
    text: Cow<'a, str>,
    replaced: bool,
}

/// Why a payload is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing to index, by a rule.
    Dropped(DropReason),
    /// Too large; its size and the limit, in bytes.
    TooLarge {
        /// The payload's size.
        size: usize,
        /// The limit.
        limit: usize,
    },
}

impl<'a> Text<'a> {
    /// Takes a record's payload; `limit` is the largest that is read, in bytes.
    ///
    /// # Errors
    /// A tombstone, an empty payload and one that is too large have no text; see the table above.
    pub fn new(payload: Option<&'a [u8]>, limit: usize) -> Result<Self, Refusal> {
        let Some(bytes) = payload else { return Err(Refusal::Dropped(DropReason::Tombstone)) };
        if bytes.is_empty() {
            return Err(Refusal::Dropped(DropReason::EmptyPayload));
        }
        if bytes.len() > limit {
            return Err(Refusal::TooLarge { size: bytes.len(), limit });
        }
        // Twice as fast as the lossy reading, which nearly no payload needs.
        Ok(match std::str::from_utf8(bytes) {
            Ok(text) => Self { text: Cow::Borrowed(text), replaced: false },
            Err(_) => Self { text: String::from_utf8_lossy(bytes), replaced: true },
        })
    }
}

/// The text of one document, not yet an event.
#[derive(Debug, Clone, Copy)]
pub struct Source<'t> {
    text: &'t str,
    replaced: bool,
    codec: Codec,
}

/// An event as it came, and why it could not be read if it could not.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<'t> {
    /// The event; `{message: text}` on a failure.
    pub event: Event<'t>,
    /// The reason of a failure.
    pub failure: Option<String>,
}

impl Codec {
    /// Finds the documents of a payload and hands each to `each` with its sub-index, in order.
    ///
    /// # Errors
    /// An empty array has no documents.
    pub fn documents<'t>(self, text: &'t Text<'_>, mut each: impl FnMut(u32, Source<'t>)) -> Result<(), DropReason> {
        let whole = Source { text: &text.text, replaced: text.replaced, codec: self };
        if self == Self::Json && json::is_array(&text.text) {
            // Checked as a whole before the first element is handed on: half a payload is no payload.
            match json::count_elements(&text.text) {
                Ok(0) => return Err(DropReason::EmptyArray),
                Ok(_) => {
                    json::each_element(&text.text, |sub, element| each(sub, Source { text: element, ..whole }));
                    return Ok(());
                }
                Err(_) => {}
            }
        }
        each(0, whole);
        Ok(())
    }
}

impl<'t> Source<'t> {
    /// Makes the event.
    pub fn decode(&self) -> Decoded<'t> {
        let mut decoded = match self.codec {
            Codec::Plain => Decoded { event: self.message(), failure: None },
            Codec::Json => match json::object(self.text) {
                Ok(root) => Decoded { event: Event::from(root), failure: None },
                Err(reason) => Decoded { event: self.message(), failure: Some(reason) },
            },
        };
        if self.replaced {
            decoded.event.add_tag(TAG_INVALID_UTF8);
        }
        decoded
    }

    fn message(&self) -> Event<'t> {
        let mut root = Object::with_capacity(if self.codec == Codec::Plain { 16 } else { 4 });
        root.insert("message", Value::str(self.text));
        Event::from(root)
    }
}

#[cfg(test)]
mod tests;
