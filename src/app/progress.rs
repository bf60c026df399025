//! Says from time to time how far the work is.

use std::time::Duration;

use crate::clock::Moment;

const EVERY: Duration = Duration::from_secs(10);

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Records received since the start.
    pub(super) received: u64,
    told: Moment,
    told_received: u64,
}

impl Progress {
    /// Logs a line if it is time for one and something happened.
    pub(super) fn tell(&mut self, now: Moment, lag: i64, in_flight: i64) {
        let since = now.since(self.told);
        if since < EVERY {
            return;
        }
        let records = self.received - self.told_received;
        if records > 0 || in_flight > 0 {
            let rate = (records as f64 / since.as_secs_f64()).round();
            let left = (rate > 0.0).then(|| (lag as f64 / rate).ceil());
            tracing::info!(
                received = self.received,
                records_per_second = rate,
                lag,
                in_flight,
                seconds_left = left,
                "progress"
            );
        }
        self.told = now;
        self.told_received = self.received;
    }
}
