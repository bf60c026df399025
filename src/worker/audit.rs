//! Looks now and then whether a document has been lost inside the service: the ledger waits for it, and nobody has it.
//!
//! A document leaves its slot before its outcome reaches the ledger, so for a moment there may be fewer slots than units. If
//! nothing has moved from one audit to the next, and nothing waits to be heard at either, what is missing is not on its way.

use std::time::Duration;

use super::{Effect, Transform, Worker};
use crate::clock::Moment;
use crate::promise;

/// Time between audits. An outcome takes far less from those who had the document to the ledger.
const INTERVAL: Duration = Duration::from_secs(30);
/// Time until it is tried again where something waited to be heard.
const AGAIN: Duration = Duration::from_millis(100);

impl<T: Transform> Worker<T> {
    /// The first audit comes a while after there is something to audit.
    pub(super) fn begin_audits(&mut self, now: Moment) {
        if self.next_audit <= now && self.holdings.values().all(|held| held.ledger.is_settled()) {
            self.next_audit = now + INTERVAL;
        }
    }

    /// Whether nothing waits to be heard: an outcome may stand behind much else.
    pub fn is_quiet(&mut self, quiet: bool) {
        self.quiet = quiet;
    }

    pub(super) fn audit(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if now < self.next_audit {
            return;
        }
        if !self.quiet {
            self.next_audit = now + AGAIN;
            return;
        }
        self.next_audit = now + INTERVAL;
        let mut missing = Vec::new();
        for (id, held) in &mut self.holdings {
            let (slots, units) = (held.slots.count(), held.ledger.pending_units());
            let seen = (held.ledger.counts().received, units);
            let lost = promise::nothing_lost_in_flight(slots, units).err();
            let short = lost.is_some().then_some(seen);
            let before = std::mem::replace(&mut held.short, short);
            if let Some(why) = lost.filter(|_| before == short && !held.broken) {
                held.broken = true;
                missing.push((*id, why));
            }
        }
        // Told in the same order every time, as everything is.
        missing.sort_unstable();
        effects.extend(missing.into_iter().map(|(id, why)| Effect::Mismatch(id, why)));
    }
}
