//! How long it is waited for the offsets of each partition. One without a leader has none to tell, and nobody says so: the question
//! times out.
//!
//! While partitions are asked about, rebalances wait. So the broker gets its time once, and no partition holds up the others for as
//! long again. Where the group waits for the answer, all of them are asked. Where nobody does, because the partitions begin anew while others
//! are read, it is over after a few that did not answer: they are asked again soon, those that were silent last after the others.

use std::collections::HashMap;
use std::time::Duration;

use crate::record::TopicPartition;

/// How long the broker may take to answer.
pub(super) const ASK: Duration = Duration::from_secs(10);
/// How long it is waited for the offsets of a partition where those of another have not come, or nobody waits for it.
const ASK_MORE: Duration = Duration::from_secs(1);
/// So many may not answer before the rest is left for the next time.
const SILENT: usize = 3;

/// Whose question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The group waits for the answer, and gets all of it.
    Group,
    /// Nobody's: partitions begin anew, and others are read meanwhile.
    Nobody,
}

/// What is remembered from one question to the next.
#[derive(Debug, Default)]
pub(super) struct Patience {
    times: u64,
    /// When a partition did not answer last, counted in such times.
    silent: HashMap<TopicPartition, u64>,
}

impl Patience {
    /// Asks for each by `ask`, which is told how long to wait. Gives the answers there are.
    pub(super) fn ask<T>(
        &mut self,
        whose: Whose,
        partitions: &[TopicPartition],
        ask: &mut dyn FnMut(&TopicPartition, Duration) -> Result<T, String>,
    ) -> Vec<(TopicPartition, T)> {
        let mut order: Vec<&TopicPartition> = partitions.iter().collect();
        order.sort_by_key(|partition| self.silent.get(*partition).copied().unwrap_or(0));
        let mut answers = Vec::with_capacity(order.len());
        let mut silent = 0;
        for partition in order {
            if whose == Whose::Nobody && silent == SILENT {
                break;
            }
            let is_first = whose == Whose::Group && silent == 0 && !self.silent.contains_key(partition);
            match ask(partition, if is_first { ASK } else { ASK_MORE }) {
                Ok(answer) => {
                    self.silent.remove(partition);
                    answers.push((partition.clone(), answer));
                }
                Err(why) => {
                    tracing::debug!(%partition, why, "no offsets of a partition");
                    silent += 1;
                    self.times += 1;
                    self.silent.insert(partition.clone(), self.times);
                }
            }
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Asks about these where the `silent` ones don't answer: how many seconds that takes, and who answers.
    fn ask(patience: &mut Patience, whose: Whose, count: i32, silent: &[i32]) -> (u64, BTreeSet<i32>) {
        let partitions: Vec<_> = (0..count).map(|number| TopicPartition::new("t", number)).collect();
        let mut took = Duration::ZERO;
        let answers = patience.ask(whose, &partitions, &mut |partition, wait| {
            if silent.contains(&partition.partition) {
                took += wait;
                return Err("no answer".into());
            }
            Ok(partition.partition)
        });
        assert!(answers.iter().all(|(partition, answer)| partition.partition == *answer));
        (took.as_secs(), answers.into_iter().map(|(_, answer)| answer).collect())
    }

    #[test]
    fn what_the_group_waits_for_is_asked_to_the_end_and_the_broker_has_its_time_once() {
        let mut patience = Patience::default();
        assert_eq!(ask(&mut patience, Whose::Group, 4, &[]), (0, [0, 1, 2, 3].into()));
        assert_eq!(ask(&mut patience, Whose::Group, 8, &[1, 2, 3, 4, 6]), (14, [0, 5, 7].into()));
        assert_eq!(ask(&mut patience, Whose::Group, 8, &[1, 2]), (2, [0, 3, 4, 5, 6, 7].into()), "they are known");
        assert_eq!(ask(&mut patience, Whose::Group, 8, &[7]), (10, (0..7).collect()), "it was not known");
    }

    #[test]
    fn what_nobody_waits_for_holds_a_rebalance_up_for_a_short_while() {
        let mut patience = Patience::default();
        assert_eq!(ask(&mut patience, Whose::Nobody, 1, &[0]), (1, [].into()));
        let mut patience = Patience::default();
        let silent: Vec<i32> = (0..10).collect();
        assert_eq!(ask(&mut patience, Whose::Nobody, 15, &silent), (3, [].into()));
        // Those that were silent come last; so each has its turn, and none is forgotten.
        for (answered, took) in [(0, 3), (0, 3), (5, 3), (5, 3)] {
            let (seconds, answers) = ask(&mut patience, Whose::Nobody, 15, &silent);
            assert_eq!((answers.len(), seconds), (answered, took));
        }
        let mut answered = BTreeSet::new();
        for _ in 0..5 {
            answered.extend(ask(&mut patience, Whose::Nobody, 15, &silent[..9]).1);
        }
        assert!(answered.contains(&9), "{answered:?}");
    }
}
