//! How far behind: the age of the oldest record that is not settled, and how long it takes to catch up.
//!
//! The age is that of a record, by its own timestamp, never that of our work: it says how old what one searches for must
//! be to be found. Where no record above the watermark was received, all that is known is for how long nothing moved.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::metrics::Metrics;

/// What is in flight of one holding, by the batches in which it was taken.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The last offset of each batch, and the timestamp of its first record, in milliseconds since 1970.
    batches: VecDeque<(i64, Option<i64>)>,
    /// The timestamp of the first record above the watermark, where its worker knows one.
    oldest: Option<i64>,
    /// When something was last taken or settled.
    moved: Moment,
}

impl Waiting {
    pub(super) fn new(now: Moment) -> Self {
        Self { batches: VecDeque::new(), oldest: None, moved: now }
    }

    /// A batch was taken.
    pub(super) fn took(&mut self, now: Moment, last_offset: i64, first_timestamp: Option<i64>) {
        self.batches.push_back((last_offset, first_timestamp));
        self.moved = now;
    }

    /// Everything below `offset` is settled; `oldest` is the timestamp of the first record that is not, if its worker has
    /// one.
    pub(super) fn settled(&mut self, now: Moment, offset: i64, oldest: Option<i64>) {
        while self.batches.front().is_some_and(|(last, _)| *last < offset) {
            self.batches.pop_front();
        }
        self.oldest = oldest;
        self.moved = now;
    }

    /// When something was last taken or settled.
    pub(super) fn moved(&self) -> Moment {
        self.moved
    }

    /// The age in seconds of the oldest record that is not settled: 0 if there is none. `wall` is the time in milliseconds
    /// since 1970, `behind` the number of records up to the end.
    pub(super) fn age(&self, now: Moment, wall: i64, behind: i64) -> f64 {
        let oldest = self.batches.front().map(|(_, first)| self.oldest.or(*first));
        match oldest {
            Some(Some(timestamp)) => (wall - timestamp).max(0) as f64 / 1000.0,
            Some(None) => now.since(self.moved).as_secs_f64(),
            None if behind > 0 => now.since(self.moved).as_secs_f64(),
            None => 0.0,
        }
    }
}

/// Older counts weigh less: by a factor of e after this time.
const MEMORY: Duration = Duration::from_secs(30);
/// So many seconds' worth of records is no lag: they are on their way.
const ON_THE_WAY: f64 = 5.0;

/// How fast records arrive at a topic and are committed, over about the last half minute.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How much was observed: nears 1.
    weight: f64,
    arrived: f64,
    committed: f64,
}

impl Pace {
    /// So many records came and were committed in a span of time.
    pub(super) fn observe(&mut self, span: Duration, arrived: i64, committed: i64) {
        let seconds = span.as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let keep = (-seconds / MEMORY.as_secs_f64()).exp();
        let mix = |average: &mut f64, now: f64| *average = *average * keep + now * (1.0 - keep);
        mix(&mut self.weight, 1.0);
        mix(&mut self.arrived, arrived as f64 / seconds);
        mix(&mut self.committed, committed as f64 / seconds);
    }

    /// Seconds until there is no lag if it goes on like this: 0 if there is none to speak of, infinite if it does not
    /// shrink.
    pub(super) fn catch_up(&self, lag: i64) -> f64 {
        if lag <= 0 {
            return 0.0;
        }
        if self.weight <= 0.0 {
            return f64::INFINITY;
        }
        let (arrived, committed) = (self.arrived / self.weight, self.committed / self.weight);
        if lag as f64 <= arrived.min(committed) * ON_THE_WAY {
            return 0.0;
        }
        let net = committed - arrived;
        // Averages that near one another are never quite the same.
        if net > 0.001 + arrived / 1000.0 { lag as f64 / net } else { f64::INFINITY }
    }
}

/// The paces of the topics of which partitions are held.
#[derive(Debug, Default)]
pub(super) struct Paces {
    by_topic: HashMap<Arc<str>, Pace>,
    /// What this look found so far: lag, records arrived and committed since the last one.
    found: HashMap<Arc<str>, (i64, i64, i64)>,
    looked: Moment,
}

