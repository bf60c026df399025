//! What was submitted first when: of each process, partition and index, the documents have to come in the order of their
//! offsets.
//!
//! Several requests may be under way at once and reach the proxy in any order. So a document is out of order only if one
//! with a higher offset was in a request that had *ended* a while before the request of this one began: `grace`, none for
//! a process that has one request under way at most. Requests that were broken off before they were read are blind
//! spots: each excuses one request, which may be the same one coming late.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::items;
use crate::lab::Result;
use crate::lab::census::Offsets;

/// What was found so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Order {
    /// First submissions of a document by a process.
    pub first: u64,
    /// Further ones.
    pub again: u64,
    /// Requests with documents out of order that blind spots may explain.
    pub excused: u64,
    /// Those that nothing explains, each told.
    pub violations: Vec<String>,
}

/// The log.
#[derive(Debug, Default)]
pub struct Submissions(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    order: Order,
    doors: BTreeMap<usize, Door>,
}

#[derive(Debug, Default)]
struct Door {
    blind: u64,
    grace: Duration,
    /// By topic with incarnation, partition: what was submitted.
    seen: BTreeMap<(String, i32), Offsets>,
    /// By index, topic with incarnation, partition: the highest first submissions of requests that ended, and when.
    ended: BTreeMap<(String, String, i32), Vec<(Instant, u64)>>,
}

/// A request under way. Dropping it is its end.
#[derive(Debug)]
pub struct UnderWay<'a> {
    log: &'a Submissions,
    door: usize,
    index: String,
    highest: BTreeMap<(String, i32), u64>,
}

impl Submissions {
    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().expect("nothing panics with the log")
    }

    /// Requests of a door that end this long before another begins are before it in the order.
    pub fn grace(&self, door: usize, grace: Duration) {
        self.lock().doors.entry(door).or_default().grace = grace;
    }

    /// What was found.
    pub fn order(&self) -> Order {
        self.lock().order.clone()
    }

    /// Up to `requests` of a door may have come and were not read.
    pub fn blind(&self, door: usize, requests: u64) {
        self.lock().doors.entry(door).or_default().blind += requests;
    }

    /// Takes note of a request for `index` that began at a moment.
    ///
    /// # Errors
    /// It is no bulk of ours.
    pub fn begin(&self, door: usize, index: &str, began: Instant, body: &[u8]) -> Result<UnderWay<'_>> {
        let mut log = self.lock();
        let Log { order, doors, .. } = &mut *log;
        let door_log = doors.entry(door).or_default();
        let grace = door_log.grace;
        let (mut highest, mut early) = (BTreeMap::<(String, i32), u64>::new(), None);
        for item in items::each(body) {
            let (id, ..) = item?;
            let (topic, partition, offset) = items::place(&id).ok_or_else(|| format!("{id} is no id of ours"))?;
            let key = (topic.to_owned(), partition);
            if !door_log.seen.entry(key.clone()).or_default().insert(offset) {
                order.again += 1;
                continue;
            }
            order.first += 1;
            if let Some(before) = highest.get(&key).filter(|before| **before > offset) {
                order.violations.push(format!("door {door}: {id} follows offset {before} in one request"));
            }
            let ended = door_log.ended.get(&(index.to_owned(), key.0.clone(), partition));
            let passed = ended.into_iter().flatten().rev().find(|(at, _)| *at + grace < began).map(|(_, high)| *high);
            if let Some(high) = passed.filter(|high| *high > offset) {
                early.get_or_insert_with(|| format!("door {door}: {id} is first submitted after offset {high}"));
            }
            let high = highest.entry(key).or_default();
            *high = (*high).max(offset);
        }
        if let Some(early) = early {
            if door_log.blind > 0 {
                door_log.blind -= 1;
                order.excused += 1;
            } else {
                order.violations.push(early);
            }
        }
        Ok(UnderWay { log: self, door, index: index.to_owned(), highest })
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut log = self.log.lock();
        let ended = &mut log.doors.entry(self.door).or_default().ended;
        for ((topic, partition), highest) in std::mem::take(&mut self.highest) {
            let known = ended.entry((self.index.clone(), topic, partition)).or_default();
            if known.last().is_none_or(|(_, high)| *high < highest) {
                known.push((Instant::now(), highest));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(offsets: &[u64]) -> Vec<u8> {
        let lines = |offset| format!("{{\"create\":{{\"_id\":\"t-a-0001-{offset:06}\"}}}}\n{{}}\n");
        offsets.iter().map(lines).collect::<String>().into_bytes()
    }

    #[test]
    fn what_comes_late_is_seen_unless_something_explains_it() {
        let log = Submissions::default();
        let send = |offsets: &[u64]| log.begin(0, "i", Instant::now(), &bulk(offsets)).unwrap();
        drop(send(&[1, 2, 3]));
        // Sent again, and what is new comes after it.
        drop(send(&[2, 3, 4]));
        let order = log.order();
        assert_eq!((order.first, order.again, order.violations.len()), (4, 2, 0), "{order:?}");
        // Two at once, in the wrong order at the proxy.
        let began = Instant::now();
        let later = send(&[8, 9]);
        drop(log.begin(0, "i", began, &bulk(&[6, 7])).unwrap());
        drop(later);
        assert!(log.order().violations.is_empty());
        // Not at once.
        drop(send(&[5]));
        assert_eq!(log.order().violations.len(), 1);
        log.blind(0, 1);
        drop(send(&[20]));
        drop(send(&[10]));
        drop(send(&[11]));
        assert_eq!((log.order().violations.len(), log.order().excused), (2, 1));
        // Within one request; other doors and indices have orders of their own.
        drop(send(&[31, 30]));
        assert_eq!(log.order().violations.len(), 3);
        drop(log.begin(1, "i", Instant::now(), &bulk(&[3])).unwrap());
        drop(log.begin(0, "k", Instant::now(), &bulk(&[25])).unwrap());
        assert_eq!(log.order().violations.len(), 3);
        log.grace(0, Duration::from_secs(3600));
        drop(send(&[21]));
        assert_eq!(log.order().violations.len(), 3);
    }
}
