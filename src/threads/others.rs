//! The threads beside the reader's: workers, dispatch, dead letters.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::mpsc::{Receiver, RecvTimeoutError, Sender};

use super::elastic::{Asked, Oracle};
use crate::bulk::{document_id, origin_json};
use crate::clock::Moment;
use crate::dead_letter::{Letter, Rejection};
use crate::dispatch::{self, Dispatch};
use crate::passage::{Seat, WorkerHandle, delivered};
use crate::record::{DropReason, HoldingId, RecordBatch, Stage};
use crate::sync::hear;
use crate::worker::{self, Committable, Emit, Pipelines, Transform, Worker};

/// A clock that goes on whenever it is looked at; no thread is changed by that.
#[derive(Clone, Default)]
pub(super) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(super) fn now(&self) -> Moment {
        Moment(Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

pub(super) enum ToReader {
    Committable(Committable),
    Drained(HoldingId),
    Mismatch(String),
}

pub(super) enum ToDispatch {
    Input(dispatch::Input),
    Stop,
}

pub(super) enum ToLetters {
    Deliver(Letter),
    Stop,
}

/// What becomes of a record follows from its offset.
pub(super) struct ByOffset;

/// The fifth of each is dropped, the third rejected, the others become documents.
pub(super) fn becomes(offset: i64) -> Option<bool> {
    match offset % 5 {
        4 => None,
        2 => Some(false),
        _ => Some(true),
    }
}

impl Transform for ByOffset {
    fn transform(&mut self, records: &RecordBatch, index: usize, emit: &mut Emit<'_>) {
        let record = records.get(index);
        match becomes(record.offset) {
            None => emit.dropped(DropReason::Pipeline),
            Some(false) => {
                emit.rejected(0, Rejection { stage: Stage::Pipeline, reason: "as it is".to_owned(), index: None });
            }
            Some(true) => emit.document(0, "i", |body| {
                let id = document_id(records.origin(), record.offset, 0);
                body.extend_from_slice(format!("{id}\n{}\n", origin_json(&record)).as_bytes());
                Ok(())
            }),
        }
    }
}

/// A worker's thread.
pub(super) struct WorkerSeat {
    pub(super) core: Worker<ByOffset>,
    pub(super) clock: Clock,
    pub(super) dispatch: Sender<ToDispatch>,
    pub(super) letters: Sender<ToLetters>,
    pub(super) reader: Sender<ToReader>,
    pub(super) told: BTreeMap<HoldingId, i64>,
}

impl Seat for WorkerSeat {
    type Transform = ByOffset;

    fn core(&mut self) -> &mut Worker<ByOffset> {
        &mut self.core
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn step(&mut self, input: worker::Input, _quiet: bool, effects: &mut Vec<worker::Effect>) {
        self.core.step(self.clock.now(), input, effects);
    }

    fn install(&mut self, _pipelines: &Pipelines) {}

    fn works_on(&mut self, _records: Option<&RecordBatch>) {}

    fn carry_out(&mut self, effect: worker::Effect) {
        use worker::Effect;
        let heard = match effect {
            Effect::Submit(bulk) => self.dispatch.send(ToDispatch::Input(dispatch::Input::Submit(bulk))).is_ok(),
            Effect::Letter(letter) => self.letters.send(ToLetters::Deliver(letter)).is_ok(),
            Effect::Committable(moved) => {
                let before = self.told.insert(moved.holding, moved.offset);
                assert!(before.is_none_or(|before| before < moved.offset), "{moved:?} after {before:?}");
                self.reader.send(ToReader::Committable(moved)).is_ok()
            }
            Effect::Drained(holding) => self.reader.send(ToReader::Drained(holding)).is_ok(),
            Effect::Mismatch(holding, why) => self.reader.send(ToReader::Mismatch(format!("{holding}: {why}"))).is_ok(),
            Effect::Fault(partition, fault) => panic!("{partition}: {fault}"),
            Effect::Counted(_) | Effect::Forgotten { .. } => true,
        };
        assert!(heard, "whoever hears a worker outlives it");
    }
}

/// The dispatch's thread. Its loop is that of `app/dispatch.rs` with another channel.
pub(super) fn run_dispatch(
    mut core: Dispatch,
    (inbox, clock): (&Receiver<ToDispatch>, &Clock),
    workers: &[WorkerHandle],
    (elastic, letters): (&Sender<Asked>, &Sender<ToLetters>),
) {
    let mut effects = Vec::new();
    core.step(clock.now(), dispatch::Input::Tick, &mut effects);
    let mut own = Vec::new();
    loop {
        for effect in effects.drain(..) {
            use dispatch::Effect;
            let heard = match effect {
                Effect::Prepare => {
                    own.push(dispatch::Input::Prepared(Ok(())));
                    true
                }
                Effect::Check(index) => elastic.send(Asked::Check(index)).is_ok(),
                Effect::Send { request, body, .. } => elastic.send(Asked::Bulk(request, body)).is_ok(),
                Effect::LookUp { request, ids, .. } => {
                    elastic.send(Asked::LookUp(request, ids.into_iter().map(|(id, _)| id).collect())).is_ok()
                }
                Effect::Settle(worker, settlements) => {
                    workers[worker].send(worker::Input::Settled(settlements));
                    true
                }
                Effect::Letter(letter) => letters.send(ToLetters::Deliver(letter)).is_ok(),
                Effect::Tell(_) | Effect::Judged(..) => true,
            };
            assert!(heard, "whoever hears the dispatch outlives it");
        }
        let input = match own.pop() {
            Some(input) => input,
            None => match hear(inbox, Duration::ZERO, core.wake_at().is_some()) {
                Ok(ToDispatch::Input(input)) => input,
                Ok(ToDispatch::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => dispatch::Input::Tick,
            },
        };
        core.step(clock.now(), input, &mut effects);
    }
}

/// The thread of the dead letters: delivers in any order.
pub(super) fn run_letters(inbox: &Receiver<ToLetters>, workers: &[WorkerHandle], oracle: &Oracle) {
    let asked = |message| match message {
        ToLetters::Stop => None,
        ToLetters::Deliver(letter) => Some(letter),
    };
    in_any_order(inbox, asked, |letter| {
        oracle.known().letters.insert(letter.id());
        delivered(letter, workers);
        true
    });
}

/// Does what is asked in any order, until it is told to stop (`asked` gives nothing), nobody can ask any more, or `does` says that
/// nobody listens.
pub(super) fn in_any_order<M, T>(inbox: &Receiver<M>, asked: impl Fn(M) -> Option<T>, mut does: impl FnMut(T) -> bool) {
    let mut pending = Vec::new();
    loop {
        let next = match pending.is_empty() {
            true => inbox.recv().ok(),
            false => inbox.try_recv().ok(),
        };
        match next.map(&asked) {
            Some(None) => return,
            Some(Some(one)) => pending.push(one),
            None if pending.is_empty() => return,
            None => {}
        }
        if !pending.is_empty() && thread_rng().gen_bool(0.5) {
            let which = thread_rng().gen_range(0..pending.len());
            if !does(pending.swap_remove(which)) {
                return;
            }
        }
    }
}
