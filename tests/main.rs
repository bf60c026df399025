//! Integration tests: the real servers, the real binary.
//!
//! - `chart`: the Helm chart, rendered by Helm.
//! - `cli`: the command line and its exit codes, without servers.
//! - `commands`: the commands that need no server: check, simulate, test.
//! - `cli_grok`: `kelp grok`.
//! - `delivery`: the promise, on a real Kafka and a real Elasticsearch.
//! - `docs`: what the documentation shows is true.
//! - `fakes`: the real servers answer as those that the simulator plays.
//! - `help`: what `--help` and the page of commands teach works.
//! - `grok_allocations`: matching takes no memory from the allocator.
//! - `grok_reference`: Elasticsearch's own grok agrees.
//! - `lab`: what the tests are made with.
//! - `lab_census`: the census sees what is wrong.
//! - `lab_project`: the project's own files: containers, scripts, licences.
//! - `lab_servers`: what the laboratory's own servers have to be able to do.
//! - `mistakes`: what is said about mistakes in configurations and pipelines.
//! - `monitoring`: metrics, alerts and dashboard are true.
//! - `processors_reference`: OpenSearch's own processors agree.
//! - `rooms`: imports point down only.
//! - `secrets`: no secret is shown anywhere.

mod chart;
mod cli;
mod cli_grok;
mod commands;
mod delivery;
mod docs;
mod fakes;
mod grok_allocations;
mod grok_reference;
mod help;
mod lab;
mod lab_census;
mod lab_project;
mod lab_servers;
mod mistakes;
mod monitoring;
mod processors_reference;
mod rooms;
mod secrets;
