//! Types, and what captures become.
//!
//! Elasticsearch: what is no number of its type is an error. Logstash: numbers are read as Ruby's `to_i` and `to_f` do,
//! as far as they go, and the other types are not known.

use std::borrow::Cow;
use std::io::Write as _;

use super::fault::nearest;
use super::options::Dialect;

/// What types are called.
const NAMES: [&str; 6] = ["int", "long", "float", "double", "boolean", "string"];
/// What they are called elsewhere.
const OTHER_NAMES: [(&str, &str); 6] = [
    ("integer", "int"),
    ("number", "double"),
    ("bool", "boolean"),
    ("str", "string"),
    ("i64", "long"),
    ("f64", "double"),
];

/// What a capture is converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Type {
    /// Nothing.
    #[default]
    String,
    /// A whole number of 32 bits; in Logstash of any size.
    Int,
    /// A whole number of 64 bits.
    Long,
    /// A number of single precision; in Logstash of double precision.
    Float,
    /// A number of double precision.
    Double,
    /// `true` in any case of letters, or else false.
    Boolean,
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'t> {
    /// The capture itself.
    Text(&'t str),
    /// A whole number.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// A truth.
    Bool(bool),
    /// What a repeated field captured, in the order of the groups.
    List(Vec<Value<'t>>),
}

impl Type {
    /// The type of this name, if there is one; another name leaves the capture a string.
    pub(super) fn by_name(name: &str, dialect: Dialect) -> Option<Self> {
        Some(match (name, dialect) {
            ("string", _) => Self::String,
            ("int", _) => Self::Int,
            ("float", _) => Self::Float,
            ("long", Dialect::Elasticsearch) => Self::Long,
            ("double", Dialect::Elasticsearch) => Self::Double,
            ("boolean", Dialect::Elasticsearch) => Self::Boolean,
            _ => return None,
        })
    }

    /// What may be meant by a name that no type has, and which there are.
    pub(super) fn meant_by(name: &str, dialect: Dialect) -> String {
        let there: Vec<&str> = NAMES.into_iter().filter(|name| Self::by_name(name, dialect).is_some()).collect();
        let meant = OTHER_NAMES.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, meant)| *meant);
        let near = meant.filter(|meant| there.contains(meant)).or_else(|| nearest(name, there.iter().copied()));
        let all = format!("there are {}", there.join(", "));
        near.map_or(all.clone(), |near| format!("did you mean {near:?}? {all}"))
    }

    /// Whether there are captures that can't be converted.
    pub(super) fn may_fail(self, dialect: Dialect) -> bool {
        dialect == Dialect::Elasticsearch && !matches!(self, Self::String | Self::Boolean)
    }

    /// Converts a capture; `None` if it can't be done.
    pub(super) fn convert(self, text: &str, dialect: Dialect) -> Option<Value<'_>> {
        if dialect == Dialect::Logstash {
            return Some(match self {
                Self::Int => as_ruby_int(text),
                Self::Float => as_ruby_float(text),
                _ => Value::Text(text),
            });
        }
        Some(match self {
            Self::String => Value::Text(text),
            Self::Int => Value::Int(i64::from(text.parse::<i32>().ok()?)),
            Self::Long => Value::Int(text.parse().ok()?),
            Self::Float => {
                let number: f32 = java_number(text)?.parse().ok().filter(|number: &f32| number.is_finite())?;
                // The double that has the same shortest decimal form.
                let mut decimal = [0; 32];
                let mut rest = decimal.as_mut_slice();
                write!(rest, "{number:e}").ok()?;
                let unused = rest.len();
                let written = decimal.len() - unused;
                Value::Float(std::str::from_utf8(&decimal[..written]).ok()?.parse().ok()?)
            }
            Self::Double => {
                let number: f64 = java_number(text)?.parse().ok()?;
                Value::Float(Some(number).filter(|number| number.is_finite())?)
            }
            Self::Boolean => Value::Bool(text.eq_ignore_ascii_case("true")),
        })
    }
}

/// A floating point number as Java writes it, without the letter that may end it.
fn java_number(text: &str) -> Option<&str> {
    let text = text.trim_matches(|c| c <= ' ');
    let text = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    // Rust reads "inf" and "infinity", too.
    text.ends_with(|c: char| c.is_ascii_digit() || c == '.').then_some(text)
}

