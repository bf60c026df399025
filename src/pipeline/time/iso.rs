//! ISO 8601 as Elasticsearch's `strict_date_optional_time` has it, so what is taken here is taken by a date field there.

use super::{Civil, Moment, Zone, days_in_month, parse_offset, push_padded, two_digits};

/// Reads `yyyy`, `yyyy-MM`, `yyyy-MM-dd`, and the last with `THH`, `THH:mm`, `THH:mm:ss` or `THH:mm:ss.S…` (1 to 9
/// digits, `,` too) and then nothing, `Z`, `+HH`, `+HHmm` or `+HH:mm`. Without an offset it is of `zone`.
pub(crate) fn parse_iso(text: &str, zone: &Zone) -> Option<Moment> {
    let bytes = text.as_bytes();
    let year = two_digits(bytes, 0)? * 100 + two_digits(bytes, 2)?;
    let mut civil = Civil { year: i64::from(year), month: 1, day: 1, hour: 0, minute: 0, second: 0, nanos: 0 };
    let mut at = 4;
    if bytes.get(at) == Some(&b'-') {
        civil.month = two_digits(bytes, at + 1)?;
        at += 3;
        if bytes.get(at) == Some(&b'-') {
            civil.day = two_digits(bytes, at + 1)?;
            at += 3;
            if bytes.get(at) == Some(&b'T') {
                return time(text, at + 1, civil, zone);
            }
        }
    }
    let whole = at == bytes.len() && (1..=12).contains(&civil.month) && civil.day >= 1;
    (whole && civil.day <= days_in_month(civil.year, civil.month)).then(|| zone.moment(&civil)).flatten()
}

fn time(text: &str, mut at: usize, mut civil: Civil, zone: &Zone) -> Option<Moment> {
    let bytes = text.as_bytes();
    if at == bytes.len() {
        return civil.is_valid().then(|| zone.moment(&civil)).flatten();
    }
    civil.hour = two_digits(bytes, at)?;
    at += 2;
    if bytes.get(at) == Some(&b':') {
        civil.minute = two_digits(bytes, at + 1)?;
        at += 3;
        if bytes.get(at) == Some(&b':') {
            civil.second = two_digits(bytes, at + 1)?;
            at += 3;
            if matches!(bytes.get(at), Some(b'.' | b',')) {
                let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                if !(1..=9).contains(&digits) {
                    return None;
                }
                let fraction: u32 = text[at + 1..=at + digits].parse().ok()?;
                civil.nanos = fraction * 10_u32.pow(9 - digits as u32);
                at += 1 + digits;
            }
        }
    }
    if !civil.is_valid() {
        return None;
    }
    match &text[at..] {
        "" => zone.moment(&civil),
        "Z" => Zone::UTC.moment(&civil),
        rest => {
            let (offset, rest) = parse_offset(rest)?;
            rest.is_empty().then(|| Zone::Fixed(offset).moment(&civil)).flatten()
        }
    }
}

/// Appends `yyyy-MM-ddTHH:mm:ss.SSSZ`.
pub(crate) fn push_iso_millis(out: &mut String, millis: i64) {
    let civil = Civil::at(Moment::from_millis(millis), 0);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut put = |at: usize, width: usize, mut number: u32| {
        for digit in text[at..at + width].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    let year = u32::try_from(civil.year).ok().filter(|year| *year <= 9999);
    put(0, 4, year.unwrap_or(0));
    put(5, 2, civil.month);
    put(8, 2, civil.day);
    put(11, 2, civil.hour);
    put(14, 2, civil.minute);
    put(17, 2, civil.second);
    put(20, 3, civil.nanos / 1_000_000);
    let mut rest = text.as_slice();
    if year.is_none() {
        // As Java writes years that have not four digits.
        if civil.year > 9999 {
            out.push('+');
        }
        push_padded(out, civil.year, 4);
        rest = &text[4..];
    }
    out.push_str(std::str::from_utf8(rest).expect("digits are ASCII"));
}
