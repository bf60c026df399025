//! A dead letter: a record that was rejected, with its raw bytes, its true origin, and why.
//!
//! It is delivered before its record's offset counts as settled. Delivery is at least once: `kelp.id` tells repeats.

use std::sync::Arc;

use crate::bulk::{Batch, Settlement, document_id};
use crate::clock::write_iso8601;
use crate::record::{Fate, HoldingId, Stage};

pub use crate::record::Rejection;

/// The longest reason that a letter carries, in bytes.
const MAX_REASON: usize = 4096;

/// What the letter's own headers and the client's account of it take, about, in bytes.
const OWN_HEADERS: usize = 1024;

/// A rejected record on its way to the dead letters. The bytes stay in the batch; it occupies a slot until it is dropped.
#[derive(Debug)]
pub struct Letter {
    /// The worker that waits for its delivery.
    pub worker: usize,
    /// The batch that the record is in.
    pub batch: Arc<Batch>,
    /// The record's place in the batch.
    pub record: u32,
    /// Which of the record's documents was rejected, from 0.
    pub sub: u32,
    /// Why.
    pub rejection: Rejection,
}

impl Letter {
    /// The id that the document has, or would have had.
    pub fn id(&self) -> String {
        let records = &self.batch.records;
        document_id(records.origin(), records.offset(self.record as usize), self.sub)
    }

    /// The holding that its record was read under.
    pub fn holding(&self) -> HoldingId {
        self.batch.records.origin().holding
    }

    /// What it occupies on its way beside the batch that its record is in, about, in bytes: the reason, and the copies that
    /// are made for the producer.
    pub fn footprint(&self) -> usize {
        let record = self.batch.records.get(self.record as usize);
        let headers = self.batch.records.headers(self.record as usize);
        let headers: usize = headers.map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len)).sum();
        let bytes = record.key.map_or(0, <[u8]>::len) + record.payload.map_or(0, <[u8]>::len);
        OWN_HEADERS + 2 * self.rejection.reason.len() + bytes + headers
    }

    /// What to tell the worker once the letter is delivered.
    pub fn settlement(&self) -> Settlement {
        Settlement {
            holding: self.batch.records.origin().holding,
            seq: self.batch.first_seq + u64::from(self.record),
            fate: Fate::DeadLettered(self.rejection.stage),
        }
    }

    /// The letter's own headers, which stand before those of the record.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let origin = self.batch.records.origin();
        let record = self.batch.records.get(self.record as usize);
        let mut headers = vec![
            ("kelp.id", self.id()),
            ("kelp.topic", record.topic.to_owned()),
            ("kelp.partition", record.partition.to_string()),
            ("kelp.offset", record.offset.to_string()),
            ("kelp.incarnation", origin.incarnation.to_string()),
            ("kelp.stage", self.rejection.stage.as_str().to_owned()),
            ("kelp.reason", cut(&self.rejection.reason, MAX_REASON).to_owned()),
            ("kelp.pipeline", origin.route.pipeline.to_string()),
            ("kelp.pipeline.version", origin.route.version.to_string()),
        ];
        if let Some(timestamp) = record.timestamp {
            let mut text = Vec::with_capacity(24);
            write_iso8601(timestamp, &mut text);
            headers.push(("kelp.timestamp", String::from_utf8_lossy(&text).into_owned()));
        }
        if let Some(index) = &self.rejection.index {
            headers.push(("kelp.index", index.clone()));
        }
        headers
    }

    /// Why it was rejected, in one word out of few: for Elasticsearch its own name of the fault.
    pub fn reason_label(&self) -> &str {
        match self.rejection.stage {
            Stage::Codec => "payload",
            Stage::Pipeline => "pipeline",
            Stage::Destination => "destination",
            Stage::Encode => "document_size",
            Stage::Elasticsearch => {
                let kind = self.rejection.reason.split(':').next().unwrap_or_default();
                let is_name = kind.len() <= 64 && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                if is_name && (kind.ends_with("_exception") || kind == "id_conflict") { kind } else { "other" }
            }
        }
    }

    /// The stage at which it was rejected.
    pub fn stage(&self) -> Stage {
        self.rejection.stage
    }
}

impl Drop for Letter {
    fn drop(&mut self) {
        self.batch.slots.free(1);
    }
}

/// The longest beginning of `text` that has at most `max` bytes and ends between characters.
fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{HoldingId, Origin, RecordBatch, TopicPartition};

    #[test]
    fn a_reason_is_told_in_one_word_out_of_few() {
        let origin = Origin {
            holding: HoldingId(1),
            partition: TopicPartition::new("t", 0),
            incarnation: "0".into(),
            route: Arc::default(),
        };
        let records = RecordBatch::with_capacity(Arc::new(origin), 0, 0);
        let batch = Arc::new(Batch { records, first_seq: 0, permit: None, slots: Default::default() });
        let label = |stage, reason: &str| {
            let rejection = Rejection { stage, reason: reason.into(), index: None };
            let letter = Letter { worker: 0, batch: Arc::clone(&batch), record: 0, sub: 0, rejection };
            letter.reason_label().to_owned()
        };
        let said = "document_parsing_exception: [1:20] failed to parse: secret";
        assert_eq!(label(Stage::Elasticsearch, said), "document_parsing_exception");
        assert_eq!(label(Stage::Elasticsearch, "id_conflict: the id is taken"), "id_conflict");
        assert_eq!(label(Stage::Elasticsearch, "user 17 says: no_exception"), "other");
        assert_eq!(label(Stage::Elasticsearch, ""), "other");
        assert_eq!(label(Stage::Encode, "the document has 20 bytes"), "document_size");
    }
}
