//! Reading a text by a pattern: the fields that it names, and the moment that they make.

use super::{Assumed, Field, Item, MONTHS, WEEKDAYS, weekday_of};
use crate::pipeline::time::{Civil, Moment, Zone, civil_from_days, days_from_civil, parse_offset};

/// Abbreviations of zones that logs have, in hours and minutes ahead of UTC. Fixed, also where summer time would be
/// another abbreviation.
const ABBREVIATIONS: [(&str, i32); 31] = [
    ("UTC", 0),
    ("GMT", 0),
    ("UT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 100),
    ("BST", 100),
    ("CET", 100),
    ("CEST", 200),
    ("EET", 200),
    ("EEST", 300),
    ("MSK", 300),
    ("SAST", 200),
    ("IST", 530),
    ("PKT", 500),
    ("HKT", 800),
    ("SGT", 800),
    ("AWST", 800),
    ("JST", 900),
    ("KST", 900),
    ("AEST", 1000),
    ("AEDT", 1100),
    ("NZST", 1200),
    ("NZDT", 1300),
    ("EST", -500),
    ("EDT", -400),
    ("CST", -600),
    ("CDT", -500),
    ("MST", -700),
    ("MDT", -600),
    ("PST", -800),
];

#[derive(Debug, Clone, Default)]
pub(super) struct Parsed {
    year: Option<i64>,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    hour: Option<u32>,
    hour12: Option<u32>,
    afternoon: Option<bool>,
    minute: Option<u32>,
    second: Option<u32>,
    nanos: Option<u32>,
    weekday: Option<usize>,
    offset: Option<i32>,
    zone: Option<Zone>,
}

fn digits(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let number = text.as_bytes()[..count].iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    Some((number, &text[count..]))
}

fn name<'t>(text: &'t str, names: &[&str], full: bool) -> Option<(usize, &'t str)> {
    names.iter().enumerate().find_map(|(index, name)| {
        let length = if full { name.len() } else { 3 };
        let head = text.get(..length)?;
        head.eq_ignore_ascii_case(&name[..length]).then(|| (index, &text[length..]))
    })
}

pub(super) fn parse_items<'t>(items: &[Item], mut text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
    for item in items {
        text = match item {
            Item::Literal(literal) => text.strip_prefix(literal.as_str())?,
            Item::Number(field, count) => {
                let (least, most) = match (field, count) {
                    (Field::Year, 1) => (1, 9),
                    (Field::Year, count) => (usize::from(*count), usize::from(*count)),
                    (Field::DayOfYear, 1) => (1, 3),
                    (_, 1) => (1, 2),
                    (_, count) => (usize::from(*count), usize::from(*count)),
                };
                let (number, rest) = digits(text, least, most)?;
                parsed.set(*field, number)?;
                rest
            }
            Item::Year2 => {
                let (number, rest) = digits(text, 2, 2)?;
                parsed.year = Some(2000 + number);
                rest
            }
            Item::MonthName { full } => {
                let (index, rest) = name(text, &MONTHS, *full)?;
                parsed.month = Some(index as u32 + 1);
                rest
            }
            Item::WeekdayName { full } => {
                let (index, rest) = name(text, &WEEKDAYS, *full)?;
                parsed.weekday = Some(index);
                rest
            }
            Item::AmPm => {
                let head = text.get(..2)?;
                parsed.afternoon = Some(match () {
                    () if head.eq_ignore_ascii_case("AM") => false,
                    () if head.eq_ignore_ascii_case("PM") => true,
                    () => return None,
                });
                &text[2..]
            }
            Item::Fraction(count) => {
                let count = usize::from(*count);
                let (number, rest) = digits(text, count, count)?;
                parsed.nanos = Some(number as u32 * 10_u32.pow(9 - count as u32));
                rest
            }
            Item::Offset { colon, short, zulu } => match text.strip_prefix('Z') {
                Some(rest) if *zulu => {
                    parsed.offset = Some(0);
                    rest
                }
                _ => {
                    let (offset, rest) = parse_offset(text)?;
                    let length = text.len() - rest.len();
                    let fits = match length {
                        3 => *short,
                        5 => !*colon,
                        _ => *colon,
                    };
                    if !fits {
                        return None;
                    }
                    parsed.offset = Some(offset);
                    rest
                }
            },
            Item::ZoneName => {
                let end = text
                    .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '-' | ':')))
                    .unwrap_or(text.len());
                parsed.zone = Some(zone_by_name(&text[..end])?);
                &text[end..]
            }
            Item::Optional(items) => {
                let before = parsed.clone();
                match parse_items(items, text, parsed) {
                    Some(rest) => rest,
                    None => {
                        *parsed = before;
                        text
                    }
                }
            }
        };
    }
    Some(text)
}

