//! The topics that there are, looked at now and then where a pipeline has a pattern for them: the reader subscribes to those
//! that belong to a pipeline.
//!
//! librdkafka has patterns of its own. They are not used: which pipeline a topic belongs to has to be decided here all the same,
//! with one meaning of patterns in both group protocols, and dead letters left out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use super::messages::ToReader;
use crate::kafka::Side;
use crate::pipeline::{Conflict, Routes};
use crate::telemetry::{Tell, Teller};

/// How often the brokers are asked.
const EVERY: Duration = Duration::from_secs(5);
/// How long they may take.
const ASK: Duration = Duration::from_secs(10);
/// A topic that was missing in fewer answers than these is still subscribed to: brokers that start know little.
const MISSED: u32 = 3;

/// Everything that the thread has.
pub struct TopicsLoop {
    /// Asks.
    pub side: Side,
    /// Decides.
    pub routes: Arc<Routes>,
    /// Subscribes.
    pub reader: Sender<ToReader>,
    /// What was told.
    pub teller: Arc<Teller>,
    /// What is subscribed to.
    pub subscribed: BTreeSet<String>,
}

impl TopicsLoop {
    /// Runs until the reader is gone.
    pub fn run(mut self) {
        let mut missed = 0;
        loop {
            thread::sleep(EVERY);
            let there = match self.side.topics(ASK) {
                Ok(there) => there,
                Err(why) => {
                    if let Tell::Now { suppressed } = self.teller.note("topics") {
                        tracing::warn!(why, suppressed, "kafka does not say which topics there are; asking again");
                    }
                    continue;
                }
            };
            let (claimed, conflicts) = self.routes.claim(there.iter().map(String::as_str));
            for conflict in &conflicts {
                self.tell(conflict);
            }
            let mut wanted: BTreeSet<String> = claimed.into_iter().map(str::to_owned).collect();
            if wanted.is_superset(&self.subscribed) {
                missed = 0;
            } else {
                missed += 1;
                if missed < MISSED {
                    wanted.extend(self.subscribed.iter().cloned());
                }
            }
            if wanted == self.subscribed {
                continue;
            }
            let show = |topics: Vec<&String>| topics.into_iter().cloned().collect::<Vec<_>>().join(" ");
            let new = show(wanted.difference(&self.subscribed).collect());
            let gone = show(self.subscribed.difference(&wanted).collect());
            tracing::info!(new, gone, "the topics that patterns match have changed");
            self.subscribed = wanted;
            if self.reader.send(ToReader::Topics(self.subscribed.iter().cloned().collect())).is_err() {
                return;
            }
        }
    }

    fn tell(&self, conflict: &Conflict) {
        if let Tell::Now { suppressed } = self.teller.note(&format!("conflict {}", conflict.topic)) {
            tracing::error!(
                topic = conflict.topic,
                suppressed,
                "{conflict}; nobody reads it: name it in source.topics of one of them, or narrow a pattern"
            );
        }
    }
}
