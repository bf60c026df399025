//! Partitions that begin anew while they are held: their offset is out of range, or their topic was made again. And those that the
//! group gave while they were not there.
//!
//! What was read of one is not to be read again, and what was read of a topic that is gone is nowhere else. So all of it settles,
//! for as long as it takes, each partition for itself; then it is committed, and the broker is asked where to go on. They come after
//! rebalances, and step back for one that comes later: it would wait for them, and might take them back.

use super::rebalance::{Rebalance, Serving};
use super::{Effect, For, Reader};
use crate::clock::Moment;
use crate::planted::is_planted;
use crate::record::TopicPartition;

/// Since when all that was read of a partition has been settled.
pub(super) type Settled = Option<Moment>;

impl Reader {
    /// Takes no more of these, and lets what was read settle.
    pub(super) fn begin_anew(
        &mut self,
        partitions: impl IntoIterator<Item = TopicPartition>,
        effects: &mut Vec<Effect>,
    ) {
        for partition in partitions {
            if let Some(held) = self.holdings.get(&partition) {
                effects.push(Effect::Drain(held.origin.holding));
            }
            self.anew.insert(partition, None);
        }
    }

    /// Those of which everything is settled and committed. A commit may be refused for ever, as for a topic that is gone; it is not
    /// waited for longer than before a revoke.
    pub(super) fn take_ready(&mut self, now: Moment) -> Vec<TopicPartition> {
        let (holdings, patience) = (&self.holdings, self.settings.drain_timeout);
        let is_ready = |partition: &TopicPartition, settled: &mut Settled| match holdings.get(partition) {
            // A reload in between has it settle once more.
            Some(held) if !held.drained && !is_planted("BeginAnewWithoutDrain") => {
                *settled = None;
                false
            }
            Some(held) => held.is_committed() || now >= *settled.get_or_insert(now) + patience,
            None => true,
        };
        self.anew.extract_if(.., |partition, settled| is_ready(partition, settled)).map(|(ready, _)| ready).collect()
    }

    /// True if one of them waits for a commit, and for nothing else.
    pub(super) fn anew_wants_commit(&self) -> bool {
        self.anew.keys().any(|partition| self.holdings.get(partition).is_some_and(|held| held.drained))
    }

    /// When the wait for a commit is over.
    pub(super) fn anew_wakes_at(&self) -> Option<Moment> {
        let patience = self.settings.drain_timeout;
        let is_idle = matches!(self.serving, Serving::Nothing) && self.shutdown.is_none();
        self.anew.values().flatten().map(|settled| *settled + patience).min().filter(|_| is_idle)
    }

    /// A rebalance waits for its turn, which comes before that of whatever begins anew.
    pub(super) fn record(&mut self, rebalance: Rebalance) {
        self.waiting.push_back(rebalance);
        match std::mem::replace(&mut self.serving, Serving::Nothing) {
            Serving::ResolveAgain { whom: For::Us, partitions, .. } => self.step_back(partitions),
            // What was asked is answered soon.
            other => self.serving = other,
        }
    }

    /// They are asked about once more, after the rebalances.
    pub(super) fn step_back(&mut self, partitions: Vec<TopicPartition>) {
        self.anew.extend(partitions.into_iter().map(|partition| (partition, None)));
    }

    /// Partitions that the group takes back do not begin anew here.
    pub(super) fn stay_as_they_are(&mut self, revoked: &[TopicPartition]) {
        if is_planted("RestartRevoked") {
            return;
        }
        let stays = |partition: &TopicPartition| !revoked.contains(partition);
        self.anew.retain(|partition, _| stays(partition));
        self.gone.retain(|partition, _| stays(partition));
        self.restarts.retain(|partition, _| stays(partition));
        if let Serving::Resolving { whom: For::Us, partitions, .. }
        | Serving::ResolveAgain { whom: For::Us, partitions, .. } = &mut self.serving
        {
            partitions.retain(stays);
        }
    }
}
