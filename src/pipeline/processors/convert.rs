//! `convert`: changes the type of a field, of a list's items each.
//!
//! | option | |
//! |---|---|
//! | `field` | what |
//! | `type` | `integer` (32 bits), `long`, `float` (single precision), `double`, `string`, `boolean`, `ip`, `auto` |
//! | `target_field` | where; the field itself unless given |
//! | `ignore_missing` | `false`; if `true` an absent or null field is left alone |
//!
//! Whole numbers are decimal or `0x…`; a fraction is a failure. `boolean` takes `true` and `false` in any case. `ip`
//! checks the address and leaves it a string. `auto` tries, on strings, boolean, integer, long, float, and leaves the rest.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::event::{Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::{Fields, nearest};

struct Convert {
    field: Path,
    target: Option<Path>,
    to: Type,
    ignore_missing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Integer,
    Long,
    Float,
    Double,
    String,
    Boolean,
    Ip,
    Auto,
}

const TYPES: [(&str, Type); 8] = [
    ("integer", Type::Integer),
    ("long", Type::Long),
    ("float", Type::Float),
    ("double", Type::Double),
    ("string", Type::String),
    ("boolean", Type::Boolean),
    ("ip", Type::Ip),
    ("auto", Type::Auto),
];

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let target = fields.string("target_field");
    let field = fields.required_string("field").and_then(|text| match target {
        Some(_) => cx.read_path(text),
        None => cx.write_path(text),
    });
    let to = fields.required_string("type").and_then(|name| {
        let found = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.value));
        if found.is_none() {
            let names = TYPES.map(|(known, _)| known);
            let hint =
                nearest(name.value, names).map_or_else(|| names.join(", "), |near| format!("did you mean {near:?}?"));
            cx.problems.add_hint(name.place, format!("there is no type {:?} to convert to", name.value), hint);
        }
        found.map(|(_, to)| *to)
    });
    let ignore_missing = fields.bool("ignore_missing").unwrap_or(false);
    let target = match target {
        Some(text) => Some(cx.write_path(text)?),
        None => None,
    };
    Some(Box::new(Convert { field: field?, target, to: to?, ignore_missing }))
}

impl Process for Convert {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        match work.event.get(&self.field) {
            None | Some(Value::Null) if self.ignore_missing => return Ok(Flow::Continue),
            None => return Err(self.field.why_missing(work.event.root()).to_string()),
            Some(Value::Null) => {
                let to = name(self.to);
                return Err(format!("field [{}] is null, cannot be converted to type [{to}]", self.field));
            }
            Some(_) => {}
        }
        if let Some(target) = &self.target {
            let value = super::field(work, &self.field)?;
            let converted = match convert_all(value, self.to)? {
                Some(converted) => converted,
                None => value.clone(),
            };
            super::set(work, target, converted)?;
        } else if let Some(slot) = self.field.get_mut(work.event.root_mut())
            && let Some(converted) = convert_all(slot, self.to)?
        {
            *slot = converted;
        }
        Ok(Flow::Continue)
    }
}

/// The converted value, or `None` where it is as it should be already.
fn convert_all<'a>(value: &Value<'a>, to: Type) -> Result<Option<Value<'a>>, String> {
    match value {
        Value::Array(items) => {
            let converted: Result<Vec<Value<'a>>, String> =
                items.iter().map(|item| Ok(convert(item, to)?.unwrap_or_else(|| item.clone()))).collect();
            converted.map(|items| Some(Value::Array(items)))
        }
        _ => convert(value, to),
    }
}

fn convert<'a>(value: &Value<'a>, to: Type) -> Result<Option<Value<'a>>, String> {
    let fail = || Err(format!("unable to convert [{}] to {}", super::cut(&value.to_string()), name(to)));
    let text = match value {
        Value::String(text) => Cow::Borrowed(text.as_ref()),
        other => Cow::Owned(other.to_string()),
    };
    match to {
        Type::Integer => match (value, whole(&text)) {
            (Value::Int(number), Some(_)) if i32::try_from(*number).is_ok() => Ok(None),
            (_, Some(number)) if i32::try_from(number).is_ok() => Ok(Some(Value::Int(number))),
            _ => fail(),
        },
        Type::Long => match (value, whole(&text)) {
            (Value::Int(_), _) => Ok(None),
            (_, Some(number)) => Ok(Some(Value::Int(number))),
            _ => fail(),
        },
        Type::Float => match java_float(&text).and_then(|text| text.parse::<f32>().ok()).filter(|f| f.is_finite()) {
            Some(number) => Ok(Some(Value::Float(super::widen(number)))),
            None => fail(),
        },
        Type::Double => match java_float(&text).and_then(|text| text.parse::<f64>().ok()).filter(|f| f.is_finite()) {
            Some(number) => Ok(Some(Value::Float(number))),
            None => fail(),
        },
        Type::String => match value {
            Value::String(_) => Ok(None),
            _ => Ok(Some(Value::String(Cow::Owned(text.into_owned())))),
        },
        Type::Boolean => match value {
            Value::Bool(_) => Ok(None),
            _ if text.eq_ignore_ascii_case("true") => Ok(Some(Value::Bool(true))),
            _ if text.eq_ignore_ascii_case("false") => Ok(Some(Value::Bool(false))),
            _ => Err(format!("[{}] is not a boolean value, cannot convert to boolean", super::cut(&text))),
        },
        // An address of a link has the name of the link behind it.
        Type::Ip => match text
            .split_once('%')
            .filter(|(address, _)| address.contains(':'))
            .map_or(&*text, |it| it.0)
            .parse::<IpAddr>()
        {
            Ok(_) => Ok(None),
            Err(_) => Err(format!("[{}] is not a valid ipv4/ipv6 address", super::cut(&text))),
        },
        Type::Auto => match value {
            Value::String(_) => Ok([Type::Boolean, Type::Integer, Type::Long, Type::Float]
                .into_iter()
                .find_map(|to| convert(value, to).ok().flatten())),
            _ => Ok(None),
        },
    }
}

/// A whole number, decimal or hexadecimal, as Java's `decode` and `parse` take them.
fn whole(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        if hex.starts_with('+') {
            return None;
        }
        let number = i128::from(u64::from_str_radix(hex, 16).ok()?);
        return i64::try_from(if negative { -number } else { number }).ok();
    }
    if digits.starts_with(['+', '-']) { None } else { text.parse().ok() }
}

/// The part of a text that is a number by Java's rules: blanks around it and a type's letter are passed over.
fn java_float(text: &str) -> Option<&str> {
    let text = text.trim();
    let text = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')).then_some(text)
}

fn name(to: Type) -> &'static str {
    TYPES.iter().find(|(_, known)| *known == to).map_or("", |(name, _)| name)
}
