//! Java's date patterns (`DateTimeFormatter`), compiled to steps that both read and write.
//!
//! Taken: `y u M d D E H k h K m s S a Z X x z V`, literals, quotes and optional `[…]`. Reading is strict about digits
//! (two letters are two digits, one letter is one or two) and lenient about the case of names, which are English.
//! Where a pattern has no year, the year is taken that puts the date nearest to the record's timestamp, so that a
//! replay gives the same answer, also over New Year; Elasticsearch takes the year of the server's clock. What else is
//! missing is the least: January, the 1st, midnight.

use std::str::FromStr;

use super::{Civil, Moment, Zone, civil_from_days, days_from_civil, parse_offset, push_padded};

/// What a date is completed with where its text does not say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assumed<'z> {
    /// The zone of a text without one.
    pub zone: &'z Zone,
    /// The record's timestamp in milliseconds, for a text without a year.
    pub near: Option<i64>,
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DatePattern {
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq)]
enum Item {
    Literal(String),
    Number(Field, u8),
    Year2,
    MonthName { full: bool },
    WeekdayName { full: bool },
    AmPm,
    Fraction(u8),
    Offset { colon: bool, short: bool, zulu: bool },
    ZoneName,
    Optional(Vec<Item>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Year,
    Month,
    Day,
    DayOfYear,
    Hour,
    HourFrom1,
    Hour12,
    Hour12From0,
    Minute,
    Second,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

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
struct Parsed {
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

impl DatePattern {
    /// Compiles a pattern; a leading `8` (Elasticsearch 6's mark of a Java pattern) is taken off.
    ///
    /// # Errors
    /// What is wrong, and what to write instead if that is known.
    pub(crate) fn compile(pattern: &str) -> Result<Self, (String, Option<String>)> {
        let pattern = pattern.strip_prefix('8').unwrap_or(pattern);
        let mut chars = pattern.chars().peekable();
        let mut open: Vec<Vec<Item>> = vec![Vec::new()];
        while let Some(c) = chars.next() {
            let items = open.last_mut().expect("the root is never closed");
            match c {
                '\'' => {
                    let mut text = String::new();
                    let mut closed = false;
                    while let Some(c) = chars.next() {
                        if c != '\'' {
                            text.push(c);
                        } else if chars.next_if_eq(&'\'').is_some() {
                            text.push('\'');
                        } else {
                            closed = true;
                            break;
                        }
                    }
                    if !closed {
                        return Err((format!("the date pattern {pattern:?} has a quote without an end"), None));
                    }
                    literal(items, if text.is_empty() { "'" } else { &text });
                }
                '[' => open.push(Vec::new()),
                ']' => {
                    let inner = open.pop().unwrap_or_default();
                    let Some(items) = open.last_mut() else {
                        return Err((format!("the date pattern {pattern:?} has a ] without a ["), None));
                    };
                    items.push(Item::Optional(inner));
                }
                c if c.is_ascii_alphabetic() => {
                    let mut count = 1;
                    while chars.next_if_eq(&c).is_some() {
                        count += 1;
                    }
                    items.push(item(c, count)?);
                }
                '{' | '}' | '#' => {
                    return Err((
                        format!("the date pattern {pattern:?} has {c:?}, which Java reserves"),
                        Some("put it in single quotes".into()),
                    ));
                }
                c => literal(items, c.encode_utf8(&mut [0; 4])),
            }
        }
        if open.len() > 1 {
            return Err((format!("the date pattern {pattern:?} has a [ without a ]"), None));
        }
        let items = open.pop().unwrap_or_default();
        if items.is_empty() {
            return Err(("an empty date pattern".into(), None));
        }
        Ok(Self { items })
    }

    /// True if the written text stays the same for a whole day.
    pub(crate) fn is_daily(&self) -> bool {
        fn daily(items: &[Item]) -> bool {
            items.iter().all(|item| match item {
                Item::Literal(_) | Item::Year2 | Item::MonthName { .. } | Item::WeekdayName { .. } => true,
                Item::Number(field, _) => {
                    matches!(field, Field::Year | Field::Month | Field::Day | Field::DayOfYear)
                }
                Item::Optional(items) => daily(items),
                Item::AmPm | Item::Fraction(_) | Item::Offset { .. } | Item::ZoneName => false,
            })
        }
        daily(&self.items)
    }

    /// True if it has names of months or days.
    pub(crate) fn has_names(&self) -> bool {
        fn names(items: &[Item]) -> bool {
            items.iter().any(|item| match item {
                Item::MonthName { .. } | Item::WeekdayName { .. } | Item::AmPm => true,
                Item::Optional(items) => names(items),
                _ => false,
            })
        }
        names(&self.items)
    }

    /// Reads a text that is a date by this pattern and nothing more.
    pub(crate) fn parse(&self, text: &str, assumed: Assumed<'_>) -> Option<Moment> {
        let mut parsed = Parsed::default();
        let rest = parse_items(&self.items, text, &mut parsed)?;
        if rest.is_empty() { parsed.resolve(assumed) } else { None }
    }

    /// Appends the text of a moment in a zone.
    pub(crate) fn format(&self, out: &mut String, moment: Moment, zone: &Zone) {
        let offset = zone.offset_at(moment.seconds);
        format_items(&self.items, out, &Civil::at(moment, offset), offset, zone);
    }
}

fn literal(items: &mut Vec<Item>, text: &str) {
    match items.last_mut() {
        Some(Item::Literal(before)) => before.push_str(text),
        _ => items.push(Item::Literal(text.to_owned())),
    }
}

fn item(letter: char, count: u8) -> Result<Item, (String, Option<String>)> {
    let number = |field| Ok(Item::Number(field, count));
    let wrong = |hint: &str| {
        let letters: String = std::iter::repeat_n(letter, usize::from(count)).collect();
        Err((format!("the date pattern has {letters:?}, which is not supported"), Some(hint.to_owned())))
    };
    match (letter, count) {
        ('y' | 'u', 2) => Ok(Item::Year2),
        ('y' | 'u', _) => number(Field::Year),
        ('M' | 'L', 1 | 2) => number(Field::Month),
        ('M' | 'L', 3) => Ok(Item::MonthName { full: false }),
        ('M' | 'L', 4) => Ok(Item::MonthName { full: true }),
        ('d', 1 | 2) => number(Field::Day),
        ('D', 1 | 3) => number(Field::DayOfYear),
        ('D', _) => wrong("D is the day of the year; the day of the month is dd"),
        ('Y', _) => wrong("Y is the year of the week, wrong around New Year; the year is yyyy"),
        ('E', 1..=3) => Ok(Item::WeekdayName { full: false }),
        ('E', 4) => Ok(Item::WeekdayName { full: true }),
        ('H', 1 | 2) => number(Field::Hour),
        ('k', 1 | 2) => number(Field::HourFrom1),
        ('h', 1 | 2) => number(Field::Hour12),
        ('K', 1 | 2) => number(Field::Hour12From0),
        ('m', 1 | 2) => number(Field::Minute),
        ('s', 1 | 2) => number(Field::Second),
        ('S', 1..=9) => Ok(Item::Fraction(count)),
        ('a', 1) => Ok(Item::AmPm),
        ('Z', 1..=3) => Ok(Item::Offset { colon: false, short: false, zulu: false }),
        ('Z', 5) | ('X', 3) => Ok(Item::Offset { colon: true, short: false, zulu: true }),
        ('X', 1) => Ok(Item::Offset { colon: false, short: true, zulu: true }),
        ('X', 2) => Ok(Item::Offset { colon: false, short: false, zulu: true }),
        ('x', 1) => Ok(Item::Offset { colon: false, short: true, zulu: false }),
        ('x', 2) => Ok(Item::Offset { colon: false, short: false, zulu: false }),
        ('x', 3) => Ok(Item::Offset { colon: true, short: false, zulu: false }),
        ('z', 1..=4) | ('V', 2) => Ok(Item::ZoneName),
        _ => wrong("supported: y u M d D E H k h K m s S a Z X x z V"),
    }
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

fn parse_items<'t>(items: &[Item], mut text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
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

    fn resolve(mut self, assumed: Assumed<'_>) -> Option<Moment> {
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

/// 0 is Sunday.
fn weekday_of(civil: &Civil) -> usize {
    (days_from_civil(civil.year, civil.month, civil.day) + 4).rem_euclid(7) as usize
}

fn format_items(items: &[Item], out: &mut String, civil: &Civil, offset: i32, zone: &Zone) {
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

impl FromStr for DatePattern {
    type Err = String;

    fn from_str(pattern: &str) -> Result<Self, String> {
        Self::compile(pattern).map_err(|(what, _)| what)
    }
}