fn as_ruby_int(text: &str) -> Value<'_> {
    let number = &text[text.len() - text.trim_start().len()..];
    let number = &number[..ruby_digits(number.strip_prefix(['+', '-']).unwrap_or(number), number)];
    let plain = without_underscores(number);
    match plain.parse() {
        Ok(number) => Value::Int(number),
        Err(_) if plain.bytes().any(|b| b.is_ascii_digit()) => Value::Text(number),
        Err(_) => Value::Int(0),
    }
}

fn without_underscores(number: &str) -> Cow<'_, str> {
    if number.contains('_') { Cow::Owned(number.replace('_', "")) } else { Cow::Borrowed(number) }
}

/// How long the digits at the beginning of `unsigned` are, counted in `whole`, which may have a sign before.
fn ruby_digits(unsigned: &str, whole: &str) -> usize {
    let bytes = unsigned.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    while is_digit(end) || (end > 0 && bytes.get(end) == Some(&b'_') && is_digit(end - 1) && is_digit(end + 1)) {
        end += 1;
    }
    whole.len() - unsigned.len() + end
}

fn as_ruby_float(text: &str) -> Value<'_> {
    let number = text.trim_start();
    let sign = number.len() - number.strip_prefix(['+', '-']).unwrap_or(number).len();
    // Where digits end that are there; one underscore may be between two.
    let digits = |from: usize| ruby_digits(&number[from..], number);
    let mut end = digits(sign);
    if number[end..].starts_with('.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    if end > sign && number[end..].starts_with(['e', 'E']) {
        let exponent = end + 1 + usize::from(number[end + 1..].starts_with(['+', '-']));
        if digits(exponent) > exponent {
            end = digits(exponent);
        }
    }
    let plain = without_underscores(&number[..end]);
    match plain.parse::<f64>() {
        Ok(number) if number.is_finite() => Value::Float(number),
        Ok(_) => Value::Text(text),
        Err(_) => Value::Float(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_java_reads_them() {
        for (kind, text, expected) in [
            (Type::Int, "+12", Some(Value::Int(12))),
            (Type::Int, "2147483648", None),
            (Type::Int, "", None),
            (Type::Int, " 1", None),
            (Type::Long, "2147483648", Some(Value::Int(2_147_483_648))),
            (Type::Long, "1.5", None),
            (Type::Float, "0.1", Some(Value::Float(0.1))),
            (Type::Float, "16777217", Some(Value::Float(16_777_216.0))),
            (Type::Float, " 1.5f ", Some(Value::Float(1.5))),
            (Type::Float, "1e40", None),
            (Type::Double, "1e40", Some(Value::Float(1e40))),
            (Type::Double, "5.", Some(Value::Float(5.0))),
            (Type::Double, "inf", None),
            (Type::Double, "NaN", None),
            (Type::Boolean, "TRUE", Some(Value::Bool(true))),
            (Type::Boolean, "yes", Some(Value::Bool(false))),
        ] {
            assert_eq!(kind.convert(text, Dialect::Elasticsearch), expected, "{text:?} as {kind:?}");
        }
    }

    #[test]
    fn numbers_are_read_as_ruby_reads_them() {
        for (kind, text, expected) in [
            (Type::Int, "12", Value::Int(12)),
            (Type::Int, " -12abc", Value::Int(-12)),
            (Type::Int, "1_000", Value::Int(1000)),
            (Type::Int, "1__0", Value::Int(1)),
            (Type::Int, "abc", Value::Int(0)),
            (Type::Int, "", Value::Int(0)),
            (Type::Int, "140169861986176", Value::Int(140_169_861_986_176)),
            (Type::Int, "99999999999999999999", Value::Text("99999999999999999999")),
            (Type::Float, "28.4ms", Value::Float(28.4)),
            (Type::Float, "1e3", Value::Float(1000.0)),
            (Type::Float, "1.", Value::Float(1.0)),
            (Type::Float, "-", Value::Float(0.0)),
            (Type::Float, ".5", Value::Float(0.5)),
            (Type::Float, "-.25 s", Value::Float(-0.25)),
            (Type::Float, ".", Value::Float(0.0)),
            (Type::Float, ".e1", Value::Float(0.0)),
            (Type::Float, "1_0.5", Value::Float(10.5)),
            (Type::Float, "1__0.5", Value::Float(1.0)),
            (Type::Long, "12", Value::Text("12")),
        ] {
            assert_eq!(kind.convert(text, Dialect::Logstash), Some(expected), "{text:?} as {kind:?}");
        }
    }
}
