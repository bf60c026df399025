//! The laboratory: real servers, a seeded load, the census, an accept-everything sink, and a handle on the real binary.
//!
//! It is compiled twice: into the integration tests (`tests/main.rs`) and into the tool behind `scripts/`
//! (`tests/lab_main.rs`), so that what a demo shows and what the tests check is the same code. Neither uses all of it.
//! It imports nothing of Kelp: what it says about Kelp it says from outside.
#![allow(dead_code, unused_imports)]

pub mod authority;
pub mod campaign;
pub mod census;
pub mod elastic;
pub mod generate;
pub mod guard;
pub mod home;
pub mod kafka;
pub mod kelp;
pub mod opensearch;
pub mod oracle;
pub mod ports;
pub mod process;
pub mod produce;
pub mod proxy;
pub mod servers;
pub mod sink;
pub mod tools;
pub mod unix;
pub mod wait;
pub mod wire;

/// What goes wrong in the laboratory is told to a person: a text is enough.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

pub use census::Census;
pub use kelp::Kelp;
pub use produce::{Message, produce};
pub use servers::{Servers, servers, servers_alone};
pub use wait::wait_until;
