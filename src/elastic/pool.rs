//! Which endpoint a request goes to: the one with the fewest requests under way, among those that answer.
//!
//! A pure decision: it is told what began and what came of it, at what time. An endpoint with a fault is ejected, that is,
//! asked only if all are; after a while it is probed, and once a probe succeeds it is back. Waiting doubles with each fault
//! in a row. With one endpoint there is nothing to choose, and nothing is ejected.

use std::time::Duration;

use crate::clock::Moment;

/// The first wait after an ejection, and the longest one.
const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What a request, or a probe, says about its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It answered, whatever the answer was.
    Good,
    /// It did not answer in time.
    Late,
    /// It cannot be reached, or is not fit to answer.
    Faulty,
}

/// What became of an endpoint, for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is left out.
    Ejected,
    /// It takes part again.
    Returned,
}

#[derive(Debug, Default)]
struct Endpoint {
    under_way: usize,
    ejected: Option<Ejected>,
    /// When it was chosen last: of equals the one that waited longest is next.
    turn: u64,
    /// When it last answered.
    heard: Option<Moment>,
}

#[derive(Debug)]
struct Ejected {
    faults: u32,
    until: Moment,
    probed: bool,
}

/// The endpoints by number.
#[derive(Debug)]
pub(super) struct Pool {
    endpoints: Vec<Endpoint>,
    turn: u64,
}

impl Pool {
    pub(super) fn new(count: usize) -> Self {
        Self { endpoints: (0..count).map(|_| Endpoint::default()).collect(), turn: 0 }
    }

    /// The endpoint for the next request, which begins with this; not one of those that were `tried` for it already. `None`
    /// if all were.
    pub(super) fn begin(&mut self, tried: &[usize]) -> Option<usize> {
        // Where all are ejected, the one whose wait is over first.
        let rank = |each: &Endpoint| (each.ejected.as_ref().map(|ejected| ejected.until), each.under_way, each.turn);
        let free = (0..self.endpoints.len()).filter(|number| !tried.contains(number));
        let chosen = free.min_by_key(|number| rank(&self.endpoints[*number]))?;
        self.turn += 1;
        let endpoint = &mut self.endpoints[chosen];
        endpoint.turn = self.turn;
        endpoint.under_way += 1;
        Some(chosen)
    }

    /// True if there is an endpoint left that is not ejected.
    pub(super) fn has_other(&self, tried: &[usize]) -> bool {
        self.endpoints.iter().enumerate().any(|(number, each)| each.ejected.is_none() && !tried.contains(&number))
    }

    /// What a result says of the endpoint: one that is late says nothing of one that answered others while it was out, in the later half
    /// of that time. An index without a primary shard keeps its writers waiting wherever they ask.
    pub(super) fn weighed(&mut self, now: Moment, number: usize, sent_at: Moment, verdict: Verdict) -> Option<Verdict> {
        let heard = &mut self.endpoints[number].heard;
        match verdict {
            Verdict::Good => *heard = Some(now),
            Verdict::Late if heard.is_some_and(|at| at.is_in_later_half(sent_at, now)) => return None,
            Verdict::Late | Verdict::Faulty => {}
        }
        Some(verdict)
    }

    /// A request is over.
    pub(super) fn ended(&mut self, now: Moment, number: usize, verdict: Option<Verdict>) -> Option<Change> {
        self.endpoints[number].under_way -= 1;
        self.judge(now, number, verdict?)
    }

    /// The endpoints that are to be probed now; each has to be answered with [`Pool::probed`].
    pub(super) fn probes(&mut self, now: Moment) -> Vec<usize> {
        let mut due = Vec::new();
        for (number, endpoint) in self.endpoints.iter_mut().enumerate() {
            if let Some(ejected) = endpoint.ejected.as_mut().filter(|each| !each.probed && each.until <= now) {
                ejected.probed = true;
                due.push(number);
            }
        }
        due
    }

    /// A probe is over.
    pub(super) fn probed(&mut self, now: Moment, number: usize, verdict: Option<Verdict>) -> Option<Change> {
        let change = verdict.and_then(|verdict| self.judge(now, number, verdict));
        if let Some(ejected) = &mut self.endpoints[number].ejected {
            ejected.probed = false;
        }
        change
    }

