//! Kelp takes records from Kafka, parses them with grok, and bulk-indexes them into daily Elasticsearch indices.
//!
//! The promise: an offset is committed only when every record below it is settled (indexed, a verified duplicate,
//! dropped by a rule, or delivered to the dead letters), and a record makes the same document with the same id in the
//! same index however often it is read.
//!
//! Rooms, from the bottom up; imports point down only:
//! - [`record`], [`event`], [`backoff`], [`yaml`]: what everything else speaks of.
//! - [`codec`]: bytes to event.
//! - [`pipeline`]: event to documents, as a YAML file says.

pub mod backoff;
pub mod budget;
pub mod bulk;
pub mod clock;
pub mod codec;
pub mod dead_letter;
pub mod dispatch;
pub mod event;
pub mod ledger;
pub mod pipeline;
pub mod reader;
pub mod record;
pub mod worker;
pub mod yaml;

#[cfg(test)]
mod simulation;
