//! Which faults a round has, and in which order.

use std::fmt;

use clap::ValueEnum;

use super::Options;
use crate::lab::generate::Random;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Fault {
    /// A process is killed (-9), and started again at once or later.
    Kill,
    /// All processes are killed at once; commits are held against documents before they start again.
    KillAll,
    /// A process is stopped past its session's end, and goes on.
    Stop,
    /// A process is ended in order and started again.
    Terminate,
    /// One more process joins, and leaves again.
    Join,
    /// The broker is stopped in order and started.
    KafkaRestart,
    /// The broker is killed (-9) and started.
    KafkaKill,
    /// The broker is killed (-9) while the group takes partitions back, and started.
    CoordinatorKill,
    /// Elasticsearch is killed (-9) and started.
    ElasticKill,
    /// Elasticsearch does not answer for longer than a request may take.
    ElasticStop,
    /// Elasticsearch refuses connections.
    Refuse,
    /// Bad weather before Elasticsearch: all faults of requests, answers and items.
    Storm,
    /// Retention removes records above the commits while nobody runs.
    RetentionDown,
    /// Retention removes records above the commits under running processes.
    RetentionUp,
    /// A topic is deleted and made again while nobody runs.
    RemakeDown,
    /// A topic is deleted and made again under running processes.
    RemakeUp,
    /// Pipelines change, and processes are told to read them again.
    Reload,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.to_possible_value();
        f.write_str(name.as_ref().map_or("", |value| value.get_name()))
    }
}

/// How a group divides its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// cooperative-sticky, the default.
    Cooperative,
    /// The same with static members.
    Static,
    /// The broker decides (KIP-848).
    Kip848,
}

/// Deals faults like cards, so that each comes once before any comes again.
#[derive(Debug)]
pub struct Plan {
    faults: Vec<Fault>,
    deck: Vec<Fault>,
    steps: usize,
}

impl Plan {
    /// The plan of a campaign.
    pub fn new(options: &Options) -> Self {
        Self { faults: options.faults.clone(), deck: Vec::new(), steps: options.steps }
    }

    /// The faults of the next round.
    pub fn round(&mut self, random: &mut Random) -> Vec<Fault> {
        let mut round = Vec::new();
        while round.len() < self.steps && !self.faults.is_empty() {
            if self.deck.is_empty() {
                self.deck.clone_from(&self.faults);
            }
            let at = random.below(self.deck.len() as u64) as usize;
            round.push(self.deck.swap_remove(at));
        }
        round
    }
}
