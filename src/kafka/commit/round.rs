//! What became of each partition of a commit, of which librdkafka may tell only that some of it was refused.
//!
//! The broker answers for each partition. Where it refuses one of several, librdkafka hands the refusal on as that of the whole request,
//! and writes it to every partition that had no error of its own (seen in its sources, `rd_kafka_handle_OffsetCommit` and
//! `rd_kafka_cgrp_update_committed_offsets`): what was taken looks as refused as what was not. So what may be
//! meant by the refusal of another is committed once more in parts, first each topic by itself, then each partition, until every partition
//! has a word of its own. Nothing is told before that: a commit is one, however many requests it takes.

use std::collections::{BTreeMap, BTreeSet};

use rdkafka::types::RDKafkaRespErr;

use crate::record::TopicPartition;

const NONE: RDKafkaRespErr = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;

/// A partition, its next offset, and the metadata.
pub(crate) type Entry = (TopicPartition, i64, String);

/// What became of a partition's offset: why it was refused, if it was.
pub(crate) type Outcome = (TopicPartition, i64, Result<(), String>);

/// One commit, and the requests that it takes.
#[derive(Debug, Default)]
pub(super) struct Round {
    last: usize,
    out: BTreeMap<usize, Vec<Entry>>,
    outcomes: Vec<Outcome>,
    /// Partitions that were given back since it began.
    given_back: BTreeSet<TopicPartition>,
}

impl Round {
    /// Forgets what was before. What answers that comes to nothing.
    pub(super) fn forget(&mut self) {
        self.out.clear();
        self.outcomes.clear();
        self.given_back.clear();
    }

    /// These are another member's from here on: what is unclear of them is not committed once more, as it might come after a later commit
    /// of the other's, and the broker does not ask whose a partition is.
    pub(super) fn give_back(&mut self, partitions: &[TopicPartition]) {
        if !self.out.is_empty() {
            self.given_back.extend(partitions.iter().cloned());
        }
    }

    /// A request for these, and its number.
    pub(super) fn ask(&mut self, entries: Vec<Entry>) -> usize {
        self.last += 1;
        self.out.insert(self.last, entries);
        self.last
    }

    /// What is to be asked for by a number; nothing, if that is forgotten.
    pub(super) fn entries(&self, number: usize) -> &[Entry] {
        self.out.get(&number).map_or(&[], Vec::as_slice)
    }

    /// It could not be sent.
    pub(super) fn not_sent(&mut self, number: usize, why: &str) {
        let entries = self.out.remove(&number).unwrap_or_default();
        self.outcomes
            .extend(entries.into_iter().map(|(partition, offset, _)| (partition, offset, Err(why.to_owned()))));
    }

    /// An answer: the error of the whole request, and those of partitions as far as they are told. Gives the numbers of the requests that
    /// have to be sent next.
    pub(super) fn answered(
        &mut self,
        number: usize,
        whole: RDKafkaRespErr,
        each: &BTreeMap<TopicPartition, RDKafkaRespErr>,
        describe: impl Fn(RDKafkaRespErr) -> String,
    ) -> Vec<usize> {
        let Some(entries) = self.out.remove(&number) else { return Vec::new() };
        let own = |entry: &Entry| each.get(&entry.0).copied();
        let some = entries.iter().any(|entry| own(entry).is_some_and(|error| error != NONE));
        // Where any partition has an error of its own, those of which it is told that they have none were taken.
        let error = |entry: &Entry| own(entry).filter(|_| some).unwrap_or(whole);
        let (unclear, clear): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| error(entry) == whole && is_of_one(whole));
        let told = |entry: Entry| {
            let error = error(&entry);
            (entry.0, entry.1, if error == NONE { Ok(()) } else { Err(describe(error)) })
        };
        self.outcomes.extend(clear.into_iter().map(told));
        if unclear.len() <= 1 {
            self.outcomes.extend(unclear.into_iter().map(told));
            return Vec::new();
        }
        let (theirs, unclear): (Vec<_>, Vec<_>) =
            unclear.into_iter().partition(|entry| self.given_back.contains(&entry.0));
        self.outcomes.extend(theirs.into_iter().map(told));
        if unclear.is_empty() {
            return Vec::new();
        }
        divide(unclear).into_iter().map(|part| self.ask(part)).collect()
    }

    /// What became of all of it, once nothing more is out.
    pub(super) fn take(&mut self) -> Option<Vec<Outcome>> {
        (self.out.is_empty() && !self.outcomes.is_empty()).then(|| std::mem::take(&mut self.outcomes))
    }
}

