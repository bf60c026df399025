//! The thread that says in the log which thread hangs, and at what: `/livez` shows it too, but whoever restarts the process
//! because of that takes the answer away.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use crate::admin::{Health, Pulse};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);

/// Looks until the process has nothing any more that it could look at.
pub(super) fn run(health: &Weak<Health>) {
    let mut late = BTreeSet::new();
    while let Some(health) = health.upgrade() {
        tell(&health, &mut late);
        drop(health);
        thread::sleep(EVERY);
    }
}

fn tell(health: &Arc<Health>, late: &mut BTreeSet<String>) {
    for (pulse, is_late) in changes(&health.pulses(health.now()), late) {
        let Pulse { name, age, at, .. } = pulse;
        if is_late {
            let seconds = age / 1000;
            tracing::error!(
                thread = name,
                seconds,
                at,
                "a thread hangs: /livez answers 503, start this process again; nothing is lost by that"
            );
        } else {
            tracing::info!(thread = name, "a thread that hung goes on");
        }
    }
}

/// The hearts that have become late, or are not late any more; `late` has those that were.
fn changes(pulses: &[Pulse], late: &mut BTreeSet<String>) -> Vec<(Pulse, bool)> {
    let changed = |pulse: &&Pulse| match pulse.is_late() {
        true => late.insert(pulse.name.clone()),
        false => late.remove(&pulse.name),
    };
    pulses.iter().filter(changed).map(|pulse| (pulse.clone(), pulse.is_late())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_heart_is_told_once_and_so_is_its_return() {
        let pulse =
            |age| Pulse { name: "worker 0".to_owned(), age, limit: 100, at: Some("t-0 from offset 7".to_owned()) };
        let mut late = BTreeSet::new();
        assert_eq!(changes(&[pulse(100)], &mut late), []);
        assert_eq!(changes(&[pulse(101)], &mut late), [(pulse(101), true)]);
        assert_eq!(changes(&[pulse(900)], &mut late), []);
        assert_eq!(changes(&[pulse(3)], &mut late), [(pulse(3), false)]);
        assert_eq!(changes(&[pulse(3)], &mut late), []);
    }
}
