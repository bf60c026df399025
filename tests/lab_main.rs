//! `lab`: the laboratory as a tool. `scripts/demo` and `scripts/bench` call it; by hand it is
//! `cargo run --release --example lab -- --help`.

use std::process::ExitCode;

use clap::Parser;

mod lab;
mod lab_tool;

fn main() -> ExitCode {
    let command = lab_tool::Command::parse();
    match lab_tool::run(command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}
