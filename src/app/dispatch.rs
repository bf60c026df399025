//! The task of the dispatch: carries its inputs in, its requests out, and tells the operator what it notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::clock::Clock;
use super::fault_point::FaultPoint;
use super::messages::ToLetters;
use crate::admin::{Condition, Health, Heart};
use crate::budget::Budget;
use crate::dispatch::{Dispatch, Effect, Found, Input, Notice, Outcome};
use crate::elastic::{Elastic, Templates};
use crate::metrics::{HeldLanes, Metrics};
use crate::passage::WorkerHandle;
use crate::record::Fate;
use crate::telemetry::{Tell, Teller};
use crate::trace::DispatchTrace;

/// Everything that the task has.
pub struct DispatchLoop {
    /// The core.
    pub core: Dispatch,
    /// What is sent to it.
    pub inbox: UnboundedReceiver<Input>,
    /// Its own address, for the answers.
    pub sender: UnboundedSender<Input>,
    /// The workers, by number.
    pub workers: Vec<WorkerHandle>,
    /// To the dead letters.
    pub letters: Sender<ToLetters>,
    /// To Elasticsearch.
    pub elastic: Arc<Elastic>,
    /// The index templates.
    pub templates: Arc<Templates>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is not ready.
    pub health: Arc<Health>,
    /// What was told.
    pub teller: Arc<Teller>,
    /// The memory limit, to show its use.
    pub budget: Budget,
    /// The process's clock.
    pub clock: Clock,
    /// For tests.
    pub fault_point: FaultPoint,
    /// The indices that are held, as they are shown.
    pub held: HeldLanes,
    /// Whether Elasticsearch does not take what it is given, for whoever looks for what does not move.
    pub refused: Arc<AtomicBool>,
    /// Where its steps are written down, if they are.
    pub trace: Option<DispatchTrace>,
    /// Says that the task is alive.
    pub heart: Heart,
}

/// How often the heart beats when there is nothing to do.
const BEAT: Duration = Duration::from_secs(5);

impl DispatchLoop {
    /// Runs until the process ends.
    pub async fn run(mut self) {
        let mut effects = Vec::new();
        self.step(Input::Tick, &mut effects);
        loop {
            for effect in effects.drain(..) {
                self.carry_out(effect);
            }
            self.show();
            let now = self.clock.now();
            self.heart.beat(now);
            let (due, beat) = (self.core.wake_at(), now + BEAT);
            let until = self.clock.instant(due.map_or(beat, |due| due.min(beat)));
            let input = tokio::select! {
                input = self.inbox.recv() => match input {
                    Some(input) => input,
                    None => return,
                },
                () = tokio::time::sleep_until(until.into()) => {
                    if due.is_none_or(|due| due > beat) {
                        continue;
                    }
                    Input::Tick
                }
            };
            self.fault_point.pass(u64::from(matches!(input, Input::Answered(..))));
            self.step(input, &mut effects);
        }
    }

    fn step(&mut self, input: Input, effects: &mut Vec<Effect>) {
        let now = self.clock.now();
        if let Some(trace) = &mut self.trace {
            trace.hears(now, &input);
        }
        self.core.step(now, input, effects);
        if let Some(trace) = &mut self.trace {
            trace.says(effects);
        }
    }

    fn show(&self) {
        let (open, held) = self.core.lanes();
        self.metrics.lanes.with_label_values(&["open"]).set(open as i64);
        self.metrics.lanes.with_label_values(&["held"]).set(held as i64);
        let (under_way, limit) = self.core.under_way(self.clock.now());
        self.metrics.bulk_requests_in_flight.set(under_way as i64);
        self.metrics.bulk_concurrency.set(limit as i64);
        self.refused.store(self.core.is_refused(), Ordering::Relaxed);
        self.metrics.in_flight_bytes.set(self.budget.used() as i64);
    }

