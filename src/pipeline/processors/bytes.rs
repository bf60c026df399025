//! `bytes`: turns a size such as `1kb` into its number of bytes. Options: those of `texts.rs`.
//!
//! The units are `b`, `kb`, `mb`, `gb`, `tb` and `pb` in any case, each 1024 times the one before, also without their
//! `b`. A fraction is allowed; what is less than a byte is cut off.

use super::texts::{Change, Changed, Texts};
use crate::event::Value;
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::Process;
use crate::yaml::Fields;

struct Bytes;

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    Texts::compile(fields, cx, || Some(Bytes))
}

impl Change for Bytes {
    fn change(&self, text: &str) -> Result<Changed, String> {
        parse(text).map(|number| Changed::To(Value::Int(number)))
    }
}

fn parse(text: &str) -> Result<i64, String> {
    let shown = super::cut(text);
    let setting = || format!("failed to parse setting [Ingest Field] with value [{shown}] as a size in bytes");
    let lower = text.trim().to_lowercase();
    if lower == "-1" || lower == "0" {
        return Ok(if lower == "0" { 0 } else { -1 });
    }
    let units = [("kb", 10), ("k", 10), ("mb", 20), ("m", 20), ("gb", 30), ("g", 30)];
    let units = units.into_iter().chain([("tb", 40), ("t", 40), ("pb", 50), ("p", 50), ("b", 0)]);
    let found = units.into_iter().find_map(|(unit, bits)| Some((lower.strip_suffix(unit)?.trim(), bits)));
    let Some((digits, bits)) = found else { return Err(format!("{}: unit is missing or unrecognized", setting())) };
    let whole: Option<i64> = digits.parse().ok();
    let bytes = match whole {
        Some(whole) => i128::from(whole) << bits,
        None => match digits.parse::<f64>() {
            Ok(number) if number.is_finite() && bits > 0 => (number * (1u64 << bits) as f64) as i128,
            _ => return Err(format!("failed to parse [{shown}]")),
        },
    };
    match i64::try_from(bytes) {
        Ok(bytes) if bytes >= 0 => Ok(bytes),
        _ => Err(setting()),
    }
}
