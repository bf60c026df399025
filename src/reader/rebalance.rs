//! How rebalances are served: one at a time, in the order in which they were recorded. Each is answered once, by an
//! assignment or by giving back just what was asked for, and nothing else is: the group takes the first answer that comes for the
//! one that it waits for.
//!
//! Partitions that are to begin anew (their offset is out of range, their topic was made again) are no rebalance, and the group hears nothing
//! of it: see `anew.rs`.

use std::sync::Arc;

use super::reading::Reading;
use super::watch::is_none;
use super::{Effect, For, Holding, Notice, RESOLVE, Reader, Resolved, Start, StartReason};
use crate::clock::Moment;
use crate::planted::is_planted;
use crate::record::TopicPartition;

/// What the metadata of our commits begins with; the topic's incarnation follows.
const METADATA_PREFIX: &str = "kelp:";

/// The metadata of a commit.
pub(super) fn metadata(incarnation: &str) -> String {
    format!("{METADATA_PREFIX}{incarnation}")
}

/// What the group asks for.
#[derive(Debug)]
pub(super) enum Rebalance {
    Assign(Vec<TopicPartition>),
    Revoke { partitions: Vec<TopicPartition>, lost: bool },
}

impl Rebalance {
    pub(super) fn takes_back(&self, partition: &TopicPartition) -> bool {
        matches!(self, Self::Revoke { partitions, .. } if partitions.contains(partition))
    }
}

/// What is being served.
#[derive(Debug)]
pub(super) enum Serving {
    Nothing,
    /// The broker was asked about these.
    Resolving {
        whom: For,
        partitions: Vec<TopicPartition>,
        attempt: u32,
    },
    /// It did not answer; it is asked again.
    ResolveAgain {
        whom: For,
        at: Moment,
        partitions: Vec<TopicPartition>,
        attempt: u32,
    },
    /// What is in flight of these settles.
    Draining {
        partitions: Vec<TopicPartition>,
        until: Moment,
    },
    /// What was settled is being committed.
    Committing {
        partitions: Vec<TopicPartition>,
        until: Moment,
    },
}

impl Serving {
    pub(super) fn wake_at(&self) -> Option<Moment> {
        match self {
            Self::Nothing | Self::Resolving { .. } => None,
            Self::ResolveAgain { at, .. } => Some(*at),
            Self::Draining { until, .. } | Self::Committing { until, .. } => Some(*until),
        }
    }

    /// True if the holding of the partition is being ended.
    pub(super) fn ends(&self, partition: &TopicPartition) -> bool {
        match self {
            Self::Draining { partitions, .. } | Self::Committing { partitions, .. } => partitions.contains(partition),
            Self::Nothing | Self::Resolving { .. } | Self::ResolveAgain { .. } => false,
        }
    }

    pub(super) fn wants_commit(&self) -> bool {
        matches!(self, Self::Draining { .. } | Self::Committing { .. })
    }
}

impl Reader {
    /// Goes on with what is being served, and takes up the next as long as something can be done.
    pub(super) fn serve(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        loop {
            match std::mem::replace(&mut self.serving, Serving::Nothing) {
                Serving::Nothing => match self.waiting.pop_front() {
                    Some(Rebalance::Assign(partitions)) => self.begin_assign(partitions, effects),
                    Some(Rebalance::Revoke { partitions, lost }) => self.begin_revoke(now, partitions, lost, effects),
                    None if self.shutdown.is_some() => return,
                    None => match self.take_ready(now) {
                        ready if ready.is_empty() => return,
                        ready => {
                            self.end(&ready, effects);
                            self.ask(For::Us, ready, 0, effects);
                        }
                    },
                },
                Serving::Draining { partitions, until } => {
                    let open =
                        |partition: &TopicPartition| self.holdings.get(partition).is_some_and(|held| !held.drained);
                    if partitions.iter().any(open) && now < until {
                        self.serving = Serving::Draining { partitions, until };
                        return;
                    }
                    for partition in partitions.iter().filter(|partition| open(partition)) {
                        effects.push(Effect::Tell(Notice::NotDrained(partition.clone())));
                    }
                    let until = now + self.settings.drain_timeout;
                    self.serving = Serving::Committing { partitions, until };
                }
                Serving::Committing { partitions, until } => {
                    let open =
                        |partition| self.holdings.get(partition).is_some_and(|held: &Holding| !held.is_committed());
                    if partitions.iter().any(open) && now < until {
                        self.serving = Serving::Committing { partitions, until };
                        return;
                    }
                    self.end(&partitions, effects);
                    effects.push(Effect::Unassign(partitions));
                }
                Serving::ResolveAgain { whom, at, partitions, attempt } if now >= at => {
                    self.ask(whom, partitions, attempt, effects);
                    return;
                }
                waits @ (Serving::Resolving { .. } | Serving::ResolveAgain { .. }) => {
                    self.serving = waits;
                    return;
                }
            }
        }
    }

    fn begin_assign(&mut self, partitions: Vec<TopicPartition>, effects: &mut Vec<Effect>) {
        // Whoever is about to leave starts nothing new.
        if partitions.is_empty() || self.shutdown.is_some() {
            self.assigned = true;
            effects.push(Effect::Assign(Vec::new()));
            return;
        }
        self.gone.retain(|partition, _| !partitions.contains(partition));
        self.ask(For::TheGroup, partitions, 0, effects);
    }

    fn ask(&mut self, whom: For, partitions: Vec<TopicPartition>, attempt: u32, effects: &mut Vec<Effect>) {
        effects.push(Effect::Resolve(whom, partitions.clone()));
        self.serving = Serving::Resolving { whom, partitions, attempt };
    }