/// True for what the broker says of single partitions. Anything else is about the group or the connection, and so about all.
fn is_of_one(error: RDKafkaRespErr) -> bool {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE, RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
    };
    matches!(
        error,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
            | RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
            | RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION
            | RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID
            | RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE
            | RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE
    )
}

/// By topic; those of one topic one by one.
fn divide(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let is_one_topic = entries.windows(2).all(|pair| pair[0].0.topic == pair[1].0.topic);
    if is_one_topic {
        return entries.into_iter().map(|entry| vec![entry]).collect();
    }
    let mut topics: BTreeMap<_, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        topics.entry(entry.0.topic.clone()).or_default().push(entry);
    }
    topics.into_values().collect()
}

#[cfg(test)]
mod tests {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION as FENCED, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED as DENIED,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART as UNKNOWN,
    };

    use super::*;

    fn entry(name: &str) -> Entry {
        let (topic, number) = name.split_once('-').unwrap();
        (TopicPartition::new(topic, number.parse().unwrap()), 7, "m".into())
    }

    fn names(entries: &[Entry]) -> String {
        entries.iter().map(|entry| entry.0.to_string()).collect::<Vec<_>>().join(" ")
    }

    /// What is asked, in order, and what is told in the end, by a broker that refuses some partitions and a client that makes of it
    /// what librdkafka does.
    fn play(committed: &str, refused: &[(&str, RDKafkaRespErr)]) -> (Vec<String>, String) {
        let mut round = Round::default();
        let mut next = vec![round.ask(committed.split(' ').map(entry).collect())];
        let mut asked = Vec::new();
        while let Some(number) = next.pop() {
            assert_eq!(round.take(), None, "something is out yet");
            let entries = round.entries(number).to_vec();
            asked.push(names(&entries));
            let of = |entry: &Entry| {
                let found = refused.iter().find(|(name, _)| *name == entry.0.to_string());
                found.map_or(NONE, |(_, error)| *error)
            };
            let whole = entries.iter().map(of).rfind(|error| *error != NONE).unwrap_or(NONE);
            let told = |entry: &Entry| if of(entry) == NONE { whole } else { of(entry) };
            let each = entries.iter().map(|entry| (entry.0.clone(), told(entry))).collect();
            next.extend(round.answered(number, whole, &each, |error| format!("{error:?}")));
        }
        let mut outcomes = round.take().unwrap();
        outcomes.sort_by(|a, b| a.0.cmp(&b.0));
        let taken = outcomes.iter().filter(|outcome| outcome.2.is_ok()).map(|outcome| outcome.0.to_string());
        assert_eq!(outcomes.len(), committed.split(' ').count(), "each has one outcome: {outcomes:?}");
        assert_eq!(round.take(), None, "told once");
        (asked, taken.collect::<Vec<_>>().join(" "))
    }

    /// What is committed, what of it is refused, what is asked, and what is taken.
    type Case = (&'static str, &'static [(&'static str, RDKafkaRespErr)], &'static [&'static str], &'static str);

    #[test]
    fn what_was_taken_is_told_as_taken_whatever_else_was_refused() {
        let many: &[Case] = &[
            ("a-0 b-0", &[], &["a-0 b-0"], "a-0 b-0"),
            ("a-0", &[("a-0", DENIED)], &["a-0"], ""),
            ("a-0 b-0", &[("a-0", DENIED)], &["a-0 b-0", "b-0", "a-0"], "b-0"),
            // The last one that is refused gives the request its error: the others are clear.
            ("a-0 b-0 c-0", &[("a-0", DENIED), ("b-0", UNKNOWN)], &["a-0 b-0 c-0", "c-0", "b-0"], "c-0"),
            (
                "a-0 a-1 b-0 b-1",
                &[("a-1", UNKNOWN)],
                &["a-0 a-1 b-0 b-1", "b-0 b-1", "a-0 a-1", "a-1", "a-0"],
                "a-0 b-0 b-1",
            ),
            ("a-0 a-1", &[("a-0", UNKNOWN), ("a-1", UNKNOWN)], &["a-0 a-1", "a-1", "a-0"], ""),
            // What is said of the group is said of all.
            ("a-0 b-0", &[("a-0", FENCED), ("b-0", FENCED)], &["a-0 b-0"], ""),
            ("a-0 b-0 c-0", &[("a-0", DENIED), ("b-0", FENCED), ("c-0", FENCED)], &["a-0 b-0 c-0"], ""),
        ];
        for (committed, refused, asked, taken) in many {
            let (found, told) = play(committed, refused);
            assert_eq!(
                (found.iter().map(String::as_str).collect::<Vec<_>>(), &*told),
                (asked.to_vec(), *taken),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn a_library_that_leaves_the_others_alone_is_believed() {
        let mut round = Round::default();
        let number = round.ask(vec![entry("a-0"), entry("b-0")]);
        let each = [("a-0", DENIED), ("b-0", NONE)].map(|(name, error)| (entry(name).0, error)).into();
        let next = round.answered(number, DENIED, &each, |error| format!("{error:?}"));
        assert_eq!(next, [0; 0]);
        let told = round.take().unwrap();
        let of = |name: &str| told.iter().find(|outcome| outcome.0 == entry(name).0).unwrap().2.is_ok();
        assert!(!of("a-0") && of("b-0"), "{told:?}");
    }

    #[test]
    fn a_refusal_without_a_word_about_partitions_is_one_of_all() {
        let mut round = Round::default();
        let number = round.ask(vec![entry("a-0"), entry("b-0")]);
        assert!(round.answered(number, FENCED, &BTreeMap::new(), |_| "fenced".into()).is_empty());
        assert!(round.take().unwrap().iter().all(|outcome| outcome.2.is_err()));
        let number = round.ask(vec![entry("a-0")]);
        round.not_sent(number, "no");
        assert_eq!(round.take().unwrap(), [(entry("a-0").0, 7, Err("no".into()))]);
    }

    #[test]
    fn what_comes_for_a_commit_that_was_given_up_comes_to_nothing() {
        let mut round = Round::default();
        let old = round.ask(vec![entry("a-0")]);
        round.forget();
        let new = round.ask(vec![entry("a-0")]);
        let answer = |round: &mut Round, number| round.answered(number, NONE, &BTreeMap::new(), |_| String::new());
        assert!(answer(&mut round, old).is_empty() && round.take().is_none());
        assert!(answer(&mut round, new).is_empty() && round.take().is_some());
    }

    #[test]
    fn what_was_given_back_is_not_committed_once_more() {
        let mut round = Round::default();
        round.give_back(&[entry("b-0").0]);
        let number = round.ask(vec![entry("a-0"), entry("b-0"), entry("c-0")]);
        round.give_back(&[entry("c-0").0]);
        let refused = ["a-0", "b-0", "c-0"].map(|name| (entry(name).0, UNKNOWN)).into();
        let next = round.answered(number, UNKNOWN, &refused, |error| format!("{error:?}"));
        let asked: Vec<String> = next.iter().map(|number| names(round.entries(*number))).collect();
        assert_eq!(asked, ["a-0", "b-0"]);
    }
}
