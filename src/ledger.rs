//! The account of one holding: which of its records are settled, up to where a commit is safe, and counts that must add up.
//!
//! Records are received in offset order, with gaps where compaction or transactions left some, and settled in any order.
//! The watermark moves only over settled records, so a hole is never committed past. A contradiction (an offset that
//! goes back, a unit settled twice) is a typed error that changes nothing.

use std::collections::VecDeque;
use std::fmt;

use crate::planted::is_planted;
use crate::record::{Fate, Stage};

/// How many records ended in which way; `received` is the sum of the others and of what is in flight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that were given to this ledger.
    pub received: u64,
    /// Records whose documents were all written, or there before, and at least one was written.
    pub indexed: u64,
    /// Records whose documents were all there before.
    pub duplicate: u64,
    /// Records that a rule dropped.
    pub dropped: u64,
    /// Records with at least one document among the dead letters.
    pub dead_lettered: u64,
}

impl Counts {
    /// Records that are settled, in whichever way.
    pub fn settled(&self) -> u64 {
        self.indexed + self.duplicate + self.dropped + self.dead_lettered
    }

    fn add(&mut self, fate: Fate) {
        match fate {
            Fate::DeadLettered(
                Stage::Codec | Stage::Pipeline | Stage::Destination | Stage::Encode | Stage::Elasticsearch,
            ) => self.dead_lettered += 1,
            Fate::Indexed => self.indexed += 1,
            Fate::Duplicate => self.duplicate += 1,
            Fate::Dropped(_) => self.dropped += 1,
        }
    }
}

/// What the ledger refuses, having changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contradiction {
    /// A record's offset is not above that of the record before it.
    OffsetWentBack {
        /// The last offset received.
        last: i64,
        /// The one that was to be received.
        offered: i64,
    },
    /// No record in flight has this sequence number.
    NotInFlight(u64),
    /// The record's units are known already, or it has none.
    Units(u64),
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OffsetWentBack { last, offered } => {
                write!(f, "offset {offered} was received after {last}: offsets of a partition must go up")
            }
            Self::NotInFlight(seq) => write!(f, "record number {seq} is not in flight"),
            Self::Units(seq) => write!(f, "record number {seq} was given its documents twice, or none"),
        }
    }
}

impl std::error::Error for Contradiction {}

#[derive(Debug)]
struct Entry {
    offset: i64,
    timestamp: i64,
    /// Units not settled; `UNKNOWN` until the pipeline said how many there are.
    pending: u32,
    fate: Option<Fate>,
}

const UNKNOWN: u32 = u32::MAX;
/// Room for so many records is kept while any is in flight.
const SMALL: usize = 256;

/// The account of one holding. Sequence numbers count its records from 0.
#[derive(Debug)]
pub struct Ledger {
    entries: VecDeque<Entry>,
    first: u64,
    committable: i64,
    last_offset: Option<i64>,
    /// The consumer's position once all records below the sequence number had been received.
    position: Option<(u64, i64)>,
    counts: Counts,
    /// Units that are known and not settled.
    pending: u64,
}

impl Ledger {
    /// Opens the account of a holding that reads on at `position` (the next offset).
    pub fn new(position: i64) -> Self {
        Self {
            entries: VecDeque::new(),
            first: 0,
            committable: position,
            last_offset: None,
            position: None,
            counts: Counts::default(),
            pending: 0,
        }
    }

    /// Enters records in offset order, each as offset and timestamp (milliseconds, −1 for none).
    /// Gives the sequence number of the first of them.
    ///
    /// # Errors
    /// An offset that does not go up; then none of the records is entered.
    pub fn receive(&mut self, records: impl Iterator<Item = (i64, i64)>) -> Result<u64, Contradiction> {
        let before = self.entries.len();
        let seq = self.first + before as u64;
        let mut last = self.last_offset.unwrap_or(self.committable - 1).max(self.committable - 1);
        self.entries.reserve(records.size_hint().0);
        for (offset, timestamp) in records {
            if offset <= last {
                self.entries.truncate(before);
                return Err(Contradiction::OffsetWentBack { last, offered: offset });
            }
            last = offset;
            self.entries.push_back(Entry { offset, timestamp, pending: UNKNOWN, fate: None });
        }
        if self.entries.len() > before {
            self.last_offset = Some(last);
        }
        self.counts.received += (self.entries.len() - before) as u64;
        Ok(seq)
    }

