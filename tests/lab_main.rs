//! `lab`: the laboratory as a tool. `scripts/demo`, `scripts/bench` and `scripts/chaos` call it; by hand it is
//! `cargo run --release --example lab -- --help`.

use std::process::ExitCode;

use clap::Parser;

mod lab;
mod lab_tool;

fn main() -> ExitCode {
    lab_tool::run(lab_tool::Command::parse())
}
