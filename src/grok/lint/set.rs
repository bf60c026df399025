//! Sets of letters, as exact as a lint needs them: each of ASCII, and all others in a few heaps.

/// A set of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Set {
    ascii: u128,
    /// A bit for each heap of what is no ASCII: two such letters are told apart but for one time in 64.
    other: u64,
}

impl Set {
    pub const NONE: Self = Self { ascii: 0, other: 0 };
    pub const ALL: Self = Self { ascii: u128::MAX, other: u64::MAX };

    /// One letter.
    pub fn one(c: char) -> Self {
        Self::range(c, c)
    }

    /// The letters from one to another.
    pub fn range(from: char, to: char) -> Self {
        let mut set = Self::NONE;
        for code in from as u32..=(to as u32).min(127) {
            set.ascii |= 1 << code;
        }
        for code in (from as u32).max(128)..=(to as u32).min((from as u32).max(128) + 63) {
            set.other |= 1 << (code % 64);
        }
        set
    }

    /// The ASCII letters for which this is true.
    pub fn of(is: impl Fn(char) -> bool) -> Self {
        let ascii = (0..128_u8).filter(|code| is(char::from(*code))).fold(0, |bits, code| bits | 1 << code);
        Self { ascii, other: 0 }
    }

    /// The same, and all that is no ASCII.
    pub fn with_others(self) -> Self {
        Self { other: u64::MAX, ..self }
    }

    pub fn and(self, with: Self) -> Self {
        Self { ascii: self.ascii & with.ascii, other: self.other & with.other }
    }

    pub fn or(self, with: Self) -> Self {
        Self { ascii: self.ascii | with.ascii, other: self.other | with.other }
    }

    /// All that is not in it. Where it has all that is no ASCII, that may be no more than some (`[[:alpha:]]`), so that the
    /// opposite has it, too.
    pub fn not(self) -> Self {
        Self { ascii: !self.ascii, other: if self.other == u64::MAX { u64::MAX } else { !self.other } }
    }

    /// What of it is not in another.
    pub fn without(self, other: Self) -> Self {
        Self { ascii: self.ascii & !other.ascii, other: self.other & !other.other }
    }

    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    pub fn meets(self, with: Self) -> bool {
        !self.and(with).is_empty()
    }

    pub fn word() -> Self {
        Self::of(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    pub fn digit() -> Self {
        Self::of(|c| c.is_ascii_digit())
    }

    pub fn space() -> Self {
        Self::of(|c| matches!(c, '\t'..='\r' | ' '))
    }

    pub fn hex() -> Self {
        Self::of(|c| c.is_ascii_hexdigit())
    }
}
