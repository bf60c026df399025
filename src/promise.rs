//! The promise, as checks: one module for the running service, for the replay of its traces, for the simulator and the model
//! of threads, and for the campaign on real servers. Each check is told what was seen, by whoever sees it, and says what is wrong.

mod held;
mod order;
mod owed;

use crate::record::TopicPartition;
pub use held::Held;
pub use order::Order;
pub use owed::Owed;

/// What was found: nothing, or what is wrong.
pub type Kept = Result<(), String>;

/// The ledger's identity, in records: whatever was received is settled, or in flight, or was given up with the holding that it
/// was received for, and is read again by whoever has the partition then.
///
/// # Errors
/// It is not so.
pub fn accounted(received: u64, settled: u64, given_up: u64, in_flight: u64) -> Kept {
    if received == settled + given_up + in_flight {
        return Ok(());
    }
    Err(format!("{received} records received, {settled} settled, {given_up} given up, {in_flight} in flight"))
}

/// Documents and letters that somebody has, against those that the ledger waits for: each leaves its slot before its outcome is
/// told, so there are never more slots.
///
/// # Errors
/// Something is in flight that is settled already.
pub fn nothing_settled_in_flight(slots: i64, pending: u64) -> Kept {
    if u64::try_from(slots).unwrap_or(0) <= pending {
        return Ok(());
    }
    Err(format!("{slots} documents are in flight, and the ledger waits for {pending}"))
}

/// The same where no outcome is on its way and nothing has moved for long: then there are not fewer either.
///
/// # Errors
/// Something was lost that the ledger waits for.
pub fn nothing_lost_in_flight(slots: i64, pending: u64) -> Kept {
    if u64::try_from(slots).is_ok_and(|slots| slots >= pending) {
        return Ok(());
    }
    Err(format!("the ledger waits for {pending} documents, and {slots} are in flight"))
}

/// Nothing is committed, or told to be committable, that was not read or that something below is not settled of: `open` is the first
/// offset of a record that is not settled, `end` one above the last offset that was read or is no record.
///
/// # Errors
/// The offset is too high.
pub fn passes_settled_only(partition: &TopicPartition, offset: i64, end: i64, open: Option<i64>) -> Kept {
    if offset > end {
        return Err(format!("{partition} is committed at {offset}, and ends at {end}"));
    }
    match open.filter(|open| *open < offset) {
        Some(open) => Err(format!("{partition} is committed at {offset}, and {open} is not settled")),
        None => Ok(()),
    }
}

/// A commit never goes back within one making of a topic, which its metadata names, unless what was committed is not there (any more):
/// then `end`, the log's end, is below it.
///
/// # Errors
/// It does.
pub fn goes_up(partition: &TopicPartition, before: (i64, &str), now: (i64, &str), end: i64) -> Kept {
    if before.1 != now.1 || now.0 >= before.0 || before.0 > end {
        return Ok(());
    }
    Err(format!("{partition} was committed at {}, and is at {} now, both as {}", before.0, now.0, now.1))
}

/// A document stands in one place: `times` is how often its id is found.
///
/// # Errors
/// It stands nowhere, or more than once.
pub fn stands_once(id: &str, times: usize) -> Kept {
    match times {
        1 => Ok(()),
        0 => Err(format!("{id} is nowhere")),
        _ => Err(format!("{id} stands in {times} places")),
    }
}

/// Bytes in memory stay below the limit, but for what was taken in when there was room yet: `beyond` is what that can come to.
///
/// # Errors
/// There are more.
pub fn within_memory(used: usize, limit: usize, beyond: usize) -> Kept {
    if used <= limit.saturating_add(beyond) {
        return Ok(());
    }
    Err(format!("{used} bytes are in memory, where {limit} and {beyond} beyond may be"))
}

/// Once nothing fails any more, everything is settled and committed up to the end.
///
/// # Errors
/// It is not committed, or lower.
pub fn reaches_the_end(partition: &TopicPartition, committed: Option<i64>, end: i64) -> Kept {
    match committed {
        Some(committed) if committed >= end => Ok(()),
        Some(committed) => Err(format!("{partition} is committed at {committed}, and ends at {end}")),
        None => Err(format!("{partition} is not committed, and ends at {end}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_stands_once() {
        assert!(stands_once("a", 1).is_ok() && stands_once("a", 0).is_err() && stands_once("a", 2).is_err());
    }

    #[test]
    fn memory_has_a_limit() {
        assert!(within_memory(15, 10, 5).is_ok() && within_memory(16, 10, 5).is_err());
    }

    #[test]
    fn everything_is_committed_in_the_end() {
        let partition = TopicPartition::new("t", 0);
        assert!(reaches_the_end(&partition, Some(5), 5).is_ok());
        assert!(reaches_the_end(&partition, Some(4), 5).is_err() && reaches_the_end(&partition, None, 5).is_err());
    }

    #[test]
    fn records_are_accounted_for() {
        assert!(accounted(10, 6, 1, 3).is_ok() && accounted(0, 0, 0, 0).is_ok());
        assert!(accounted(10, 6, 0, 3).is_err() && accounted(10, 8, 0, 3).is_err());
    }

    #[test]
    fn what_is_in_flight_is_what_the_ledger_waits_for() {
        assert!(nothing_settled_in_flight(3, 3).is_ok() && nothing_settled_in_flight(2, 3).is_ok());
        assert!(nothing_settled_in_flight(4, 3).is_err());
        assert!(nothing_lost_in_flight(3, 3).is_ok() && nothing_lost_in_flight(2, 3).is_err());
    }

    #[test]
    fn commits_do_not_go_back() {
        let partition = TopicPartition::new("t", 0);
        let goes_up = |before, now| goes_up(&partition, before, now, 20);
        assert!(goes_up((5, "a"), (5, "a")).is_ok() && goes_up((5, "a"), (9, "a")).is_ok());
        assert!(goes_up((5, "a"), (0, "b")).is_ok(), "the topic was made again");
        assert!(goes_up((25, "a"), (3, "a")).is_ok(), "that offset is not there");
        assert_eq!(goes_up((5, "a"), (4, "a")).unwrap_err(), "t-0 was committed at 5, and is at 4 now, both as a");
    }

    #[test]
    fn commits_pass_nothing_that_is_not_settled() {
        let partition = TopicPartition::new("t", 0);
        let passes = |offset, open| passes_settled_only(&partition, offset, 10, open);
        assert!(passes(10, None).is_ok() && passes(5, Some(5)).is_ok());
        assert_eq!(passes(11, None).unwrap_err(), "t-0 is committed at 11, and ends at 10");
        assert_eq!(passes(6, Some(5)).unwrap_err(), "t-0 is committed at 6, and 5 is not settled");
    }
}
