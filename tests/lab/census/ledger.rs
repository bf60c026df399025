//! A bit for each offset of each partition: produced, to be dropped, dead-lettered, indexed.

use std::collections::BTreeMap;

/// A set of offsets that lie close together.
#[derive(Debug, Default, Clone)]
pub struct Offsets {
    words: Vec<u64>,
}

impl Extend<u64> for Offsets {
    fn extend<T: IntoIterator<Item = u64>>(&mut self, offsets: T) {
        for offset in offsets {
            self.insert(offset);
        }
    }
}

impl Offsets {
    /// Adds an offset. False if it was there before.
    pub fn insert(&mut self, offset: u64) -> bool {
        let (word, bit) = ((offset / 64) as usize, 1 << (offset % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }

    /// True if the offset is in it.
    pub fn contains(&self, offset: u64) -> bool {
        self.words.get((offset / 64) as usize).is_some_and(|word| word & 1 << (offset % 64) != 0)
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            (0..64).filter(move |bit| word & 1 << bit != 0).map(move |bit| index as u64 * 64 + bit)
        })
    }
}

/// Why a record must not be found in any index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Tombstone,
    Empty,
    Rule,
}

/// One partition's account.
#[derive(Debug, Default, Clone)]
pub struct Partition {
    /// Offsets that Kafka delivers.
    pub produced: Offsets,
    /// Of these, those that have to be dropped.
    pub dropped: Offsets,
    /// Offsets that have a dead letter.
    pub dead: Offsets,
    /// Offsets that have a document.
    pub indexed: Offsets,
    /// Documents for an offset that had one before.
    pub again: u64,
}

/// What was seen, by topic and partition.
#[derive(Debug, Default)]
pub struct Ledger {
    pub partitions: BTreeMap<String, BTreeMap<i32, Partition>>,
    pub tombstones: u64,
    pub empty: u64,
    pub by_rule: u64,
    pub malformed_origins: Vec<String>,
}

impl Ledger {
    /// The account of a partition.
    pub fn account(&mut self, topic: &str, partition: i32) -> &mut Partition {
        if !self.partitions.contains_key(topic) {
            self.partitions.insert(topic.to_owned(), BTreeMap::new());
        }
        let topic = self.partitions.get_mut(topic).expect("it was just put there");
        topic.entry(partition).or_default()
    }

    /// Takes note of a record that Kafka holds.
    pub fn produced(&mut self, topic: &str, partition: i32, offset: u64, drop: Option<Reason>) {
        let account = self.account(topic, partition);
        account.produced.insert(offset);
        if drop.is_some() {
            account.dropped.insert(offset);
        }
        match drop {
            None => {}
            Some(Reason::Tombstone) => self.tombstones += 1,
            Some(Reason::Empty) => self.empty += 1,
            Some(Reason::Rule) => self.by_rule += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_a_set_in_order() {
        let mut offsets = Offsets::default();
        for offset in [200, 0, 63, 64, 200] {
            offsets.insert(offset);
        }
        assert_eq!(offsets.iter().collect::<Vec<_>>(), [0, 63, 64, 200]);
        assert_eq!(offsets.len(), 4);
        assert!(!offsets.insert(64) && offsets.insert(65));
        assert!(!offsets.contains(1) && !offsets.contains(1_000_000));
    }
}
