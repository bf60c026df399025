//! The command line: what may be typed, and which command it is for.
//!
//! Bad usage ends with 64, as bad configuration does, so that whoever starts the program can tell "mend what you gave
//! me" from every other end.

mod check;
mod grok;
mod output;
mod paths;
mod run;
mod settings;
mod simulate;
mod test;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::exit::ExitStatus;

const EXAMPLES: &str = "\
Begin with a pipeline, which says what becomes of a topic's records, and try it on lines:
  kelp simulate -p pipelines/web.yaml --explain < access.log
  kelp test pipelines

Then kelp.yaml, which says where Kafka and Elasticsearch are:
  kelp check                                 every mistake of both, with its place
  kelp run                                   run the service until it is told to stop
  kelp run -c kelp.yaml --until-caught-up    stop when all that was there at the start is settled
  kelp grok '%{IP:ip} %{WORD:verb}' < access.log   what an expression makes of lines
  KELP_KAFKA__GROUP_ID=try kelp run          set kafka.group_id by a variable

Exit codes:
  0   done
  1   the answer is no: failed tests, something missing, a difference
  64  bad configuration or usage; nothing was started
  70  a fault of its own; nothing was committed after it
  75  stopped with unsettled work, which the next run takes up again

KELP_LOG chooses what is logged, such as debug or info,kelp::kafka=trace.";

/// Takes records from Kafka, parses them with grok, and bulk-indexes them into daily Elasticsearch indices.
#[derive(Parser)]
#[command(name = "kelp", version, about, after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = false)]
struct Typed {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Arguments),
    Check(check::Arguments),
    Simulate(simulate::Arguments),
    Test(test::Arguments),
    Grok(grok::Arguments),
}

/// How an answer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// A JSON object a line.
    Json,
}

/// Runs the command that these arguments, the first of which is the program's name, ask for.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Typed::try_parse_from(arguments) {
        Ok(Typed { command }) => command.run().into(),
        Err(error) => explain(&error).into(),
    }
}

impl Command {
    fn run(self) -> ExitStatus {
        match self {
            Self::Run(arguments) => arguments.run(),
            Self::Check(arguments) => arguments.run(),
            Self::Simulate(arguments) => arguments.run(),
            Self::Test(arguments) => arguments.run(),
            Self::Grok(arguments) => arguments.run(),
        }
    }
}

/// Shows help, version or a mistake in usage.
fn explain(error: &clap::Error) -> ExitStatus {
    let asked_for = !error.use_stderr();
    match error.print() {
        Ok(()) if asked_for => ExitStatus::Done,
        // Nobody reads what was asked for; that is no reason to call the usage bad.
        Err(_) if asked_for => ExitStatus::Done,
        Ok(()) | Err(_) => ExitStatus::Usage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        <Typed as clap::CommandFactory>::command().debug_assert();
    }
}