    fn judge(&mut self, now: Moment, number: usize, verdict: Verdict) -> Option<Change> {
        let alone = self.endpoints.len() < 2;
        let endpoint = &mut self.endpoints[number];
        match (verdict, &mut endpoint.ejected) {
            (Verdict::Good, None) => None,
            (Verdict::Good, Some(_)) => {
                endpoint.ejected = None;
                Some(Change::Returned)
            }
            (Verdict::Faulty | Verdict::Late, _) if alone => None,
            (Verdict::Faulty | Verdict::Late, None) => {
                endpoint.ejected = Some(Ejected { faults: 1, until: now + WAIT.0, probed: false });
                Some(Change::Ejected)
            }
            (Verdict::Faulty | Verdict::Late, Some(ejected)) => {
                // What was sent before the ejection fails all at once: that is one fault, not many.
                if now >= ejected.until {
                    let wait = WAIT.0 * 2_u32.saturating_pow(ejected.faults.min(8));
                    ejected.faults += 1;
                    ejected.until = now + wait.min(WAIT.1);
                }
                None
            }
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
    fn the_one_with_the_fewest_under_way_is_next_and_equals_take_turns() {
        let mut pool = Pool::new(3);
        let chosen: Vec<_> = (0..6).map(|_| pool.begin(&[]).unwrap()).collect();
        assert_eq!(chosen, [0, 1, 2, 0, 1, 2]);
        assert_eq!(pool.ended(at(0), 1, Some(Verdict::Good)), None);
        assert_eq!((pool.begin(&[]), pool.begin(&[]), pool.begin(&[])), (Some(1), Some(0), Some(2)));
        // One after the other they take turns, too.
        let mut pool = Pool::new(2);
        let mut one = || {
            let chosen = pool.begin(&[]).unwrap();
            pool.ended(at(0), chosen, Some(Verdict::Good));
            chosen
        };
        assert_eq!([one(), one(), one()], [0, 1, 0]);
    }

    #[test]
    fn a_request_is_not_tried_twice_at_the_same_endpoint() {
        let mut pool = Pool::new(2);
        assert!(pool.has_other(&[0]) && !pool.has_other(&[0, 1]));
        assert_eq!((pool.begin(&[0]), pool.begin(&[0, 1])), (Some(1), None));
    }

    #[test]
    fn a_faulty_one_is_left_out_until_a_probe_succeeds() {
        let mut pool = Pool::new(2);
        assert_eq!(pool.begin(&[]), Some(0));
        assert_eq!(pool.ended(at(10), 0, Some(Verdict::Faulty)), Some(Change::Ejected));
        assert!(!pool.has_other(&[1]));
        for _ in 0..5 {
            assert_eq!(pool.begin(&[]), Some(1), "whatever is under way there");
        }
        assert!(pool.probes(at(10)).is_empty());
        assert_eq!(pool.probes(at(11)), [0]);
        assert!(pool.probes(at(12)).is_empty(), "one at a time");
        assert_eq!(pool.probed(at(12), 0, Some(Verdict::Faulty)), None);
        // Each wait is twice the one before, up to a limit.
        assert_eq!((pool.probes(at(13)), pool.probes(at(14))), (vec![], vec![0]));
        let mut now = 14;
        for wait in [4, 8, 16, 30, 30] {
            assert_eq!(pool.probed(at(now), 0, Some(Verdict::Faulty)), None);
            assert_eq!((pool.probes(at(now + wait - 1)), pool.probes(at(now + wait))), (vec![], vec![0]));
            now += wait;
        }
        assert_eq!(pool.probed(at(now), 0, Some(Verdict::Good)), Some(Change::Returned));
        assert_eq!(pool.begin(&[]), Some(0));
        assert_eq!(pool.ended(at(now), 0, Some(Verdict::Faulty)), Some(Change::Ejected), "it begins again");
        assert_eq!(pool.probes(at(now + 1)), [0]);
    }

    #[test]
    fn requests_that_were_out_together_are_one_fault() {
        let mut pool = Pool::new(2);
        let out: Vec<_> = (0..6).map(|_| pool.begin(&[]).unwrap()).filter(|number| *number == 0).collect();
        let changes: Vec<_> =
            out.iter().filter_map(|number| pool.ended(at(5), *number, Some(Verdict::Faulty))).collect();
        assert_eq!((out.len(), changes), (3, vec![Change::Ejected]));
        assert_eq!(pool.probes(at(6)), [0]);
        // One that was out and is answered after all says that it is back.
        let mut pool = Pool::new(2);
        assert_eq!((pool.begin(&[]), pool.begin(&[1])), (Some(0), Some(0)));
        pool.ended(at(5), 0, Some(Verdict::Faulty));
        assert_eq!(pool.ended(at(6), 0, Some(Verdict::Good)), Some(Change::Returned));
    }

    #[test]
    fn where_all_are_ejected_the_first_to_be_due_is_asked() {
        let mut pool = Pool::new(2);
        assert_eq!((pool.begin(&[]), pool.begin(&[])), (Some(0), Some(1)));
        pool.ended(at(3), 1, Some(Verdict::Faulty));
        pool.ended(at(4), 0, Some(Verdict::Faulty));
        assert_eq!(pool.begin(&[]), Some(1));
        assert_eq!(pool.ended(at(4), 1, Some(Verdict::Good)), Some(Change::Returned));
    }

    #[test]
    fn what_is_late_is_no_fault_of_one_that_answers_others() {
        let mut pool = Pool::new(2);
        assert_eq!(pool.weighed(at(60), 0, at(0), Verdict::Late), Some(Verdict::Late), "it has answered nothing");
        for (heard, verdict) in [(0, Some(Verdict::Late)), (29, Some(Verdict::Late)), (30, None), (59, None)] {
            assert_eq!(pool.weighed(at(heard), 0, at(heard), Verdict::Good), Some(Verdict::Good));
            assert_eq!(pool.weighed(at(60), 0, at(0), Verdict::Late), verdict, "{heard}");
            assert_eq!(pool.weighed(at(60), 0, at(0), Verdict::Faulty), Some(Verdict::Faulty));
        }
        assert_eq!(
            pool.weighed(at(60), 1, at(0), Verdict::Late),
            Some(Verdict::Late),
            "another one's answers do not count"
        );
        pool.begin(&[]);
        assert_eq!(pool.ended(at(60), 0, Some(Verdict::Late)), Some(Change::Ejected));
        // And where it is no fault, it is no answer either.
        assert_eq!((pool.begin(&[1]), pool.ended(at(61), 0, None)), (Some(0), None));
        assert_eq!(pool.begin(&[]), Some(1), "it is not back");
    }

    #[test]
    fn the_only_one_is_never_ejected() {
        let mut pool = Pool::new(1);
        assert_eq!(pool.begin(&[]), Some(0));
        assert_eq!(pool.ended(at(0), 0, Some(Verdict::Faulty)), None);
        assert_eq!((pool.probes(at(100)), pool.begin(&[])), (vec![], Some(0)));
    }
}
