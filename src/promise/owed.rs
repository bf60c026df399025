//! What the group is owed, held against what it is told. A group takes the first answer that comes for the one that it waits for.

use std::collections::{BTreeSet, VecDeque};

use super::Kept;
use crate::record::TopicPartition;

/// The rebalances of a member that wait for their answer.
#[derive(Debug, Default)]
pub struct Owed {
    waiting: VecDeque<Rebalance>,
    given: BTreeSet<TopicPartition>,
}

#[derive(Debug)]
enum Rebalance {
    Assigned(Vec<TopicPartition>),
    Revoked(Vec<TopicPartition>),
}

impl Owed {
    /// The group gives partitions.
    pub fn assigned(&mut self, partitions: &[TopicPartition]) {
        self.given.extend(partitions.iter().cloned());
        self.waiting.push_back(Rebalance::Assigned(partitions.to_vec()));
    }

    /// The group takes partitions back, or they are lost.
    pub fn revoked(&mut self, partitions: &[TopicPartition]) {
        self.given.retain(|partition| !partitions.contains(partition));
        self.waiting.push_back(Rebalance::Revoked(partitions.to_vec()));
    }

    /// The group is told that these are taken.
    ///
    /// # Errors
    /// It does not wait for that, or did not give one of them.
    pub fn takes(&mut self, partitions: &[&TopicPartition]) -> Kept {
        match self.waiting.pop_front() {
            Some(Rebalance::Assigned(given)) if partitions.iter().all(|each| given.contains(each)) => Ok(()),
            owed => Err(format!("{partitions:?} are taken as the answer to {owed:?}")),
        }
    }

    /// The group is told that these are given back.
    ///
    /// # Errors
    /// It does not wait for just that.
    pub fn gives_back(&mut self, partitions: &[TopicPartition]) -> Kept {
        match self.waiting.pop_front() {
            Some(Rebalance::Revoked(revoked)) if revoked == partitions => Ok(()),
            owed => Err(format!("{partitions:?} are given back as the answer to {owed:?}")),
        }
    }

    /// These begin anew, and the group is told nothing.
    ///
    /// # Errors
    /// The group has taken one of them back.
    pub fn begins_anew(&self, partitions: &[&TopicPartition]) -> Kept {
        match partitions.iter().find(|partition| !self.given.contains(**partition)) {
            Some(partition) => Err(format!("{partition} begins anew, and the group has taken it back")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rebalance_is_answered_once_in_its_turn() {
        let part = |number| TopicPartition::new("t", number);
        let mut owed = Owed::default();
        owed.assigned(&[part(0), part(1)]);
        owed.revoked(&[part(0)]);
        assert!(owed.begins_anew(&[&part(0)]).is_err() && owed.begins_anew(&[&part(1)]).is_ok());
        assert_eq!(owed.takes(&[&part(1)]), Ok(()), "the topic of the other is gone");
        assert_eq!(owed.gives_back(&[part(0)]), Ok(()));
        assert!(owed.gives_back(&[part(0)]).is_err(), "nothing waits");
        owed.revoked(&[part(1)]);
        assert!(owed.takes(&[&part(1)]).is_err(), "something else waits");
        owed.revoked(&[part(1)]);
        assert!(owed.gives_back(&[]).is_err(), "not all of it");
        owed.assigned(&[part(2)]);
        assert!(owed.takes(&[&part(3)]).is_err(), "never given");
    }
}
