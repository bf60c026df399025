//! The edge to Kafka: the only place that names rdkafka.
//!
//! Everything of the consumer is called by the one thread that owns it. Nothing here decides: rebalances, results and errors
//! are recorded as they come and given out as [`ConsumerEvent`]s.

mod aside;
mod asker;
mod batch;
mod commit;
mod consumer;
mod credentials;
mod describe;
mod events;
mod letters;
mod settings;
mod side;

pub use asker::{Asker, Asking};
pub use batch::{FaultKind, PartitionFault, Taken};
pub use consumer::Consumer;
pub use credentials::Credentials;
pub use events::{ConsumerEvent, Statistics};
pub use letters::{LetterFault, LetterProducer, OutgoingLetter};
pub use settings::{KafkaSettings, PropertyProblem, check};
pub use side::Side;

/// Modules whose messages mislead: a consumer that was closed is closed once more when it is dropped, and that is called an error.
pub const QUIET: [&str; 1] = ["rdkafka::consumer::base_consumer"];

/// The version of librdkafka that is linked in.
pub fn library_version() -> String {
    rdkafka::util::get_rdkafka_version().1
}

#[cfg(test)]
mod rebalance_tests;
