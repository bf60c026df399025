//! The promise, as checks: one module for the running service, for the replay of its traces, for the simulator and the model
//! of threads, and for the campaign on real servers. Each check is told what was seen, by whoever sees it, and says what is wrong.

mod order;
mod owed;

use crate::record::TopicPartition;
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn commits_pass_nothing_that_is_not_settled() {
        let partition = TopicPartition::new("t", 0);
        let passes = |offset, open| passes_settled_only(&partition, offset, 10, open);
        assert!(passes(10, None).is_ok() && passes(5, Some(5)).is_ok());
        assert_eq!(passes(11, None).unwrap_err(), "t-0 is committed at 11, and ends at 10");
        assert_eq!(passes(6, Some(5)).unwrap_err(), "t-0 is committed at 6, and 5 is not settled");
    }
}
