//! Literals of a few bytes, compared as one number.

/// At most eight bytes that have to come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in super::super) struct Tail {
    bytes: u64,
    mask: u64,
    length: u32,
}

impl Tail {
    pub(in super::super) const MOST: usize = 8;

    pub(in super::super) fn new(literal: &[u8]) -> Tail {
        let mut bytes = [0; Tail::MOST];
        let mut mask = [0; Tail::MOST];
        bytes[..literal.len()].copy_from_slice(literal);
        mask[..literal.len()].fill(0xFF);
        Tail { bytes: u64::from_le_bytes(bytes), mask: u64::from_le_bytes(mask), length: literal.len() as u32 }
    }

    pub(in super::super) fn is_empty(self) -> bool {
        self.length == 0
    }

    /// The first byte, if there is any.
    pub(in super::super) fn first(self) -> Option<u8> {
        (self.length > 0).then_some(self.bytes as u8)
    }

    /// The last byte, if there is any.
    pub(in super::super) fn last(self) -> Option<u8> {
        let index = (self.length as usize).checked_sub(1)?;
        Some(self.bytes.to_le_bytes()[index])
    }

    /// Where it ends, if it is there.
    #[inline(always)]
    pub(in super::super) fn end(&self, text: &[u8], at: usize) -> Option<usize> {
        match text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(chunk) => {
                let same = (u64::from_le_bytes(*chunk) ^ self.bytes) & self.mask == 0;
                same.then_some(at + self.length as usize)
            }
            None => self.end_at_the_end(text, at),
        }
    }

    /// Whether eight bytes begin with it.
    #[inline(always)]
    pub(in super::super) fn begins(&self, bytes: u64) -> bool {
        (bytes ^ self.bytes) & self.mask == 0
    }

    pub(in super::super) fn len(self) -> usize {
        self.length as usize
    }

    /// The same as `end`, with less than eight bytes left.
    pub(in super::super) fn end_at_the_end(&self, text: &[u8], at: usize) -> Option<usize> {
        let (length, left) = (self.length as usize, text.len().checked_sub(at)?);
        if length == 0 {
            return Some(at);
        }
        let found = match text.last_chunk::<8>() {
            // What is left is looked at together with what was before it.
            Some(chunk) if (length..8).contains(&left) => {
                (u64::from_le_bytes(*chunk) >> (8 * (8 - left)) ^ self.bytes) & self.mask == 0
            }
            _ => text[at..].starts_with(&self.bytes.to_le_bytes()[..length]),
        };
        found.then_some(at + length)
    }
}