impl Paces {
    /// One partition: its lag, and what arrived and was committed since the last look.
    pub(super) fn partition(&mut self, topic: &Arc<str>, lag: i64, arrived: i64, committed: i64) {
        let found = self.found.entry(Arc::clone(topic)).or_default();
        *found = (found.0 + lag, found.1 + arrived, found.2 + committed);
    }

    /// All partitions were looked at: shows the topics' times.
    pub(super) fn show(&mut self, now: Moment, metrics: &Metrics) {
        let span = now.since(self.looked);
        self.looked = now;
        self.by_topic.retain(|topic, _| {
            let held = self.found.contains_key(topic);
            if !held {
                metrics.forget_topic(topic);
            }
            held
        });
        for (topic, (lag, arrived, committed)) in self.found.drain() {
            let seconds = metrics.catch_up_seconds.with_label_values(&[&*topic]);
            let pace = self.by_topic.entry(topic).or_default();
            pace.observe(span, arrived, committed);
            seconds.set(pace.catch_up(lag));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    #[test]
    fn the_age_is_that_of_the_oldest_record_in_flight() {
        let mut waiting = Waiting::new(at(0));
        assert_eq!(waiting.age(at(1), 1_000_000, 0), 0.0);
        waiting.took(at(1), 9, Some(900_000));
        waiting.took(at(1), 19, Some(950_000));
        assert_eq!(waiting.age(at(1), 1_000_000, 20), 100.0);
        // The worker knows the record; without it the first of the batch stands for it.
        waiting.settled(at(2), 5, Some(910_000));
        assert_eq!(waiting.age(at(2), 1_000_000, 15), 90.0);
        // All that the worker had is settled; the second batch had not reached it yet.
        waiting.settled(at(3), 10, None);
        assert_eq!(waiting.age(at(3), 1_000_000, 10), 50.0);
        waiting.settled(at(4), 20, None);
        assert_eq!(waiting.age(at(9), 1_000_000, 0), 0.0);
    }

    #[test]
    fn without_a_record_to_look_at_the_age_is_the_time_without_movement() {
        let mut waiting = Waiting::new(at(10));
        assert_eq!(waiting.age(at(25), 1_000_000, 7), 15.0, "nothing comes though there is something");
        waiting.took(at(26), 9, None);
        assert_eq!(waiting.age(at(30), 1_000_000, 0), 4.0, "records without a timestamp");
        waiting.settled(at(31), 10, None);
        assert_eq!(waiting.age(at(31), 1_000_000, 1), 0.0);
        // A producer's clock that is ahead.
        waiting.took(at(32), 10, Some(2_000_000));
        assert_eq!(waiting.age(at(32), 1_000_000, 1), 0.0);
    }

    #[test]
    fn the_time_to_catch_up_follows_from_both_paces() {
        let mut pace = Pace::default();
        assert_eq!((pace.catch_up(0), pace.catch_up(1)), (0.0, f64::INFINITY));
        let second = Duration::from_secs(1);
        for _ in 0..3 {
            pace.observe(second, 100, 600);
        }
        assert!((pace.catch_up(50_000) - 100.0).abs() < 1e-6, "{}", pace.catch_up(50_000));
        assert_eq!(pace.catch_up(499), 0.0, "that much is on its way");
        for _ in 0..300 {
            pace.observe(second, 600, 600);
        }
        assert_eq!(pace.catch_up(50_000), f64::INFINITY, "it never catches up");
        assert_eq!(pace.catch_up(2_000), 0.0);
        for _ in 0..300 {
            pace.observe(second, 0, 0);
        }
        assert_eq!(pace.catch_up(5), f64::INFINITY, "a few records that nobody settles");
    }

    #[test]
    fn a_topic_that_is_no_longer_held_is_not_shown() {
        let metrics = Metrics::new();
        let mut paces = Paces::default();
        let topic: Arc<str> = "web".into();
        paces.partition(&topic, 10, 0, 0);
        paces.show(at(1), &metrics);
        assert!(metrics.text().unwrap().contains("kelp_catch_up_seconds{topic=\"web\"} inf"));
        paces.show(at(2), &metrics);
        assert!(!metrics.text().unwrap().contains("kelp_catch_up_seconds{"));
    }
}
