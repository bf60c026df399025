//! One line that says how far something is: rewritten in place on a terminal, a new one every 5 s elsewhere.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use crate::lab::Result;

/// The line.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    shown: Option<Instant>,
    started: Instant,
}

impl Progress {
    /// Starts the clock.
    pub fn new() -> Self {
        Self { terminal: stderr().is_terminal(), shown: None, started: Instant::now() }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Shows `text` if it is time for it.
    ///
    /// # Errors
    /// Nobody can be shown anything any more.
    pub fn show(&mut self, text: impl FnOnce() -> String) -> Result<()> {
        let pause = Duration::from_millis(if self.terminal { 200 } else { 5000 });
        if self.shown.is_some_and(|shown| shown.elapsed() < pause) {
            return Ok(());
        }
        self.shown = Some(Instant::now());
        if self.terminal {
            write!(stderr(), "\r\x1b[K{}", text())?;
        } else {
            writeln!(stderr(), "{}", text())?;
        }
        Ok(stderr().flush()?)
    }

    /// Leaves a last line.
    ///
    /// # Errors
    /// As for [`Progress::show`].
    pub fn done(&mut self, text: &str) -> Result<()> {
        let start = if self.terminal { "\r\x1b[K" } else { "" };
        Ok(writeln!(stderr(), "{start}{text}")?)
    }
}
