//! How long it is waited for the offsets of each partition. One whose leader is gone has none to tell, and as long as nobody has noticed
//! that, nobody says so: the question times out.
//!
//! While partitions are asked about, rebalances wait. So the broker gets its time once, and no partition holds up the others for as
//! long again. Where the group waits for the answer, it is over after some that did not answer: the others would wait for too long, and so
//! long at last that the group gives the member up. Where nobody waits, because the partitions begin anew while others are read, it is over
//! after a few. What is left is asked about soon, those that were silent last after the others.

use std::collections::HashMap;
use std::time::Duration;

use crate::reader::For;
use crate::record::TopicPartition;

/// How long the broker may take to answer.
pub(super) const ASK: Duration = Duration::from_secs(10);
/// How long it is waited for the offsets of a partition where those of another have not come, or nobody waits for it.
const ASK_MORE: Duration = Duration::from_secs(1);
/// As long at most for one that did not answer before, where no other has been silent in the same question.
const ASK_LONGER: Duration = Duration::from_secs(4);
/// So many may not answer before the rest is left for the next time: where the group waits for the answer, which it does for minutes, and
/// where nobody does.
const SILENT_FOR_THE_GROUP: usize = 40;
const SILENT: usize = 3;

/// What is remembered from one question to the next.
#[derive(Debug, Default)]
pub(super) struct Patience {
    times: u64,
    silent: HashMap<TopicPartition, Silent>,
}

/// What is known of a partition that did not answer when it was last asked about.
#[derive(Debug, Clone, Copy, Default)]
struct Silent {
    /// When that was, counted in all such times.
    last: u64,
    /// When it was the first of a question, which has the longest wait.
    first: u64,
    /// How often in a row.
    times: u32,
}

impl Patience {
    /// Asks for each by `ask`, which is told how long to wait. Gives the answers there are.
    pub(super) fn ask<T>(
        &mut self,
        whom: For,
        partitions: &[TopicPartition],
        ask: &mut dyn FnMut(&TopicPartition, Duration) -> Result<T, String>,
    ) -> Vec<(TopicPartition, T)> {
        let mut order: Vec<&TopicPartition> = partitions.iter().collect();
        order.sort_by_key(|partition| self.silent.get(*partition).map_or(0, |silent| silent.last));
        // Of those that were silent each is the first of a question sometime.
        let known = order.partition_point(|partition| !self.silent.contains_key(*partition));
        let most = match whom {
            For::TheGroup => SILENT_FOR_THE_GROUP,
            For::Us => SILENT,
        };
        let until = order.len().min(known.saturating_add(most));
        let next = &mut order[known..until];
        if let Some(first) =
            (0..next.len()).min_by_key(|at| self.silent.get(next[*at]).map_or(0, |silent| silent.first))
        {
            next[..=first].rotate_right(1);
        }
        let mut answers = Vec::with_capacity(order.len());
        let mut silent = 0;
        for partition in order {
            if silent == most {
                break;
            }
            let wait = match self.silent.get(partition) {
                None if whom == For::TheGroup && silent == 0 => ASK,
                // It may be the broker that takes longer.
                Some(before) if silent == 0 => (ASK_MORE * 2_u32.pow(before.times.min(8))).min(ASK_LONGER),
                _ => ASK_MORE,
            };
            match ask(partition, wait) {
                Ok(answer) => {
                    self.silent.remove(partition);
                    answers.push((partition.clone(), answer));
                }
                Err(why) => {
                    tracing::debug!(%partition, why, "no offsets of a partition");
                    self.times += 1;
                    let before = self.silent.entry(partition.clone()).or_default();
                    before.last = self.times;
                    before.times += 1;
                    if silent == 0 {
                        before.first = self.times;
                    }
                    silent += 1;
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
    fn ask(patience: &mut Patience, whom: For, count: i32, silent: &[i32]) -> (u64, BTreeSet<i32>) {
        let partitions: Vec<_> = (0..count).map(|number| TopicPartition::new("t", number)).collect();
        let mut took = Duration::ZERO;
        let answers = patience.ask(whom, &partitions, &mut |partition, wait| {
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
    fn what_the_group_waits_for_is_asked_in_bounded_time_and_the_broker_has_its_time_once() {
        let mut patience = Patience::default();
        assert_eq!(ask(&mut patience, For::TheGroup, 4, &[]), (0, [0, 1, 2, 3].into()));
        assert_eq!(ask(&mut patience, For::TheGroup, 8, &[1, 2, 3, 4, 6]), (14, [0, 5, 7].into()));
        assert_eq!(ask(&mut patience, For::TheGroup, 8, &[1, 2]), (3, [0, 3, 4, 5, 6, 7].into()), "they are known");
        assert_eq!(ask(&mut patience, For::TheGroup, 8, &[7]), (10, (0..7).collect()), "it was not known");
        // Many that do not answer do not keep the group waiting until it gives the member up.
        let mut patience = Patience::default();
        let silent: Vec<i32> = (0..200).collect();
        assert_eq!(ask(&mut patience, For::TheGroup, 300, &silent), (49, [].into()));
        assert_eq!(ask(&mut patience, For::TheGroup, 300, &silent[..40]), (41, (40..300).collect()));
    }

    #[test]
    fn what_nobody_waits_for_holds_a_rebalance_up_for_a_short_while() {
        let mut patience = Patience::default();
        assert_eq!(ask(&mut patience, For::Us, 1, &[0]), (1, [].into()));
        let mut patience = Patience::default();
        let silent: Vec<i32> = (0..10).collect();
        assert_eq!(ask(&mut patience, For::Us, 15, &silent), (3, [].into()));
        // Those that were silent come last; so each has its turn, and none is forgotten.
        for (answered, took) in [(0, 3), (0, 3), (5, 3), (5, 4)] {
            let (seconds, answers) = ask(&mut patience, For::Us, 15, &silent);
            assert_eq!((answers.len(), seconds), (answered, took));
        }
        let mut answered = BTreeSet::new();
        for _ in 0..5 {
            answered.extend(ask(&mut patience, For::Us, 15, &silent[..9]).1);
        }
        assert!(answered.contains(&9), "{answered:?}");
    }

    #[test]
    fn each_that_was_silent_is_the_first_sometime() {
        for (whom, count) in
            [For::Us, For::TheGroup].into_iter().flat_map(|whom| (1..9).map(move |count| (whom, count)))
        {
            let mut patience = Patience::default();
            let partitions: Vec<_> = (0..count).map(|number| TopicPartition::new("t", number)).collect();
            let mut waited = BTreeSet::new();
            for _ in 0..3 * count {
                patience.ask(whom, &partitions, &mut |partition, wait| {
                    if wait == ASK_LONGER {
                        waited.insert(partition.partition);
                    }
                    Err::<(), _>("no answer".into())
                });
            }
            assert_eq!(waited, (0..count).collect(), "{whom:?}");
        }
    }
}
