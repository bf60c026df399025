//! Sets of bytes: what can stand at a place, as far as one byte tells.

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
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

    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        (0_u8..4).flat_map(move |word| {
            let mut bits = self.0[usize::from(word)];
            std::iter::from_fn(move || {
                let bit = bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
                (bit < 64).then(|| word * 64 + bit as u8)
            })
        })
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
            let mut set = ByteSet::EMPTY;
            bytes.iter().for_each(|byte| set.insert(*byte));
            assert_eq!(set.iter().collect::<Vec<u8>>(), bytes);
        }
        assert_eq!(ByteSet::FULL.iter().collect::<Vec<u8>>(), (0..=255).collect::<Vec<u8>>());
    }
}
