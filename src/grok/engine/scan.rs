//! How far a run of characters goes: sixteen bytes at a time where the machine can.
//!
//! The instructions are those that every x86-64 has; elsewhere a table is read byte by byte.

use super::bytes::ByteSet;

mod lanes;
#[cfg(target_arch = "x86_64")]
mod sse2;

#[cfg(target_arch = "x86_64")]
pub(super) use lanes::Wide;
pub(super) use lanes::{Bytes, Lanes, Links, Narrow, Text, bytes_end, links_end};

/// How many ranges are worth comparing with.
const MOST: usize = 6;

/// Bytes to go over.
#[derive(Clone, Debug)]
pub(super) struct Run {
    table: [bool; 256],
    ranges: Option<Ranges>,
}

impl Run {
    pub(super) fn new(set: ByteSet) -> Run {
        Run { table: set.table(), ranges: Ranges::of(set) }
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.table[usize::from(byte)]
    }

    /// The bytes.
    pub(super) fn set(&self) -> ByteSet {
        if let Some(ranges) = &self.ranges {
            return ranges.set();
        }
        (0..=255).filter(|byte| self.has(*byte)).collect()
    }

    /// Whether the machine goes over them sixteen at a time.
    pub(super) fn is_quick(set: ByteSet) -> bool {
        cfg!(target_arch = "x86_64") && Ranges::of(set).is_some()
    }
}

/// Bytes, as the ranges that they are (or that they are not).
#[derive(Clone, Copy, Debug)]
struct Ranges {
    /// The first byte of each range, and how many more there are; each sixteen times, as the machine wants it. Unused ones
    /// repeat the first.
    firsts: [[u8; 16]; MOST],
    mores: [[u8; 16]; MOST],
    count: u8,
    /// The ranges are those of the other bytes.
    negated: bool,
    /// They are all but one byte, or two.
    all_but_few: bool,
}

impl Ranges {
    /// The set as a few ranges, of itself or of the rest.
    fn of(set: ByteSet) -> Option<Ranges> {
        let (own, rest) = (set.ranges().count(), set.negated().ranges().count());
        let (of, count, negated) = if own <= rest { (set, own, false) } else { (set.negated(), rest, true) };
        if count > MOST || count == 0 {
            return None;
        }
        let mut list = of.ranges();
        let first = list.next()?;
        let mut ranges = Ranges {
            firsts: [[first.0; 16]; MOST],
            mores: [[first.1; 16]; MOST],
            count: count as u8,
            negated,
            all_but_few: negated && count as u32 == of.len() && count <= 2,
        };
        for (index, (first, more)) in list.enumerate() {
            ranges.firsts[index + 1] = [first; 16];
            ranges.mores[index + 1] = [more; 16];
        }
        Some(ranges)
    }

    /// The set.
    fn set(&self) -> ByteSet {
        let each = self.firsts.iter().zip(&self.mores).take(usize::from(self.count));
        let listed = each.map(|(first, more)| ByteSet::range(first[0], first[0] + more[0]));
        let set = listed.fold(ByteSet::EMPTY, ByteSet::union);
        if self.negated { set.negated() } else { set }
    }
}

/// The first position from `at` on whose byte is not one of the run; `at` itself, if the text is not as long.
#[inline(always)]
pub(super) fn run_end(text: &[u8], at: usize, run: &Run) -> usize {
    let mut at = at;
    #[cfg(target_arch = "x86_64")]
    if let Some(ranges) = &run.ranges {
        if ranges.all_but_few {
            while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
                let outside = sse2::outside_few(chunk, ranges);
                if outside != 0 {
                    return at + outside.trailing_zeros() as usize;
                }
                at += 16;
            }
        }
        while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
            let outside = sse2::outside(chunk, ranges);
            if outside != 0 {
                return at + outside.trailing_zeros() as usize;
            }
            at += 16;
        }
        // What is left is looked at together with what was before it.
        if let Some(chunk) = text.last_chunk::<16>() {
            let outside = sse2::outside(chunk, ranges) >> (at + 16 - text.len()).min(16);
            return if outside == 0 { text.len().max(at) } else { at + outside.trailing_zeros() as usize };
        }
    }
    while let Some(byte) = text.get(at)
        && run.table[usize::from(*byte)]
    {
        at += 1;
    }
    at
}

/// A bit for each of sixteen bytes that is a digit, and one for each that is the mark.
#[inline(always)]
pub(super) fn digits_and_marks(chunk: &[u8; 16], mark: u8) -> (u32, u32) {
    #[cfg(target_arch = "x86_64")]
    return sse2::digits_and_marks(chunk, mark);
    #[cfg(not(target_arch = "x86_64"))]
    chunk.iter().rev().fold((0, 0), |(digits, marks), byte| {
        (digits << 1 | u32::from(byte.is_ascii_digit()), marks << 1 | u32::from(*byte == mark))
    })
}

/// Whether each byte is at most so much more than the first at its place.
#[inline(always)]
pub(super) fn within(chunk: &[u8; 32], firsts: &[u8; 32], mores: &[u8; 32]) -> bool {
    #[cfg(target_arch = "x86_64")]
    return sse2::within(chunk, firsts, mores);
    #[cfg(not(target_arch = "x86_64"))]
    (0..32).all(|index| chunk[index].wrapping_sub(firsts[index]) <= mores[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_where_the_table_says() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize
        };
        for ranges in 1..9 {
            let mut set = ByteSet::EMPTY;
            for _ in 0..ranges {
                let first = random() % 250;
                (first..first + random() % 30).for_each(|byte| set.insert(byte.min(255) as u8));
            }
            for set in [set, set.negated()] {
                let run = Run::new(set);
                let members: Vec<u8> = set.iter().collect();
                for length in 0..70 {
                    let mut text: Vec<u8> = (0..length)
                        .map(|_| members.get(random() % members.len().max(1)).copied().unwrap_or(0))
                        .collect();
                    if length > 0 && random() % 4 > 0 {
                        text[random() % length] = random() as u8;
                    }
                    for at in 0..length + 20 {
                        let end = (at..length).find(|index| !set.contains(text[*index])).unwrap_or(length.max(at));
                        assert_eq!(run_end(&text, at, &run), end, "{set:?} on {text:?} from {at}");
                    }
                }
            }
        }
    }
}
