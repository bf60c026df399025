//! `kelp run`: the service itself.

use std::env;

use clap::Args;

use super::settings::Settings;
use crate::app;
use crate::config::{Fault, Faults, Place};
use crate::exit::ExitStatus;
use crate::kafka;
use crate::telemetry;

const EXAMPLES: &str = "\
What is set here stands above KELP_… variables, which stand above the file.
A variable is named after the keys in the file, with two underscores between:
  KELP_ELASTICSEARCH__ENDPOINTS=https://es-1:9200,https://es-2:9200

Nothing is started unless kelp check with the same settings finds no mistake.

Examples:
  kelp run
  kelp run -c kelp.yaml --memory-limit 1GiB
  kelp run --bootstrap-servers kafka-1:9092,kafka-2:9092 --endpoint https://es:9200";

/// Run the service: take records, index them, commit what is settled.
///
/// SIGTERM or Ctrl-C ends it in order: no more intake, settle what is in flight, commit, leave the group. A second one
/// ends it at once; nothing is lost by it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// End with 0 once everything that was in the partitions when they were assigned is settled and committed.
    #[arg(long)]
    until_caught_up: bool,
}

impl Arguments {
    pub(super) fn run(self) -> ExitStatus {
        let log = set_up_log();
        let plan = self.settings.sources().and_then(|sources| app::plan(&sources));
        match (plan, log) {
            (Ok(plan), Ok(())) => {
                telemetry::end_on_panic();
                app::run(plan, self.until_caught_up)
            }
            (plan, log) => {
                for faults in [plan.err(), log.err()].into_iter().flatten() {
                    eprintln!("{faults}");
                }
                ExitStatus::Usage
            }
        }
    }
}

fn set_up_log() -> Result<(), Faults> {
    telemetry::init(|name| env::var(name).ok(), &kafka::QUIET)
        .map_err(|(name, what)| Faults(vec![Fault { place: Place::Variable(name.to_owned()), what, hint: None }]))
}
