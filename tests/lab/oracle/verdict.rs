//! What there is against what has to be there.

use std::collections::BTreeMap;
use std::fmt;

use kelp::promise;
use kelp::record::TopicPartition;

use super::sight::{Found, Sight};
use super::{Account, Expect, Oracle, Removal};

const SAMPLES: usize = 10;

/// Where partitions end, by topic and number.
pub type Ends = BTreeMap<(String, i32), u64>;

/// A commit, as Kafka tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// Of which topic.
    pub topic: String,
    /// Of which partition.
    pub partition: i32,
    /// The next offset to read.
    pub offset: u64,
    /// What the member wrote beside it.
    pub metadata: String,
}

/// The result. It is good only if nothing is missing, doubled, unexpected, or committed before it was settled.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Records that were produced.
    pub records: u64,
    /// Documents found.
    pub documents: u64,
    /// Records with a dead letter.
    pub dead: u64,
    /// Records of aborted transactions.
    pub aborted: u64,
    /// Records that were removed before they were read.
    pub gone: BTreeMap<Removal, u64>,
    /// Documents and letters of records that a killed broker had kept without saying so, and that compaction has removed since.
    pub compacted: u64,
    /// Records that are nowhere and had to be.
    pub missing: u64,
    /// Documents beyond the first of a record.
    pub duplicates: u64,
    /// Documents and letters that should not be there.
    pub unexpected: u64,
    /// Records of a topic that was made again that are there under the old incarnation, too: a known limit.
    pub under_both: u64,
    /// Records below a commit that are not settled.
    pub committed_unsettled: u64,
    /// A few of each fault.
    pub samples: Vec<String>,
}

impl Verdict {
    /// True if everything holds.
    pub fn is_good(&self) -> bool {
        self.missing + self.duplicates + self.unexpected + self.committed_unsettled == 0
    }

    fn fault(&mut self, what: impl FnOnce() -> String) {
        if self.samples.len() < SAMPLES {
            self.samples.push(what());
        }
    }

    /// All that was produced has to be settled.
    pub fn at_rest(oracle: &Oracle, sight: &Sight) -> Self {
        let mut verdict = Self {
            documents: sight.documents,
            compacted: sight.compacted,
            unexpected: sight.unexpected,
            samples: sight.samples.clone(),
            ..Self::default()
        };
        let nothing = Found::default();
        for (topic, makings) in &oracle.topics {
            for (making, accounts) in makings.iter().enumerate() {
                for (partition, account) in accounts.iter().enumerate() {
                    let key = (topic.clone(), making, partition as i32);
                    let found = sight.found.get(&key).unwrap_or(&nothing);
                    let place = |offset| format!("{topic}-{partition}@{offset} (making {making})");
                    verdict.partition(account, found, makings.len() > 1, &place);
                }
            }
        }
        verdict
    }

    fn partition(&mut self, account: &Account, found: &Found, remade: bool, place: &dyn Fn(u64) -> String) {
        self.duplicates += found.again;
        if found.again > 0 {
            self.fault(|| format!("{} documents too many about {}", found.again, place(0)));
        }
        for offset in 0..account.end() {
            let expect = account.expect(offset);
            let times = found.indexed.values().filter(|offsets| offsets.contains(offset)).count() as u64;
            let dead = found.dead.contains(offset);
            self.records += u64::from(expect != Expect::Nothing);
            self.dead += u64::from(dead);
            self.aborted += u64::from(expect == Expect::Never);
            match expect {
                Expect::May(why) if times == 0 && !dead => *self.gone.entry(why).or_default() += 1,
                Expect::Must if times == 0 && !dead => {
                    self.missing += 1;
                    self.fault(|| told(promise::stands_once(&place(offset), 0)));
                }
                Expect::Drop | Expect::Never | Expect::Nothing | Expect::Open if times > 0 || dead => {
                    self.unexpected += 1;
                    self.fault(|| format!("{} should not be there: {expect:?}", place(offset)));
                }
                Expect::Must | Expect::May(_) if dead && times > 0 => {
                    self.unexpected += 1;
                    self.fault(|| format!("{} has a document and a dead letter", place(offset)));
                }
                _ if times > 1 && remade => self.under_both += times - 1,
                _ if times > 1 => {
                    self.duplicates += times - 1;
                    self.fault(|| told(promise::stands_once(&place(offset), times as usize)));
                }
                _ => {}
            }
        }
    }

