//! One `_bulk` request for one index: how a document becomes two lines of its body, what an answer says, and what follows
//! from it. Everything here is a pure function or plain data; nothing sends.
//!
//! A request is for a single index (named in its path), so that a fault of one index never sits in the same request as
//! another's documents.

mod answer;
mod classify;
mod encode;

use std::sync::Arc;

use bytes::Bytes;

pub use answer::{Answer, ErrorCause, FILTER_PATH, Item, parse_answer};
pub(crate) use classify::own_words;
pub use classify::{Class, HoldReason, RequestClass, classify_item, classify_request};
pub use encode::{document_id, origin_json, too_large, write_document};
#[cfg(any(test, feature = "simulation"))]
pub(crate) use encode::{write_id, write_origin};

use crate::budget::Permit;
use crate::record::{Fate, HoldingId, RecordBatch};
use crate::sync::atomic::{AtomicI64, Ordering};

/// The records of one hand-over from the reader, with their place in the ledger of their holding.
#[derive(Debug)]
pub struct Batch {
    /// The records.
    pub records: RecordBatch,
    /// The sequence number of the first of them in its holding's ledger.
    pub first_seq: u64,
    /// The part of the memory limit that the records occupy until the last of them is settled.
    pub permit: Option<Permit>,
    /// Where those who have documents or letters of these records are counted.
    pub slots: Slots,
}

/// How many documents and letters of one holding somebody has: in a body, a queue, a request, on the way to the dead
/// letters. Counted by who has them, as they come and go, and so by another owner than the ledger; both must agree.
///
/// Who makes documents occupies slots for them. Passing them on changes nothing. Dropping the bulk or letter that they are
/// in frees them, and that comes before the ledger hears of it: so there are never more slots than the ledger has units.
#[derive(Debug, Clone, Default)]
pub struct Slots(Arc<AtomicI64>);

impl Slots {
    /// Documents or letters were made.
    pub fn occupy(&self, number: usize) {
        self.0.fetch_add(number as i64, Ordering::AcqRel);
    }

    /// They are nobody's any more.
    pub fn free(&self, number: usize) {
        self.0.fetch_sub(number as i64, Ordering::AcqRel);
    }

    /// How many there are.
    pub fn count(&self) -> i64 {
        self.0.load(Ordering::Acquire)
    }
}

/// One document of a bulk: which record it comes from and where its lines stand in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentRef {
    /// Index into [`Bulk::batches`].
    pub batch: u32,
    /// Index of the record in its batch.
    pub record: u32,
    /// Which of the record's documents it is, from 0.
    pub sub: u32,
    /// Where the document's action line begins in the body.
    pub start: u32,
}

/// Documents for one index, encoded as the body of one request.
#[derive(Debug)]
pub struct Bulk {
    /// The worker that waits for the outcome.
    pub worker: usize,
    /// The index.
    pub index: Arc<str>,
    /// Action and document lines.
    pub body: Bytes,
    /// The documents in the order of the body.
    pub documents: Vec<DocumentRef>,
    /// The batches that the documents come from.
    pub batches: Vec<Arc<Batch>>,
    /// The part of the memory limit that the body occupies.
    pub permit: Option<Permit>,
}

impl Bulk {
    /// The batch of a document.
    pub fn batch(&self, document: &DocumentRef) -> &Arc<Batch> {
        &self.batches[document.batch as usize]
    }

    /// The id of a document, as it stands in its action line.
    pub fn id(&self, document: &DocumentRef) -> String {
        let batch = self.batch(document);
        let offset = batch.records.offset(document.record as usize);
        document_id(batch.records.origin(), offset, document.sub)
    }

    /// What to tell the ledger about a document.
    pub fn settlement(&self, document: &DocumentRef, fate: Fate) -> Settlement {
        let batch = self.batch(document);
        Settlement { holding: batch.records.origin().holding, seq: batch.first_seq + u64::from(document.record), fate }
    }

    /// Divides the documents (indices in ascending order) into one bulk for each part, each with its own body; a part without
    /// documents gives none. What is in no part has left: its slots are free now, but for those in `taken`, which their
    /// letters occupy from now on. The permit is divided in proportion to the bodies.
    pub fn divide(mut self, parts: &[&[usize]], taken: &[usize]) -> Vec<Option<Bulk>> {
        let divided = parts.iter().map(|keep| (!keep.is_empty()).then(|| self.part(keep))).collect();
        let stays = |index: &usize| taken.contains(index) || parts.iter().any(|keep| keep.binary_search(index).is_ok());
        let documents = std::mem::take(&mut self.documents);
        let gone = documents.into_iter().enumerate().filter(|(index, _)| !stays(index));
        // Dropped with these, it frees their slots and no others.
        self.documents = gone.map(|(_, document)| document).collect();
        divided
    }

    /// A bulk of some documents. It keeps only the batches that they come from, so that the memory of the others is free.
    fn part(&mut self, keep: &[usize]) -> Bulk {
        let mut body = Vec::new();
        let mut documents = Vec::with_capacity(keep.len());
        let mut batches: Vec<Arc<Batch>> = Vec::new();
        for &index in keep {
            let document = self.documents[index];
            let end = self.documents.get(index + 1).map_or(self.body.len(), |next| next.start as usize);
            let batch = enter(&mut batches, self.batch(&document));
            documents.push(DocumentRef { batch, start: body.len() as u32, ..document });
            body.extend_from_slice(&self.body[document.start as usize..end]);
        }
        let permit = self.permit.as_mut().map(|permit| permit.split(body.len()));
        Bulk { worker: self.worker, index: Arc::clone(&self.index), body: body.into(), documents, batches, permit }
    }
}

impl Drop for Bulk {
    fn drop(&mut self) {
        for run in self.documents.chunk_by(|a, b| a.batch == b.batch) {
            self.batches[run[0].batch as usize].slots.free(run.len());
        }
    }
}

/// The index of a batch in a list to which documents add theirs in turn.
pub(crate) fn enter(batches: &mut Vec<Arc<Batch>>, batch: &Arc<Batch>) -> u32 {
    if !batches.last().is_some_and(|last| Arc::ptr_eq(last, batch)) {
        batches.push(Arc::clone(batch));
    }
    batches.len() as u32 - 1
}

/// What became of one unit of one record; goes to the worker that owns the holding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// The holding that the record was read under.
    pub holding: HoldingId,
    /// The record's number in that holding's ledger.
    pub seq: u64,
    /// What became of it.
    pub fate: Fate,
}
