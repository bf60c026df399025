//! Where the service works: Kafka, Elasticsearch, limits and addresses.
//!
//! What is said in `kelp.yaml`, in `KELP_…` variables and in flags is laid over one another, read by one schema, and
//! either gives a [`Config`] in which every value is usable, or every mistake at once, each with its place. Nothing is
//! guessed: an unknown key is a mistake, because it may be the misspelt name of a limit that somebody relies on.

mod access;
mod elasticsearch;
mod elsewhere;
mod environment;
mod fault;
mod file;
mod from_file;
mod kafka;
mod layers;
mod load;
mod paths;
mod protected;
mod read;
mod secret;
mod substitute;
#[cfg(test)]
mod tests;
mod units;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

pub use access::{ApiKey, SecretFile, Tls};
pub use elasticsearch::{Bulk, Compression, Elasticsearch, Template};
pub use environment::OTHER_VARIABLES;
pub use fault::{Fault, Faults, Place};
pub use from_file::read_secret;
pub use kafka::{Kafka, OutOfRange, Start};
pub use layers::Setting;
pub use load::{Sources, examine, keys, load};
pub use paths::Pipelines;
pub use protected::{PROTECTED, protected};
pub use secret::{Endpoint, Properties, Secret, is_secret};

/// The validated configuration. Its `Debug` form shows no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The consumer's side.
    pub kafka: Kafka,
    /// The indexing side.
    pub elasticsearch: Elasticsearch,
    /// Where the pipeline files are.
    pub pipelines: Pipelines,
    /// The topic that rejected records go to.
    pub dead_letter_topic: String,
    /// The address of `/metrics`, `/livez` and `/readyz`; port 0 takes a free one.
    pub admin_listen: SocketAddr,
    /// A thread that shows no life for this long hangs.
    pub hang_after: Duration,
    /// A partition that does not move for this long, though nothing is in its way, is stuck.
    pub stuck_after: Duration,
    /// How many worker threads; `None` is one for each core, but no more than there are partitions.
    pub threads: Option<NonZeroUsize>,
    /// The bytes that queues, batches and requests may use together.
    pub memory_limit: usize,
    /// How long an orderly end may take.
    pub shutdown_timeout: Duration,
    /// What the cores are told is written down, if that is wanted.
    pub trace: Option<TraceFile>,
}

/// Where a trace is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceFile {
    /// The file. One that is there is kept under its name with `.before` appended.
    pub file: PathBuf,
    /// Its bytes at most.
    pub limit: u64,
}
