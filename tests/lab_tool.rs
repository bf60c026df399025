//! The tool's commands. Each gives `true` if the answer is good.

mod bench;
mod chaos;
mod demo;
mod interrupt;
mod progress;
mod single;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::lab::Result;
use interrupt::Interrupt;

/// Real servers, a seeded load, the census and an accept-everything sink, for trying Kelp out and for measuring it.
///
/// Kafka and Elasticsearch run from their published jars on free ports of 127.0.0.1; jars are kept in LAB_DIR,
/// or else in `lab` below CARGO_TARGET_DIR or target. Whatever is started is stopped when the command ends, by Ctrl-C too.
#[derive(Debug, Parser)]
#[command(name = "lab", version)]
pub enum Command {
    /// Starts Kafka and Elasticsearch, prints their addresses and waits for Ctrl-C.
    Servers,
    /// Writes a seeded access log to a topic, making the topic if it is not there.
    Produce(single::Produce),
    /// Writes each line of its standard input as a record, making the topic if it is not there.
    Send(single::Send),
    /// Holds every document of every index against every record of a topic.
    ///
    /// Exit code 0 only if nothing is missing, nothing is there twice and nothing is there that should not be.
    Census(single::Take),
    /// Runs an Elasticsearch that answers every item with 201 and keeps nothing; GET /_sink/stats tells what came in.
    Sink {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:9200")]
        listen: String,
    },
    /// Does the main job on real servers and proves it: produce, run Kelp until it has caught up, take the census.
    Demo(demo::Demo),
    /// Measures Kelp against the sink, with a real Kafka: start to first bulk, records a second, CPU, memory.
    Bench(bench::Bench),
    /// Plays rounds of random faults on real servers and processes, and holds everything against everything after each.
    ///
    /// Exit code 0 only if all of it holds.
    Chaos(chaos::Chaos),
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

/// Runs a command: 0 if the answer is good, 1 if not or if it could not be carried out, 130 after Ctrl-C.
pub fn run(command: Command) -> ExitCode {
    let interrupt = match Interrupt::watch() {
        Ok(interrupt) => interrupt,
        Err(error) => {
            eprintln!("lab: {error}");
            return ExitCode::FAILURE;
        }
    };
    match carry_out(command, &interrupt) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(_) if interrupt.is_set() => ExitCode::from(130),
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: Command, interrupt: &Interrupt) -> Result<bool> {
    match command {
        Command::Servers => single::servers(interrupt),
        Command::Produce(produce) => single::produce(&produce, interrupt),
        Command::Send(send) => single::send(&send),
        Command::Census(take) => single::census(&take),
        Command::Sink { listen } => single::sink(&listen, interrupt),
        Command::Demo(demo) => demo::run(&demo, interrupt),
        Command::Bench(bench) => bench::run(&bench, interrupt),
        Command::Chaos(chaos) => chaos::run(&chaos, interrupt),
    }
}

/// The binary to try: as given, or beside this tool's own folder (`target/release/kelp`).
fn kelp(given: Option<&PathBuf>) -> Result<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("kelp"));
    let binary = given.cloned().or_else(beside).ok_or("where is the binary? give --kelp PATH")?;
    if binary.is_file() {
        return Ok(binary.canonicalize()?);
    }
    Err(format!("there is no {}: cargo build --release makes it, or give --kelp PATH", binary.display()).into())
}