    /// Everything below the commits has to be settled; the rest need not be. Commits for an earlier making of a topic
    /// than the present one say nothing about the present one. `ends` are those of the present ones, as Kafka tells them.
    pub fn of_commits(oracle: &Oracle, sight: &Sight, commits: &[Commit], ends: &Ends) -> Self {
        let mut verdict = Self { documents: sight.documents, ..Self::default() };
        let nothing = Found::default();
        for commit in commits {
            let making = oracle.makings(&commit.topic).len().saturating_sub(1);
            let Some(account) = oracle.makings(&commit.topic).last().and_then(|all| all.get(commit.partition as usize))
            else {
                continue;
            };
            let of_topic = sight.found.iter().filter(|((topic, of, _), _)| *topic == commit.topic && *of == making);
            let mut incarnations = of_topic.flat_map(|(_, found)| found.indexed.keys());
            let own = incarnations.any(|one| commit.metadata == format!("kelp:{one}"));
            if making > 0 && !own {
                continue;
            }
            let key = (commit.topic.clone(), making, commit.partition);
            let found = sight.found.get(&key).unwrap_or(&nothing);
            let partition = TopicPartition::new(&*commit.topic, commit.partition);
            if let Some(end) = ends.get(&(commit.topic.clone(), commit.partition))
                && let Err(why) = promise::passes_settled_only(&partition, commit.offset as i64, *end as i64, None)
            {
                verdict.committed_unsettled += 1;
                verdict.fault(|| why);
            }
            for offset in (0..account.end()).filter(|at| account.expect(*at) == Expect::Must) {
                if found.is_indexed(offset) || found.dead.contains(offset) {
                    continue;
                }
                let (committed, open) = (commit.offset as i64, offset as i64);
                if let Err(why) = promise::passes_settled_only(&partition, committed, committed, Some(open)) {
                    verdict.committed_unsettled += 1;
                    verdict.fault(|| why);
                }
            }
        }
        verdict
    }
}

/// What a rule says that is broken.
fn told(rule: promise::Kept) -> String {
    rule.err().unwrap_or_default()
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missing {}, duplicates {}, unexpected {}", self.missing, self.duplicates, self.unexpected)?;
        if self.committed_unsettled > 0 {
            write!(f, ", committed unsettled {}", self.committed_unsettled)?;
        }
        if self.under_both > 0 {
            write!(f, ", under both incarnations {}", self.under_both)?;
        }
        for sample in &self.samples {
            write!(f, "\n    {sample}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Told;
    use super::*;

    fn scene() -> (Oracle, Sight) {
        let mut oracle = Oracle::default();
        oracle.made("t", 1);
        let told = |offset| Told { timestamp: offset, drop: offset == 3, key: None, open: false };
        (0..5).for_each(|offset| oracle.note("t", 0, 0, (offset, &told(offset))));
        let mut found = Found::default();
        found.indexed.entry("a".into()).or_default().extend([0, 1, 4]);
        found.dead.insert(2);
        let sight = Sight { found: [(("t".into(), 0, 0), found)].into(), documents: 3, ..Sight::default() };
        (oracle, sight)
    }

    #[test]
    fn what_is_missing_doubled_or_should_not_be_there_is_seen() {
        let (oracle, mut sight) = scene();
        let good = Verdict::at_rest(&oracle, &sight);
        assert!(good.is_good() && good.records == 5 && good.dead == 1 && good.gone.is_empty(), "{good}");
        let key = ("t".to_owned(), 0, 0);
        let spoiled = |sight: &mut Sight, spoil: &dyn Fn(&mut Found)| {
            spoil(sight.found.get_mut(&key).unwrap());
            let verdict = Verdict::at_rest(&oracle, sight);
            (verdict.missing, verdict.duplicates, verdict.unexpected)
        };
        let without: &dyn Fn(&mut Found) = &|found| found.dead = Offsets::default();
        assert_eq!(spoiled(&mut sight, without), (1, 0, 0));
        assert_eq!(
            spoiled(&mut sight, &|found| found.indexed.entry("b".into()).or_default().extend([2, 4])),
            (0, 1, 0)
        );
        assert_eq!(spoiled(&mut sight, &|found| found.again = 2), (0, 3, 0));
        assert_eq!(spoiled(&mut sight, &|found| found.dead.extend([0, 3])), (0, 3, 2));
    }

    #[test]
    fn what_was_removed_before_it_was_read_is_not_missing_and_told_by_why() {
        let (mut oracle, mut sight) = scene();
        oracle.let_go(("t", 0, 0), 0..2, Removal::Retention);
        oracle.let_go(("t", 0, 0), 4..5, Removal::Deletion);
        // Offset 1 was read before that.
        let mut found = Found::default();
        found.indexed.entry("a".into()).or_default().extend([1]);
        found.dead.insert(2);
        sight.found.insert(("t".to_owned(), 0, 0), found);
        let verdict = Verdict::at_rest(&oracle, &sight);
        assert!(verdict.is_good(), "{verdict}");
        assert_eq!(verdict.gone, [(Removal::Retention, 1), (Removal::Deletion, 1)].into());
    }

    #[test]
    fn commits_past_what_is_settled_are_seen() {
        let (oracle, mut sight) = scene();
        let commit = |offset| Commit { topic: "t".into(), partition: 0, offset, metadata: "kelp:a".into() };
        let ends = Ends::from([(("t".into(), 0), 5)]);
        assert!(Verdict::of_commits(&oracle, &sight, &[commit(5)], &ends).is_good());
        assert_eq!(Verdict::of_commits(&oracle, &sight, &[commit(6)], &ends).committed_unsettled, 1);
        sight.found.get_mut(&("t".to_owned(), 0, 0)).unwrap().dead = Offsets::default();
        assert!(Verdict::of_commits(&oracle, &sight, &[commit(2)], &ends).is_good());
        assert_eq!(Verdict::of_commits(&oracle, &sight, &[commit(3)], &ends).committed_unsettled, 1);
    }

    use crate::lab::census::Offsets;
}
