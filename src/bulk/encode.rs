//! How an event becomes the two lines of a bulk body, and what identifies it.
//!
//! The id is a function of the record alone: topic, incarnation, partition, offset, and the position among the record's
//! documents. Its numbers are filled up with zeros, so that ids of a partition sort as its offsets do; sorted ids cost
//! Elasticsearch no more space than its own.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::clock::{digits, write_iso8601};
use crate::event::Event;
use crate::record::{Origin, Record};

/// The id of one document: `topic-incarnation-partition-offset`, followed by `-sub` for all but the first document
/// of a record.
pub fn document_id(origin: &Origin, offset: i64, sub: u32) -> String {
    let mut id = Vec::with_capacity(64);
    write_id(origin, offset, sub, &mut id);
    String::from_utf8(id).expect("a topic's name is text and the rest is ASCII")
}

fn write_id(origin: &Origin, offset: i64, sub: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(origin.partition.topic.as_bytes());
    out.push(b'-');
    out.extend_from_slice(origin.incarnation.as_bytes());
    out.push(b'-');
    digits(out, origin.partition.partition.unsigned_abs().into(), 4);
    out.push(b'-');
    digits(out, offset.unsigned_abs(), 12);
    if sub > 0 {
        out.push(b'-');
        digits(out, sub.into(), 4);
    }
}

/// Appends the action line and the document line of one event. The origin is written from the record; a field of its
/// name in the event gives way.
///
/// # Errors
/// Never with the values that an event can hold; passed on from `serde_json`.
pub fn write_document(
    origin: &Origin,
    record: &Record<'_>,
    sub: u32,
    event: &Event<'_>,
    body: &mut Vec<u8>,
) -> serde_json::Result<()> {
    body.extend_from_slice(b"{\"create\":{\"_id\":\"");
    // Topic names are limited to letters, digits, '.', '_' and '-' by the broker: nothing to escape.
    write_id(origin, record.offset, sub, body);
    body.extend_from_slice(b"\"}}\n");
    let document = Document { event, field: &origin.field, record };
    serde_json::to_writer(&mut *body, &document)?;
    body.push(b'\n');
    Ok(())
}

/// The origin of a record as a JSON object, as it stands in its documents.
pub fn origin_json(record: &Record<'_>) -> serde_json::Value {
    serde_json::to_value(OriginFields(record)).expect("an origin is a plain object")
}

struct Document<'a> {
    event: &'a Event<'a>,
    field: &'a str,
    record: &'a Record<'a>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.event.root().iter() {
            if key != self.field {
                map.serialize_entry(key, value)?;
            }
        }
        map.serialize_entry(self.field, &OriginFields(self.record))?;
        map.end()
    }
}

struct OriginFields<'a>(&'a Record<'a>);

impl Serialize for OriginFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(record) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("topic", record.topic)?;
        map.serialize_entry("partition", &record.partition)?;
        map.serialize_entry("offset", &record.offset)?;
        if let Some(timestamp) = record.timestamp {
            let mut text = Vec::with_capacity(24);
            write_iso8601(timestamp, &mut text);
            map.serialize_entry("timestamp", std::str::from_utf8(&text).unwrap_or_default())?;
        }
        if let Some(key) = record.key {
            map.serialize_entry("key", &String::from_utf8_lossy(key))?;
        }
        map.end()
    }
}
