//! The holdings that somebody has: what is over settles and commits nothing.

use std::collections::BTreeSet;

use super::Kept;
use crate::record::HoldingId;

/// The holdings that have begun and are not over.
#[derive(Debug, Default)]
pub struct Held {
    now: BTreeSet<HoldingId>,
}

impl Held {
    /// One begins.
    pub fn begin(&mut self, holding: HoldingId) {
        self.now.insert(holding);
    }

    /// One is over.
    pub fn end(&mut self, holding: HoldingId) {
        self.now.remove(&holding);
    }

    /// True if it has begun and is not over.
    pub fn has(&self, holding: HoldingId) -> bool {
        self.now.contains(&holding)
    }

    /// Something is told of one.
    ///
    /// # Errors
    /// It is over, or has not begun.
    pub fn tells(&self, holding: HoldingId) -> Kept {
        if self.has(holding) {
            return Ok(());
        }
        Err(format!("something is told of {holding}, which is not held"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told_of_what_is_over() {
        let mut held = Held::default();
        assert!(held.tells(HoldingId(1)).is_err());
        held.begin(HoldingId(1));
        assert_eq!(held.tells(HoldingId(1)), Ok(()));
        held.end(HoldingId(1));
        assert!(held.tells(HoldingId(1)).is_err());
    }
}
