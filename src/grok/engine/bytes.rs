//! Sets of bytes: what can stand at a place, as far as one byte tells.

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 4]);

/// Which characters beyond ASCII a class has: where the byte alone does not decide, it has to be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wide {
    None,
    Some,
    All,
}

impl ByteSet {
    pub(super) const EMPTY: ByteSet = ByteSet([0; 4]);
    pub(super) const FULL: ByteSet = ByteSet([u64::MAX; 4]);
    /// Bytes of characters beyond ASCII.
    pub(super) const WIDE: ByteSet = ByteSet([0, 0, u64::MAX, u64::MAX]);

    pub(super) fn one(byte: u8) -> ByteSet {
        let mut set = ByteSet::EMPTY;
        set.insert(byte);
        set
    }

    /// From one byte to another.
    pub(super) fn range(first: u8, last: u8) -> ByteSet {
        let below = |end: u32, word: u32| match end.saturating_sub(word * 64) {
            bits @ 0..64 => (1_u64 << bits) - 1,
            _ => u64::MAX,
        };
        let word = |word| below(u32::from(last) + 1, word as u32) & !below(u32::from(first), word as u32);
        ByteSet(std::array::from_fn(word))
    }

    pub(super) fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    #[inline(always)]
    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }

    pub(super) fn union(self, other: ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    pub(super) fn intersection(self, other: ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }

    pub(super) fn negated(self) -> ByteSet {
        ByteSet(self.0.map(|bits| !bits))
    }

    pub(super) fn is_empty(self) -> bool {
        self == ByteSet::EMPTY
    }

    pub(super) fn meets(self, other: ByteSet) -> bool {
        !self.intersection(other).is_empty()
    }

    pub(super) fn len(self) -> u32 {
        self.0.iter().map(|bits| bits.count_ones()).sum()
    }

    /// The bytes, in order.
    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        let mut words = self.0;
        let mut word = 0;
        std::iter::from_fn(move || {
            while words.get(word)? == &0 {
                word += 1;
            }
            let bit = words[word].trailing_zeros();
            words[word] &= words[word] - 1;
            Some((word as u32 * 64 + bit) as u8)
        })
    }

    /// The ranges that the bytes make, in order: the first of each, and how many more there are.
    pub(super) fn ranges(self) -> impl Iterator<Item = (u8, u8)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let first = self.next(at, true)?;
            at = self.next(first, false).unwrap_or(256);
            Some((first as u8, (at - first - 1) as u8))
        })
    }

    /// The first byte, if there is any.
    pub(super) fn first(self) -> Option<u8> {
        self.next(0, true).map(|byte| byte as u8)
    }

    /// The first byte from `at` on that is in the set, or that is not.
    fn next(self, at: u32, within: bool) -> Option<u32> {
        let flip = if within { 0 } else { u64::MAX };
        let mut mask = u64::MAX << (at & 63);
        for word in at / 64..4 {
            let bits = (self.0[word as usize] ^ flip) & mask;
            if bits != 0 {
                return Some(word * 64 + bits.trailing_zeros());
            }
            mask = u64::MAX;
        }
        None
    }

    /// By byte, whether it is in the set.
    pub(super) fn table(self) -> [bool; 256] {
        let mut table = [false; 256];
        self.fill(&mut table, true);
        table
    }

    /// The same, and what is at 256, for the end of the text.
    pub(super) fn table_with(self, end: bool) -> [bool; 257] {
        let mut table = [false; 257];
        self.fill(&mut table, true);
        table[256] = end;
        table
    }

    /// Sets what a table has for each of the bytes.
    pub(super) fn fill<T: Copy>(self, table: &mut [T], value: T) {
        for (first, more) in self.ranges() {
            table[usize::from(first)..=usize::from(first) + usize::from(more)].fill(value);
        }
    }
}

impl FromIterator<u8> for ByteSet {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        let mut set = ByteSet::EMPTY;
        bytes.into_iter().for_each(|byte| set.insert(byte));
        set
    }
}

impl std::hash::Hash for ByteSet {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // Word by word is quicker than as a row of bytes, of any length.
        self.0.iter().for_each(|word| state.write_u64(*word));
    }
}

impl std::fmt::Debug for ByteSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(|byte| byte.escape_ascii().to_string())).finish()
    }
}

/// The character that begins at `at`, and how many bytes it has. The text is UTF-8 and `at` a boundary within it.
#[inline]
pub(super) fn decode(text: &[u8], at: usize) -> (char, usize) {
    let first = u32::from(text[at]);
    if first < 0x80 {
        return (first as u8 as char, 1);
    }
    let tail = |index: usize| u32::from(text.get(at + index).copied().unwrap_or(0)) & 0x3F;
    let (code, length) = match first {
        0x80..0xE0 => ((first & 0x1F) << 6 | tail(1), 2),
        0xE0..0xF0 => ((first & 0xF) << 12 | tail(1) << 6 | tail(2), 3),
        _ => ((first & 7) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4),
    };
    (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), length)
}

/// Where the character before `at` begins. `at` is a boundary, and not the beginning.
#[inline]
pub(super) fn before(text: &[u8], mut at: usize) -> usize {
    at -= 1;
    while at > 0 && text[at] & 0xC0 == 0x80 {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_a_set_come_in_order() {
        for bytes in [&[][..], &[0], &[255], &[63, 64, 127, 128, 191, 192], b"abz"] {
            let set: ByteSet = bytes.iter().copied().collect();
            assert_eq!(set.iter().collect::<Vec<u8>>(), bytes);
            assert_eq!(set.first(), bytes.first().copied());
        }
        assert_eq!(ByteSet::FULL.iter().collect::<Vec<u8>>(), (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn a_set_is_its_ranges() {
        for ranges in [&[][..], &[(0, 255)], &[(0, 0), (255, 255)], &[(63, 64), (66, 127), (129, 191)], &[(64, 254)]] {
            let set: ByteSet = ranges.iter().flat_map(|(first, last)| *first..=*last).collect();
            let joined =
                ranges.iter().fold(ByteSet::EMPTY, |all, (first, last)| all.union(ByteSet::range(*first, *last)));
            assert_eq!(joined, set);
            let ranges: Vec<(u8, u8)> = ranges.iter().map(|(first, last)| (*first, last - first)).collect();
            assert_eq!(set.ranges().collect::<Vec<_>>(), ranges);
            assert_eq!(set.table(), std::array::from_fn(|byte| set.contains(byte as u8)));
        }
        assert_eq!(ByteSet::range(2, 1), ByteSet::EMPTY);
    }
}
