//! `urldecode`: decodes `%20` and `+` in a text, or in each text of a list. Options: those of `texts.rs`.
//!
//! A `%` without two hexadecimal digits is a failure; what is no UTF-8 then becomes U+FFFD.

use super::texts::{Change, Changed, Texts};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::Process;
use crate::yaml::Fields;

struct UrlDecode;

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    Texts::compile(fields, cx, || Some(UrlDecode))
}

impl Change for UrlDecode {
    fn change(&self, text: &str) -> Result<Changed, String> {
        if memchr::memchr2(b'%', b'+', text.as_bytes()).is_none() {
            return Ok(Changed::Same);
        }
        match decode(text, true) {
            Some(decoded) => Ok(Changed::text(decoded)),
            None => Err("Could not URL-decode value.".into()),
        }
    }
}

/// Decodes `%xx`, and `+` as a blank if `plus`; nothing if a `%` is not followed by two hexadecimal digits.
pub(super) fn decode(text: &str, plus: bool) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'+' if plus => out.push(b' '),
            b'%' => {
                let digit = |index: usize| bytes.get(index).and_then(|b| char::from(*b).to_digit(16));
                out.push((digit(at + 1)? * 16 + digit(at + 2)?) as u8);
                at += 2;
            }
            byte => out.push(*byte),
        }
        at += 1;
    }
    Some(match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}
