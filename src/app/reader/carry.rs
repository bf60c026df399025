//! Carrying out what the core asks for.

use std::fmt::Display;
use std::sync::Arc;

use super::take::Held;
use super::tell::show;
use super::{ReaderLoop, State};
use crate::app::asker::Question;
use crate::app::lag::Waiting;
use crate::app::messages::ToLetters;
use crate::dispatch;
use crate::exit::ExitStatus;
use crate::reader::{CommitResult, Effect, Input, Start};
use crate::record::{HoldingId, TopicPartition};
use crate::telemetry::exit_now;
use crate::worker::Input as WorkerInput;

/// Each partition with its next offset and its topic's incarnation.
fn list(starts: &[Start]) -> Vec<(TopicPartition, i64, Arc<str>)> {
    let each =
        |Start { origin, position, .. }: &Start| (origin.partition.clone(), *position, Arc::clone(&origin.incarnation));
    starts.iter().map(each).collect()
}

impl State {
    fn by_id(&mut self, holding: HoldingId) -> Option<&mut Held> {
        self.held.iter_mut().find(|held| held.origin.holding == holding)
    }
}

impl ReaderLoop {
    pub(super) fn carry_out(&mut self, effect: Effect, state: &mut State) -> Option<Input> {
        match effect {
            Effect::Resolve(whom, partitions) => self.ask(Question::Resolve(whom, partitions)),
            Effect::Watch(topics) => self.ask(Question::Watch(topics)),
            Effect::Position(holding, position) => {
                if let Some(held) = state.by_id(holding) {
                    held.passed(position, 0);
                    self.workers[held.worker].send(WorkerInput::Position { holding, position });
                }
            }
            Effect::Pause(holding) => {
                if let Some(held) = state.by_id(holding) {
                    held.paused = true;
                }
            }
            Effect::Resume(holding) => {
                if let Some(held) = state.by_id(holding) {
                    held.paused = false;
                }
            }
            Effect::Renew(start) => {
                tracing::info!(partition = %start.origin.partition, position = start.position, version = %start.origin.route.version, "reading on with the new version of the pipeline");
                self.begin(start, state);
            }
            Effect::Subscribe(topics) => {
                let names: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
                tracing::info!(topics = names.join(" "), "the topics have changed");
                if let Err(error) = self.consumer.subscribe(&names) {
                    tracing::error!(%error, "the topics cannot be subscribed to; those before are read on");
                }
            }
            Effect::Assign(starts) => {
                let taken = self.consumer.assign(&list(&starts));
                self.read(starts, taken, state);
            }
            Effect::Restart(starts) => {
                let taken = self.consumer.restart(&list(&starts));
                self.read(starts, taken, state);
            }
            Effect::Drain(holding) => {
                if let Some(held) = state.by_id(holding) {
                    held.intake = false;
                    self.workers[held.worker].send(WorkerInput::Drain(holding));
                }
            }
            Effect::End(holding) => {
                if let Some(at) = state.held.iter().position(|held| held.origin.holding == holding) {
                    let held = state.held.swap_remove(at);
                    self.workers[held.worker].send(WorkerInput::End(holding));
                    self.tell_dispatch(dispatch::Input::End(holding));
                    self.tell_letters(ToLetters::End(holding));
                    state.ends.remove(&held.origin.partition);
                    self.metrics.forget_partition(&held.origin.partition);
                }
            }
            Effect::Unassign(partitions) => {
                if let Err(error) = self.consumer.unassign(&partitions) {
                    tracing::warn!(%error, "partitions could not be given back");
                }
                tracing::info!(partitions = show(&partitions), "gave partitions back");
            }
            Effect::Commit(entries) => {
                let list: Vec<_> = entries
                    .iter()
                    .map(|entry| (entry.partition.clone(), entry.offset, entry.metadata.clone()))
                    .collect();
                if let Err(error) = self.consumer.commit(list) {
                    self.metrics.commits.with_label_values(&["refused"]).inc();
                    let refused = Some(error.to_string());
                    let results = entries.into_iter().map(|entry| CommitResult {
                        partition: entry.partition,
                        offset: entry.offset,
                        refused: refused.clone(),
                    });
                    return Some(Input::Committed(results.collect()));
                }
            }
            Effect::Tell(notice) => self.tell(notice),
            Effect::Leave(ending) => state.ending = Some(ending),
        }
        None
    }

    fn read(&mut self, starts: Vec<Start>, taken: Result<(), impl Display>, state: &mut State) {
        if let Err(error) = taken {
            // Without its partitions this process would sit in the group and read nothing: better to start again.
            tracing::error!(%error, "the partitions that the group assigned could not be taken");
            exit_now(ExitStatus::Fault);
        }
        for start in starts {
            let (partition, position, worker) = (&start.origin.partition, start.position, start.worker);
            let (incarnation, version) = (&start.origin.incarnation, &start.origin.route.version);
            let reason = start.reason.as_str();
            tracing::info!(%partition, position, reason, worker, %incarnation, %version, "reading a partition");
            self.begin(start, state);
        }
    }

    fn begin(&mut self, Start { origin, position, worker, reason }: Start, state: &mut State) {
        let partition = &origin.partition;
        self.metrics.partition_starts.with_label_values(&[&*partition.topic, reason.as_str()]).inc();
        // Before its worker, which may send them something of it.
        self.tell_dispatch(dispatch::Input::Begin(origin.holding));
        self.tell_letters(ToLetters::Begin(origin.holding));
        self.workers[worker].send(WorkerInput::Begin { origin: Arc::clone(&origin), position });
        state.held.push(Held {
            worker,
            part: self.budget.part(),
            intake: true,
            paused: false,
            crowded: false,
            next: position,
            last: (0, 0),
            waiting: Waiting::new(self.clock.now()),
            seen: None,
            meters: self.metrics.partition(partition),
            topic: self.metrics.topic(&partition.topic),
            origin,
        });
    }

    fn tell_dispatch(&self, input: dispatch::Input) {
        if self.dispatch.send(input).is_err() {
            tracing::debug!("the dispatch is gone already");
        }
    }

    fn tell_letters(&self, message: ToLetters) {
        if self.letters.send(message).is_err() {
            tracing::debug!("the thread of the dead letters is gone already");
        }
    }

    fn ask(&self, question: Question) {
        if self.asker.send(question).is_err() {
            tracing::debug!("nobody asks the broker any more");
        }
    }
}
