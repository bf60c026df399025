//! Histories by the million, on as many threads as are asked for. What comes of them does not depend on the threads: each
//! history has its own seed, and what they tell is put together in the order of the seeds, up to the first that fails.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Totals, history};

/// Histories that a thread takes at a time.
const CHUNK: u64 = 64;
/// Time between two words on how far it is.
const TELL: Duration = Duration::from_secs(10);

/// Histories of seeds that follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Histories {
    /// The first seed.
    pub(super) from: u64,
    pub(super) number: u64,
    /// At least 1.
    pub(super) threads: usize,
}

/// What became of them.
pub(super) struct Lived {
    /// How many kept the promise, from the first on.
    pub(super) kept: u64,
    pub(super) totals: Totals,
    /// The seed of the first that did not, and why.
    pub(super) broken: Option<(u64, String)>,
    pub(super) took: Duration,
}

impl Lived {
    /// Histories a second.
    pub(super) fn rate(&self) -> u64 {
        (self.kept as f64 / self.took.as_secs_f64().max(1e-9)) as u64
    }
}

/// The histories of one chunk, in order, up to the first that fails.
struct Chunk {
    kept: Vec<Totals>,
    broken: Option<String>,
}

impl Histories {
    /// Lives through them up to the first that fails. `tell` hears of it every ten seconds.
    pub(super) fn live(self, mut tell: impl FnMut(&Lived)) -> Lived {
        let started = Instant::now();
        let next = AtomicU64::new(0);
        let (sender, receiver) = mpsc::channel();
        let mut lived = Lived { kept: 0, totals: Totals::default(), broken: None, took: Duration::ZERO };
        thread::scope(|scope| {
            for _ in 0..self.threads {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || self.take_chunks(next, &sender));
            }
            drop(sender);
            let mut waiting = BTreeMap::new();
            let mut told = started;
            for (first, chunk) in receiver {
                waiting.insert(first, chunk);
                while lived.broken.is_none()
                    && let Some(chunk) = waiting.remove(&lived.kept)
                {
                    lived.kept += chunk.kept.len() as u64;
                    chunk.kept.iter().for_each(|each| lived.totals.add(each));
                    lived.broken = chunk.broken.map(|why| (self.from + lived.kept, why));
                }
                lived.took = started.elapsed();
                if told.elapsed() >= TELL {
                    told = Instant::now();
                    tell(&lived);
                }
            }
        });
        lived.took = started.elapsed();
        lived
    }

    /// A thread: takes chunks in order until there are no more. Whoever finds a failure lets nobody begin another; those below it
    /// have all begun by then, so the first of all failures is found.
    fn take_chunks(self, next: &AtomicU64, done: &mpsc::Sender<(u64, Chunk)>) {
        loop {
            let first = next.fetch_add(CHUNK, Ordering::Relaxed);
            if first >= self.number {
                return;
            }
            let mut chunk = Chunk { kept: Vec::with_capacity(CHUNK as usize), broken: None };
            for seed in first..self.number.min(first + CHUNK) {
                let ran = catch_unwind(|| history(self.from + seed, None));
                match ran.unwrap_or_else(|panic| Err(format!("panicked: {}", words(&*panic)))) {
                    Ok(totals) => chunk.kept.push(totals),
                    Err(why) => {
                        chunk.broken = Some(why);
                        next.store(self.number, Ordering::Relaxed);
                        break;
                    }
                }
            }
            if done.send((first, chunk)).is_err() {
                return;
            }
        }
    }
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_live_through_the_same() {
        let histories = Histories { from: 1_000, number: 3 * CHUNK + 7, threads: 1 };
        let (one, three) = (histories.live(|_| {}), Histories { threads: 3, ..histories }.live(|_| {}));
        assert_eq!((one.kept, one.broken), (histories.number, None));
        assert_eq!((three.kept, three.broken, three.totals), (one.kept, None, one.totals));
    }
}
