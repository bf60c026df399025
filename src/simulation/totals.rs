//! What happened, to see that enough does; and the hash by which two runs are compared.

/// What happened, to see that enough does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    counts: Vec<(&'static str, u64)>,
    /// A hash of when what happened, in order, and of what was there in the end.
    pub(super) trace: u64,
}

impl Totals {
    const NAMES: [&str; 54] = [
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
        "silent indices",
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
        "partitions that are put back late",
        "changes of topics",
        "topics made again",
        "out of range",
        "retentions",
        "partitions that stop where retention took what was to be read",
        "stopped processes",
        "full memories",
        "outages of the letters",
        "letters of held indices",
        "letters left to the next owner",
        "topics gone",
        "new partitions",
        "records that cannot be read",
        "partitions begun anew",
        "partitions without a leader",
        "midnights",
        "starts at the end",
        "documents that an index has no fields for",
        "items refused for now",
        "short answers",
        "long answers",
        "requests lost on their way",
        "answers lost on their way",
        "answers that are none",
        "checks that nobody answers",
        "requests that a shard does not answer",
        "documents refused for no known reason",
        "ids that others have taken",
    ];

    pub(super) fn add(&mut self, other: &Self) {
        for (what, number) in &other.counts {
            self.count(what, *number);
        }
        self.mix(other.trace);
    }

    /// Something happened so many times more.
    pub(super) fn count(&mut self, what: &'static str, number: u64) {
        match self.counts.iter_mut().find(|(name, _)| *name == what) {
            Some((_, count)) => *count += number,
            None => self.counts.push((what, number)),
        }
    }

    /// Something more was seen.
    pub(super) fn mix(&mut self, with: u64) {
        self.trace = (self.trace ^ with).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }

    /// A text was seen.
    pub(super) fn mix_text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.mix(byte.into()));
    }

    fn number_of(&self, name: &str) -> u64 {
        self.counts.iter().find(|(each, _)| *each == name).map_or(0, |(_, number)| *number)
    }

    pub(super) fn by_name(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Self::NAMES.into_iter().map(|name| (name, self.number_of(name)))
    }
}
