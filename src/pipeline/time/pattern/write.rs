//! Writing a moment by a pattern.

use super::{Field, Item, MONTHS, WEEKDAYS, weekday_of};
use crate::pipeline::time::{Civil, Zone, days_from_civil, push_padded};

pub(super) fn format_items(items: &[Item], out: &mut String, civil: &Civil, offset: i32, zone: &Zone) {
    for item in items {
        match item {
            Item::Literal(text) => out.push_str(text),
            Item::Number(field, width) => {
                let number = match field {
                    Field::Year => {
                        if civil.year > 9999 && *width >= 4 {
                            out.push('+');
                        }
                        civil.year
                    }
                    Field::Month => i64::from(civil.month),
                    Field::Day => i64::from(civil.day),
                    Field::DayOfYear => {
                        days_from_civil(civil.year, civil.month, civil.day) - days_from_civil(civil.year, 1, 1) + 1
                    }
                    Field::Hour => i64::from(civil.hour),
                    Field::HourFrom1 => i64::from((civil.hour + 23) % 24 + 1),
                    Field::Hour12 => i64::from((civil.hour + 11) % 12 + 1),
                    Field::Hour12From0 => i64::from(civil.hour % 12),
                    Field::Minute => i64::from(civil.minute),
                    Field::Second => i64::from(civil.second),
                };
                push_padded(out, number, usize::from(*width));
            }
            Item::Year2 => push_padded(out, civil.year.rem_euclid(100), 2),
            Item::MonthName { full } => push_name(out, MONTHS[civil.month as usize - 1], *full),
            Item::WeekdayName { full } => push_name(out, WEEKDAYS[weekday_of(civil)], *full),
            Item::AmPm => out.push_str(if civil.hour < 12 { "AM" } else { "PM" }),
            Item::Fraction(width) => {
                let number = civil.nanos / 10_u32.pow(9 - u32::from(*width));
                push_padded(out, i64::from(number), usize::from(*width));
            }
            Item::Offset { zulu: true, .. } if offset == 0 => out.push('Z'),
            Item::Offset { colon, short, .. } => push_offset(out, offset, *colon, *short),
            Item::ZoneName => match zone {
                Zone::Fixed(0) => out.push_str("UTC"),
                Zone::Fixed(offset) => push_offset(out, *offset, true, false),
                Zone::Named(named) => out.push_str(named.iana_name().unwrap_or("UTC")),
            },
            Item::Optional(items) => format_items(items, out, civil, offset, zone),
        }
    }
}

fn push_name(out: &mut String, name: &str, full: bool) {
    out.push_str(if full { name } else { &name[..3] });
}

fn push_offset(out: &mut String, offset: i32, colon: bool, short: bool) {
    let minutes = i64::from(offset.abs()) / 60;
    out.push(if offset < 0 { '-' } else { '+' });
    push_padded(out, minutes / 60, 2);
    if !short || minutes % 60 != 0 {
        if colon {
            out.push(':');
        }
        push_padded(out, minutes % 60, 2);
    }
}