fn zone_by_name(name: &str) -> Option<Zone> {
    match ABBREVIATIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, hhmm)) => Some(Zone::Fixed((hhmm / 100) * 3600 + (hhmm % 100) * 60)),
        None if name.eq_ignore_ascii_case("PDT") => Some(Zone::Fixed(-7 * 3600)),
        None => Zone::parse(name),
    }
}

impl Parsed {
    fn set(&mut self, field: Field, number: i64) -> Option<()> {
        let small = u32::try_from(number).ok()?;
        match field {
            Field::Year => self.year = Some(number),
            Field::Month => self.month = Some(small),
            Field::Day => self.day = Some(small),
            Field::DayOfYear => self.day_of_year = Some(small),
            Field::Hour => self.hour = Some(small),
            Field::HourFrom1 => self.hour = Some((1..=24).contains(&small).then_some(small % 24)?),
            Field::Hour12 => self.hour12 = Some((1..=12).contains(&small).then_some(small % 12)?),
            Field::Hour12From0 => self.hour12 = Some((small < 12).then_some(small)?),
            Field::Minute => self.minute = Some(small),
            Field::Second => self.second = Some(small),
        }
        Some(())
    }

    pub(super) fn resolve(mut self, assumed: Assumed<'_>) -> Option<Moment> {
        let zone = match (self.zone.take(), self.offset) {
            (_, Some(offset)) => Zone::Fixed(offset),
            (Some(zone), None) => zone,
            (None, None) => assumed.zone.clone(),
        };
        if let Some(year) = self.year {
            return self.in_year(year, &zone);
        }
        let near = assumed.near?;
        let year = civil_from_days(near.div_euclid(86_400_000)).0;
        // The years next to the record's first; the 29th of February may need one further away.
        let nearest = |span: i64| {
            (year - span..=year + span)
                .filter_map(|year| self.in_year(year, &zone))
                .min_by_key(|moment| moment.millis().abs_diff(near))
        };
        nearest(1).or_else(|| nearest(8))
    }

    fn in_year(&self, year: i64, zone: &Zone) -> Option<Moment> {
        let (month, day) = match self.day_of_year {
            Some(day) if day >= 1 => {
                let (in_year, month, day) = civil_from_days(days_from_civil(year, 1, 1) + i64::from(day) - 1);
                (in_year == year).then_some((month, day))?
            }
            Some(_) => return None,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        let hour = match (self.hour, self.hour12) {
            (Some(hour), _) => hour,
            (None, Some(hour)) => hour + if self.afternoon.unwrap_or(false) { 12 } else { 0 },
            (None, None) => 0,
        };
        let (minute, second) = (self.minute.unwrap_or(0), self.second.unwrap_or(0));
        let civil = Civil { year, month, day, hour, minute, second, nanos: self.nanos.unwrap_or(0) };
        if !civil.is_valid() || self.weekday.is_some_and(|weekday| weekday != weekday_of(&civil)) {
            return None;
        }
        zone.moment(&civil)
    }
}
