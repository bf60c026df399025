//! Notices partitions that do not move though nobody outside is to blame. A pure rule: what is seen is given to it.
//!
//! Two things are told apart. *Stuck*: records were taken and do not settle, while neither Elasticsearch nor the dead letters
//! refuse anything. That is a fault of ours, and starting again helps: the process is not alive. *Silent*: there is lag, and
//! nothing arrives though there is room. That is Kafka's (a broker that is away), and starting again helps nobody: it is told, and
//! that is all.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Moment;
use crate::record::TopicPartition;

/// What is seen of one partition.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which.
    pub partition: TopicPartition,
    /// Since when the first record that is not settled has been that, if there is one.
    pub unsettled_since: Option<Moment>,
    /// When something was taken or settled last.
    pub moved: Moment,
    /// Records up to the end.
    pub behind: i64,
    /// Records are taken as they come: it is neither stopped nor paused nor drained, and there is memory.
    pub takes: bool,
    /// It is stopped for a reason that was told.
    pub stopped: bool,
}

/// Why a partition does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stall {
    /// What was taken does not settle, and nobody refuses it.
    Stuck,
    /// Nothing arrives.
    Silent,
}

/// What changed: the partition, and why it does not move; `None` if it moves again.
pub type Change = (TopicPartition, Option<Stall>);

/// The partitions that do not move.
#[derive(Debug)]
pub struct Stalls {
    patience: Duration,
    /// Since when nothing outside is in the way.
    clear_since: Option<Moment>,
    stalled: BTreeMap<TopicPartition, Stall>,
}

impl Stalls {
    /// Nothing is stalled before `patience` is over. That has to be more than a request may take.
    pub fn new(patience: Duration) -> Self {
        Self { patience, clear_since: None, stalled: BTreeMap::new() }
    }

    /// Looks at all partitions that are held. `refused`: Elasticsearch or the dead letters do not take what they are given.
    pub fn look(&mut self, now: Moment, refused: bool, seen: &[Seen]) -> Vec<Change> {
        self.clear_since = (!refused).then(|| self.clear_since.unwrap_or(now));
        let mut changes = Vec::new();
        let before = std::mem::take(&mut self.stalled);
        for each in seen {
            let stall = self.stall(now, each);
            if let Some(stall) = stall {
                self.stalled.insert(each.partition.clone(), stall);
            }
            if before.get(&each.partition).copied() != stall {
                changes.push((each.partition.clone(), stall));
            }
        }
        // What is not held any more is nobody's business here.
        let gone = before.into_keys().filter(|partition| !seen.iter().any(|each| each.partition == *partition));
        changes.extend(gone.map(|partition| (partition, None)));
        changes
    }

    fn stall(&self, now: Moment, seen: &Seen) -> Option<Stall> {
        let over = |since: Moment| now.since(since) >= self.patience;
        match seen.unsettled_since {
            _ if seen.stopped => None,
            Some(since) => self.clear_since.filter(|clear| over(since.max(*clear))).map(|_| Stall::Stuck),
            None => (seen.behind > 0 && seen.takes && over(seen.moved)).then_some(Stall::Silent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: u64 = 300;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    fn stalls() -> Stalls {
        Stalls::new(Duration::from_secs(PATIENCE))
    }

    fn seen(unsettled_since: Option<u64>) -> Seen {
        let partition = TopicPartition::new("t", 0);
        let unsettled_since = unsettled_since.map(at);
        Seen { partition, unsettled_since, moved: at(0), behind: 5, takes: true, stopped: false }
    }

    fn only(stall: Option<Stall>) -> Vec<Change> {
        vec![(TopicPartition::new("t", 0), stall)]
    }

    #[test]
    fn what_does_not_settle_though_nobody_refuses_it_is_stuck_and_told_once() {
        let mut stalls = stalls();
        assert_eq!(stalls.look(at(10), false, &[seen(Some(10))]), []);
        assert_eq!(stalls.look(at(309), false, &[seen(Some(10))]), []);
        assert_eq!(stalls.look(at(310), false, &[seen(Some(10))]), only(Some(Stall::Stuck)));
        assert_eq!(stalls.look(at(311), false, &[seen(Some(10))]), []);
        assert_eq!(stalls.look(at(312), false, &[seen(Some(312))]), only(None));
    }

    #[test]
    fn what_elasticsearch_refuses_is_not_stuck_nor_just_after() {
        let mut stalls = stalls();
        assert_eq!(stalls.look(at(1000), true, &[seen(Some(0))]), []);
        assert_eq!(stalls.look(at(1001), false, &[seen(Some(0))]), []);
        assert_eq!(stalls.look(at(1300), false, &[seen(Some(0))]), []);
        assert_eq!(stalls.look(at(1301), false, &[seen(Some(0))]), only(Some(Stall::Stuck)));
        assert_eq!(stalls.look(at(1302), true, &[seen(Some(0))]), only(None), "it is refused now");
    }

    #[test]
    fn lag_of_which_nothing_arrives_is_silent_if_it_would_be_taken() {
        let mut stalls = stalls();
        assert_eq!(stalls.look(at(299), false, &[seen(None)]), []);
        let others = [Seen { takes: false, ..seen(None) }, Seen { behind: 0, ..seen(None) }];
        for other in others {
            assert_eq!(stalls.look(at(300), false, &[other]), []);
        }
        assert_eq!(stalls.look(at(300), true, &[seen(None)]), only(Some(Stall::Silent)));
        assert_eq!(stalls.look(at(301), true, &[]), only(None), "it was given back");
    }

    #[test]
    fn what_is_stopped_was_told_already() {
        let stopped = |since| Seen { stopped: true, ..seen(since) };
        assert_eq!(stalls().look(at(900), false, &[stopped(None)]), []);
        let mut stalls = stalls();
        assert_eq!(stalls.look(at(0), false, &[stopped(Some(0))]), []);
        assert_eq!(stalls.look(at(900), false, &[stopped(Some(0))]), []);
    }
}
