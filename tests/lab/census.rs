//! The census: what Kafka holds against what Elasticsearch holds, record by record.
//!
//! The topic itself says what had to arrive; *every* document of *every* index says which topic, partition and offset it
//! came from; the topic of dead letters says what was rejected. Nothing is taken from Kelp's own counts, and nothing is
//! sampled: a bitmap per partition has a bit for each offset.

mod documents;
mod ledger;
mod records;
mod report;

pub use ledger::Offsets;
pub use records::each;
pub use report::Report;

use std::time::Instant;

use super::{Result, elastic};
use ledger::Ledger;

/// Decides whether the pipeline under test drops a record, given its value.
pub type DropRule = Box<dyn Fn(&[u8]) -> bool>;

/// What to hold against what.
pub struct Census {
    /// Kafka's `host:port`.
    pub bootstrap: String,
    /// Elasticsearch.
    pub elastic: elastic::Client,
    /// The topics that were produced to.
    pub topics: Vec<String>,
    /// The pattern of every index of the run; other indices are not looked at.
    pub indices: String,
    /// The topic of dead letters, if there is one. It need not exist.
    pub dead_letters: Option<String>,
    /// The field of a document that tells where it came from.
    pub origin_field: String,
    /// A record may become many documents.
    pub many: bool,
    /// A document's id has to end with its partition and offset.
    pub check_ids: bool,
    /// Which values the pipeline drops by a rule of its own.
    pub drop_rule: Option<DropRule>,
}

impl Census {
    /// A census of one topic with the usual options.
    pub fn new(bootstrap: &str, elastic: &elastic::Client, topic: &str, indices: &str) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            elastic: elastic.clone(),
            topics: vec![topic.into()],
            indices: indices.into(),
            dead_letters: Some("kelp.dead-letters".into()),
            origin_field: "kafka".into(),
            many: false,
            check_ids: false,
            drop_rule: None,
        }
    }

    /// Counts.
    ///
    /// # Errors
    /// Something could not be read to its end; a census is complete or fails.
    pub fn take(&self) -> Result<Report> {
        let start = Instant::now();
        let mut ledger = Ledger::default();
        for topic in &self.topics {
            records::read(self, topic, &mut ledger)?;
        }
        let dead_letters = match &self.dead_letters {
            Some(topic) => records::read_dead_letters(self, topic, &mut ledger)?,
            None => 0,
        };
        let documents = documents::read(self, &mut ledger)?;
        Ok(report::make(self, &ledger, documents, dead_letters, start.elapsed()))
    }
}
