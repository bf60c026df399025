//! Kelp takes records from Kafka, parses them with grok, and bulk-indexes them into daily Elasticsearch indices.
//!
//! The promise: an offset is committed only when every record below it is settled (indexed, a verified duplicate,
//! dropped by a rule, or delivered to the dead letters), and a record makes the same document with the same id in the
//! same index however often it is read.
//!
//! Rooms, from the bottom up; imports point down only:
//! - [`record`], [`event`], [`backoff`], [`budget`], [`yaml`]: what everything else speaks of.
//! - [`codec`]: bytes to event.
//! - [`pipeline`]: event to documents, as a YAML file says.
//! - `config`, `metrics`, `telemetry`, `admin`: what the service is told, and what it says of itself.
//! - `app`, `cli`: the service put together, and its command line.

pub mod backoff;
pub mod budget;
pub mod codec;
pub mod event;
pub mod pipeline;
pub mod record;
pub mod yaml;

#[cfg(feature = "service")]
pub mod admin;
#[cfg(feature = "service")]
pub mod app;
#[cfg(feature = "service")]
pub mod cli;
#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "service")]
pub mod exit;
#[cfg(feature = "service")]
pub mod metrics;
#[cfg(feature = "service")]
pub mod telemetry;
