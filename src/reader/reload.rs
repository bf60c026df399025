//! The barrier between two versions of a pipeline: what was read by the older one is settled and committed before the newer
//! one reads on. Each partition passes it alone, and takes as long as it takes: a partition whose index is blocked stays with
//! the older version, others go on.
//!
//! The newer version reads under a holding of its own. So nothing of the older one can settle anything of it, and every
//! document is made by the version that its holding says.

use std::sync::Arc;

use super::{Effect, Holding, Reader, Reload, Start, StartReason};
use crate::planted::is_planted;
use crate::record::{HoldingId, Origin, Route, TopicPartition};

impl Reader {
    /// Raises a barrier before every partition whose pipeline has changed.
    pub(super) fn reload(&mut self, Reload { routes, topics }: Reload, effects: &mut Vec<Effect>) {
        if self.shutdown.is_some() {
            return;
        }
        for (partition, held) in &mut self.holdings {
            let changed = routes.get(&partition.topic).is_some_and(|route| *route != held.origin.route);
            // What is stopped is not read on, by no version. A barrier that stands falls for the version that is in force then.
            if changed && !held.barrier && !held.stopped {
                held.barrier = true;
                held.drained = false;
                effects.push(Effect::Drain(held.origin.holding));
            }
        }
        self.settings.routes = routes;
        effects.extend(topics.map(Effect::Subscribe));
    }

    /// True if something waits for a commit, and then for nothing else, to pass its barrier.
    pub(super) fn barrier_wants_commit(&self) -> bool {
        self.holdings.values().any(|held| held.barrier && held.drained && !held.stopped)
    }

    /// Partitions that still wait for what an older version of their pipeline has read.
    pub fn barriers(&self) -> usize {
        self.holdings.values().filter(|held| held.barrier).count()
    }

    /// Reads on with the version in force, wherever everything before it is settled and committed.
    pub(super) fn renew(&mut self, effects: &mut Vec<Effect>) {
        if self.shutdown.is_some() || self.barriers() == 0 {
            return;
        }
        let passes = |held: &Holding| {
            let drained = held.drained || is_planted("BarrierWithoutDrain");
            let committed = held.is_committed() || is_planted("BarrierWithoutCommit");
            held.barrier && drained && committed && !held.stopped
        };
        let ready: Vec<TopicPartition> = self
            .holdings
            .iter()
            .filter(|(partition, held)| passes(held) && !self.is_about_to_end(partition))
            .map(|(partition, _)| partition.clone())
            .collect();
        for partition in ready {
            let Some(before) = self.holdings.remove(&partition) else { continue };
            effects.push(Effect::End(before.origin.holding));
            let origin = self.next_origin(partition.clone(), Arc::clone(&before.origin.incarnation));
            let (position, worker, reason) = (before.committable, before.worker, StartReason::Reload);
            let start = Start { origin: Arc::clone(&origin), position, worker, reason };
            let reading = super::reading::Reading::from(before.committable);
            self.holdings.insert(partition, Holding { origin, reading, drained: false, barrier: false, ..before });
            effects.push(Effect::Renew(start));
        }
    }

    /// The origin of a holding that begins now.
    pub(super) fn next_origin(&mut self, partition: TopicPartition, incarnation: Arc<str>) -> Arc<Origin> {
        self.epoch += 1;
        let route: Arc<Route> = self.settings.routes.get(&partition.topic).cloned().unwrap_or_default();
        Arc::new(Origin { holding: HoldingId(self.epoch), partition, incarnation, route })
    }
}
