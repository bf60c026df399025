//! What the census found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::Census;
use super::documents::Documents;
use super::ledger::Ledger;

const SAMPLES: usize = 10;

/// The result. It is good only if nothing is missing, nothing is there twice and nothing is there that should not be.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Records that Kafka holds.
    pub produced: u64,
    /// Of these, without a value.
    pub dropped_tombstones: u64,
    /// Of these, with an empty value.
    pub dropped_empty: u64,
    /// Of these, to be dropped by a rule of the pipeline.
    pub dropped_by_rule: u64,
    /// Records that have a document.
    pub indexed: u64,
    /// Records that have a dead letter.
    pub dead_lettered: u64,
    /// Dead letters, repeats included.
    pub dead_letters: u64,
    /// Records that have both a dead letter and a document.
    pub dead_lettered_and_indexed: u64,
    /// Records that had to arrive and are nowhere.
    pub missing: u64,
    /// Documents of a record beyond its first.
    pub duplicates: u64,
    /// Documents and dead letters of records that Kafka does not hold or that had to be dropped, and documents that do not say where they came from.
    pub unexpected: u64,
    /// Documents whose id is not that of their record; 0 if not asked for.
    pub wrong_ids: u64,
    /// All documents.
    pub documents: u64,
    /// Documents of each index.
    pub by_index: BTreeMap<String, u64>,
    /// Documents that are tagged as failed to parse.
    pub tagged_failures: u64,
    /// A few of each kind of fault, as `topic-partition@offset`.
    pub samples: BTreeMap<&'static str, Vec<String>>,
    /// How long the census took.
    pub seconds: f64,
}

impl Report {
    /// True if nothing is missing, doubled, unexpected or under a wrong id.
    pub fn is_good(&self) -> bool {
        self.missing == 0 && self.duplicates == 0 && self.unexpected == 0 && self.wrong_ids == 0
    }

    fn fault(&mut self, kind: &'static str, what: impl FnOnce() -> String) {
        let samples = self.samples.entry(kind).or_default();
        if samples.len() < SAMPLES {
            samples.push(what());
        }
    }
}

/// Adds everything up.
pub fn make(census: &Census, ledger: &Ledger, documents: Documents, dead_letters: u64, took: Duration) -> Report {
    let mut report = Report {
        dropped_tombstones: ledger.tombstones,
        dropped_empty: ledger.empty,
        dropped_by_rule: ledger.by_rule,
        dead_letters,
        documents: documents.by_index.values().sum(),
        by_index: documents.by_index,
        tagged_failures: documents.failures,
        wrong_ids: documents.wrong_ids,
        seconds: took.as_secs_f64(),
        ..Report::default()
    };
    for sample in documents.wrong_id_samples {
        report.fault("wrong_ids", || sample);
    }
    let accounts = ledger
        .partitions
        .iter()
        .flat_map(|(topic, partitions)| partitions.iter().map(move |(partition, account)| (topic, partition, account)));
    for (topic, partition, account) in accounts {
        let place = |offset: u64| format!("{topic}-{partition}@{offset}");
        report.produced += account.produced.len();
        for offset in account.produced.iter() {
            let (indexed, dead) = (account.indexed.contains(offset), account.dead.contains(offset));
            let dropped = account.dropped.contains(offset);
            report.indexed += u64::from(indexed);
            report.dead_lettered += u64::from(dead);
            report.dead_lettered_and_indexed += u64::from(dead && indexed);
            if dropped && (indexed || dead) {
                report.unexpected += 1;
                report.fault("unexpected", || place(offset));
            }
            if !dropped && !indexed && !dead {
                report.missing += 1;
                report.fault("missing", || place(offset));
            }
        }
        let strangers = account.indexed.iter().chain(account.dead.iter());
        for offset in strangers.filter(|offset| !account.produced.contains(*offset)) {
            report.unexpected += 1;
            report.fault("unexpected", || place(offset));
        }
        if !census.many && account.again > 0 {
            report.duplicates += account.again;
            report.fault("duplicates", || format!("{} in {topic}-{partition}", account.again));
        }
    }
    for document in &ledger.malformed_origins {
        report.unexpected += 1;
        report.fault("unexpected", || format!("{document} does not say where it came from"));
    }
    report
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, value: u64| writeln!(f, "  {name:<26}{value:>12}");
        row("produced", self.produced)?;
        row("dropped, tombstone", self.dropped_tombstones)?;
        row("dropped, empty", self.dropped_empty)?;
        row("dropped, by rule", self.dropped_by_rule)?;
        row("indexed", self.indexed)?;
        row("dead-lettered", self.dead_lettered)?;
        row("missing", self.missing)?;
        row("duplicates", self.duplicates)?;
        row("unexpected", self.unexpected)?;
        row("wrong ids", self.wrong_ids)?;
        row("tagged parse failures", self.tagged_failures)?;
        for (index, count) in &self.by_index {
            row(index, *count)?;
        }
        for (kind, samples) in &self.samples {
            writeln!(f, "  {kind}: {}", samples.join(", "))?;
        }
        let verdict = if self.is_good() { "all is there, once" } else { "NOT GOOD" };
        writeln!(f, "  census: {verdict} ({:.1} s, {} documents read)", self.seconds, self.documents)
    }
}
