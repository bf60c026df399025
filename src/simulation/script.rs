//! What the records of a history say should become of them, and the transform that does so. Oracle and transform read the same
//! script: the first byte of a payload is a kind, the second chooses the index.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backoff::Chance;
use crate::bulk::{write_id, write_origin};
use crate::dead_letter::Rejection;
use crate::record::{DropReason, Fate, HoldingId, Origin, RecordBatch, Stage};
use crate::worker::{Emit, Transform};

/// Kinds of payload; the first is the usual one.
const KINDS: &[u8] = b"ddddddddddd23xrmpbhon";
/// The indices.
const DAYS: [&str; 3] = ["day-0", "day-1", "day-2"];
/// What is added to a document that is to be too long.
const PADDING: usize = 400;
/// As many bytes as most documents have, so that a body does not grow piece by piece.
const DOCUMENT: usize = 256;

/// What one unit of a record has to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A document of this index.
    Document { index: &'static str, fault: Fault },
    /// Nothing.
    Dropped,
    /// A dead letter, by the pipeline.
    Rejected,
}

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// The item is refused.
    Mapping,
    /// The request is refused for it.
    Malformed,
    /// The request is too large because of it.
    Huge,
    /// It is more than is sent at all.
    Oversize,
    /// A pipeline inside Elasticsearch drops it.
    Noop,
}

impl Fault {
    /// As it stands in the document.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Mapping => "mapping",
            Self::Malformed => "malformed",
            Self::Huge => "huge",
            Self::Oversize => "oversize",
            Self::Noop => "noop",
        }
    }
}

/// A random payload, for one of three days, or for this one; none is a tombstone.
pub(super) fn payload(day: Option<u8>, chance: &mut Chance) -> Option<Vec<u8>> {
    if chance.hits(1, 25) {
        return None;
    }
    let kind = KINDS[chance.below(KINDS.len() as u64) as usize];
    let day = day.unwrap_or(chance.below(3) as u8);
    Some(vec![kind, b'0' + day])
}

/// What has to become of a payload, in the order of the sub-documents.
pub(super) fn units(payload: Option<&[u8]>) -> impl Iterator<Item = Unit> + use<> {
    let (kind, day) = payload.map_or((b'x', 0), |payload| (payload[0], payload[1] - b'0'));
    let document = |add: u8, fault| Some(Unit::Document { index: DAYS[usize::from((day + add) % 3)], fault });
    let units = match kind {
        b'2' => [document(0, Fault::None), document(1, Fault::None), None],
        b'3' => [document(0, Fault::None), document(0, Fault::None), document(2, Fault::Mapping)],
        b'x' => [Some(Unit::Dropped), None, None],
        b'r' => [Some(Unit::Rejected), None, None],
        b'm' => [document(0, Fault::None), Some(Unit::Rejected), None],
        b'p' => [document(0, Fault::Mapping), None, None],
        b'b' => [document(0, Fault::Malformed), None, None],
        b'h' => [document(0, Fault::Huge), None, None],
        b'n' => [document(0, Fault::Noop), None, None],
        b'o' => [document(0, Fault::Oversize), document(1, Fault::None), None],
        _ => [document(0, Fault::None), None, None],
    };
    units.into_iter().flatten()
}

/// True if a unit of this payload can end in this way.
pub(super) fn can_become(payload: Option<&[u8]>, fate: Fate) -> bool {
    units(payload).any(|unit| match (fate, unit) {
        (Fate::Indexed | Fate::Duplicate, Unit::Document { fault, .. }) => fault == Fault::None,
        (Fate::Dropped(DropReason::ServerPipeline), Unit::Document { fault, .. }) => fault == Fault::Noop,
        _ => false,
    })
}

/// Does what the script says. The suffixes are empty but for planted faults.
#[derive(Default)]
pub(super) struct Script {
    pub(super) id_suffix: String,
    pub(super) index_suffix: String,
    /// The version of the pipeline that each holding began with.
    pub(super) versions: BTreeMap<HoldingId, Arc<str>>,
    /// Works with the newest version, whatever holding a record belongs to.
    pub(super) newest: bool,
}

impl Transform for Script {
    fn begin(&mut self, origin: &Origin) {
        self.versions.insert(origin.holding, Arc::clone(&origin.route.version));
    }

    fn end(&mut self, holding: HoldingId) {
        self.versions.remove(&holding);
    }

    fn transform(&mut self, records: &RecordBatch, index: usize, emit: &mut Emit<'_>) {
        let record = records.get(index);
        for (sub, unit) in (0_u32..).zip(units(record.payload)) {
            match unit {
                Unit::Dropped => emit.dropped(DropReason::Pipeline),
                Unit::Rejected => emit.rejected(
                    sub,
                    Rejection { stage: Stage::Pipeline, reason: "as the script says".to_owned(), index: None },
                ),
                Unit::Document { index, fault } => {
                    let version = match self.newest {
                        true => self.versions.values().max(),
                        false => self.versions.get(&records.origin().holding),
                    };
                    let version = version.map_or("", |version| version);
                    let index = match &*self.index_suffix {
                        "" => Cow::Borrowed(index),
                        suffix => Cow::Owned(format!("{index}{suffix}")),
                    };
                    emit.document(sub, &index, |body| {
                        let put = |body: &mut Vec<u8>, text: &str| body.extend_from_slice(text.as_bytes());
                        body.reserve(DOCUMENT);
                        put(body, "{\"create\":{\"_id\":\"");
                        write_id(records.origin(), record.offset, sub, body);
                        put(body, &self.id_suffix);
                        put(body, "\"}}\n{\"fault\":\"");
                        put(body, fault.mark());
                        put(body, "\",\"version\":\"");
                        put(body, version);
                        put(body, "\",\"padding\":\"");
                        body.resize(body.len() + if fault == Fault::Oversize { PADDING } else { 0 }, b'x');
                        put(body, "\",\"kafka\":");
                        write_origin(&record, body);
                        put(body, "}\n");
                        Ok(())
                    });
                }
            }
        }
    }
}
