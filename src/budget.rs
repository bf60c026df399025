//! The memory limit, as permits: who holds bytes holds a [`Permit`] for them, and dropping it gives them back.
//!
//! The limit is a line to stop taking in at, not a wall: what has been fetched already has to be put somewhere, so a
//! permit is always granted, and what goes beyond the limit is visible in what is used instead of hidden.
//! Those who take in ask [`Budget::free`] first.

use std::sync::Arc;

use crate::planted::is_planted;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// A handle on one limit; its clones share it.
#[derive(Debug, Clone)]
pub struct Budget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit: usize,
    used: AtomicUsize,
    /// What this is a part of.
    whole: Option<Arc<Shared>>,
}

impl Shared {
    fn add(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.add(bytes);
        }
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.give_back(bytes);
        }
    }
}

impl Budget {
    /// A budget of `limit` bytes, of which none are used.
    pub fn new(limit: usize) -> Self {
        Self { shared: Arc::new(Shared { limit, used: AtomicUsize::new(0), whole: None }) }
    }

    /// A budget of the same limit whose permits count here too: what one of several users takes of the whole.
    pub fn part(&self) -> Self {
        let whole = Some(Arc::clone(&self.shared));
        Self { shared: Arc::new(Shared { limit: self.limit(), used: AtomicUsize::new(0), whole }) }
    }

    /// The limit in bytes.
    pub fn limit(&self) -> usize {
        self.shared.limit
    }

    /// The bytes that permits are out for; may be above the limit.
    pub fn used(&self) -> usize {
        self.shared.used.load(Ordering::Relaxed)
    }

    /// The bytes below the limit; 0 when it is reached or passed.
    pub fn free(&self) -> usize {
        self.limit().saturating_sub(self.used())
    }

    /// A permit for `bytes`, granted whatever is free.
    pub fn take(&self, bytes: usize) -> Permit {
        self.shared.add(bytes);
        Permit { shared: Arc::clone(&self.shared), bytes }
    }
}

/// Some bytes of a [`Budget`]; they are given back when it is dropped.
#[derive(Debug)]
#[must_use = "a permit that is dropped gives its bytes back at once"]
pub struct Permit {
    shared: Arc<Shared>,
    bytes: usize,
}

impl Permit {
    /// The bytes that this permit is for.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Changes the number of bytes, up or down, whatever is free.
    pub fn resize(&mut self, bytes: usize) {
        if bytes >= self.bytes {
            self.shared.add(bytes - self.bytes);
        } else {
            self.shared.give_back(self.bytes - bytes);
        }
        self.bytes = bytes;
    }

    /// Parts `bytes` from this permit into one of their own; at most what this one has. The budget does not change.
    pub fn split(&mut self, bytes: usize) -> Permit {
        let parted = bytes.min(self.bytes);
        if !is_planted("ReleaseTwice") {
            self.bytes -= parted;
        }
        Permit { shared: Arc::clone(&self.shared), bytes: parted }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_above_the_limit_is_granted_and_visible() {
        let budget = Budget::new(100);
        let permit = budget.take(130);
        assert_eq!((budget.used(), budget.free()), (130, 0));
        drop(permit);
        assert_eq!((budget.used(), budget.free()), (0, 100));
    }

    #[test]
    fn a_part_counts_in_the_whole() {
        let whole = Budget::new(100);
        let (one, other) = (whole.part(), whole.part());
        let mut permit = one.take(30);
        let kept = other.take(50);
        assert_eq!((whole.used(), one.used(), other.used()), (80, 30, 50));
        permit.resize(10);
        let split = permit.split(4);
        drop(permit);
        assert_eq!((whole.used(), one.used()), (54, 4));
        drop((split, kept));
        assert_eq!((whole.used(), one.used(), other.used()), (0, 0, 0));
    }

    #[test]
    fn threads_give_back_what_they_took() {
        let budget = Budget::new(1000);
        std::thread::scope(|scope| {
            for thread in 1..5 {
                let budget = budget.clone();
                scope.spawn(move || {
                    for round in 0..2000 {
                        let mut permit = budget.take(thread * round);
                        let parted = permit.split(round);
                        permit.resize(round / 2);
                        drop(parted);
                    }
                });
            }
        });
        assert_eq!(budget.used(), 0);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Take(usize),
        Resize(usize, usize),
        Split(usize, usize),
        Drop(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0usize..200).prop_map(Step::Take),
            (any::<usize>(), 0usize..200).prop_map(|(which, bytes)| Step::Resize(which, bytes)),
            (any::<usize>(), 0usize..200).prop_map(|(which, bytes)| Step::Split(which, bytes)),
            any::<usize>().prop_map(Step::Drop),
        ]
    }

    proptest! {
        #[test]
        fn used_is_always_the_sum_of_the_permits_and_returns_to_nothing(
            steps in prop::collection::vec(step(), 0..60), order in any::<u64>(),
        ) {
            let budget = Budget::new(300);
            let mut permits: Vec<Permit> = Vec::new();
            for step in steps {
                let len = permits.len();
                match step {
                    Step::Take(bytes) => permits.push(budget.take(bytes)),
                    Step::Resize(which, bytes) if len > 0 => permits[which % len].resize(bytes),
                    Step::Split(which, bytes) if len > 0 => {
                        let parted = permits[which % len].split(bytes);
                        permits.push(parted);
                    }
                    Step::Drop(which) if len > 0 => drop(permits.swap_remove(which % len)),
                    Step::Resize(..) | Step::Split(..) | Step::Drop(_) => {}
                }
                prop_assert_eq!(budget.used(), permits.iter().map(Permit::bytes).sum::<usize>());
                prop_assert_eq!(budget.free(), 300usize.saturating_sub(budget.used()));
            }
            let mut chance = crate::backoff::Chance::new(order);
            while !permits.is_empty() {
                drop(permits.swap_remove(chance.below(permits.len() as u64) as usize));
            }
            prop_assert_eq!(budget.used(), 0);
        }
    }
}
