//! What was produced, record by record, by whoever produced it; and what that means for what has to be found.
//!
//! The topics themselves can't tell it when they are compacted, deleted and made again, or overtaken by retention. A
//! record is known again by its place *and* its timestamp, which differs between the makings of a topic: so a document
//! that claims a place but came from another record is seen.

mod feed;
mod sight;
mod verdict;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

pub use feed::{Load, TopicKind, feed};
pub use sight::Sight;
pub use verdict::{Commit, Ends, Verdict};

/// What has to become of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expect {
    /// There is no record: a gap, or a marker of a transaction.
    #[default]
    Nothing,
    /// A document or a dead letter.
    Must,
    /// Neither: it has no value, or an empty one.
    Drop,
    /// Neither: its transaction was aborted.
    Never,
    /// Perhaps: the record may have been removed before anyone read it.
    May(Removal),
    /// Not decided: its transaction is open.
    Open,
}

/// Why a record may have been removed before it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Removal {
    /// A later one has its key.
    Compaction,
    /// It lay below where the topic was made to begin.
    Retention,
    /// Its topic was deleted.
    Deletion,
}

/// A record that the broker has taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// It is to be dropped.
    pub drop: bool,
    /// Its key, where a later record of the same key may remove it.
    pub key: Option<u64>,
    /// It is part of an open transaction.
    pub open: bool,
}

/// One partition of one making of a topic.
#[derive(Debug, Default)]
pub struct Account {
    expect: Vec<Expect>,
    timestamps: Vec<i64>,
    latest: HashMap<u64, usize>,
}

impl Account {
    fn note(&mut self, offset: usize, told: &Told) {
        if self.expect.len() <= offset {
            self.expect.resize(offset + 1, Expect::Nothing);
            self.timestamps.resize(offset + 1, -1);
        }
        self.timestamps[offset] = told.timestamp;
        self.expect[offset] = match (told.open, told.drop) {
            (true, _) => Expect::Open,
            (false, true) => Expect::Drop,
            (false, false) => Expect::Must,
        };
        if let Some(key) = told.key
            && let Some(before) = self.latest.insert(key, offset)
            && self.expect[before] == Expect::Must
        {
            self.expect[before] = Expect::May(Removal::Compaction);
        }
    }

    /// What is expected of an offset.
    pub fn expect(&self, offset: u64) -> Expect {
        self.expect.get(offset as usize).copied().unwrap_or_default()
    }

    /// One more than the highest offset of a record.
    pub fn end(&self) -> u64 {
        self.expect.len() as u64
    }
}

/// Everything produced: by topic, the makings in order, each with its partitions.
#[derive(Debug, Default)]
pub struct Oracle {
    topics: BTreeMap<String, Vec<Vec<Account>>>,
}

/// The oracle, as those who produce and those who judge share it.
pub type Shared = Arc<Mutex<Oracle>>;

/// The oracle, for a while.
pub fn lock(shared: &Shared) -> MutexGuard<'_, Oracle> {
    shared.lock().expect("nothing panics with the oracle")
}

impl Oracle {
    /// A topic was made, perhaps again. Gives the number of the making.
    pub fn made(&mut self, topic: &str, partitions: i32) -> usize {
        let makings = self.topics.entry(topic.to_owned()).or_default();
        makings.push((0..partitions).map(|_| Account::default()).collect());
        makings.len() - 1
    }

    /// The makings of a topic so far.
    pub fn makings(&self, topic: &str) -> &[Vec<Account>] {
        self.topics.get(topic).map_or(&[], Vec::as_slice)
    }

    /// The present making of each topic.
    pub fn present(&self) -> impl Iterator<Item = (&str, usize, &[Account])> {
        self.topics
            .iter()
            .filter_map(|(topic, makings)| Some((topic.as_str(), makings.len() - 1, makings.last()?.as_slice())))
    }

    /// How many records there were, aborted ones too.
    pub fn records(&self) -> u64 {
        let accounts = self.topics.values().flatten().flatten();
        accounts.map(|account| account.expect.iter().filter(|one| **one != Expect::Nothing).count() as u64).sum()
    }

    fn account(&mut self, topic: &str, making: usize, partition: i32) -> Option<&mut Account> {
        self.topics.get_mut(topic)?.get_mut(making)?.get_mut(usize::try_from(partition).ok()?)
    }

    /// A record was taken by the broker.
    pub fn note(&mut self, topic: &str, making: usize, partition: i32, (offset, told): (i64, &Told)) {
        let offset = usize::try_from(offset).expect("the broker tells the offset");
        self.account(topic, making, partition).expect("the topic was made").note(offset, told);
    }

    /// A transaction ended: its records are there, or never will be. Each comes with whether it is to be dropped.
    pub fn ended(&mut self, topic: &str, making: usize, records: &[(i32, i64, bool)], committed: bool) {
        for (partition, offset, drop) in records {
            let account = self.account(topic, making, *partition).expect("the topic was made");
            account.expect[*offset as usize] = match (committed, drop) {
                (false, _) => Expect::Never,
                (true, true) => Expect::Drop,
                (true, false) => Expect::Must,
            };
        }
    }

