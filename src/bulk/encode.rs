//! How an event becomes the two lines of a bulk body, and what identifies it.
//!
//! The id is a function of the record alone: topic, incarnation, partition, offset, and the position among the record's
//! documents. Its numbers are filled up with zeros, so that ids of a partition sort as its offsets do; sorted ids cost
//! Elasticsearch no more space than its own.

use crate::clock::{digits, write_iso8601};
use crate::event::{Event, write_json_str};
use crate::record::{Origin, Record};

/// The id of one document: `topic-incarnation-partition-offset`, followed by `-sub` for all but the first document
/// of a record.
pub fn document_id(origin: &Origin, offset: i64, sub: u32) -> String {
    let mut id = Vec::with_capacity(64);
    write_id(origin, offset, sub, &mut id);
    String::from_utf8(id).expect("a topic's name is text and the rest is ASCII")
}

/// Appends [`document_id`].
pub(crate) fn write_id(origin: &Origin, offset: i64, sub: u32, out: &mut Vec<u8>) {
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
pub fn write_document(origin: &Origin, record: &Record<'_>, sub: u32, event: &Event<'_>, body: &mut Vec<u8>) {
    body.extend_from_slice(b"{\"create\":{\"_id\":\"");
    // Topic names are limited to letters, digits, '.', '_' and '-' by the broker: nothing to escape.
    write_id(origin, record.offset, sub, body);
    body.extend_from_slice(b"\"}}\n{");
    for (key, value) in event.root().iter() {
        if key != &*origin.route.field {
            write_json_str(key, body);
            body.push(b':');
            value.write_json(body);
            body.push(b',');
        }
    }
    write_json_str(&origin.route.field, body);
    body.push(b':');
    write_origin(record, body);
    body.extend_from_slice(b"}\n");
}

/// Why a document of this many bytes, both its lines counted, is not sent, if it is not.
pub fn too_large(bytes: usize, limit: usize) -> Option<String> {
    let why =
        || format!("the document has {bytes} bytes, more than the {limit} of elasticsearch.bulk.max_document_bytes");
    (bytes > limit).then(why)
}

/// The origin of a record as a JSON object, as it stands in its documents.
pub fn origin_json(record: &Record<'_>) -> serde_json::Value {
    let mut text = Vec::with_capacity(128);
    write_origin(record, &mut text);
    serde_json::from_slice(&text).expect("an origin is a plain object")
}

/// Appends what [`origin_json`] says.
pub(crate) fn write_origin(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"topic\":");
    write_json_str(record.topic, out);
    out.extend_from_slice(b",\"partition\":");
    digits(out, record.partition.unsigned_abs().into(), 1);
    out.extend_from_slice(b",\"offset\":");
    digits(out, record.offset.unsigned_abs(), 1);
    if let Some(timestamp) = record.timestamp {
        out.extend_from_slice(b",\"timestamp\":\"");
        write_iso8601(timestamp, out);
        out.push(b'"');
    }
    if let Some(key) = record.key {
        out.extend_from_slice(b",\"key\":");
        write_json_str(&String::from_utf8_lossy(key), out);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::record::{Headers, HoldingId, TopicPartition};

    fn origin() -> Origin {
        let partition = TopicPartition::new("web-access", 3);
        Origin { holding: HoldingId(1), partition, incarnation: "c7b63311c8a8".into(), route: Arc::default() }
    }

    fn record(key: Option<&'static [u8]>) -> Record<'static> {
        Record {
            topic: "web-access",
            partition: 3,
            offset: 42,
            timestamp: Some(951_782_400_000),
            key,
            payload: None,
            headers: Headers::default(),
        }
    }

    #[test]
    fn ids_sort_as_offsets_do_and_tell_the_documents_of_a_record_apart() {
        let id = |offset, sub| document_id(&origin(), offset, sub);
        assert_eq!(id(42, 0), "web-access-c7b63311c8a8-0003-000000000042");
        assert_eq!(id(42, 7), "web-access-c7b63311c8a8-0003-000000000042-0007");
        assert!(id(9, 0) < id(10, 0) && id(999, 3) < id(1000, 0));
    }

    #[test]
    fn a_document_carries_its_origin_and_nothing_can_take_its_place() {
        let event: Event<'_> =
            serde_json::from_str(r#"{"a":"x\ny","kafka":{"topic":"forged"},"n":{"m":[1,null]}}"#).unwrap();
        let mut body = Vec::new();
        write_document(&origin(), &record(Some(b"k\xff")), 0, &event, &mut body);
        let lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').collect();
        assert_eq!((lines.len(), lines[2]), (3, &b""[..]), "two lines, each ended by a newline");
        let action: serde_json::Value = serde_json::from_slice(lines[0]).unwrap();
        assert_eq!(action["create"]["_id"], document_id(&origin(), 42, 0));
        let document: serde_json::Value = serde_json::from_slice(lines[1]).unwrap();
        let expected = serde_json::json!({
            "a": "x\ny", "n": {"m": [1, null]},
            "kafka": {"topic": "web-access", "partition": 3, "offset": 42, "timestamp": "2000-02-29T00:00:00.000Z", "key": "k\u{fffd}"},
        });
        assert_eq!(document, expected);
        assert_eq!(document["kafka"], origin_json(&record(Some(b"k\xff"))));
    }

    #[test]
    fn an_event_without_fields_is_a_document_too() {
        let mut body = Vec::new();
        write_document(&origin(), &Record { timestamp: None, ..record(None) }, 0, &Event::default(), &mut body);
        assert!(body.ends_with(b"{\"kafka\":{\"topic\":\"web-access\",\"partition\":3,\"offset\":42}}\n"));
    }
}
