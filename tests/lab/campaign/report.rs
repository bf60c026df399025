//! What a campaign came to, for people and for the documentation.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::crew::Crew;
use super::round::Round;
use super::{Fault, Options};
use crate::lab::oracle::Removal;
use crate::lab::proxy::{self, Order, Proxy};

/// The sum of all rounds.
#[derive(Debug)]
pub struct Report {
    options: Options,
    rounds: Vec<Round>,
    weather: BTreeMap<proxy::Fault, u64>,
    order: Order,
    started: u64,
    fenced: u64,
    unacknowledged: u64,
    peak: u64,
    /// What was found wrong after the last round.
    late: Vec<String>,
}

impl Report {
    /// Nothing yet.
    pub fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
            rounds: Vec::new(),
            weather: BTreeMap::new(),
            order: Order::default(),
            started: 0,
            fenced: 0,
            unacknowledged: 0,
            peak: 0,
            late: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, round: Round) {
        self.rounds.push(round);
    }

    pub(super) fn ended(&mut self, crew: &mut Crew, proxy: &Proxy, unacknowledged: u64) {
        self.unacknowledged = unacknowledged;
        self.weather = proxy.faults();
        self.order = proxy.submissions().order();
        self.started = crew.started;
        self.fenced = crew.fenced;
        self.peak = crew.peak;
        self.late = std::mem::take(&mut crew.violations);
    }

    /// Everything that did not hold.
    pub fn violations(&self) -> Vec<&str> {
        self.rounds.iter().flat_map(|round| &round.violations).chain(&self.late).map(String::as_str).collect()
    }

    /// True if everything held, in as many rounds as were asked for.
    pub fn is_good(&self) -> bool {
        self.violations().is_empty() && self.rounds.len() as u64 == self.options.rounds
    }

    /// How often a fault was carried out.
    pub fn times(&self, fault: Fault) -> u64 {
        self.rounds.iter().flat_map(|round| &round.faults).filter(|one| **one == fault).count() as u64
    }

    /// How often requests, answers and items were spoiled, but for documents that are refused for ever.
    pub fn spoiled(&self) -> u64 {
        self.weather.iter().filter(|(fault, _)| **fault != proxy::Fault::Poison).map(|(_, times)| times).sum()
    }

    fn recoveries(&self, of: &[Fault]) -> Vec<Duration> {
        let all = self.rounds.iter().flat_map(|round| &round.recoveries);
        let mut times: Vec<_> = all.filter(|(fault, _)| of.contains(fault)).map(|(_, time)| *time).collect();
        times.sort();
        times
    }

    /// Tables in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let sum = |of: &dyn Fn(&Round) -> u64| self.rounds.iter().map(of).sum::<u64>();
        let last = self.rounds.last();
        let gone = |why| {
            let times = last.and_then(|round| round.verdict.gone.get(&why).copied());
            times.unwrap_or_default().to_string()
        };
        let rows = [
            ("seed", self.options.seed.to_string()),
            ("rounds", self.rounds.len().to_string()),
            ("faults of processes and servers", sum(&|round| round.faults.len() as u64).to_string()),
            ("faults of requests, answers and items", self.spoiled().to_string()),
            ("processes started", self.started.to_string()),
            ("of these fenced by the broker (static members)", self.fenced.to_string()),
            ("records", sum(&|round| round.records).to_string()),
            ("documents in the end", last.map_or(0, |round| round.verdict.documents).to_string()),
            ("records with a dead letter", last.map_or(0, |round| round.verdict.dead).to_string()),
            ("records that the broker kept without acknowledging them", self.unacknowledged.to_string()),
            (
                "documents of such records that compaction removed",
                last.map_or(0, |round| round.verdict.compacted).to_string(),
            ),
            ("records of aborted transactions", last.map_or(0, |round| round.verdict.aborted).to_string()),
            ("records that compaction removed before they were read", gone(Removal::Compaction)),
            ("records that retention removed before they were read", gone(Removal::Retention)),
            ("records that were deleted with their topic before they were read", gone(Removal::Deletion)),
            ("missing", sum(&|round| round.verdict.missing).to_string()),
            ("duplicates", sum(&|round| round.verdict.duplicates).to_string()),
            ("unexpected", sum(&|round| round.verdict.unexpected).to_string()),
            (
                "under both incarnations of a topic made again",
                last.map_or(0, |round| round.verdict.under_both).to_string(),
            ),
            ("commits held against documents in the middle", sum(&|round| round.commits_checked).to_string()),
            ("first submissions", self.order.first.to_string()),
            ("of these out of order", self.order.violations.len().to_string()),
            ("requests whose order could not be judged", self.order.excused.to_string()),
            ("most memory of a process, MiB", (self.peak >> 20).to_string()),
            ("violations", self.violations().len().to_string()),
        ];
        let mut table = |head: &str, rows: &mut dyn Iterator<Item = String>| {
            // Writing to a text does not fail.
            writeln!(text, "\n{head}\n|{}", "---|".repeat(head.matches('|').count() - 1)).expect("it is a text");
            rows.for_each(|row| writeln!(text, "{row}").expect("it is a text"));
        };
        table("| campaign | |", &mut rows.iter().map(|(name, value)| format!("| {name} | {value} |")));
        let counted = self.options.faults.iter().map(|fault| format!("| `{fault}` | {} |", self.times(*fault)));
        table("| fault | times |", &mut counted.collect::<Vec<_>>().into_iter());
        let weather = self.weather.iter().map(|(fault, times)| format!("| {} | {times} |", fault.name()));
        table("| spoiled before Elasticsearch | times |", &mut weather.collect::<Vec<_>>().into_iter());
        let kinds: [(&str, &[Fault]); 5] = [
            ("a process killed (-9)", &[Fault::Kill]),
            ("all processes killed (-9)", &[Fault::KillAll]),
            ("a process stopped", &[Fault::Stop]),
            ("the broker back", &[Fault::KafkaRestart, Fault::KafkaKill, Fault::CoordinatorKill]),
            ("Elasticsearch back", &[Fault::ElasticKill, Fault::ElasticStop, Fault::Refuse]),
        ];
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        let rows = kinds.iter().filter_map(|(name, of)| {
            let times = self.recoveries(of);
            let at = |share: usize| seconds(times[(times.len() * share / 100).min(times.len() - 1)]);
            (!times.is_empty()).then(|| format!("| {name} | {} | {} | {} |", times.len(), at(50), at(99)))
        });
        table(
            "| until every partition with work has committed again, after | times | p50 | p99 |",
            &mut rows.collect::<Vec<_>>().into_iter(),
        );
        text
    }
}
