//! Java's date patterns (`DateTimeFormatter`), compiled to steps that both read and write.
//!
//! Taken: `y u M d D E H k h K m s S a Z X x z V`, literals, quotes and optional `[…]`. Reading is strict about digits
//! (two letters are two digits, one letter is one or two) and lenient about the case of names, which are English.
//! Where a pattern has no year, the year is taken that puts the date nearest to the record's timestamp, so that a
//! replay gives the same answer, also over New Year; Elasticsearch takes the year of the server's clock. What else is
//! missing is the least: January, the 1st, midnight.

mod read;
mod write;

use std::str::FromStr;

use super::{Civil, Moment, Zone, days_from_civil};
use read::{Parsed, parse_items};
use write::format_items;

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
            return Err(("an empty date pattern".into(), Some("such as yyyy.MM.dd".into())));
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

    /// True if a text of this pattern says which zone it is of.
    pub(crate) fn has_zone(&self) -> bool {
        self.any(&|item| matches!(item, Item::Offset { .. } | Item::ZoneName))
    }

    /// True if it has minutes and no hour, as where `mm` was written for the month.
    pub(crate) fn has_minutes_alone(&self) -> bool {
        let hour = |item: &Item| {
            use Field::{Hour, Hour12, Hour12From0, HourFrom1};
            matches!(item, Item::Number(Hour | Hour12 | Hour12From0 | HourFrom1, _))
        };
        self.any(&|item| matches!(item, Item::Number(Field::Minute, _))) && !self.any(&hour)
    }

    fn any(&self, of: &dyn Fn(&Item) -> bool) -> bool {
        fn any(items: &[Item], of: &dyn Fn(&Item) -> bool) -> bool {
            items.iter().any(|item| match item {
                Item::Optional(items) => any(items, of),
                item => of(item),
            })
        }
        any(&self.items, of)
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

/// 0 is Sunday.
fn weekday_of(civil: &Civil) -> usize {
    (days_from_civil(civil.year, civil.month, civil.day) + 4).rem_euclid(7) as usize
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

impl FromStr for DatePattern {
    type Err = String;

    fn from_str(pattern: &str) -> Result<Self, String> {
        Self::compile(pattern).map_err(|(what, _)| what)
    }
}
