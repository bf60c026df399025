//! A shortcut of an automaton over numbers of up to three digits with a mark between them, as addresses have them: four of them, found by
//! where their marks are.
//!
//! As with a shape, the automaton itself is asked: from one state, each number and its mark lead to one other, and nothing
//! ends on the way. Numbers of three digits may have a largest one. Where the fourth number ends before a byte that makes it the only
//! end, that is the end; else the automaton goes on after the third mark.

use super::super::scan::digits_and_marks;
use super::{DEAD, Dfa, ENDS, OTHERS, UNSURE};

/// What may come after the numbers.
const MARKS: [u8; 4] = *b".-/:";

/// The shortcut.
#[derive(Debug)]
pub(super) struct Dotted {
    /// The state where it begins and the one after the third mark.
    pub(super) row: u32,
    pub(super) target: u32,
    mark: u8,
    /// The largest number of three digits, as the text has it.
    largest: u32,
    /// What can follow the fourth number, whichever it is, so that it ends there only; 256 is the end of the text.
    ends: [bool; 257],
}

/// How far it is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// All is matched up to here.
    All(usize),
    /// The third mark ends here.
    Three(usize),
}

impl Dotted {
    pub(super) fn new(dfa: &Dfa, row: u32) -> Option<Dotted> {
        MARKS.iter().find_map(|mark| {
            let first = Numbers::new(dfa, row, *mark)?;
            let second = Numbers::new(dfa, first.target, *mark)?;
            let third = Numbers::new(dfa, second.target, *mark)?;
            // Where all will do, it is no address but a run.
            if first.largest >= 999 || second.largest != first.largest || third.largest != first.largest {
                return None;
            }
            let digit = |place: u32| u32::from(b'0') + first.largest / place % 10;
            Some(Dotted {
                row,
                target: third.target,
                mark: *mark,
                largest: digit(100) << 16 | digit(10) << 8 | digit(1),
                ends: ends(dfa, third.target, first.largest),
            })
        })
    }

    /// What is there, if that is three numbers or four. It says no, too, where less than 16 bytes are left.
    #[inline(always)]
    pub(super) fn find(&self, text: &[u8], at: usize) -> Option<Found> {
        let chunk = text.get(at..)?.first_chunk::<16>()?;
        let (digits, marks) = digits_and_marks(chunk, self.mark);
        let bytes = u128::from_le_bytes(*chunk);
        let first = marks.trailing_zeros();
        let marks_left = marks & marks.wrapping_sub(1);
        let second = marks_left.trailing_zeros();
        let third = (marks_left & marks_left.wrapping_sub(1)).trailing_zeros();
        if third >= 16 {
            return None;
        }
        let all = (2 << third) - 1;
        let good = (digits | marks) & all == all
            && self.is_number(bytes, 0, first)
                & self.is_number(bytes, first + 1, second - first - 1)
                & self.is_number(bytes, second + 1, third - second - 1);
        if !good {
            return None;
        }
        let from = third + 1;
        let length = (!digits >> from).trailing_zeros();
        let end = at + (from + length) as usize;
        let next = text.get(end).map_or(256, |byte| usize::from(*byte));
        let last = from + length <= 16 && self.is_number(bytes, from, length) && self.ends[next];
        Some(if last { Found::All(end) } else { Found::Three(at + from as usize) })
    }

    #[inline(always)]
    fn is_number(&self, bytes: u128, start: u32, length: u32) -> bool {
        let value = ((bytes >> ((start * 8) & 127)) as u32).swap_bytes() >> 8;
        (length.wrapping_sub(1) < 2) | ((length == 3) & (value <= self.largest))
    }
}

/// Where numbers with a mark lead from a state, and which of three digits is the largest of those that do.
struct Numbers {
    target: u32,
    largest: u32,
}

impl Numbers {
    fn new(dfa: &Dfa, row: u32, mark: u8) -> Option<Numbers> {
        let target = dfa.go(dfa.go(row, b'1')?, mark)?;
        let leads = |row: u32| dfa.go(row, mark) == Some(target);
        let mut largest = None;
        // The state after two digits, and which third ones lead on from it; most are what the one before them is.
        let mut known = (u32::MAX, 0);
        for first in 0..10 {
            let one = dfa.go(row, digit(first)).filter(|row| leads(*row))?;
            for second in 0..10 {
                let two = dfa.go(one, digit(second)).filter(|row| leads(*row))?;
                if known.0 != two {
                    let leads_on = |third: &u32| dfa.go(two, digit(*third)).is_some_and(leads);
                    known = (two, (0..10).filter(leads_on).fold(0_u32, |thirds, third| thirds | 1 << third));
                }
                let (count, before) = (known.1.trailing_ones(), first * 100 + second * 10);
                // None is left out.
                if known.1 != (1 << count) - 1 || count > 0 && largest.map_or(0, |largest| largest + 1) != before {
                    return None;
                }
                if count > 0 {
                    largest = Some(before + count - 1);
                }
            }
        }
        largest.map(|largest| Numbers { target, largest })
    }
}

fn digit(value: u32) -> u8 {
    b'0' + value as u8
}

/// The states after one, two, and three digits of numbers up to the largest.
fn rows(dfa: &Dfa, row: u32, largest: u32) -> Vec<u32> {
    let mut after: Vec<u32> = Vec::new();
    let mut go = |row: u32, value: u32| {
        let row = dfa.go(row, digit(value))?;
        if after.last() != Some(&row) {
            after.push(row);
        }
        Some(row)
    };
    for first in 0..=largest / 100 {
        let Some(one) = go(row, first) else { continue };
        for second in 0..=(largest / 10 - first * 10).min(9) {
            let Some(two) = go(one, second) else { continue };
            for third in 0..=(largest - first * 100 - second * 10).min(9) {
                go(two, third);
            }
        }
    }
    after.sort_unstable();
    after.dedup();
    after
}

/// The bytes before which each number makes the only end.
fn ends(dfa: &Dfa, row: u32, largest: u32) -> [bool; 257] {
    let after = rows(dfa, row, largest);
    let ends = |class: usize| {
        after.iter().all(|row| dfa.table[*row as usize + class] & (ENDS | DEAD | OTHERS | UNSURE) == ENDS | DEAD)
    };
    let by_class: Vec<bool> = (0..=dfa.end_class).map(ends).collect();
    std::array::from_fn(|byte| {
        let byte = u8::try_from(byte).ok();
        let digit = byte.is_some_and(|byte| byte.is_ascii_digit());
        !digit && by_class[dfa.class(byte)]
    })
}
