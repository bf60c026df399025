//! Where a document goes: its time, and from it its index.
//!
//! The event's own time (`@timestamp`) decides the index, within a window around the record's Kafka timestamp, so that a
//! device with a wrong clock makes no index of the year 1970; never the service's clock, as a replay has to come to the
//! same index. In order:
//!
//! | `@timestamp` | the record's timestamp | |
//! |---|---|---|
//! | a date within the window | there | is kept and decides |
//! | a date outside of it | there | the record's is taken; the event's is kept in `original_timestamp`; tag `_time_out_of_window` |
//! | no date (ISO 8601) | there | the same with tag `_bad_timestamp`; what it was is kept as a text |
//! | absent or null | there | the record's is taken |
//! | a date within `bounds` | none | is kept and decides |
//! | anything else | none | rejected |

mod index;

use std::borrow::Cow;

use super::time::{Moment, Zone, parse_iso, push_iso_millis};
use crate::event::{Event, Value};

pub(crate) use index::{IndexCache, IndexPattern, compile_index};

/// The field that tells when the event happened.
pub(crate) const TIMESTAMP: &str = "@timestamp";
/// Where an event's own time is kept that was not taken, as a text.
pub(crate) const ORIGINAL_TIMESTAMP: &str = "original_timestamp";
const TAG_OUT_OF_WINDOW: &str = "_time_out_of_window";
const TAG_BAD_TIMESTAMP: &str = "_bad_timestamp";

/// The compiled destination.
pub(crate) struct Destination {
    pub index: IndexPattern,
    /// The zone of the index's date.
    pub zone: Zone,
    /// How long before the record's timestamp an event may be, in milliseconds.
    pub before: i64,
    /// How long after it.
    pub after: i64,
    /// From when to when an event may be where the record has no timestamp: milliseconds since 1970, the end excluded.
    pub bounds: (i64, i64),
}

impl Destination {
    /// Settles the event's time, in the event too, and gives it in milliseconds since 1970.
    ///
    /// # Errors
    /// Why there is no time that could be taken.
    pub(crate) fn settle_time(&self, event: &mut Event<'_>, record: Option<i64>) -> Result<i64, String> {
        let own = match event.root().get(TIMESTAMP) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(parse_iso(text, &Zone::UTC).map(Moment::millis)),
            Some(_) => Some(None),
        };
        let Some(record) = record else {
            let (from, to) = self.bounds;
            return match own {
                Some(Some(own)) if (from..to).contains(&own) => Ok(own),
                Some(Some(_)) => Err("@timestamp is out of destination.bounds and the record has no timestamp".into()),
                Some(None) => Err("@timestamp is no ISO 8601 date and the record has no timestamp".into()),
                None => Err("neither the event nor the record has a timestamp".into()),
            };
        };
        let window = record.saturating_sub(self.before)..=record.saturating_add(self.after);
        let tag = match own {
            Some(Some(own)) if window.contains(&own) => return Ok(own),
            Some(Some(_)) => Some(TAG_OUT_OF_WINDOW),
            Some(None) => Some(TAG_BAD_TIMESTAMP),
            None => None,
        };
        let mut text = String::with_capacity(24);
        push_iso_millis(&mut text, record);
        let before = event.root_mut().insert(TIMESTAMP, Value::String(Cow::Owned(text)));
        if let (Some(tag), Some(before)) = (tag, before) {
            let before = match before {
                text @ Value::String(_) => text,
                other => Value::String(Cow::Owned(other.to_string())),
            };
            event.root_mut().insert(ORIGINAL_TIMESTAMP, before);
            event.add_tag(tag);
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests;
