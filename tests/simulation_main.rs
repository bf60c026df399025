//! `simulate`: random histories of the cores by the million, and the table of the faults that are planted in them.
//! For the histories of a normal test run see `src/simulation/tests.rs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A planted fault may make a core panic: that is found, and need not be told.
    std::panic::set_hook(Box::new(|_| {}));
    kelp::simulation::command(&std::env::args().skip(1).collect::<Vec<_>>())
}
