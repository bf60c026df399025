//! Documents of a holding go to each index in the order of their records.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use super::Kept;
use crate::record::HoldingId;

/// The last place of each holding and index; a place is what orders the documents of a holding.
#[derive(Debug)]
pub struct Order<P> {
    last: BTreeMap<(HoldingId, Arc<str>), P>,
}

impl<P> Default for Order<P> {
    fn default() -> Self {
        Self { last: BTreeMap::new() }
    }
}

impl<P: Ord + Copy + Debug> Order<P> {
    /// A document is next.
    ///
    /// # Errors
    /// It is not after the one before it.
    pub fn next(&mut self, holding: HoldingId, index: &Arc<str>, place: P) -> Kept {
        match self.last.insert((holding, Arc::clone(index)), place) {
            Some(before) if before >= place => Err(format!("{place:?} of {holding} comes after {before:?} in {index}")),
            _ => Ok(()),
        }
    }

    /// A holding is over, and nothing of it comes any more.
    pub fn forget(&mut self, holding: HoldingId) {
        self.last.retain(|(of, _), _| *of != holding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_come_in_order_by_holding_and_index() {
        let (mut order, one, other) = (Order::default(), Arc::from("a"), Arc::from("b"));
        for (holding, index, place) in [(1, &one, (5, 0)), (1, &one, (5, 1)), (1, &other, (2, 0)), (2, &one, (1, 0))] {
            assert_eq!(order.next(HoldingId(holding), index, place), Ok(()));
        }
        assert!(order.next(HoldingId(1), &one, (5, 1)).is_err(), "twice");
        assert!(order.next(HoldingId(1), &other, (1, 9)).is_err());
        order.forget(HoldingId(1));
        assert_eq!(order.next(HoldingId(1), &other, (1, 0)), Ok(()));
    }
}
