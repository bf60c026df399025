//! Says from time to time how far the work is: by what is settled, as what is taken in says nothing of how long it takes.

use std::time::Duration;

use crate::clock::Moment;

const EVERY: Duration = Duration::from_secs(10);

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Records received since the start.
    pub(super) received: u64,
    told: Moment,
    told_settled: u64,
}

/// One line.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    settled: u64,
    records_per_second: f64,
    seconds_left: Option<f64>,
}

impl Progress {
    /// Logs a line if it is time for one and something happened. `settled` counts all records that are settled since the start;
    /// it is asked for only then.
    pub(super) fn tell(&mut self, now: Moment, lag: i64, in_flight: i64, settled: impl FnOnce() -> u64) {
        if now.since(self.told) < EVERY {
            return;
        }
        let line = self.line(now, lag, in_flight, settled());
        if let Some(Line { settled, records_per_second, seconds_left }) = line {
            let received = self.received;
            tracing::info!(received, settled, records_per_second, lag, in_flight, seconds_left, "progress");
        }
    }

    fn line(&mut self, now: Moment, lag: i64, in_flight: i64, settled: u64) -> Option<Line> {
        let since = now.since(self.told);
        let records = settled.saturating_sub(self.told_settled);
        self.told = now;
        self.told_settled = settled;
        if records == 0 && in_flight <= 0 {
            return None;
        }
        let records_per_second = (records as f64 / since.as_secs_f64()).round();
        // Where nothing is settled nobody knows how long it takes.
        let seconds_left = (records_per_second > 0.0).then(|| (lag as f64 / records_per_second).ceil());
        Some(Line { settled, records_per_second, seconds_left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_what_is_settled() {
        let at = |seconds| Moment(Duration::from_secs(seconds));
        let mut progress = Progress { received: 50_000, ..Progress::default() };
        let line = |settled, records_per_second, seconds_left| Some(Line { settled, records_per_second, seconds_left });
        // Everything was taken in, and elasticsearch is slow.
        assert_eq!(progress.line(at(10), 43_000, 43_000, 7000), line(7000, 700.0, Some(62.0)));
        // It is away: there is no estimate.
        assert_eq!(progress.line(at(20), 43_000, 43_000, 7000), line(7000, 0.0, None));
        // Nothing more was taken in, and it goes on.
        assert_eq!(progress.line(at(30), 36_000, 36_000, 14_000), line(14_000, 700.0, Some(52.0)));
        assert_eq!(progress.line(at(40), 0, 0, 50_000), line(50_000, 3600.0, Some(0.0)));
        assert_eq!(progress.line(at(50), 0, 0, 50_000), None);
    }

    #[test]
    fn it_is_told_every_ten_seconds() {
        let mut progress = Progress::default();
        let mut asked = 0;
        for tenth in 0..205 {
            progress.tell(Moment(Duration::from_millis(tenth * 100)), 0, 1, || {
                asked += 1;
                asked
            });
        }
        assert_eq!(asked, 2);
    }
}
