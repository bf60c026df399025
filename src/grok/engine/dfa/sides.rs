//! What the bytes on both sides of a place say of the conditions there, and which bytes are alike in that.

use super::super::bytes::ByteSet;
use super::super::tree::Assertion;

/// The bytes and the end of the text, in parts that are alike.
#[derive(Clone, Debug)]
pub(super) struct Parts(Vec<Part>);

/// Some bytes, and whether the end of the text is one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) bytes: ByteSet,
    pub(super) end: bool,
}

impl Part {
    const NONE: Part = Part { bytes: ByteSet::EMPTY, end: false };

    /// Whether it has a byte; nothing is the end of the text.
    fn has(&self, byte: Option<u8>) -> bool {
        byte.map_or(self.end, |byte| self.bytes.contains(byte))
    }
}

impl Parts {
    /// All in one.
    pub(super) fn one() -> Parts {
        Parts(vec![Part { bytes: ByteSet::FULL, end: true }])
    }

    /// Parts them further, by whether they are among some.
    pub(super) fn part(&mut self, among: Part) {
        for index in 0..self.0.len() {
            let part = self.0[index];
            let inside = Part { bytes: part.bytes.intersection(among.bytes), end: part.end && among.end };
            if inside != Part::NONE && inside != part {
                let outside = part.bytes.intersection(among.bytes.negated());
                self.0[index] = inside;
                self.0.push(Part { bytes: outside, end: part.end && !among.end });
            }
        }
    }

    /// Parts them further, by what one side of a place says to an assertion.
    pub(super) fn part_by(&mut self, assertion: Assertion, left: bool) {
        side(assertion, left).into_iter().for_each(|among| self.part(among));
    }

    /// The parts in the order of their first bytes; the end of the text comes after all bytes.
    pub(super) fn in_order(mut self) -> Vec<Part> {
        self.0.sort_unstable_by_key(|part| part.bytes.first().map_or(256, u32::from));
        self.0
    }
}

/// Which of the parts has a byte.
pub(super) fn number_of(parts: &[Part], byte: Option<u8>) -> u8 {
    parts.iter().position(|part| part.has(byte)).unwrap_or(0) as u8
}

/// What one side of a place says to an assertion: at which bytes it is met, and at which that can't be said.
fn side(assertion: Assertion, left: bool) -> [Part; 2] {
    let bytes = |bytes, end| Part { bytes, end };
    match assertion {
        Assertion::TextStart | Assertion::TextEnd => [bytes(ByteSet::EMPTY, true), Part::NONE],
        Assertion::LineStart | Assertion::LineEnd => [bytes(ByteSet::one(b'\n'), false), bytes(ByteSet::EMPTY, true)],
        Assertion::Word { ascii, .. } => {
            let unsure = if ascii { ByteSet::EMPTY } else { ByteSet::WIDE };
            [bytes(word_bytes(), false), bytes(unsure, false)]
        }
        Assertion::Before { set, edge } if left => [bytes(set, edge), Part::NONE],
        Assertion::After { set, edge } if !left => [bytes(set, edge), Part::NONE],
        _ => [Part::NONE; 2],
    }
}

/// The ASCII bytes of words.
fn word_bytes() -> ByteSet {
    let letters = ByteSet::range(b'A', b'Z').union(ByteSet::range(b'a', b'z'));
    letters.union(ByteSet::range(b'0', b'9')).union(ByteSet::one(b'_'))
}

/// Whether a byte is one of a word, if that can be said.
fn is_word(byte: Option<u8>, ascii: bool) -> Option<bool> {
    match byte {
        Some(0x80..) if !ascii => None,
        byte => Some(byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')),
    }
}

/// Whether an assertion holds between two bytes, as far as these tell.
pub(super) fn holds(assertion: Assertion, before: Option<u8>, after: Option<u8>) -> Option<bool> {
    match assertion {
        Assertion::TextStart => Some(before.is_none()),
        Assertion::TextEnd => Some(after.is_none()),
        Assertion::LineStart => Some(before.is_none() || after.is_some() && before == Some(b'\n')),
        Assertion::LineEnd => Some(after.is_none() || after == Some(b'\n')),
        Assertion::Word { negative, ascii } => Some((is_word(before, ascii)? != is_word(after, ascii)?) != negative),
        Assertion::Before { set, edge } => Some(before.map_or(edge, |byte| set.contains(byte))),
        Assertion::After { set, edge } => Some(after.map_or(edge, |byte| set.contains(byte))),
        Assertion::SearchStart | Assertion::LastLineEnd => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_numbered_by_their_first_bytes() {
        let mut parts = Parts::one();
        parts.part(Part { bytes: ByteSet::range(b'b', b'y'), end: false });
        parts.part(Part { bytes: ByteSet::one(b'c'), end: true });
        // Nothing is new in these.
        parts.part(Part { bytes: ByteSet::FULL, end: false });
        parts.part(Part { bytes: ByteSet::EMPTY, end: false });
        let parts = parts.in_order();
        let number = |byte: u8| number_of(&parts, Some(byte));
        assert_eq!([b'a', b'z', 0, 255].map(number), [0; 4]);
        assert_eq!([b'b', b'd', b'y', b'c'].map(number), [1, 1, 1, 2]);
        assert_eq!((parts.len(), number_of(&parts, None)), (4, 3));
    }

    #[test]
    fn bytes_of_a_part_say_the_same_of_a_condition() {
        let set = ByteSet::range(b'a', b'f');
        let words = [false, true].map(|ascii| Assertion::Word { negative: false, ascii });
        let sets = [Assertion::Before { set, edge: true }, Assertion::After { set, edge: false }];
        let edges = [Assertion::TextStart, Assertion::TextEnd, Assertion::LineStart, Assertion::LineEnd];
        let bytes: Vec<Option<u8>> = (0..=255).map(Some).chain([None]).collect();
        for assertion in words.into_iter().chain(sets).chain(edges) {
            for left in [true, false] {
                let mut parts = Parts::one();
                parts.part_by(assertion, left);
                let parts = parts.in_order();
                let said = |byte| match left {
                    true => bytes.iter().map(|other| holds(assertion, byte, *other)).collect::<Vec<_>>(),
                    false => bytes.iter().map(|other| holds(assertion, *other, byte)).collect(),
                };
                for byte in &bytes {
                    let alike = bytes.iter().find(|other| number_of(&parts, **other) == number_of(&parts, *byte));
                    assert_eq!(alike.map(|alike| said(*alike)), Some(said(*byte)), "{assertion:?} {byte:?}");
                }
            }
        }
    }
}
