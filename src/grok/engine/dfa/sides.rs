//! What the bytes on both sides of a place say of the conditions there, and which bytes are alike in that.

use super::super::tree::Assertion;

/// Parts classes further, by what is said of each byte.
pub(super) fn part(classes: &mut [u16; 257], of: impl Fn(Option<u8>) -> u8) {
    let mut known: Vec<(u16, u8)> = Vec::new();
    // The bytes before the end of the text are numbered first.
    // Most bytes are what the one before them is.
    let mut last = None;
    for (index, class) in classes.iter_mut().enumerate() {
        let key = (*class, of(u8::try_from(index).ok()));
        if let Some((same, number)) = last
            && same == key
        {
            *class = number;
            continue;
        }
        *class = known.iter().position(|known| *known == key).unwrap_or_else(|| {
            known.push(key);
            known.len() - 1
        }) as u16;
        last = Some((key, *class));
    }
}

/// What one side of a place says to an assertion: 0 and 1, or 2 if it can't be said.
pub(super) fn side(assertion: Assertion, byte: Option<u8>, left: bool) -> u8 {
    match assertion {
        Assertion::TextStart | Assertion::TextEnd => u8::from(byte.is_none()),
        Assertion::LineStart | Assertion::LineEnd => match byte {
            None => 2,
            Some(byte) => u8::from(byte == b'\n'),
        },
        Assertion::Word { ascii, .. } => word(byte, ascii),
        Assertion::Before { set, edge } if left => u8::from(byte.map_or(edge, |byte| set.contains(byte))),
        Assertion::After { set, edge } if !left => u8::from(byte.map_or(edge, |byte| set.contains(byte))),
        _ => 0,
    }
}

fn word(byte: Option<u8>, ascii: bool) -> u8 {
    match byte {
        None => 0,
        Some(0x80..) => {
            if ascii {
                0
            } else {
                2
            }
        }
        Some(byte) => u8::from(byte.is_ascii_alphanumeric() || byte == b'_'),
    }
}

/// Whether an assertion holds between two bytes, as far as these tell.
pub(super) fn holds(assertion: Assertion, before: Option<u8>, after: Option<u8>) -> Option<bool> {
    match assertion {
        Assertion::TextStart => Some(before.is_none()),
        Assertion::TextEnd => Some(after.is_none()),
        Assertion::LineStart => Some(before.is_none() || after.is_some() && before == Some(b'\n')),
        Assertion::LineEnd => Some(after.is_none() || after == Some(b'\n')),
        Assertion::Word { negative, ascii } => match (word(before, ascii), word(after, ascii)) {
            (2, _) | (_, 2) => None,
            (left, right) => Some((left != right) != negative),
        },
        Assertion::Before { set, edge } => Some(before.map_or(edge, |byte| set.contains(byte))),
        Assertion::After { set, edge } => Some(after.map_or(edge, |byte| set.contains(byte))),
        Assertion::SearchStart | Assertion::LastLineEnd => None,
    }
}
