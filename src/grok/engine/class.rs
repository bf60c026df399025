//! Sets of characters, as sorted ranges that do not touch.
//!
//! Everything that a bracket expression can say ends here; what a set means for *bytes* is asked of [`Class::bytes`],
//! because the matchers look at bytes first and decode only where a byte does not decide.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::bytes::{ByteSet, Wide};

/// The highest character.
const LAST: u32 = 0x10_FFFF;

/// A set of characters. Cheap to copy about: parts of one expression share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// What the ranges mean for a first byte. It stands first because most classes differ in it.
    ascii: ByteSet,
    wide: Wide,
    ranges: Ranges,
}

/// Most classes are one character, which is kept in place.
#[derive(Clone, PartialEq, Eq)]
enum Ranges {
    One([(u32, u32); 1]),
    Others(Arc<[(u32, u32)]>),
}

impl std::ops::Deref for Ranges {
    type Target = [(u32, u32)];

    fn deref(&self) -> &[(u32, u32)] {
        match self {
            Ranges::One(range) => range,
            Ranges::Others(ranges) => ranges,
        }
    }
}

impl std::fmt::Debug for Ranges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self[..].fmt(f)
    }
}

impl Default for Class {
    /// No characters.
    fn default() -> Class {
        Class::new(Vec::new())
    }
}

impl Hash for Class {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Hardly any two are alike in that.
        self.ascii.hash(state);
        self.ranges.len().hash(state);
    }
}

impl Class {
    /// Puts ranges in order, and together where they touch.
    pub(super) fn new(mut ranges: Vec<(u32, u32)>) -> Class {
        ranges.retain(|(low, high)| low <= high);
        // They often come as a few rows that are in order, which this sort makes use of.
        ranges.sort();
        let mut tidy: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match tidy.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => tidy.push((low, high)),
            }
        }
        Class::of(match tidy.as_slice() {
            [range] => Ranges::One([*range]),
            _ => Ranges::Others(tidy.into()),
        })
    }

    fn of(ranges: Ranges) -> Class {
        let (ascii, wide) = first_bytes(&ranges);
        Class { ranges, ascii, wide }
    }

    pub(super) fn one(character: char) -> Class {
        Class::of(Ranges::One([(character as u32, character as u32)]))
    }

    /// Every character.
    pub(super) fn all() -> Class {
        Class::of(Ranges::One([(0, LAST)]))
    }

    pub(super) fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// The character, if there is just one.
    pub(super) fn single(&self) -> Option<char> {
        match *self.ranges {
            [(low, high)] if low == high => char::from_u32(low),
            _ => None,
        }
    }

    pub(super) fn contains(&self, character: char) -> bool {
        let code = character as u32;
        let after = self.ranges.partition_point(|(low, _)| *low <= code);
        after > 0 && self.ranges[after - 1].1 >= code
    }

    pub(super) fn union(&self, other: &Class) -> Class {
        Class::new(self.ranges.iter().chain(other.ranges.iter()).copied().collect())
    }

    pub(super) fn intersection(&self, other: &Class) -> Class {
        let mut common = Vec::new();
        for (low, high) in self.ranges.iter() {
            for (other_low, other_high) in other.ranges.iter() {
                common.push((*low.max(other_low), *high.min(other_high)));
            }
        }
        Class::new(common)
    }

    pub(super) fn negated(&self) -> Class {
        let mut outside = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = 0;
        for (low, high) in self.ranges.iter() {
            if *low > next {
                outside.push((next, low - 1));
            }
            next = high + 1;
        }
        if next <= LAST {
            outside.push((next, LAST));
        }
        Class::new(outside)
    }

    /// What the set means for the first byte of a character.
    pub(super) fn bytes(&self) -> (ByteSet, Wide) {
        (self.ascii, self.wide)
    }
}

fn first_bytes(ranges: &[(u32, u32)]) -> (ByteSet, Wide) {
    let mut ascii = ByteSet::EMPTY;
    for (low, high) in ranges.iter().take_while(|(low, _)| *low < 128) {
        ascii = ascii.union(ByteSet::range(*low as u8, (*high).min(127) as u8));
    }
    let mut wide = ranges.iter().filter(|(_, high)| *high > 127).map(|(low, high)| ((*low).max(128), *high));
    // Surrogates are no characters: with or without them is the same.
    let whole = match (wide.next(), wide.next(), wide.next()) {
        (None, ..) => return (ascii, Wide::None),
        (Some((128, LAST)), None, _) => true,
        (Some((128, below)), Some((above, LAST)), None) => below >= 0xD7FF && above <= 0xE000,
        _ => false,
    };
    (ascii, if whole { Wide::All } else { Wide::Some })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_put_in_order_and_together() {
        assert_eq!(Class::new(vec![(5, 9), (1, 2), (3, 4), (20, 19)]).ranges(), [(1, 9)]);
        assert_eq!(Class::all().negated().ranges(), []);
        assert_eq!(Class::one('b').negated().ranges(), [(0, 97), (99, LAST)]);
    }

    #[test]
    fn sets_meet_and_join() {
        let letters = Class::new(vec![(97, 122)]);
        let vowels = Class::new(vec![(97, 97), (101, 101), (0xE4, 0xE4)]);
        assert_eq!(letters.intersection(&vowels).ranges(), [(97, 97), (101, 101)]);
        assert!(letters.union(&vowels).contains('ä') && !letters.contains('ä'));
    }

    #[test]
    fn bytes_tell_whether_wide_characters_are_all_in() {
        assert_eq!(Class::one('x').negated().bytes().1, Wide::All);
        assert_eq!(Class::one('x').bytes().1, Wide::None);
        assert_eq!(Class::one('ä').negated().bytes().1, Wide::Some);
    }
}
