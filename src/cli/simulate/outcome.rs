//! What became of one document of a pretended record.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::raw;
use crate::bulk::{document_id, too_large, write_document};
use crate::event::{Event, write_json_str};
use crate::pipeline::{Rejection, Sink, parse_timestamp};
use crate::record::{DropReason, HoldingId, Origin, Record, Route, Stage, TopicPartition};

/// The default of `elasticsearch.bulk.max_document_bytes`.
const MAX_DOCUMENT: usize = 50 << 20;

/// What became of one document, or of a record without documents.
pub(super) enum Outcome {
    Document { sub: u32, index: String, id: String, document: Box<RawValue> },
    Dropped { sub: u32, reason: DropReason },
    Rejected { sub: u32, rejection: Rejection },
}

impl Outcome {
    /// The document's number within the record.
    pub(super) fn sub(&self) -> u32 {
        match self {
            Self::Document { sub, .. } | Self::Dropped { sub, .. } | Self::Rejected { sub, .. } => *sub,
        }
    }

    /// As one JSON object without a newline.
    pub(super) fn as_json(&self) -> String {
        let text = |text: &str| {
            let mut json = Vec::with_capacity(text.len() + 2);
            write_json_str(text, &mut json);
            String::from_utf8_lossy(&json).into_owned()
        };
        match self {
            Self::Document { index, id, document, .. } => {
                format!(r#"{{"index":{},"id":{},"document":{}}}"#, text(index), text(id), document.get())
            }
            Self::Dropped { .. } => r#"{"dropped":true}"#.to_owned(),
            Self::Rejected { rejection, .. } => {
                let (stage, reason) = (text(rejection.stage.as_str()), text(&rejection.reason));
                format!(r#"{{"dead_letter":{{"stage":{stage},"reason":{reason}}}}}"#)
            }
        }
    }
}

/// A sink that encodes documents as production does, and keeps them.
pub(super) struct Outcomes<'r> {
    record: Record<'r>,
    origin: Origin,
    outcomes: Vec<Outcome>,
    own_time: Option<i64>,
}

impl<'r> Outcomes<'r> {
    pub(super) fn new(record: Record<'r>, origin_field: &str) -> Self {
        let origin = Origin {
            holding: HoldingId(0),
            partition: TopicPartition::new(record.topic, record.partition),
            incarnation: "0".into(),
            route: Arc::new(Route { field: origin_field.into(), ..Route::default() }),
        };
        Self { record, origin, outcomes: Vec::new(), own_time: None }
    }

    /// The outcomes, and the time that the first event with a time of its own has.
    pub(super) fn into_parts(self) -> (Vec<Outcome>, Option<i64>) {
        (self.outcomes, self.own_time)
    }
}

impl Sink for Outcomes<'_> {
    fn document(&mut self, sub: u32, index: &str, event: &Event<'_>) {
        self.own_time = self.own_time.or_else(|| own_time(event, self.record.timestamp));
        let mut body = Vec::new();
        write_document(&self.origin, &self.record, sub, event, &mut body);
        if let Some(reason) = too_large(body.len(), MAX_DOCUMENT) {
            let rejection = Rejection { stage: Stage::Encode, reason, index: Some(index.to_owned()) };
            return self.rejected(sub, rejection);
        }
        let mut lines = body.split(|byte| *byte == b'\n');
        let document = lines.nth(1).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        let id = document_id(&self.origin, self.record.offset, sub);
        self.outcomes.push(Outcome::Document { sub, index: index.to_owned(), id, document: raw(document) });
    }

    fn dropped(&mut self, reason: DropReason, sub: u32) {
        self.outcomes.push(Outcome::Dropped { sub, reason });
    }

    fn rejected(&mut self, sub: u32, rejection: Rejection) {
        self.outcomes.push(Outcome::Rejected { sub, rejection });
    }
}

/// The time that an event has of its own, which may have been refused as too far from the record's.
fn own_time(event: &Event<'_>, record: Option<i64>) -> Option<i64> {
    let root = event.root();
    let refused = root.get("tags").is_some_and(|tags| tags.to_json().contains("\"_time_out_of_window\""));
    let field = if refused { "original_timestamp" } else { "@timestamp" };
    let time = parse_timestamp(root.get(field)?.as_str()?).flatten();
    if time == record { None } else { time }
}
