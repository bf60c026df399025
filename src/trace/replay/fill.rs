//! What stands for records and documents whose contents a trace does not have.

use std::io::Write;
use std::sync::Arc;

use crate::dead_letter::Rejection;
use crate::record::{HoldingId, Origin, RecordBatch};
use crate::worker::{Emit, Made, MadeUnit, Transform};

/// Makes of records what was made of them then.
#[derive(Default)]
pub(super) struct Again {
    pub(super) made: Made,
}

impl Transform for Again {
    fn transform(&mut self, records: &RecordBatch, index: usize, emit: &mut Emit<'_>) {
        let (holding, offset) = (records.origin().holding, records.offset(index));
        for (unit, name) in self.made.of(index) {
            match unit {
                MadeUnit::Document(sub, _, bytes) => emit.document(sub, name, |body| {
                    fill(body, (holding, offset, sub), bytes);
                    Ok(())
                }),
                MadeUnit::Dropped(reason) => emit.dropped(reason),
                MadeUnit::Rejected(sub, stage) => {
                    emit.rejected(sub, Rejection { stage, reason: String::new(), index: None });
                }
            }
        }
    }
}

/// A document's place: holding, offset, and which of the record's documents.
pub(super) type Place = (HoldingId, i64, u32);

/// Appends a document of `bytes` bytes that tells its place, as far as there is room for that.
pub(super) fn fill(body: &mut Vec<u8>, (holding, offset, sub): Place, bytes: usize) {
    let end = body.len() + bytes;
    // Writing into memory does not fail.
    if write!(body, "{} {offset} {sub}", holding.0).is_ok() {
        body.resize(end.saturating_sub(1), b' ');
    }
    body.resize(end, b'\n');
}

/// The places of the documents of a body, in order; those that had no room are left out.
pub(super) fn places(body: &[u8]) -> Vec<Place> {
    let place = |line: &[u8]| {
        let mut parts = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
        Some((HoldingId(parts.next()?.parse().ok()?), parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    body.split(|byte| *byte == b'\n').filter_map(place).collect()
}

/// Records without contents, each with its offset and timestamp (−1 for none).
pub(super) fn batch(origin: &Arc<Origin>, stamps: &[(i64, i64)]) -> RecordBatch {
    let mut batch = RecordBatch::with_capacity(Arc::clone(origin), stamps.len(), 0);
    for (offset, timestamp) in stamps {
        batch.push(*offset, Some(*timestamp).filter(|timestamp| *timestamp >= 0), None, None);
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_as_long_as_it_was_and_tells_its_places() {
        let mut body = Vec::new();
        fill(&mut body, (HoldingId(3), 70_000, 2), 40);
        fill(&mut body, (HoldingId(3), 70_001, 0), 1);
        fill(&mut body, (HoldingId(4), 5, 0), 6);
        assert_eq!(body.len(), 47);
        assert_eq!(places(&body), [(HoldingId(3), 70_000, 2), (HoldingId(4), 5, 0)]);
    }
}
