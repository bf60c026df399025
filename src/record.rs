//! What Kafka delivered, where it came from, and what became of it.
//!
//! The offset rides in the type: a [`Record`] is never parted from its topic, partition and offset, and a
//! [`RecordBatch`] keeps the raw bytes of all its records in one arena until every one of them is settled, because
//! a dead letter has to carry them unchanged.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A topic and the number of one of its partitions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// Makes the pair.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// One time of having a partition. Two holdings of the same partition by the same process have different numbers, so a
/// late answer for the earlier one can be told from an answer for the later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HoldingId(pub u64);

impl fmt::Display for HoldingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h{}", self.0)
    }
}

/// What reads a topic: one version of one pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The pipeline's name.
    pub pipeline: Arc<str>,
    /// The version of its file.
    pub version: Arc<str>,
    /// The name of the field of a document that tells where it came from.
    pub field: Arc<str>,
}

impl Default for Route {
    /// No pipeline, and the usual field.
    fn default() -> Self {
        Self { pipeline: "".into(), version: "".into(), field: "kafka".into() }
    }
}

/// What all records of one holding share.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The holding that these records were read under.
    pub holding: HoldingId,
    /// The partition.
    pub partition: TopicPartition,
    /// Which making of the topic: a short form of the broker's topic id, or `0` when the broker said that it has none.
    pub incarnation: Arc<str>,
    /// The version of the pipeline that these records are read with.
    pub route: Arc<Route>,
}

/// One record as Kafka delivered it, borrowed from its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The topic's name.
    pub topic: &'a str,
    /// The partition's number.
    pub partition: i32,
    /// The record's own offset.
    pub offset: i64,
    /// Milliseconds since 1970, or `None` where the broker gave −1.
    pub timestamp: Option<i64>,
    /// The key's bytes, if it has one.
    pub key: Option<&'a [u8]>,
    /// The value's bytes; `None` is a tombstone.
    pub payload: Option<&'a [u8]>,
    /// Its headers.
    pub headers: Headers<'a>,
}

/// A record's headers, in order; a name may come more than once. Looked for only when somebody asks for them.
#[derive(Clone, Copy, Default)]
pub struct Headers<'a> {
    kept: Option<(&'a RecordBatch, usize)>,
    given: &'a [(String, String)],
}

impl<'a> Headers<'a> {
    /// Headers that Kafka did not deliver: those of a pretended record.
    pub fn given(given: &'a [(String, String)]) -> Self {
        Self { kept: None, given }
    }

    /// Names and values, in order.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let kept = self.kept.map(|(batch, index)| batch.headers(index)).into_iter().flatten();
        kept.chain(self.given.iter().map(|(name, value)| (name.as_bytes(), Some(value.as_bytes()))))
    }
}

impl PartialEq for Headers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers<'_> {}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes| String::from_utf8_lossy(bytes);
        f.debug_list().entries(self.iter().map(|(name, value)| (text(name), value.map(text)))).finish()
    }
}

/// Records of one holding that are worked on together, in offset order, with their bytes in one arena.
#[derive(Debug)]
pub struct RecordBatch {
    origin: Arc<Origin>,
    arena: Vec<u8>,
    slots: Vec<Slot>,
    headers: Vec<(u32, HeaderSlot)>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    offset: i64,
    timestamp: i64,
    start: usize,
    key: i32,
    payload: i32,
}

#[derive(Debug, Clone, Copy)]
struct HeaderSlot {
    start: usize,
    name: i32,
    value: i32,
}

impl RecordBatch {
    /// Makes an empty batch with room for `records` records of `bytes` bytes in all.
    pub fn with_capacity(origin: Arc<Origin>, records: usize, bytes: usize) -> Self {
        Self { origin, arena: Vec::with_capacity(bytes), slots: Vec::with_capacity(records), headers: Vec::new() }
    }

    /// Makes room for `records` more records of `bytes` bytes in all.
    pub fn reserve(&mut self, records: usize, bytes: usize) {
        self.slots.reserve_exact(records);
        self.arena.reserve_exact(bytes);
    }

    /// Copies one record into the batch. `timestamp` is milliseconds since 1970 or `None`.
    pub fn push(&mut self, offset: i64, timestamp: Option<i64>, key: Option<&[u8]>, payload: Option<&[u8]>) {
        let start = self.arena.len();
        let key = self.append(key);
        let payload = self.append(payload);
        self.slots.push(Slot { offset, timestamp: timestamp.unwrap_or(-1), start, key, payload });
    }

    /// Copies one header of the record that was pushed last.
    pub fn push_header(&mut self, name: &[u8], value: Option<&[u8]>) {
        let Some(record) = self.slots.len().checked_sub(1) else { return };
        let start = self.arena.len();
        let name = self.append(Some(name));
        let value = self.append(value);
        self.headers.push((record as u32, HeaderSlot { start, name, value }));
    }

    fn append(&mut self, bytes: Option<&[u8]>) -> i32 {
        match bytes {
            None => -1,
            Some(bytes) => {
                self.arena.extend_from_slice(bytes);
                i32::try_from(bytes.len()).expect("Kafka's lengths are 32-bit and signed")
            }
        }
    }

    /// The holding, partition and incarnation that all these records come from.
    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// True if there is no record.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// What the batch occupies, in bytes: the arena and the table of its records.
    pub fn footprint(&self) -> usize {
        self.arena.capacity()
            + self.slots.capacity() * size_of::<Slot>()
            + self.headers.capacity() * size_of::<(u32, HeaderSlot)>()
    }

    /// The offset of record `index` (from 0 in this batch).
    pub fn offset(&self, index: usize) -> i64 {
        self.slots[index].offset
    }

