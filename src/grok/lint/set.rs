//! Sets of letters, as exact as a lint needs them: each of ASCII, and all others as one.

/// A set of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Set {
    ascii: u128,
    other: bool,
}

impl Set {
    pub const NONE: Self = Self { ascii: 0, other: false };
    pub const ALL: Self = Self { ascii: u128::MAX, other: true };

    /// One letter.
    pub fn one(c: char) -> Self {
        Self::range(c, c)
    }

    /// The letters from one to another.
    pub fn range(from: char, to: char) -> Self {
        let mut set = Self { ascii: 0, other: to as u32 > 127 };
        for code in from as u32..=(to as u32).min(127) {
            set.ascii |= 1 << code;
        }
        set
    }

    /// The ASCII letters for which this is true.
    pub fn of(is: impl Fn(char) -> bool) -> Self {
        let ascii = (0..128_u8).filter(|code| is(char::from(*code))).fold(0, |bits, code| bits | 1 << code);
        Self { ascii, other: false }
    }

    /// The same, and all that is no ASCII.
    pub fn with_others(self) -> Self {
        Self { other: true, ..self }
    }

    pub fn and(self, with: Self) -> Self {
        Self { ascii: self.ascii & with.ascii, other: self.other && with.other }
    }

    pub fn or(self, with: Self) -> Self {
        Self { ascii: self.ascii | with.ascii, other: self.other || with.other }
    }

    /// All that is not in it; what is no ASCII counts as not being in it.
    pub fn not(self) -> Self {
        Self { ascii: !self.ascii, other: true }
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