    /// Says how many units (documents, a drop, a rejection) the pipeline made of a record.
    ///
    /// # Errors
    /// The record is not in flight, its units are known already, or there are none.
    pub fn units(&mut self, seq: u64, units: u32) -> Result<(), Contradiction> {
        let entry = Self::entry(&mut self.entries, self.first, seq)?;
        if entry.pending != UNKNOWN || units == 0 || units == UNKNOWN {
            return Err(Contradiction::Units(seq));
        }
        entry.pending = units;
        self.pending += u64::from(units);
        Ok(())
    }

    /// Settles one unit of a record. Gives the record's fate when this was its last.
    ///
    /// # Errors
    /// The record is not in flight or its units are not known.
    pub fn settle(&mut self, seq: u64, fate: Fate) -> Result<Option<Fate>, Contradiction> {
        let entry = Self::entry(&mut self.entries, self.first, seq)?;
        let offset = entry.offset;
        match entry.pending {
            0 => return Err(Contradiction::NotInFlight(seq)),
            UNKNOWN => return Err(Contradiction::Units(seq)),
            _ => entry.pending -= 1,
        }
        self.pending -= 1;
        let fate = entry.fate.map_or(fate, |before| before.min(fate));
        entry.fate = Some(fate);
        if is_planted("SettleByFirstUnit") {
            entry.pending = 0;
        }
        if entry.pending > 0 {
            return Ok(None);
        }
        self.counts.add(fate);
        if is_planted("CommitHighest") {
            self.committable = self.committable.max(offset + 1);
        }
        if seq == self.first {
            self.advance();
        }
        Ok(Some(fate))
    }

    /// Notes the consumer's position: everything below it that is a record at all has been received. It becomes
    /// committable when all of that is settled; so a partition that ends in transaction markers has no lag.
    pub fn at_position(&mut self, position: i64) {
        self.position = Some((self.first + self.entries.len() as u64, position));
        self.advance();
    }

    fn advance(&mut self) {
        while let Some(entry) = self.entries.front().filter(|entry| entry.pending == 0) {
            if is_planted("GapStalls") && entry.offset != self.committable {
                break;
            }
            self.committable = self.committable.max(entry.offset + 1);
            self.entries.pop_front();
            self.first += 1;
        }
        self.give_back();
        if let Some((_, position)) = self.position.take_if(|(seq, _)| *seq <= self.first) {
            self.committable = self.committable.max(position);
        }
    }

    /// What was needed behind a record that did not settle for long is not needed for ever.
    fn give_back(&mut self) {
        let (length, capacity) = (self.entries.len(), self.entries.capacity());
        if length == 0 {
            self.entries = VecDeque::new();
        } else if capacity > SMALL && length < capacity / 4 {
            self.entries.shrink_to(capacity / 2);
        }
    }

    fn entry(entries: &mut VecDeque<Entry>, first: u64, seq: u64) -> Result<&mut Entry, Contradiction> {
        let index = seq.checked_sub(first).ok_or(Contradiction::NotInFlight(seq))?;
        entries.get_mut(index as usize).ok_or(Contradiction::NotInFlight(seq))
    }

    /// The next offset that is safe to commit: everything below it is settled.
    pub fn committable(&self) -> i64 {
        self.committable
    }

    /// How many of the records are below the watermark.
    pub fn below_watermark(&self) -> u64 {
        self.first
    }

    /// The timestamp of the oldest record in flight, in milliseconds since 1970; `None` if there is none, or it has none.
    pub fn oldest_timestamp(&self) -> Option<i64> {
        self.entries.front().map(|entry| entry.timestamp).filter(|timestamp| *timestamp >= 0)
    }

    /// What the account occupies, in bytes.
    pub fn footprint(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }

    /// Records received and not settled.
    pub fn in_flight(&self) -> u64 {
        self.counts.received - self.counts.settled()
    }

    /// Units (documents, letters) of records in flight that are not settled.
    pub fn pending_units(&self) -> u64 {
        self.pending
    }

    /// True if every record received is settled.
    pub fn is_settled(&self) -> bool {
        self.entries.is_empty()
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests;
