//! Each distinct failure is told once, then counted.
//!
//! A cluster that is away fails thousands of requests a second in the same way; its first failure is news, the rest
//! is a number. Keys are bounded: when too many distinct ones come, the new ones share one, so that neither memory nor
//! the log grows with what a failing peer thinks of.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whether to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// Say it, and that it happened this many times more since it was last said.
    Now {
        /// How often it was passed over in silence since then.
        suppressed: u64,
    },
    /// Pass over it; it is counted.
    Not,
}

/// What was told when. Pure: the time is given.
#[derive(Debug)]
pub struct Throttle {
    every: Duration,
    capacity: usize,
    told: HashMap<String, Told>,
    others: Option<Told>,
}

#[derive(Debug, Clone, Copy)]
struct Told {
    at: Duration,
    suppressed: u64,
}

impl Told {
    fn again(&mut self, now: Duration, every: Duration) -> Tell {
        if now.saturating_sub(self.at) < every {
            self.suppressed += 1;
            return Tell::Not;
        }
        self.at = now;
        Tell::Now { suppressed: std::mem::take(&mut self.suppressed) }
    }
}

impl Throttle {
    /// Tells a key at most once in `every`, and remembers at most `capacity` of them.
    pub fn new(every: Duration, capacity: usize) -> Self {
        Self { every, capacity, told: HashMap::new(), others: None }
    }

    /// Notes that it happened at `now`, measured from any fixed moment.
    pub fn note(&mut self, key: &str, now: Duration) -> Tell {
        if let Some(told) = self.told.get_mut(key) {
            return told.again(now, self.every);
        }
        if self.told.len() >= self.capacity {
            let every = self.every;
            self.told.retain(|_, told| told.suppressed > 0 || now.saturating_sub(told.at) < every);
        }
        let first = Told { at: now, suppressed: 0 };
        if self.told.len() < self.capacity {
            self.told.insert(key.to_owned(), first);
            return Tell::Now { suppressed: 0 };
        }
        match &mut self.others {
            Some(others) => others.again(now, self.every),
            none => {
                *none = Some(first);
                Tell::Now { suppressed: 0 }
            }
        }
    }

    /// Takes the keys whose silence is over, each with how often it happened meanwhile: what stopped happening has its
    /// last count told too. A key is forgotten with it.
    pub fn overdue(&mut self, now: Duration) -> Vec<(String, u64)> {
        let every = self.every;
        let mut overdue: Vec<(String, u64)> = self
            .told
            .extract_if(|_, told| now.saturating_sub(told.at) >= every)
            .filter(|(_, told)| told.suppressed > 0)
            .map(|(key, told)| (key, told.suppressed))
            .collect();
        overdue.sort();
        if let Some(others) = self.others.take_if(|others| now.saturating_sub(others.at) >= every)
            && others.suppressed > 0
        {
            overdue.push(("others".to_owned(), others.suppressed));
        }
        overdue
    }
}

/// A [`Throttle`] with a clock, shared by threads: 30 seconds, 256 keys.
#[derive(Debug)]
pub struct Teller {
    throttle: Mutex<Throttle>,
    started: Instant,
}

impl Teller {
    /// Nothing has been told.
    pub fn new() -> Self {
        Self { throttle: Mutex::new(Throttle::new(Duration::from_secs(30), 256)), started: Instant::now() }
    }

    /// Notes that it happened now.
    pub fn note(&self, key: &str) -> Tell {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner).note(key, self.started.elapsed())
    }

    /// Logs the last count of what has stopped happening; to be called every few seconds.
    pub fn summarise(&self) {
        let overdue = self.throttle.lock().unwrap_or_else(PoisonError::into_inner).overdue(self.started.elapsed());
        for (failure, times) in overdue {
            tracing::warn!(failure, times, "happened again since it was last told");
        }
    }
}

impl Default for Teller {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Tell = Tell::Now { suppressed: 0 };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn told_once_then_counted_then_told_with_the_count() {
        let mut throttle = Throttle::new(at(30), 8);
        assert_eq!(throttle.note("down", at(100)), NOW);
        for second in 100..130 {
            assert_eq!(throttle.note("down", at(second)), Tell::Not);
        }
        assert_eq!(throttle.note("other", at(110)), NOW, "keys do not silence each other");
        assert_eq!(throttle.note("down", at(130)), Tell::Now { suppressed: 30 });
        assert_eq!(throttle.note("down", at(159)), Tell::Not);
        assert_eq!(throttle.note("down", at(160)), Tell::Now { suppressed: 1 });
    }

    #[test]
    fn the_last_count_is_told_when_it_is_over() {
        let mut throttle = Throttle::new(at(30), 8);
        throttle.note("down", at(0));
        throttle.note("down", at(1));
        throttle.note("once", at(1));
        assert_eq!(throttle.overdue(at(29)), []);
        assert_eq!(throttle.overdue(at(31)), [("down".to_owned(), 1)]);
        assert_eq!(throttle.overdue(at(99)), []);
        assert_eq!(throttle.note("down", at(100)), NOW, "what was over is news again");
    }

    #[test]
    fn neither_memory_nor_lines_grow_with_the_number_of_keys() {
        let mut throttle = Throttle::new(at(30), 8);
        let lines = (0..1000).filter(|key| throttle.note(&format!("key {key}"), at(1)) == NOW).count();
        assert_eq!((lines, throttle.told.len()), (9, 8));
        assert_eq!(throttle.note("key 1000", at(31)), NOW, "what was silent for long makes room");
        assert_eq!(throttle.overdue(at(31)), [("others".to_owned(), 991)]);
    }
}
