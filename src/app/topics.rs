//! Which topics are read: those that pipelines name, and those of Kafka's that patterns match, which are looked at now and then.
//!
//! librdkafka has patterns of its own. They are not used: which pipeline a topic belongs to has to be decided here all the same,
//! with one meaning of patterns in both group protocols, and dead letters left out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::kafka::Side;
use crate::pipeline::{Conflict, Routes};
use crate::telemetry::{Tell, Teller};
use crate::worker::Pipelines;

/// How often the brokers are asked, where there are patterns.
const EVERY: Duration = Duration::from_secs(5);
/// How long they may take.
const ASK: Duration = Duration::from_secs(5);
/// A topic that was missing in fewer answers than these is still subscribed to: brokers that start know little.
const MISSED: u32 = 3;

/// The topics that belong to pipelines, and those that two patterns match.
///
/// # Errors
/// In words for a person: Kafka does not answer.
fn claimed(side: &Side, routes: &Routes) -> Result<(BTreeSet<String>, BTreeSet<Conflict>), String> {
    let there = if routes.has_patterns() { side.topics(ASK)? } else { Vec::new() };
    let (claimed, conflicts) = routes.claim(there.iter().map(String::as_str));
    Ok((claimed.into_iter().map(str::to_owned).collect(), conflicts))
}

/// Sees to it that all topics and the dead letters' are there; gives the topics and the number of their partitions.
///
/// # Errors
/// In words for a person: what is missing, or two patterns match one topic.
pub fn prepare(side: &Side, routes: &Routes, dead_letters: &str) -> Result<(BTreeSet<String>, usize), String> {
    let (topics, conflicts) = claimed(side, routes)?;
    if let Some(conflict) = conflicts.first() {
        return Err(format!("{conflict}; name it in source.topics of one of them, or narrow a pattern"));
    }
    if topics.is_empty() {
        return Err("no topic is matched by any source.topics_pattern: make one, or correct the pattern".to_owned());
    }
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let partitions = side.partitions(&names, ASK)?;
    side.ensure_dead_letters(dead_letters, &names, ASK)?;
    Ok((topics, partitions))
}

/// The pipeline of each topic, besides what was known before.
pub fn in_force(routes: &Routes, topics: &BTreeSet<String>, before: &Pipelines) -> Pipelines {
    let mut all = before.clone();
    let found = topics.iter().filter_map(|topic| Some((topic.as_str().into(), Arc::clone(routes.of(topic)?))));
    all.extend(found);
    all
}

/// What is subscribed to, held against what there is.
pub struct Watch {
    subscribed: BTreeSet<String>,
    missed: u32,
    looked: Instant,
}

impl Watch {
    /// Begins with what is subscribed to now.
    pub fn new(subscribed: BTreeSet<String>) -> Self {
        Self { subscribed, missed: 0, looked: Instant::now() }
    }

    /// What is subscribed to.
    pub fn subscribed(&self) -> &BTreeSet<String> {
        &self.subscribed
    }

    /// Looks, if it is time for it; gives all topics that are to be read if these are others than before.
    pub fn look(&mut self, side: &Side, routes: &Routes, teller: &Teller) -> Option<BTreeSet<String>> {
        if !routes.has_patterns() || self.looked.elapsed() < EVERY {
            return None;
        }
        self.looked = Instant::now();
        let (mut wanted, conflicts) = match claimed(side, routes) {
            Ok(found) => found,
            Err(why) => {
                if let Tell::Now { suppressed } = teller.note("topics") {
                    tracing::warn!(why, suppressed, "kafka does not say which topics there are; asking again");
                }
                return None;
            }
        };
        for conflict in &conflicts {
            if let Tell::Now { suppressed } = teller.note(&format!("conflict {}", conflict.topic)) {
                tracing::error!(
                    topic = conflict.topic,
                    suppressed,
                    "{conflict}; nobody reads it: name it in source.topics of one of them, or narrow a pattern"
                );
            }
        }
        if wanted.is_superset(&self.subscribed) {
            self.missed = 0;
        } else {
            self.missed += 1;
            if self.missed < MISSED {
                wanted.extend(self.subscribed.iter().cloned());
            }
        }
        if wanted == self.subscribed {
            return None;
        }
        let show = |topics: Vec<&String>| topics.into_iter().cloned().collect::<Vec<_>>().join(" ");
        let new = show(wanted.difference(&self.subscribed).collect());
        let gone = show(self.subscribed.difference(&wanted).collect());
        tracing::info!(new, gone, "the topics that patterns match have changed");
        Some(wanted)
    }
}
