//! The log of a partition: records with gaps between them, written bit by bit, and taken by retention from the front.

use std::sync::Arc;

use crate::backoff::Chance;

/// A record in a log.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) offset: i64,
    pub(super) timestamp: Option<i64>,
    pub(super) payload: Option<Vec<u8>>,
}

/// The log of one partition.
#[derive(Debug)]
pub(super) struct Log {
    /// Which making of its topic it belongs to.
    pub(super) making: u32,
    incarnation: Arc<str>,
    entries: Vec<Entry>,
    produced: usize,
    low: i64,
    end: i64,
}

impl Log {
    pub(super) fn new(making: u32, (records, midnight): (u64, bool), chance: &mut Chance) -> Self {
        let low = if chance.hits(1, 3) { chance.below(1000) as i64 } else { 0 };
        let mut offset = low - 1;
        let count = chance.below(records + 1);
        let entries: Vec<Entry> = (0..count)
            .map(|number| {
                let day = midnight.then_some((number * 3 / count) as u8);
                // Transaction markers and compaction leave gaps.
                offset += 1 + if chance.hits(1, 5) { chance.below(9) as i64 } else { 0 };
                let timestamp = chance.hits(9, 10).then_some(1_700_000_000_000 + offset);
                Entry { offset, timestamp, payload: super::script::payload(day, chance) }
            })
            .collect();
        let end = offset + 1 + if chance.hits(1, 3) { chance.below(4) as i64 } else { 0 };
        let produced = chance.below(entries.len() as u64 + 1) as usize;
        Self { making, incarnation: format!("i{making}").into(), entries, produced, low, end }
    }

    /// More is written.
    pub(super) fn produce(&mut self, records: usize) {
        self.produced = (self.produced + records).min(self.entries.len());
    }

    /// The next offset that would be written.
    pub(super) fn end(&self) -> i64 {
        if self.produced == self.entries.len() {
            return self.end;
        }
        self.produced.checked_sub(1).map_or(self.low, |last| self.entries[last].offset + 1)
    }

    pub(super) fn low(&self) -> i64 {
        self.low
    }

    /// The short form of its topic's id.
    pub(super) fn incarnation(&self) -> Arc<str> {
        Arc::clone(&self.incarnation)
    }

    /// Retention takes some of what is written.
    pub(super) fn retain(&mut self, records: usize) {
        let keep = self.entries.partition_point(|entry| entry.offset < self.low) + records;
        if keep < self.produced {
            self.low = self.low.max(self.entries[keep].offset);
        }
    }

    /// True if it can be read from there on: nothing may be there yet, but nothing is gone.
    pub(super) fn is_in_range(&self, position: i64) -> bool {
        (self.low..=self.end()).contains(&position)
    }

    /// True if it never had an offset to read.
    pub(super) fn is_empty(&self) -> bool {
        self.low == self.end
    }

    /// Everything that is or will be written.
    pub(super) fn all(&self) -> &[Entry] {
        &self.entries
    }

    /// What can be read now.
    pub(super) fn written(&self) -> &[Entry] {
        &self.entries[..self.produced]
    }

    /// Up to `most` records from a position on.
    pub(super) fn read(&self, position: i64, most: usize) -> &[Entry] {
        let from = self.written().partition_point(|entry| entry.offset < position);
        &self.written()[from..(from + most).min(self.produced)]
    }
}
