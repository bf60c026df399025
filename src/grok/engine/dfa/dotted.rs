//! A shortcut of an automaton over numbers of up to three digits with a mark after each, as addresses have them: three of them, found
//! by where their marks are.
//!
//! As with a shape, the automaton itself is asked: from one state, each number and its mark lead to one other, and nothing
//! ends on the way. Of numbers of three digits these may be some.

use super::super::scan::digits_and_marks;
use super::Dfa;

/// What may come after the numbers.
const MARKS: [u8; 4] = *b".-/:";

/// The shortcut.
#[derive(Debug)]
pub(super) struct Dotted {
    /// The state where it begins and the one where it ends.
    pub(super) row: u32,
    pub(super) target: u32,
    mark: u8,
    /// The numbers of three digits, a bit each.
    numbers: [u64; 16],
}

impl Dotted {
    pub(super) fn new(dfa: &Dfa, row: u32) -> Option<Dotted> {
        MARKS.iter().find_map(|mark| {
            let (first, numbers) = number(dfa, row, *mark)?;
            let (second, same) = number(dfa, first, *mark)?;
            let (target, still) = number(dfa, second, *mark)?;
            // Where all will do, it is no address but a run.
            let some = numbers.iter().map(|bits| bits.count_ones()).sum::<u32>() < 1000;
            (some && same == numbers && still == numbers).then_some(Dotted { row, target, mark: *mark, numbers })
        })
    }

    /// Where the third mark ends, if three numbers are at a position. It says no, too, where less than 16 bytes are left.
    #[inline(always)]
    pub(super) fn end(&self, text: &[u8], at: usize) -> Option<usize> {
        let chunk = text.get(at..)?.first_chunk::<16>()?;
        let (digits, marks) = digits_and_marks(chunk, self.mark);
        let first = marks.trailing_zeros();
        let marks_left = marks & marks.wrapping_sub(1);
        let second = marks_left.trailing_zeros();
        let third = (marks_left & marks_left.wrapping_sub(1)).trailing_zeros();
        if third >= 16 {
            return None;
        }
        let all = (2 << third) - 1;
        let good = (digits | marks) & all == all
            && self.is_number(chunk, 0, first)
                & self.is_number(chunk, first + 1, second - first - 1)
                & self.is_number(chunk, second + 1, third - second - 1);
        good.then_some(at + third as usize + 1)
    }

    #[inline(always)]
    fn is_number(&self, chunk: &[u8; 16], start: u32, length: u32) -> bool {
        let digit = |index: u32| usize::from(chunk[(start + index) as usize & 15] & 15);
        let value = digit(0) * 100 + digit(1) * 10 + digit(2);
        let known = self.numbers[value >> 6 & 15] >> (value & 63) & 1 != 0;
        (length.wrapping_sub(1) < 2) | ((length == 3) & known)
    }
}

/// Where numbers with a mark lead from a state, and which of those of three digits do.
fn number(dfa: &Dfa, row: u32, mark: u8) -> Option<(u32, [u64; 16])> {
    let go = |row, byte| dfa.go(row, byte);
    let target = go(go(row, b'1')?, mark)?;
    let mut numbers = [0; 16];
    for first in 0..10 {
        let one = go(row, b'0' + first)?;
        if go(one, mark)? != target {
            return None;
        }
        for second in 0..10 {
            let two = go(one, b'0' + second)?;
            if go(two, mark)? != target {
                return None;
            }
            for third in 0..10 {
                if go(two, b'0' + third).and_then(|three| go(three, mark)) == Some(target) {
                    let value = usize::from(first) * 100 + usize::from(second) * 10 + usize::from(third);
                    numbers[value >> 6] |= 1 << (value & 63);
                }
            }
        }
    }
    Some((target, numbers))
}
