//! The series of the indices that are held. A cluster that refuses everything can hold very many at once: only so many
//! have a series of their own, the others are counted together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Metrics, remove_where};

/// So many indices are shown by name.
const SHOWN: usize = 100;
/// Stands for the name of those that are not.
const OTHERS: &str = "(others)";

/// Which indices are held, and how each is shown.
#[derive(Debug, Default)]
pub struct HeldLanes {
    shown: BTreeMap<Arc<str>, &'static str>,
    others: BTreeMap<Arc<str>, &'static str>,
}

impl HeldLanes {
    /// The index is held, or for another reason than before.
    pub fn hold(&mut self, metrics: &Metrics, index: &Arc<str>, reason: &'static str) {
        self.release(metrics, index);
        if self.shown.len() < SHOWN {
            metrics.lanes_held.with_label_values(&[&**index, reason]).set(1);
            self.shown.insert(Arc::clone(index), reason);
        } else {
            metrics.lanes_held.with_label_values(&[OTHERS, reason]).inc();
            self.others.insert(Arc::clone(index), reason);
        }
    }

    /// The index is not held any more, if it was.
    pub fn release(&mut self, metrics: &Metrics, index: &Arc<str>) {
        if let Some(reason) = self.shown.remove(index) {
            remove_where(&metrics.lanes_held, &[&**index, reason]);
        } else if let Some(reason) = self.others.remove(index) {
            let together = metrics.lanes_held.with_label_values(&[OTHERS, reason]);
            together.dec();
            if together.get() == 0 {
                remove_where(&metrics.lanes_held, &[OTHERS, reason]);
            }
        }
    }
}
