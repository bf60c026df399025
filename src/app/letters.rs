//! The thread of the dead letters: produces each, waits for Kafka's word, then tells the worker. Nothing is given up: what
//! cannot be delivered waits and is tried again, until its holding is over: then its record belongs to the next owner, who
//! will write the same letter.

mod later;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::clock::Clock;
use super::messages::{ToLetters, Waiting};
use crate::admin::Heart;
use crate::backoff::{Backoff, Chance};
use crate::budget::Budget;
use crate::dead_letter::Letter;
use crate::exit::ExitStatus;
use crate::kafka::{LetterFault, LetterProducer, OutgoingLetter};
use crate::metrics::Metrics;
use crate::passage::{WorkerHandle, delivered};
use crate::record::HoldingId;
use crate::telemetry::{Tell, Teller, exit_now};
use later::Later;

const RETRY: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(10) };
const NAP: Duration = Duration::from_millis(500);

/// Makes the function that the producer calls with what became of a letter.
pub fn on_delivered(
    workers: Vec<WorkerHandle>,
    retry: Sender<ToLetters>,
    metrics: Arc<Metrics>,
) -> impl Fn(Box<Waiting>, Result<(), LetterFault>) + Send + Sync + 'static {
    move |waiting, result| match result {
        Ok(()) => {
            let Waiting { letter, permit, .. } = *waiting;
            metrics.dead_lettered(&letter);
            metrics.dead_letters_waiting.dec();
            drop(permit);
            delivered(letter, &workers);
        }
        Err(fault) => {
            if retry.send(ToLetters::Failed(waiting, fault)).is_err() {
                tracing::debug!("a dead letter failed after the end");
            }
        }
    }
}

/// Everything that the thread has.
pub struct LettersLoop {
    /// Delivers.
    pub producer: LetterProducer<Waiting>,
    /// What is sent to it.
    pub inbox: Receiver<ToLetters>,
    /// The memory limit.
    pub budget: Budget,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What was told.
    pub teller: Arc<Teller>,
    /// The process's clock.
    pub clock: Clock,
    /// For the jitter of waiting.
    pub chance: Chance,
    /// Says that the thread is alive.
    pub heart: Heart,
    /// What it keeps between its rounds.
    pub(super) state: State,
}

/// What the loop keeps between its rounds.
#[derive(Default)]
pub(super) struct State {
    live: HashSet<HoldingId>,
    later: Later<Box<Waiting>>,
}

impl LettersLoop {
    /// Runs until nobody can send to it any more.
    pub fn run(mut self) {
        loop {
            let now = self.clock.now();
            self.heart.beat(now);
            let wait = self.state.later.next_at().map_or(NAP, |at| at.since(now).min(NAP));
            match self.inbox.recv_timeout(wait) {
                Ok(message) => self.message(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = self.clock.now();
            while let Some(waiting) = self.state.later.take_due(now) {
                self.try_now(waiting);
            }
        }
    }

    fn message(&mut self, message: ToLetters) {
        match message {
            ToLetters::Begin(holding) => {
                self.state.live.insert(holding);
            }
            ToLetters::End(holding) => {
                self.state.live.remove(&holding);
                let forgotten = self.state.later.forget(|waiting| waiting.letter.holding() == holding);
                self.metrics.dead_letters_waiting.sub(forgotten as i64);
            }
            // Its record belongs to the next owner, who will write the same letter.
            ToLetters::Deliver(letter) if !self.state.live.contains(&letter.holding()) => {
                tracing::debug!(
                    id = letter.id(),
                    "a dead letter of a partition that was given back is left to its next owner"
                );
            }
            ToLetters::Deliver(letter) => {
                self.metrics.dead_letters_waiting.inc();
                self.told(&letter);
                let permit = self.budget.take(letter.footprint());
                self.try_now(Box::new(Waiting { letter, attempt: 0, permit }));
            }
            ToLetters::Failed(waiting, fault) => {
                end_if_fatal(&fault);
                if let Tell::Now { suppressed } = self.teller.note(&format!("dead letter {}", fault.text)) {
                    tracing::error!(
                        reason = fault.text,
                        suppressed,
                        "a dead letter cannot be delivered: its partition waits, it is tried again"
                    );
                }
                self.try_later(waiting);
            }
        }
    }

    fn try_now(&mut self, waiting: Box<Waiting>) {
        if let Err(waiting) = self.send(waiting) {
            self.try_later(waiting);
        }
    }

    fn try_later(&mut self, mut waiting: Box<Waiting>) {
        if !self.state.live.contains(&waiting.letter.holding()) {
            self.metrics.dead_letters_waiting.dec();
            return;
        }
        waiting.attempt += 1;
        let at = self.clock.now() + RETRY.delay(waiting.attempt, self.chance.bits());
        self.state.later.put(at, waiting);
    }

    fn told(&self, letter: &Letter) {
        let record = letter.batch.records.get(letter.record as usize);
        let stage = letter.stage().as_str();
        if let Tell::Now { suppressed } = self.teller.note(&format!("dead letter of {} at {stage}", record.topic)) {
            tracing::warn!(
                topic = record.topic,
                partition = record.partition,
                offset = record.offset,
                stage,
                index = letter.rejection.index,
                reason = letter.rejection.reason,
                suppressed,
                "a record goes to the dead letters"
            );
        }
    }

    /// Hands a letter to the producer; gives it back if there is no room.
    fn send(&self, waiting: Box<Waiting>) -> Result<(), Box<Waiting>> {
        let letter = &waiting.letter;
        let records = &letter.batch.records;
        let record = records.get(letter.record as usize);
        let own = letter.headers().into_iter();
        let mut headers: Vec<_> = own.map(|(name, value)| (name.to_owned(), Some(value.into_bytes()))).collect();
        for (name, value) in records.headers(letter.record as usize) {
            headers.push((String::from_utf8_lossy(name).into_owned(), value.map(<[u8]>::to_vec)));
        }
        let (key, payload) = (record.key.map(<[u8]>::to_vec), record.payload.map(<[u8]>::to_vec));
        self.producer.send(OutgoingLetter { key, payload, headers, token: waiting }).map_err(|(waiting, fault)| {
            end_if_fatal(&fault);
            if let Tell::Now { suppressed } = self.teller.note(&format!("dead letter {}", fault.text)) {
                tracing::warn!(
                    reason = fault.text,
                    suppressed,
                    "a dead letter cannot be handed to the producer: its partition waits, it is tried again"
                );
            }
            waiting
        })
    }
}

/// A producer that has failed for good would hold its partitions up for ever: the process ends.
fn end_if_fatal(fault: &LetterFault) {
    if fault.fatal {
        tracing::error!(
            reason = fault.text,
            "the producer of the dead letters failed for good: nothing more is committed"
        );
        exit_now(ExitStatus::Fault);
    }
}
