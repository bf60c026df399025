//! Integration tests: the real servers, the real binary.
//!
//! - `lab`: what the tests are made with.
//! - `lab_servers`: what the laboratory's own servers have to be able to do.

mod lab;
mod lab_servers;
