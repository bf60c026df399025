//! The one clock of the process: the edges read it and give the time to the cores.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::clock::Moment;

/// Time since the process started.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// Starts at zero.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Now.
    pub fn now(self) -> Moment {
        Moment(self.0.elapsed())
    }

    /// The instant of a moment, for those who wait with the operating system.
    pub fn instant(self, moment: Moment) -> Instant {
        self.0 + moment.0
    }
}

/// Milliseconds since 1970. For metrics and the seed of chance only: no document depends on it.
pub fn wall_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
