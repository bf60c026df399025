//! Integration tests: the real servers, the real binary.
//!
//! - `docs`: what the documentation shows is true.
//! - `lab`: what the tests are made with.
//! - `lab_census`: the census sees what is wrong.
//! - `lab_servers`: what the laboratory's own servers have to be able to do.

mod docs;
mod lab;
mod lab_census;
mod lab_servers;
