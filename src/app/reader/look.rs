//! Looked at ten times a second: where the consumer stands, and how far behind it is.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::take::Held;
use super::{ReaderLoop, State};
use crate::admin::Condition;
use crate::app::clock::wall_millis;
use crate::app::stall::{Seen, Stall};
use crate::passage::is_within_share;
use crate::reader::Input;

/// How often it is looked for partitions that do not move.
const STALLS: Duration = Duration::from_secs(1);
/// A partition that settles nothing for this long, and may take nothing more into memory, is told of.
const CROWDED: Duration = Duration::from_secs(10);

impl ReaderLoop {
    /// Tells the core the consumer's positions, and shows the lag.
    pub(super) fn look(&mut self, state: &mut State) {
        let positions = self.consumer.positions();
        self.step(Input::Positions(positions), state);
        let now = self.clock.now();
        let mut lag = 0;
        let committed: HashMap<_, _> =
            self.core.progress().map(|(partition, committed, end)| (partition.clone(), (committed, end))).collect();
        for held in &mut state.held {
            let partition = &held.origin.partition;
            let Some((committed, end)) = committed.get(partition) else { continue };
            let end = state.ends.get(partition).copied().unwrap_or(*end).max(*end);
            let behind = (end - committed).max(0);
            lag += behind;
            held.meters.lag_records.set(behind);
            held.meters.committed_offset.set(*committed);
            held.meters.lag_seconds.set(held.waiting.age(now, wall_millis(), behind));
            let (end_before, committed_before) = held.seen.replace((end, *committed)).unwrap_or((end, *committed));
            state.paces.partition(&partition.topic, behind, end - end_before, committed - committed_before);
        }
        if now.since(state.looked_for_stalls) >= STALLS {
            state.looked_for_stalls = now;
            self.look_for_stalls(state);
        }
        state.paces.show(now, &self.metrics);
        state.progress.tell(now, lag, self.metrics.in_flight_records.get(), || self.metrics.settled());
        self.teller.summarise();
    }

    /// Says which partitions do not move, and why.
    fn look_for_stalls(&mut self, state: &mut State) {
        let now = self.clock.now();
        let refused = self.refused.load(Ordering::Relaxed) || self.metrics.dead_letters_waiting.get() > 0;
        let unsettled: HashMap<_, _> =
            self.core.unsettled().map(|(partition, since, stopped)| (partition.clone(), (since, stopped))).collect();
        // While Elasticsearch as a whole does not answer, all of them wait for the same, which is told already.
        let answers = self.health.conditions().contains(&(Condition::Elasticsearch, true));
        for held in &mut state.held {
            let partition = &held.origin.partition;
            let since = unsettled.get(partition).and_then(|(since, stopped)| since.filter(|_| !stopped));
            let waits = answers && held.intake && !held.paused && !is_within_share(&self.budget, &held.part);
            // Once it is, it stays so until something settles, even if memory comes and goes meanwhile.
            let crowded = (waits || held.crowded) && since.is_some_and(|since| now.since(since) >= CROWDED);
            if crowded == std::mem::replace(&mut held.crowded, crowded) {
                continue;
            }
            self.metrics.set_partition_stopped(partition, "memory", crowded);
            if crowded {
                tracing::warn!(%partition, bytes = held.part.used(), "the partition has used up its share of memory_limit and nothing of it settles: it waits until something does; see which index is held");
            } else {
                tracing::info!(%partition, "the partition is read on");
            }
        }
        let room = self.budget.free() > 0;
        let see = |held: &Held| {
            let partition = held.origin.partition.clone();
            let (unsettled_since, stopped) = *unsettled.get(&partition)?;
            let behind = held.seen.map_or(0, |(end, committed)| end - committed);
            let takes = held.intake && !held.paused && room;
            Some(Seen { partition, unsettled_since, moved: held.waiting.moved(), behind, takes, stopped })
        };
        let seen: Vec<Seen> = state.held.iter().filter_map(see).collect();
        for (partition, stall) in self.stalls.look(now, refused, &seen) {
            let worker = state.held.iter().find(|held| held.origin.partition == partition).map(|held| held.worker);
            // What stalls is held, so it has a worker; what does not may have been given back.
            let why = |of, told: fn(usize) -> String| worker.filter(|_| stall == Some(of)).map(told);
            let stuck = |worker| format!("what worker {worker} has taken does not settle, and nobody refuses it");
            let silent = |worker| format!("it has lag, and nothing arrives for worker {worker}");
            self.health.stuck(partition.to_string(), why(Stall::Stuck, stuck));
            self.health.silent(partition.to_string(), why(Stall::Silent, silent));
            match stall {
                Some(Stall::Stuck) => {
                    tracing::error!(%partition, worker, "a partition is stuck: its records do not settle though neither elasticsearch nor the dead letters refuse any; /livez answers 503, start this process again, and please report it");
                }
                Some(Stall::Silent) => {
                    tracing::warn!(%partition, "a partition has lag and nothing arrives from kafka, as when a broker is away; /livez shows it under silent");
                }
                None => tracing::info!(%partition, "a partition moves again, or was given back"),
            }
        }
    }
}
