//! The bodies that a worker fills, one for each index that has documents waiting, and the [`Emit`] through which a
//! transform writes into them in place.

use std::collections::VecDeque;
use std::sync::Arc;

use indexmap::IndexMap;

use super::{BulkLimits, Made, MadeUnit};
use crate::budget::Budget;
use crate::bulk::{Batch, Bulk, DocumentRef, enter, too_large};
use crate::clock::Moment;
use crate::dead_letter::Rejection;
use crate::planted::is_planted;
use crate::record::{DropReason, HoldingId, Stage};

/// One thing that a record became.
#[derive(Debug)]
pub(super) enum Unit {
    Document,
    Dropped(DropReason),
    Rejected { sub: u32, rejection: Rejection },
}

/// A body that is not sent yet.
#[derive(Debug)]
pub(super) struct Open {
    index: Arc<str>,
    body: Vec<u8>,
    documents: Vec<DocumentRef>,
    batches: Vec<Arc<Batch>>,
    since: Moment,
}

impl Open {
    pub(super) fn into_bulk(mut self, worker: usize, budget: Option<&Budget>) -> Bulk {
        self.body.shrink_to_fit();
        self.documents.shrink_to_fit();
        self.batches.shrink_to_fit();
        let permit =
            budget.map(|budget| budget.take(self.body.len() + self.documents.len() * size_of::<DocumentRef>()));
        Bulk {
            worker,
            index: self.index,
            body: self.body.into(),
            documents: self.documents,
            batches: self.batches,
            permit,
        }
    }
}

#[derive(Debug)]
pub(super) struct Bodies {
    limits: BulkLimits,
    open: IndexMap<Arc<str>, Open, foldhash::fast::RandomState>,
    full: VecDeque<Open>,
}

impl Bodies {
    pub(super) fn new(limits: BulkLimits) -> Self {
        Self { limits, open: IndexMap::default(), full: VecDeque::new() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.open.values().map(|open| open.body.capacity() + open.documents.capacity() * size_of::<DocumentRef>()).sum()
    }

    pub(super) fn oldest_deadline(&self) -> Option<Moment> {
        self.open.values().map(|open| open.since + self.limits.linger).min()
    }

    pub(super) fn seal_full(&mut self, seal: &mut dyn FnMut(Open)) {
        for open in self.full.drain(..) {
            seal(open);
        }
    }

    pub(super) fn seal_older(&mut self, now: Moment, seal: &mut dyn FnMut(Open)) {
        let linger = self.limits.linger;
        self.seal_where(|open| now >= open.since + linger, seal);
    }

    /// Seals every body that has documents of a holding.
    pub(super) fn seal_holding(&mut self, holding: HoldingId, seal: &mut dyn FnMut(Open)) {
        self.seal_where(|open| open.batches.iter().any(|batch| batch.records.origin().holding == holding), seal);
    }

    fn seal_where(&mut self, which: impl Fn(&Open) -> bool, seal: &mut dyn FnMut(Open)) {
        self.seal_full(seal);
        let indices: Vec<_> =
            self.open.values().filter(|open| which(open)).map(|open| Arc::clone(&open.index)).collect();
        for index in indices {
            if let Some(open) = self.open.shift_remove(&index) {
                seal(open);
            }
        }
    }

    /// Takes the documents of a holding that is over out of the open bodies.
    pub(super) fn forget(&mut self, holding: HoldingId) {
        if is_planted("ForgetAll") {
            self.open.clear();
        }
        for open in self.open.values_mut() {
            if !open.batches.iter().any(|batch| batch.records.origin().holding == holding) {
                continue;
            }
            let mut body = Vec::with_capacity(open.body.len());
            let mut kept = Vec::with_capacity(open.documents.len());
            let mut batches = Vec::new();
            for (index, document) in open.documents.iter().enumerate() {
                let batch = &open.batches[document.batch as usize];
                if batch.records.origin().holding == holding {
                    continue;
                }
                let end = open.documents.get(index + 1).map_or(open.body.len(), |next| next.start as usize);
                let batch = enter(&mut batches, batch);
                kept.push(DocumentRef { batch, start: body.len() as u32, ..*document });
                body.extend_from_slice(&open.body[document.start as usize..end]);
            }
            open.body = body;
            open.documents = kept;
            open.batches = batches;
        }
        self.open.retain(|_, open| !open.documents.is_empty());
    }

    fn body_for(&mut self, index: &str, now: Moment) -> &mut Open {
        // Two look-ups only where the index is new: the name is shared from then on.
        if !self.open.contains_key(index) {
            let name: Arc<str> = index.into();
            let open = Open {
                index: Arc::clone(&name),
                body: Vec::new(),
                documents: Vec::new(),
                batches: Vec::new(),
                since: now,
            };
            self.open.insert(name, open);
        }
        &mut self.open[index]
    }
}

/// Where a transform puts what a record became.
pub struct Emit<'a> {
    bodies: &'a mut Bodies,
    units: &'a mut Vec<Unit>,
    made: Option<&'a mut Made>,
    batch: &'a Arc<Batch>,
    record: usize,
    now: Moment,
}

impl<'a> Emit<'a> {
    pub(super) fn new(
        bodies: &'a mut Bodies,
        (units, made): (&'a mut Vec<Unit>, Option<&'a mut Made>),
        batch: &'a Arc<Batch>,
        record: usize,
        now: Moment,
    ) -> Self {
        Self { bodies, units, made, batch, record, now }
    }

    /// A document for `index`; `write` appends its action line and its own line to the body.
    pub fn document(&mut self, sub: u32, index: &str, write: impl FnOnce(&mut Vec<u8>) -> Result<(), String>) {
        let limits = self.bodies.limits.clone();
        let open = self.bodies.body_for(index, self.now);
        let start = open.body.len();
        let written = write(&mut open.body);
        let bytes = open.body.len() - start;
        if let Some(made) = &mut self.made {
            match &written {
                Ok(()) => made.document(self.record, (sub, index, bytes)),
                Err(_) => made.unit(self.record, MadeUnit::Rejected(sub, Stage::Encode)),
            }
        }
        let refused = match written {
            Err(reason) => Some(reason),
            Ok(()) => too_large(bytes, limits.max_document_bytes),
        };
        if let Some(reason) = refused {
            open.body.truncate(start);
            if open.documents.is_empty() {
                self.bodies.open.shift_remove(index);
            }
            let rejection = Rejection { stage: Stage::Encode, reason, index: Some(index.to_owned()) };
            return self.units.push(Unit::Rejected { sub, rejection });
        }
        open.documents.push(DocumentRef {
            batch: enter(&mut open.batches, self.batch),
            record: self.record as u32,
            sub,
            start: start as u32,
        });
        self.units.push(Unit::Document);
        if open.body.len() >= limits.max_bytes || open.documents.len() >= limits.max_documents {
            let full = self.bodies.open.shift_remove(index);
            self.bodies.full.extend(full);
        }
    }

    /// The record, or one of its documents, is dropped by a rule.
    pub fn dropped(&mut self, reason: DropReason) {
        if let Some(made) = &mut self.made {
            made.unit(self.record, MadeUnit::Dropped(reason));
        }
        self.units.push(Unit::Dropped(reason));
    }

    /// The record, or one of its documents, cannot be indexed.
    pub fn rejected(&mut self, sub: u32, rejection: Rejection) {
        if let Some(made) = &mut self.made {
            made.unit(self.record, MadeUnit::Rejected(sub, rejection.stage));
        }
        self.units.push(Unit::Rejected { sub, rejection });
    }
}
