//! Moments, calendar dates and zones.
//!
//! The calendar is computed here, in plain arithmetic, as nearly every date of a log line is one of a fixed offset; the
//! bundled time zone database (`jiff`) is asked for named zones only. The system's database and clock are never read:
//! the same record gives the same document on every machine.

mod iso;
mod pattern;

pub(crate) use crate::clock::civil_from_days;
use jiff::tz::TimeZone;

pub(crate) use iso::{parse_iso, push_iso_millis};
pub(crate) use pattern::{Assumed, DatePattern};

/// A point in time: seconds since 1970 in UTC and nanoseconds of the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    /// Seconds since 1970.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanos: u32,
}

impl Moment {
    /// From milliseconds since 1970.
    pub(crate) fn from_millis(millis: i64) -> Self {
        Self { seconds: millis.div_euclid(1000), nanos: millis.rem_euclid(1000) as u32 * 1_000_000 }
    }

    /// Milliseconds since 1970, what is finer cut off.
    pub(crate) fn millis(self) -> i64 {
        self.seconds.saturating_mul(1000).saturating_add(i64::from(self.nanos / 1_000_000))
    }
}

/// A date and time of day without a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub year: i64,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub nanos: u32,
}

impl Civil {
    /// The date and time at `moment` where clocks are `offset` seconds ahead of UTC.
    pub(crate) fn at(moment: Moment, offset: i32) -> Self {
        let local = moment.seconds.saturating_add(i64::from(offset));
        let (year, month, day) = civil_from_days(local.div_euclid(86_400));
        let second = local.rem_euclid(86_400) as u32;
        Self {
            year,
            month,
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            nanos: moment.nanos,
        }
    }

    /// Seconds since 1970 as if this were UTC.
    pub(crate) fn as_utc_seconds(&self) -> i64 {
        let time = self.hour * 3600 + self.minute * 60 + self.second;
        days_from_civil(self.year, self.month, self.day) * 86_400 + i64::from(time)
    }

    /// True if there is such a day and time.
    pub(crate) fn is_valid(&self) -> bool {
        (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
    }
}

/// A time zone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Zone {
    /// So many seconds ahead of UTC.
    Fixed(i32),
    /// A zone of the database.
    Named(TimeZone),
}

impl Zone {
    /// UTC.
    pub(crate) const UTC: Self = Self::Fixed(0);

    /// Reads `UTC`, `Z`, an offset such as `+02:00`, or a name such as `Europe/Amsterdam`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if matches!(text, "UTC" | "Z" | "GMT" | "UT" | "Etc/UTC") {
            return Some(Self::UTC);
        }
        let bare = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")).unwrap_or(text);
        if bare.starts_with(['+', '-']) {
            return parse_offset(bare).filter(|(_, rest)| rest.is_empty()).map(|(offset, _)| Self::Fixed(offset));
        }
        TimeZone::get(text).ok().map(Self::Named)
    }

    /// How many seconds the zone is ahead of UTC at a moment.
    pub(crate) fn offset_at(&self, seconds: i64) -> i32 {
        match self {
            Self::Fixed(offset) => *offset,
            Self::Named(zone) => {
                let second = seconds.clamp(-377_705_000_000, 253_402_000_000);
                jiff::Timestamp::from_second(second).map_or(0, |timestamp| zone.to_offset(timestamp).seconds())
            }
        }
    }

    /// The moment of a valid date and time in this zone. One that the clocks skip is as much later as they skip; of one
    /// that they show twice the first is taken (as in Java).
    pub(crate) fn moment(&self, civil: &Civil) -> Option<Moment> {
        let seconds = match self {
            Self::Fixed(offset) => civil.as_utc_seconds() - i64::from(*offset),
            Self::Named(zone) => {
                let narrow = |number: u32| i8::try_from(number).ok();
                jiff::civil::DateTime::new(
                    i16::try_from(civil.year).ok()?,
                    narrow(civil.month)?,
                    narrow(civil.day)?,
                    narrow(civil.hour)?,
                    narrow(civil.minute)?,
                    narrow(civil.second)?,
                    0,
                )
                .ok()?
                .to_zoned(zone.clone())
                .ok()?
                .timestamp()
                .as_second()
            }
        };
        Some(Moment { seconds, nanos: civil.nanos })
    }
}

/// Reads `+HH`, `+HHMM` or `+HH:MM`; gives the seconds and what follows.
pub(crate) fn parse_offset(text: &str) -> Option<(i32, &str)> {
    let bytes = text.as_bytes();
    let sign = match bytes.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = two_digits(bytes, 1)?;
    let colon = usize::from(bytes.get(3) == Some(&b':'));
    let (minutes, end) = match two_digits(bytes, 3 + colon) {
        Some(minutes) => (minutes, 5 + colon),
        None => (0, 3),
    };
    (hours <= 18 && minutes < 60).then(|| (sign * (hours * 3600 + minutes * 60) as i32, &text[end..]))
}

/// The number that two digits at `at` make.
pub(crate) fn two_digits(bytes: &[u8], at: usize) -> Option<u32> {
    match bytes.get(at..at + 2)? {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(u32::from(a - b'0') * 10 + u32::from(b - b'0')),
        _ => None,
    }
}

/// Days since 1970 of a date of the Gregorian calendar (Howard Hinnant's algorithm).
pub(crate) fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = i64::from((153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// How many days a month has; `month` is 1 to 12.
pub(crate) fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Appends a number with at least `width` digits.
pub(crate) fn push_padded(out: &mut String, number: i64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    while rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if number < 0 {
        out.push('-');
    }
    let from = at.min(digits.len() - width.clamp(1, 20));
    out.extend(digits[from..].iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests;
