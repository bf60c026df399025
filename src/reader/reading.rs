//! How far a holding has been read, and whether that is too far ahead of what is settled.

use super::{Effect, MaxUncommitted, Notice, Reader};
use crate::clock::Moment;
use crate::planted::is_planted;
use crate::record::{HoldingId, TopicPartition};

/// What is known of the reading of one holding.
#[derive(Debug)]
pub(super) struct Reading {
    /// The position that its worker was told last.
    told: i64,
    taken: u64,
    /// Of these, how many are below the watermark.
    below: u64,
    /// When the watermark moved last, while there is something above it.
    since: Option<Moment>,
    is_ahead: bool,
}

impl Reading {
    pub(super) fn from(position: i64) -> Self {
        Self { told: position, taken: 0, below: 0, since: None, is_ahead: false }
    }

    fn took(&mut self, now: Moment, records: u64) {
        self.taken += records;
        self.since = self.since.or(Some(now));
    }

    pub(super) fn settled(&mut self, now: Moment, below: u64) {
        if below > self.below {
            self.below = below;
            self.since = Some(now).filter(|_| self.taken > below);
        }
    }

    pub(super) fn unsettled_since(&self) -> Option<Moment> {
        self.since
    }

    fn is_too_far(&self, now: Moment, most: MaxUncommitted) -> bool {
        let records = self.taken.saturating_sub(self.below);
        records > 0 && (records >= most.records || self.since.is_some_and(|since| now.since(since) >= most.age))
    }
}

impl Reader {
    pub(super) fn took(&mut self, now: Moment, partition: &TopicPartition, records: u64, effects: &mut Vec<Effect>) {
        let Some(held) = self.holdings.get_mut(partition) else { return };
        held.reading.took(now, records);
        let holding = held.origin.holding;
        self.look_ahead(now, holding, effects);
    }

    pub(super) fn positions(&mut self, now: Moment, positions: Vec<(TopicPartition, i64)>, effects: &mut Vec<Effect>) {
        for (partition, position) in positions {
            let Some(held) = self.holdings.get_mut(&partition) else { continue };
            // The client has moved past a record that cannot be read.
            let believed = !held.stopped || is_planted("BelieveStopped");
            if believed && position > held.reading.told {
                held.reading.told = position;
                effects.push(Effect::Position(held.origin.holding, position));
            }
        }
        let all: Vec<HoldingId> = self.holdings.values().map(|held| held.origin.holding).collect();
        for holding in all {
            self.look_ahead(now, holding, effects);
        }
    }

    /// Pauses a holding that is read too far ahead of what is settled, and resumes it once it is not.
    pub(super) fn look_ahead(&mut self, now: Moment, holding: HoldingId, effects: &mut Vec<Effect>) {
        let most = self.settings.max_uncommitted;
        let Some(held) = self.by_id(holding) else { return };
        let is_ahead = held.reading.is_too_far(now, most);
        let is_ahead = is_ahead || is_planted("NeverResume") && held.reading.is_ahead;
        if is_ahead == std::mem::replace(&mut held.reading.is_ahead, is_ahead) {
            return;
        }
        let partition = held.origin.partition.clone();
        let (notice, effect) = match is_ahead {
            true => (Notice::Ahead(partition), Effect::Pause(holding)),
            false => (Notice::NotAhead(partition), Effect::Resume(holding)),
        };
        effects.extend([effect, Effect::Tell(notice)]);
    }
}
