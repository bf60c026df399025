//! `threads`: the threads of a process under thousands of schedules, and the faults that are planted in them.

use std::process::ExitCode;

fn main() -> ExitCode {
    kelp::threads::command(&std::env::args().skip(1).collect::<Vec<_>>())
}
