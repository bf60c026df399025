//! Integration tests: the real servers, the real binary.
//!
//! - `chart`: the Helm chart, rendered by Helm.
//! - `cli`: the command line and its exit codes, without servers.
//! - `delivery`: the promise, on a real Kafka and a real Elasticsearch.
//! - `docs`: what the documentation shows is true.
//! - `lab`: what the tests are made with.
//! - `lab_census`: the census sees what is wrong.
//! - `lab_project`: the project's own files: containers, scripts, licences.
//! - `lab_servers`: what the laboratory's own servers have to be able to do.
//! - `monitoring`: metrics, alerts and dashboard are true.
//! - `rooms`: imports point down only.

mod chart;
mod cli;
mod delivery;
mod docs;
mod lab;
mod lab_census;
mod lab_project;
mod lab_servers;
mod monitoring;
mod rooms;
