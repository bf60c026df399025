//! How far a run of characters goes: sixteen bytes at a time where the machine can.
//!
//! The instructions are those that every x86-64 has; elsewhere a table is read byte by byte.

use super::bytes::ByteSet;

#[cfg(target_arch = "x86_64")]
mod sse2;

/// Bytes, as the ranges that they are (or that they are not).
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranges {
    /// The first byte of each range, and how many more there are; each sixteen times, as the machine wants it. Unused ones
    /// repeat the first.
    firsts: [[u8; 16]; 4],
    mores: [[u8; 16]; 4],
    count: u8,
    /// The ranges are those of the other bytes.
    negated: bool,
}

impl Ranges {
    /// The set as at most four ranges, of itself or of the rest.
    pub(super) fn of(set: ByteSet) -> Option<Ranges> {
        let own = ranges(set);
        let rest = ranges(set.negated());
        let (list, negated) = if own.len() <= rest.len() { (own, false) } else { (rest, true) };
        if list.len() > 4 || list.is_empty() {
            return None;
        }
        let bound = |index: usize| list.get(index).unwrap_or(&list[0]);
        Some(Ranges {
            firsts: std::array::from_fn(|index| [bound(index).0; 16]),
            mores: std::array::from_fn(|index| [bound(index).1; 16]),
            count: list.len() as u8,
            negated,
        })
    }
}

fn ranges(set: ByteSet) -> Vec<(u8, u8)> {
    let mut list: Vec<(u8, u8)> = Vec::new();
    for byte in set.iter() {
        match list.last_mut() {
            Some((first, more)) if *first as u16 + *more as u16 + 1 == u16::from(byte) => *more += 1,
            _ => list.push((byte, 0)),
        }
    }
    list
}

/// The first position from `at` on whose byte the table does not have.
#[inline(always)]
pub(super) fn run_end(text: &[u8], at: usize, table: &[u8; 256], ranges: Option<&Ranges>) -> usize {
    let mut at = at;
    #[cfg(target_arch = "x86_64")]
    if let Some(ranges) = ranges {
        while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
            let outside = sse2::outside(chunk, ranges);
            if outside != 0 {
                return at + outside.trailing_zeros() as usize;
            }
            at += 16;
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _unused = ranges;
    while let Some(byte) = text.get(at)
        && table[usize::from(*byte)] == 1
    {
        at += 1;
    }
    at
}
