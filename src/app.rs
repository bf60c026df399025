//! The composition root: builds the edges and the cores, joins them, waits for a signal, drains.

use crate::config::Config;
use crate::exit::ExitStatus;

/// Runs the service until it is told to stop, or until it has caught up.
pub fn run(_config: Config, _until_caught_up: bool) -> ExitStatus {
    tracing::error!("not assembled yet");
    ExitStatus::Fault
}