    /// Record `index` (from 0 in this batch).
    pub fn get(&self, index: usize) -> Record<'_> {
        let slot = self.slots[index];
        let after_key = slot.start + slot.key.max(0) as usize;
        Record {
            topic: &self.origin.partition.topic,
            partition: self.origin.partition.partition,
            offset: slot.offset,
            timestamp: (slot.timestamp >= 0).then_some(slot.timestamp),
            key: self.slice(slot.start, slot.key),
            payload: self.slice(after_key, slot.payload),
            headers: Headers { kept: Some((self, index)), given: &[] },
        }
    }

    /// The headers of record `index`, in order, as name and value.
    pub fn headers(&self, index: usize) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> + use<'_> {
        let from = self.headers.partition_point(|(record, _)| (*record as usize) < index);
        self.headers[from..].iter().take_while(move |(record, _)| *record as usize == index).map(|(_, slot)| {
            let name = self.slice(slot.start, slot.name).unwrap_or_default();
            (name, self.slice(slot.start + slot.name.max(0) as usize, slot.value))
        })
    }

    /// All records in offset order.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }

    fn slice(&self, start: usize, length: i32) -> Option<&[u8]> {
        usize::try_from(length).ok().map(|length| &self.arena[start..start + length])
    }
}

/// Why a record was dropped. Intended, by a rule; never an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DropReason {
    /// The record has no value at all (`null`).
    Tombstone,
    /// The value has no bytes.
    EmptyPayload,
    /// The value is an empty JSON array: no document to make.
    EmptyArray,
    /// A `drop` processor of the pipeline.
    Pipeline,
    /// An ingest pipeline inside Elasticsearch.
    ServerPipeline,
}

impl DropReason {
    /// Every reason, in the order in which they are reported.
    pub const ALL: [Self; 5] =
        [Self::Tombstone, Self::EmptyPayload, Self::EmptyArray, Self::Pipeline, Self::ServerPipeline];

    /// The reason's name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tombstone => "tombstone",
            Self::EmptyPayload => "empty_payload",
            Self::EmptyArray => "empty_array",
            Self::Pipeline => "pipeline",
            Self::ServerPipeline => "server_pipeline",
        }
    }
}

/// Where on its way a record was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// Bytes to event: the payload is too large to be worked on.
    Codec,
    /// Event to outcome: the pipeline's own `fail`.
    Pipeline,
    /// The document cannot be given an index.
    Destination,
    /// The document is too large to be sent.
    Encode,
    /// Elasticsearch refused the document.
    Elasticsearch,
}

impl Stage {
    /// Every stage, in the order of the way.
    pub const ALL: [Self; 5] = [Self::Codec, Self::Pipeline, Self::Destination, Self::Encode, Self::Elasticsearch];

    /// The stage's name in dead letters, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Codec => "codec",
            Self::Pipeline => "pipeline",
            Self::Destination => "destination",
            Self::Encode => "encode",
            Self::Elasticsearch => "elasticsearch",
        }
    }
}

/// Why a record, or one of its documents, cannot be indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Where on its way it was rejected.
    pub stage: Stage,
    /// The reason, for a person.
    pub reason: String,
    /// The index that the document was meant for, where that is known.
    pub index: Option<String>,
}

/// What became of one document, or of a record without documents: it is settled.
///
/// The order is that of precedence: a record's fate is the least of those of its documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Fate {
    /// Rejected, and delivered to the dead letters.
    DeadLettered(Stage),
    /// Written by this request.
    Indexed,
    /// Verified to have been there before.
    Duplicate,
    /// Dropped by a rule.
    Dropped(DropReason),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Arc<Origin> {
        Arc::new(Origin {
            holding: HoldingId(1),
            partition: TopicPartition::new("t", 3),
            incarnation: "0".into(),
            route: Arc::default(),
        })
    }

    #[test]
    fn a_batch_gives_back_what_was_pushed() {
        let mut batch = RecordBatch::with_capacity(origin(), 4, 64);
        batch.push(5, Some(17), Some(b"k"), Some(b"value"));
        batch.push_header(b"a", Some(b"1"));
        batch.push_header(b"b", None);
        batch.push(9, None, None, None);
        batch.push(10, Some(0), Some(b""), Some(b""));
        batch.push_header(b"", Some(b""));

        let first = batch.get(0);
        assert_eq!((first.topic, first.partition, first.offset, first.timestamp), ("t", 3, 5, Some(17)));
        assert_eq!((first.key, first.payload), (Some(&b"k"[..]), Some(&b"value"[..])));
        assert_eq!(batch.headers(0).collect::<Vec<_>>(), [(&b"a"[..], Some(&b"1"[..])), (&b"b"[..], None)]);

        let tombstone = batch.get(1);
        assert_eq!((tombstone.timestamp, tombstone.key, tombstone.payload), (None, None, None));
        assert_eq!(batch.headers(1).count(), 0);

        let empty = batch.get(2);
        assert_eq!((empty.timestamp, empty.key, empty.payload), (Some(0), Some(&b""[..]), Some(&b""[..])));
        assert_eq!(batch.headers(2).collect::<Vec<_>>(), [(&b""[..], Some(&b""[..]))]);
    }

    #[test]
    fn dead_lettered_comes_before_indexed_before_duplicate_before_dropped() {
        let mut fates = [
            Fate::Dropped(DropReason::Pipeline),
            Fate::Duplicate,
            Fate::Indexed,
            Fate::DeadLettered(Stage::Elasticsearch),
        ];
        fates.sort();
        assert_eq!(fates[0], Fate::DeadLettered(Stage::Elasticsearch));
        assert_eq!(fates[1..3], [Fate::Indexed, Fate::Duplicate]);
    }
}