    fn carry_out(&mut self, effect: Effect) {
        let (elastic, sender) = (Arc::clone(&self.elastic), self.sender.clone());
        match effect {
            Effect::Prepare => {
                let templates = Arc::clone(&self.templates);
                tokio::spawn(async move { report(&sender, Input::Prepared(elastic.prepare(&templates).await)) });
            }
            Effect::Check(index) => {
                let teller = Arc::clone(&self.teller);
                tokio::spawn(async move {
                    let result = elastic.check(&index).await;
                    if let Err(why) = &result
                        && let Tell::Now { suppressed } = teller.note(&format!("check of {index}"))
                    {
                        tracing::warn!(%index, %why, suppressed, "nobody could tell whether this is the name of an index; it is asked again, and its documents wait");
                    }
                    report(&sender, Input::Checked(index, result));
                });
            }
            Effect::Send { request, index, body, documents } => {
                let (metrics, teller) = (Arc::clone(&self.metrics), Arc::clone(&self.teller));
                tokio::spawn(async move {
                    let started = Instant::now();
                    let bytes = body.len();
                    let outcome = elastic.bulk(&index, body).await;
                    metrics.bulk_duration_seconds.observe(started.elapsed().as_secs_f64());
                    metrics.bulk_bytes.inc_by(bytes as u64);
                    metrics.bulk_requests.with_label_values(&[name(&outcome)]).inc();
                    if let Outcome::Unknown(why) = &outcome
                        && let Tell::Now { suppressed } = teller.note(&format!("unanswered {index}"))
                    {
                        tracing::warn!(%index, %why, suppressed, "a bulk request was not answered; its documents are sent again, see whether all shards of the index are there");
                    }
                    tracing::debug!(request, %index, documents, bytes, outcome = name(&outcome), "bulk request ended");
                    report(&sender, Input::Answered(request, outcome));
                });
            }
            Effect::LookUp { request, index, ids } => {
                let teller = Arc::clone(&self.teller);
                tokio::spawn(async move {
                    let found = elastic.look_up(&index, &ids).await;
                    let unknown = found.as_ref().map_or_else(Some, |found| found.iter().find_map(Found::unknown));
                    if let Some(why) = unknown
                        && let Tell::Now { suppressed } = teller.note("look-up")
                    {
                        tracing::warn!(%index, %why, suppressed, "documents that may be there already cannot be looked up; trying again");
                    }
                    report(&sender, Input::LookedUp(request, found));
                });
            }
            Effect::Settle(worker, settlements) => {
                let count = |fate| settlements.iter().filter(|settlement| settlement.fate == fate).count() as u64;
                self.metrics.documents_indexed.inc_by(count(Fate::Indexed));
                self.metrics.documents_duplicate.inc_by(count(Fate::Duplicate));
                self.workers[worker].send(crate::worker::Input::Settled(settlements));
            }
            Effect::Letter(letter) => {
                if self.letters.send(ToLetters::Deliver(letter)).is_err() {
                    tracing::debug!("a dead letter came too late to be sent");
                }
            }
            Effect::Judged(class, count) => {
                self.metrics.bulk_items.with_label_values(&[class]).inc_by(count as u64);
                if matches!(class, "retry" | "hold") {
                    self.metrics.bulk_retries.with_label_values(&[class]).inc_by(count as u64);
                }
            }
            Effect::Tell(notice) => self.tell(notice),
        }
    }

    fn tell(&mut self, notice: Notice) {
        match notice {
            Notice::Unavailable(why) => {
                self.health.fails(Condition::Elasticsearch, why.clone());
                if let Tell::Now { suppressed } = self.teller.note("elasticsearch unavailable") {
                    tracing::warn!(%why, suppressed, "elasticsearch does not take requests; nothing is lost, trying again");
                }
            }
            Notice::Available => {
                self.health.holds(Condition::Template);
                self.health.holds(Condition::Elasticsearch);
                tracing::info!("elasticsearch takes requests");
            }
            Notice::Held(index, reason, why) => {
                self.held.hold(&self.metrics, &index, reason.as_str());
                if let Tell::Now { suppressed } = self.teller.note(&format!("held {index} {}", reason.as_str())) {
                    tracing::error!(%index, reason = reason.as_str(), %why, hint = reason.hint(), suppressed, "an index refuses its documents; they are kept and tried again");
                }
            }
            Notice::Unneeded(index) => {
                self.held.release(&self.metrics, &index);
                tracing::info!(%index, "nothing waits any more for an index that refused its documents");
            }
            Notice::Released(index) => {
                self.held.release(&self.metrics, &index);
                tracing::info!(%index, "an index takes its documents again");
            }
        }
    }
}

fn report(sender: &UnboundedSender<Input>, input: Input) {
    if sender.send(input).is_err() {
        tracing::debug!("an answer came after the end");
    }
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Answer(_) => "answered",
        Outcome::Status(..) => "refused",
        Outcome::NotSent(_) => "not_sent",
        Outcome::Unknown(_) => "unknown",
    }
}
