//! The way to a worker's thread, and the rounds that it makes: everything between the threads that is not somebody else's. What is in
//! here is explored by shuttle, with the cores (`threads`).

use std::sync::Arc;
use std::time::Duration;

use crate::budget::{Budget, Permit};
use crate::clock::Moment;
use crate::dead_letter::Letter;
use crate::planted::is_planted;
use crate::record::RecordBatch;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::hear;
use crate::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use crate::worker::{Effect, Input, Pipelines, Transform, Worker};

/// The longest that a worker sleeps, so that its heart is seen to beat.
const NAP: Duration = Duration::from_secs(1);
/// Bytes of records that may wait in front of a worker.
const QUEUE_BYTES: usize = 4 << 20;

/// What a worker is sent.
pub enum ToWorker {
    /// For the core.
    Input(Input),
    /// Holdings that begin from now on are worked on by these.
    Install(Arc<Pipelines>),
    /// Records.
    Records {
        /// The records.
        records: RecordBatch,
        /// Their part of the memory limit.
        permit: Permit,
        /// Given back once their documents are made.
        load: Load,
    },
}

/// What records weigh until their documents are made: bytes that wait in front of their worker, and the part of the memory limit that is kept
/// for what they become. Dropping it gives both back.
#[derive(Debug)]
pub struct Load {
    bytes: usize,
    queued: Arc<AtomicUsize>,
    #[expect(dead_code, reason = "it is there to be dropped")]
    reserve: Permit,
}

impl Drop for Load {
    fn drop(&mut self) {
        let before = self.queued.fetch_sub(self.bytes, Ordering::Relaxed);
        debug_assert!(before >= self.bytes, "more is given back than waits for a worker");
    }
}

/// The way to a worker.
#[derive(Clone)]
pub struct WorkerHandle {
    sender: Sender<ToWorker>,
    /// Bytes of records that wait in front of it.
    queued: Arc<AtomicUsize>,
}

/// Makes the way to a worker, and where it ends.
pub fn to_worker() -> (WorkerHandle, Receiver<ToWorker>) {
    let (sender, inbox) = channel();
    (WorkerHandle { sender, queued: Arc::new(AtomicUsize::new(0)) }, inbox)
}

impl WorkerHandle {
    /// Sends to the core. A worker that is gone has ended the process, or is past its end.
    pub fn send(&self, input: Input) {
        if is_planted("LoseWhenBusy") && matches!(input, Input::Settled(_)) && self.queued() > 0 {
            return;
        }
        self.pass(ToWorker::Input(input));
    }

    /// Has holdings that begin from now on worked on by these.
    pub fn install(&self, pipelines: &Arc<Pipelines>) {
        self.pass(ToWorker::Install(Arc::clone(pipelines)));
    }

    /// Sends records with their part of the memory limit; `reserve` is kept for their documents until these are made.
    pub fn records(&self, records: RecordBatch, permit: Permit, reserve: Permit) {
        let bytes = records.footprint();
        let late = is_planted("CountAfterSend");
        // Before they are sent: whoever has them may give the load back at once.
        if !late {
            self.queued.fetch_add(bytes, Ordering::Relaxed);
        }
        let load = Load { bytes, queued: Arc::clone(&self.queued), reserve };
        self.pass(ToWorker::Records { records, permit, load });
        if late {
            self.queued.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Bytes of records that wait in front of it.
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Whether records of a holding that uses `part` of the whole budget may be sent to it now.
    pub fn has_room(&self, whole: &Budget, part: &Budget) -> bool {
        is_within_share(whole, part) && self.queued() < QUEUE_BYTES
    }

    fn pass(&self, message: ToWorker) {
        if self.sender.send(message).is_err() {
            tracing::debug!("a worker is gone already");
        }
    }
}

/// Whether a holding that uses `part` of the whole budget may take more of it. It may use as much as is free beyond it: one whose index is
/// blocked never takes all.
pub fn is_within_share(whole: &Budget, part: &Budget) -> bool {
    let free = whole.free();
    free > 0 && part.used() < free
}

/// Tells its worker that a letter was delivered.
pub fn delivered(letter: Letter, workers: &[WorkerHandle]) {
    let (worker, settlement) = (letter.worker, letter.settlement());
    let late = Some(letter).filter(|_| is_planted("TellBeforeFree"));
    // Where it is not kept its slot is free by now, before the ledger hears of it.
    workers[worker].send(Input::Settled(vec![settlement]));
    drop(late);
}

/// What a worker's thread has around it.
pub trait Seat {
    /// What its core works with.
    type Transform: Transform;

    /// The core.
    fn core(&mut self) -> &mut Worker<Self::Transform>;

    /// The time.
    fn now(&self) -> Moment;

    /// A step of the core, at this moment.
    fn step(&mut self, input: Input, quiet: bool, effects: &mut Vec<Effect>);

    /// Other pipelines are in force.
    fn install(&mut self, pipelines: &Pipelines);

    /// These records are about to be worked on, or it is done with them.
    fn works_on(&mut self, records: Option<&RecordBatch>);

    /// Does what the core asks for.
    fn carry_out(&mut self, effect: Effect);
}

/// One round of a worker: waits for a message or for the time, and carries out what follows. `open` is the part of the memory limit for
/// bodies that are being filled. False once nobody can send to it any more.
pub fn round(seat: &mut impl Seat, inbox: &Receiver<ToWorker>, open: &mut Permit) -> bool {
    let now = seat.now();
    let due = seat.core().wake_at().filter(|_| !is_planted("SleepThroughDue"));
    let heard = hear(inbox, due.map_or(NAP, |due| due.since(now).min(NAP)), due.is_some());
    let quiet = heard.is_err();
    seat.core().is_quiet(quiet);
    let mut effects = Vec::new();
    match heard {
        Ok(ToWorker::Install(pipelines)) => seat.install(&pipelines),
        Ok(ToWorker::Input(input)) => seat.step(input, quiet, &mut effects),
        Ok(ToWorker::Records { records, permit, load }) => {
            seat.works_on(Some(&records));
            seat.step(Input::Records { records, permit: Some(permit) }, quiet, &mut effects);
            seat.works_on(None);
            drop(load);
        }
        Err(RecvTimeoutError::Timeout) => {}
        Err(RecvTimeoutError::Disconnected) => return false,
    }
    let now = seat.now();
    if seat.core().wake_at().is_some_and(|due| due <= now) {
        seat.step(Input::Tick, quiet, &mut effects);
    }
    open.resize(seat.core().open_bytes());
    if is_planted("EffectsBackwards") {
        effects.reverse();
    }
    for effect in effects {
        seat.carry_out(effect);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holding_that_settles_nothing_leaves_half_to_others() {
        let whole = Budget::new(900);
        let (stuck, other) = (whole.part(), whole.part());
        let fill = |part: &Budget| {
            let mut permits = Vec::new();
            while is_within_share(&whole, part) {
                permits.push(part.take(10));
            }
            permits
        };
        let held = fill(&stuck);
        assert_eq!((stuck.used(), whole.free()), (450, 450));
        assert!(is_within_share(&whole, &other), "what another one does not settle is not its own");
        let more = fill(&other);
        assert_eq!((other.used(), whole.free()), (230, 220), "and that one leaves as much as it has");
        drop(more);
        assert!(!is_within_share(&whole, &stuck));
        drop(held);
        assert!(is_within_share(&whole, &stuck));
        let _all = other.take(900);
        assert!(!is_within_share(&whole, &stuck), "there is nothing at all");
    }
}