    fn begin_revoke(&mut self, now: Moment, partitions: Vec<TopicPartition>, lost: bool, effects: &mut Vec<Effect>) {
        if lost {
            self.end(&partitions, effects);
            // An assignment that was being served when it was lost has come to its end since.
            self.assigned = false;
            effects.push(Effect::Unassign(partitions));
            return;
        }
        for partition in &partitions {
            if let Some(held) = self.holdings.get(partition) {
                effects.push(Effect::Drain(held.origin.holding));
            }
        }
        self.serving = Serving::Draining { partitions, until: now + self.settings.drain_timeout };
    }

    pub(super) fn resolved(&mut self, now: Moment, answer: Result<Vec<Resolved>, String>, effects: &mut Vec<Effect>) {
        let (whom, partitions, attempt) = match std::mem::replace(&mut self.serving, Serving::Nothing) {
            Serving::Resolving { whom, partitions, attempt } => (whom, partitions, attempt),
            other => {
                self.serving = other;
                return;
            }
        };
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(why) => {
                effects.push(Effect::Tell(Notice::NotResolved(why)));
                if whom == For::Us && !self.waiting.is_empty() {
                    return self.step_back(partitions);
                }
                let at = now + RESOLVE.delay(attempt, self.chance.bits());
                self.serving = Serving::ResolveAgain { whom, at, partitions, attempt: attempt + 1 };
                return;
            }
        };
        if self.shutdown.is_some() {
            if whom == For::TheGroup {
                effects.push(Effect::Assign(Vec::new()));
            }
            return;
        }
        answer.retain(|resolved| partitions.contains(&resolved.partition));
        for partition in partitions {
            if !answer.iter().any(|resolved| resolved.partition == partition) {
                effects.push(Effect::Tell(Notice::NotThere(partition.clone())));
                if !self.is_to_be_given_back(&partition) {
                    self.gone.insert(partition, false);
                }
            }
        }
        // Partitions of a topic next to each other: the workers get a like share of each.
        answer.sort_by(|a, b| a.partition.cmp(&b.partition));
        let starts: Vec<Start> = answer.into_iter().map(|resolved| self.begin(resolved, effects)).collect();
        match whom {
            For::TheGroup => {
                self.assigned = true;
                effects.push(Effect::Assign(starts));
            }
            For::Us if starts.is_empty() => return,
            For::Us => effects.push(Effect::Restart(starts)),
        }
        let load = self.load();
        effects.push(Effect::Tell(Notice::Placed(load)));
    }

    fn load(&self) -> Vec<usize> {
        let mut load = vec![0; self.settings.workers];
        for held in self.holdings.values() {
            load[held.worker] += 1;
        }
        load
    }

    fn begin(&mut self, resolved: Resolved, effects: &mut Vec<Effect>) -> Start {
        let Resolved { partition, incarnation, committed, bounds: (low, end) } = resolved;
        // Where others would start at the end, that has to be remembered: it will have moved on by the next start.
        let remember = committed.is_none() && self.settings.start_at_end;
        let restarts = self.restarts.remove(&partition);
        // The commits of a topic go with it. Whatever a later making has was written since the first one was read.
        let first = self.makings.entry(Arc::clone(&partition.topic)).or_insert_with(|| Arc::clone(&incarnation));
        let is_new = is_another(first, &incarnation);
        if is_none(first) {
            *first = Arc::clone(&incarnation);
        }
        let mut restart = |from: i64| {
            let skipped = (low - from).max(0);
            let notice = Notice::OutOfRange(partition.clone(), super::OutOfRange::Restarted { skipped });
            effects.push(Effect::Tell(notice));
            (low, StartReason::OutOfRange)
        };
        let (position, reason) = match committed {
            // The committed offset may be above the end as well: to try it again would go round in circles.
            ref committed if let Some(before) = restarts => restart(committed.as_ref().map_or(before, |each| each.0)),
            // Metadata that is not ours (of another program in the same group) says nothing about the topic.
            Some((_, metadata)) if made_again(&metadata, &incarnation) && !is_planted("OffsetOfOldTopic") => {
                effects.push(Effect::Tell(Notice::TopicMadeAgain(partition.clone())));
                (low, StartReason::MadeAgain)
            }
            Some((offset, _)) if offset < low && self.settings.restart_out_of_range => restart(offset),
            Some((offset, _)) => (offset, StartReason::Commit),
            None if is_new && !is_planted("EndOfNewTopic") => (low, StartReason::MadeAgain),
            None if self.settings.start_at_end => (end, StartReason::End),
            None => (low, StartReason::Beginning),
        };
        self.end(std::slice::from_ref(&partition), effects);
        let origin = self.next_origin(partition.clone(), incarnation);
        let load = self.load();
        let worker = (0..load.len()).min_by_key(|worker| load[*worker]).unwrap_or(0);
        let held = Holding {
            origin: Arc::clone(&origin),
            worker,
            end,
            committable: position,
            committed: if remember { position - 1 } else { position },
            drained: false,
            stopped: false,
            barrier: false,
            reading: Reading::from(position),
        };
        self.holdings.insert(partition, held);
        Start { origin, position, worker, reason }
    }
}

/// True if the commit was made under another incarnation of the topic.
fn made_again(metadata: &str, incarnation: &str) -> bool {
    metadata.strip_prefix(METADATA_PREFIX).is_some_and(|before| is_another(before, incarnation))
}

/// True if a topic of the one incarnation was made again since. A broker that was updated gives ids to the topics that it had before.
fn is_another(before: &str, incarnation: &str) -> bool {
    before != incarnation && !is_none(before) && !is_none(incarnation)
}
