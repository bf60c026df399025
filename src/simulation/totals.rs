//! What happened, to see that enough does; and the hash by which two runs are compared.

use std::collections::BTreeMap;

/// What happened, to see that enough does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) counts: BTreeMap<&'static str, u64>,
    /// A hash of when what happened, in order, and of what was there in the end.
    pub(super) trace: u64,
}

impl Totals {
    const NAMES: [&str; 31] = [
        "records",
        "rebalances",
        "lost sessions",
        "crashes",
        "shutdowns",
        "complete endings",
        "unsettled endings",
        "commits",
        "refused commits",
        "undrained revokes",
        "bulk requests",
        "late requests",
        "look-ups",
        "held indices",
        "outages",
        "letters",
        "indexed",
        "duplicate",
        "dropped",
        "caught up",
        "reloads",
        "barriers passed",
        "pauses",
        "errors of partitions",
        "changes of topics",
        "topics made again",
        "out of range",
        "retentions",
        "stopped processes",
        "full memories",
        "outages of the letters",
    ];

    pub(super) fn add(&mut self, other: &Self) {
        for (what, number) in &other.counts {
            *self.counts.entry(what).or_default() += number;
        }
        self.mix(other.trace);
    }

    /// Something more was seen.
    pub(super) fn mix(&mut self, with: u64) {
        self.trace = (self.trace ^ with).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }

    /// A text was seen.
    pub(super) fn mix_text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.mix(byte.into()));
    }

    pub(super) fn by_name(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Self::NAMES.into_iter().map(|name| (name, self.counts.get(name).copied().unwrap_or_default()))
    }
}
