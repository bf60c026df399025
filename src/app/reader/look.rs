//! Looked at ten times a second: where the consumer stands, and how far behind it is.

use std::collections::HashMap;

use super::{ReaderLoop, State};
use crate::app::clock::wall_millis;
use crate::reader::Input;

impl ReaderLoop {
    /// Tells the core the consumer's positions, and shows the lag.
    pub(super) fn look(&mut self, state: &mut State) {
        let partitions: Vec<_> =
            state.held.iter().filter(|held| held.intake).map(|held| held.origin.partition.clone()).collect();
        let positions = self.consumer.positions(&partitions).into_iter().collect();
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
        state.paces.show(now, &self.metrics);
        state.progress.tell(now, lag, self.metrics.in_flight_records.get());
        self.teller.summarise();
    }
}
