//! How many requests may be under way: found out, between one and a given most, from how Elasticsearch bears them.
//!
//! Additive increase, multiplicative decrease. While the limit is what holds requests back, each round trip compares with the
//! shortest that was seen lately: what is over it was spent in a queue. A short queue raises the limit by one in each round,
//! a long one lowers it by a tenth, and whatever Elasticsearch refuses as too much (429, of an item or of a request) lowers
//! it by a third.

use std::time::Duration;

use crate::clock::Moment;

/// Requests that may stand in Elasticsearch's queue before there are too many, and below which there are too few.
const TOO_MANY: f64 = 6.0;
const TOO_FEW: f64 = 3.0;
/// What a request takes whatever its size, in bytes of body that would take as long.
const FIXED_BYTES: f64 = 262_144.0;
/// How long the shortest round trip counts at least; it is forgotten after twice that. At the end of each such time it is
/// measured anew with half as many requests, or a queue of our own would pass for what Elasticsearch takes.
const WINDOW: Duration = Duration::from_secs(60);
/// Where it starts, if it may.
const START: usize = 4;

#[derive(Debug)]
pub(super) struct Limit {
    most: f64,
    limit: f64,
    /// The shortest round trips of this window and of the one before, in seconds per byte.
    best: [f64; 2],
    window_ends: Moment,
    /// Until then half as many.
    measures_until: Moment,
    /// The limit is not lowered again before this.
    not_before: Moment,
}

impl Limit {
    pub(super) fn new(most: usize) -> Self {
        let limit = START.min(most).max(1) as f64;
        Self {
            most: most.max(1) as f64,
            limit,
            best: [f64::INFINITY; 2],
            window_ends: Moment::default() + WINDOW,
            measures_until: Moment::default(),
            not_before: Moment::default(),
        }
    }

    /// Requests that may be under way now.
    pub(super) fn current(&self, now: Moment) -> usize {
        let halved = if now < self.measures_until { 2.0 } else { 1.0 };
        (self.limit / halved).max(1.0) as usize
    }

    /// A request of `bytes` was answered after `took`; when it was sent there were `under_way`, it included.
    pub(super) fn answered(&mut self, now: Moment, took: Duration, bytes: usize, under_way: usize) {
        let each = took.as_secs_f64() / (bytes as f64 + FIXED_BYTES);
        if now >= self.window_ends {
            self.best = [f64::INFINITY, self.best[0]];
            self.window_ends = now + WINDOW;
            self.measures_until = now + took * 2;
        }
        self.best[0] = self.best[0].min(each);
        let best = self.best[0].min(self.best[1]);
        // Where there was room, the limit was not what mattered.
        if now < self.measures_until || (under_way as f64) < self.limit.floor() * 0.75 {
            return;
        }
        let queued = self.limit * (1.0 - best / each.max(f64::MIN_POSITIVE));
        if queued > TOO_MANY {
            self.lower(now, took, 0.9);
        } else if queued < TOO_FEW {
            self.limit = (self.limit + 1.0 / self.limit).min(self.most);
        }
    }

    /// Something was refused as too much, or not answered at all.
    pub(super) fn overloaded(&mut self, now: Moment, took: Duration) {
        self.lower(now, took, 2.0 / 3.0);
    }

    /// Once in a round trip: the answers to what was sent before speak of the limit that was.
    fn lower(&mut self, now: Moment, took: Duration, factor: f64) {
        if now >= self.not_before {
            self.limit = (self.limit * factor).max(1.0);
            self.not_before = now + took;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment(Duration::from_millis(millis))
    }

    /// Plays a server that works on `width` requests at once, each for 50 ms, against a limit that is always reached.
    fn settle(limit: &mut Limit, width: f64, rounds: u64) -> usize {
        let mut now = at(0);
        for _ in 0..rounds {
            let under_way = limit.current(now);
            let took = Duration::from_secs_f64(0.05 * (under_way as f64 / width).max(1.0));
            now = now + took;
            for _ in 0..under_way {
                limit.answered(now, took, 1 << 20, under_way);
            }
        }
        limit.current(now + WINDOW)
    }

    #[test]
    fn it_grows_to_what_is_worked_on_at_once_and_a_short_queue() {
        for (width, low, high) in [(1.0, 4, 13), (8.0, 10, 18), (40.0, 32, 32)] {
            let found = settle(&mut Limit::new(32), width, 20_000);
            assert!((low..=high).contains(&found), "{width}: {found}");
        }
    }

    #[test]
    fn what_is_refused_lowers_it_once_in_a_round_trip_and_never_below_one() {
        let mut limit = Limit::new(9);
        settle(&mut limit, 100.0, 50);
        assert_eq!(limit.current(at(90_000)), 9);
        let took = Duration::from_millis(100);
        for _ in 0..5 {
            limit.overloaded(at(100_000), took);
        }
        assert_eq!(limit.current(at(190_000)), 6);
        for round in 0..50 {
            limit.overloaded(at(200_000 + 100 * round), took);
        }
        assert_eq!(limit.current(at(300_000)), 1);
        assert!(settle(&mut limit, 100.0, 50) > 5);
    }

    #[test]
    fn what_is_not_used_does_not_grow() {
        let mut limit = Limit::new(32);
        for round in 0..1000 {
            limit.answered(at(round), Duration::from_millis(5), 1000, 1);
        }
        assert_eq!(limit.current(at(1000)), 4);
    }

    #[test]
    fn it_starts_within_what_is_allowed() {
        assert_eq!(
            (Limit::new(0).current(at(0)), Limit::new(2).current(at(0)), Limit::new(50).current(at(0))),
            (1, 2, 4)
        );
    }
}