    /// Takes note of a record that is in the topic; false if that was known. A broker that is killed may have kept a
    /// record that it did not acknowledge, and then keep the second sending, too.
    pub fn complete(&mut self, topic: &str, making: usize, partition: i32, (offset, told): (i64, &Told)) -> bool {
        let known = self
            .account(topic, making, partition)
            .is_none_or(|account| account.expect(u64::try_from(offset).unwrap_or(u64::MAX)) != Expect::Nothing);
        if !known {
            self.note(topic, making, partition, (offset, told));
        }
        !known
    }

    /// What lies in a range of offsets of a making's partition may never be read.
    pub fn let_go(&mut self, (topic, making, partition): (&str, usize, i32), range: Range<u64>, why: Removal) {
        let Some(account) = self.account(topic, making, partition) else { return };
        let end = (range.end as usize).min(account.expect.len());
        for expect in &mut account.expect[(range.start as usize).min(end)..end] {
            if *expect == Expect::Must {
                *expect = Expect::May(why);
            }
        }
    }

    /// True if a record at this place may have been kept by a broker that was killed before it said so, been sent again, and been
    /// removed by compaction since: nobody knows of it, and a later one of its timestamp is there.
    pub fn was_sent_again(&self, topic: &str, partition: i32, offset: u64, timestamp: i64) -> bool {
        let making = |accounts: &Vec<Account>| {
            let Some(account) = usize::try_from(partition).ok().and_then(|number| accounts.get(number)) else {
                return false;
            };
            // Only where there is compaction there are keys.
            !account.latest.is_empty()
                && account.expect(offset) == Expect::Nothing
                && account.timestamps.iter().skip(offset as usize + 1).any(|other| *other == timestamp)
        };
        self.topics.get(topic).is_some_and(|makings| makings.iter().any(making))
    }

    /// Which making of a topic the record at this place and with this timestamp is of.
    pub fn making_of(&self, topic: &str, partition: i32, offset: u64, timestamp: i64) -> Option<usize> {
        let place = |accounts: &Vec<Account>| {
            let account = accounts.get(usize::try_from(partition).ok()?)?;
            account.timestamps.get(offset as usize).copied()
        };
        self.topics.get(topic)?.iter().rposition(|accounts| place(accounts) == Some(timestamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makings_are_told_apart_and_expectations_follow_what_happens() {
        let told = |timestamp| Told { timestamp, drop: false, key: None, open: false };
        let mut oracle = Oracle::default();
        oracle.made("t", 1);
        (0..4).for_each(|offset| oracle.note("t", 0, 0, (offset, &told(offset))));
        oracle.let_go(("t", 0, 0), 2..9, Removal::Retention);
        oracle.made("t", 1);
        oracle.note("t", 1, 0, (2, &told(64)));
        oracle.note("t", 1, 0, (4, &Told { open: true, ..told(65) }));
        oracle.ended("t", 1, &[(0, 4, false)], false);
        assert_eq!(oracle.making_of("t", 0, 2, 2), Some(0));
        assert_eq!(oracle.making_of("t", 0, 2, 64), Some(1));
        assert_eq!((oracle.making_of("t", 0, 2, 65), oracle.making_of("u", 0, 2, 2)), (None, None));
        let of = |making: usize| {
            let account = &oracle.makings("t")[making][0];
            (0..account.end()).map(|offset| account.expect(offset)).collect::<Vec<_>>()
        };
        let expired = Expect::May(Removal::Retention);
        assert_eq!(of(0), [Expect::Must, Expect::Must, expired, expired]);
        assert_eq!(of(1), [Expect::Nothing, Expect::Nothing, Expect::Must, Expect::Nothing, Expect::Never]);
        assert_eq!(oracle.records(), 6);
        assert!(oracle.complete("t", 1, 0, (3, &told(72))) && !oracle.complete("t", 1, 0, (2, &told(64))));
        assert_eq!(oracle.makings("t")[1][0].expect(3), Expect::Must);
        let keyed = |timestamp| Told { key: Some(7), ..told(timestamp) };
        assert!(!oracle.was_sent_again("t", 0, 1, 64));
        oracle.note("t", 1, 0, (5, &keyed(70)));
        assert!(oracle.was_sent_again("t", 0, 1, 70) && !oracle.was_sent_again("t", 0, 1, 71));
        assert!(!oracle.was_sent_again("t", 0, 5, 70) && !oracle.was_sent_again("t", 0, 6, 70));
        oracle.note("t", 1, 0, (6, &keyed(71)));
        assert_eq!(oracle.makings("t")[1][0].expect(5), Expect::May(Removal::Compaction));
        assert_eq!(oracle.makings("t")[1][0].expect(6), Expect::Must);
    }
}
