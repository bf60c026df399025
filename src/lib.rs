//! Kelp takes records from Kafka, parses them with grok, and bulk-indexes them into daily Elasticsearch indices.
//!
//! The promise: an offset is committed only when every record below it is settled (indexed, a verified duplicate,
//! dropped by a rule, or delivered to the dead letters), and a record makes the same document with the same id in the
//! same index however often it is read.
//!
//! Rooms, from the bottom up; imports point down only:
//! - [`record`], [`event`], [`clock`], [`backoff`], [`budget`], [`yaml`]: what everything else speaks of.
//! - [`promise`]: what always has to be true, as checks that the service, its tests and its simulator share.
//! - [`grok`]: expressions that take lines apart; imports nothing of ours.
//! - [`codec`]: bytes to event. [`pipeline`]: event to documents, as a YAML file says.
//! - [`ledger`]: what is settled. [`bulk`]: one request and its answer. [`dead_letter`]: what was rejected.
//! - [`worker`], [`dispatch`], [`reader`]: the cores, which decide everything and do nothing themselves.
//! - [`sync`], [`passage`]: what the threads share, and the way to a worker.
//! - [`trace`]: what the cores were told and what came of it, written down to be replayed.
//! - `kafka`, `elastic`: the edges. `config`, `metrics`, `telemetry`, `admin`: what the service is told, and what it says.
//! - `app`: the cores and edges put together. `cli`: the command line.
//!
//! - `simulation`: random histories of the cores, for tests and with the feature of that name.
//! - `threads`: the threads under random schedules, with the feature `shuttle`.
//!
//! Without the feature `service` only the pure rooms are built, up to the cores.

#[cfg(feature = "service")]
pub mod admin;
#[cfg(feature = "service")]
pub mod app;
pub mod backoff;
pub mod budget;
pub mod bulk;
#[cfg(feature = "service")]
pub mod cli;
pub mod clock;
pub mod codec;
#[cfg(feature = "service")]
pub mod config;
pub mod dead_letter;
pub mod dispatch;
#[cfg(feature = "service")]
pub mod elastic;
pub mod event;
#[cfg(feature = "service")]
pub mod exit;
pub mod grok;
#[cfg(feature = "service")]
pub mod kafka;
pub mod ledger;
#[cfg(feature = "service")]
pub mod metrics;
pub mod passage;
pub mod pipeline;
mod planted;
pub mod promise;
pub mod reader;
pub mod record;
pub mod sync;
#[cfg(feature = "service")]
pub mod telemetry;
pub mod trace;
pub mod worker;
pub mod yaml;

#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
#[cfg(feature = "shuttle")]
pub mod threads;
