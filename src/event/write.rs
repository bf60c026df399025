//! Writing JSON into a buffer, for the one place where it counts: every byte of every document passes here.
//!
//! The same bytes as `serde_json` writes (a test holds it so), but strings are looked through eight bytes at a time for
//! what has to be escaped, which is seldom anything.

use super::{Event, Object, Value};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

impl Event<'_> {
    /// Appends the event as a JSON object, in the order of its fields.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        self.root().write_json(out);
    }
}

impl Object<'_> {
    /// Appends the object as JSON, in the order of its fields.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (index, (name, value)) in self.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_json_str(name, out);
            out.push(b':');
            value.write_json(out);
        }
        out.push(b'}');
    }
}

impl Value<'_> {
    /// Appends the value as JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::String(text) => write_json_str(text, out),
            Self::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            Self::Object(object) => object.write_json(out),
            Self::Int(_) | Self::UInt(_) | Self::Float(_) => {
                serde_json::to_writer(out, self).expect("a buffer takes all, and numbers are always JSON");
            }
        }
    }
}

/// Appends a text as a JSON string, quotes included.
pub fn write_json_str(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut written = 0;
    let mut at = 0;
    loop {
        at += clean(&bytes[at..]);
        out.extend_from_slice(&bytes[written..at]);
        let Some(byte) = bytes.get(at) else { break };
        escape(*byte, out);
        at += 1;
        written = at;
    }
    out.push(b'"');
}

/// How many bytes there are before the first that has to be escaped.
fn clean(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        // A byte's high bit comes out set if it is below 0x20, a quote or a backslash; borrows can set one too many, but
        // only above a byte that is found rightly, so the lowest is right.
        let control = word.wrapping_sub(ONES * 0x20);
        let quote = (word ^ (ONES * u64::from(b'"'))).wrapping_sub(ONES);
        let backslash = (word ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
        let found = (control | quote | backslash) & !word & HIGH;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes[at..].iter().position(|byte| *byte < 0x20 || matches!(*byte, b'"' | b'\\'));
    rest.map_or(bytes.len(), |index| at + index)
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    out.extend([b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_bytes_are_serde_jsons(texts in proptest::collection::vec("[\\PC\u{0}-\u{1f}\"\\\\é\u{7f}!#\\[\\]]{0,40}", 0..5), number: i64, float: f64) {
            let mut root = Object::new();
            for text in &texts {
                root.insert(text.as_str(), Value::Array(vec![Value::str(text), Value::Null, Value::Bool(true)]));
            }
            root.insert("n", Value::Int(number));
            root.insert("u", Value::UInt(number.unsigned_abs()));
            root.insert("f", Value::Float(float));
            let event = Event::from(root);
            let mut out = Vec::new();
            event.write_json(&mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&event).unwrap());
        }
    }
}
