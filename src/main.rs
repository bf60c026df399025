//! The program: everything it does is a command of [`kelp::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    kelp::cli::run(std::env::args_os())
}
