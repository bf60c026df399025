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
pub use classify::{Class, HoldReason, RequestClass, classify_item, classify_request};
pub use encode::{document_id, origin_json, too_large, write_document};

use crate::budget::Permit;
use crate::record::{Fate, HoldingId, RecordBatch};

/// The records of one hand-over from the reader, with their place in the ledger of their holding.
#[derive(Debug)]
pub struct Batch {
    /// The records.
    pub records: RecordBatch,
    /// The sequence number of the first of them in its holding's ledger.
    pub first_seq: u64,
    /// The part of the memory limit that the records occupy until the last of them is settled.
    pub permit: Option<Permit>,
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
    /// True if the id was sent before by this holding and the outcome is not known.
    pub unsure: bool,
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

    /// A bulk of some of the documents (indices in ascending order), with the body cut to them. It keeps only the batches
    /// that they come from, so that the memory of the others is free. The permit is divided in proportion to the bodies.
    pub fn subset(&mut self, keep: &[usize]) -> Bulk {
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
