//! What is to be done later, by its time; what is due at the same moment in the order of its coming.

use std::collections::BTreeMap;

use crate::clock::Moment;

/// Things that wait for their time.
#[derive(Debug)]
pub(super) struct Later<T> {
    waiting: BTreeMap<(Moment, u64), T>,
    number: u64,
}

impl<T> Default for Later<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), number: 0 }
    }
}

impl<T> Later<T> {
    /// Keeps something until the moment.
    pub(super) fn put(&mut self, at: Moment, what: T) {
        self.waiting.insert((at, self.number), what);
        self.number += 1;
    }

    /// When the first is due.
    pub(super) fn next_at(&self) -> Option<Moment> {
        self.waiting.keys().next().map(|(at, _)| *at)
    }

    /// Gives the first of those that are due.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<T> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Takes out what is not wanted any more. Gives how much that was.
    pub(super) fn forget(&mut self, unwanted: impl Fn(&T) -> bool) -> usize {
        let before = self.waiting.len();
        self.waiting.retain(|_, what| !unwanted(what));
        before - self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_due_comes_by_time_and_then_in_order() {
        let at = |millis| Moment(Duration::from_millis(millis));
        let mut later = Later::default();
        assert_eq!((later.next_at(), later.take_due(at(9))), (None, None));
        for (millis, what) in [(20, "c"), (10, "a"), (10, "b"), (30, "d"), (30, "e")] {
            later.put(at(millis), what);
        }
        assert_eq!(later.next_at(), Some(at(10)));
        assert_eq!(later.take_due(at(9)), None);
        let due: Vec<_> = std::iter::from_fn(|| later.take_due(at(20))).collect();
        assert_eq!(due, ["a", "b", "c"]);
        assert_eq!(later.forget(|what| *what == "d"), 1);
        assert_eq!((later.take_due(at(30)), later.next_at()), (Some("e"), None));
    }
}
