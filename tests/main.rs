//! Integration tests: the real servers, the real binary.
//!
//! - `cli`: the command line, without servers.
//! - `delivery`: records come through, once, whatever happens on the way.
//! - `lab`: what the tests are made with.
//! - `lab_census`: the census sees what is wrong.
//! - `lab_project`: the project's own files: containers, scripts, licences.
//! - `lab_servers`: what the laboratory's own servers have to be able to do.

mod cli;
mod delivery;
mod lab;
mod lab_census;
mod lab_project;
mod lab_servers;
