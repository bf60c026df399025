//! Time as the pure rooms see it: a [`Moment`] is given to them, they never ask for one; and wall-clock milliseconds as
//! text, for the timestamps that records carry.

use std::ops::Add;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point on the process's own monotonic clock: the time since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Moment(pub Duration);

impl Moment {
    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// True after `from`, in the later half of the time from there to `to`.
    pub fn is_in_later_half(self, from: Self, to: Self) -> bool {
        self > from && self.since(from) * 2 >= to.since(from)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// Appends `millis` since 1970 as `2026-11-20T00:00:00.000Z`; years beyond 9999 or before 0 get a sign, as ISO 8601 asks.
pub fn write_iso8601(millis: i64, out: &mut Vec<u8>) {
    let (days, in_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000) as u64);
    let (year, month, day) = civil_from_days(days);
    if (0..=9999).contains(&year) {
        digits(out, year as u64, 4);
    } else {
        out.push(if year < 0 { b'-' } else { b'+' });
        digits(out, year.unsigned_abs(), 6);
    }
    out.push(b'-');
    digits(out, month.into(), 2);
    out.push(b'-');
    digits(out, day.into(), 2);
    out.push(b'T');
    digits(out, in_day / 3_600_000, 2);
    out.push(b':');
    digits(out, in_day / 60_000 % 60, 2);
    out.push(b':');
    digits(out, in_day / 1000 % 60, 2);
    out.push(b'.');
    digits(out, in_day % 1000, 3);
    out.push(b'Z');
}

/// Appends `number` in decimal, filled up with zeros to `width` digits (never cut).
pub fn digits(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut buffer = [b'0'; 20];
    let mut rest = number;
    let mut at = buffer.len();
    while rest > 0 {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    at = at.min(buffer.len() - width.min(buffer.len()));
    out.extend_from_slice(&buffer[at..]);
}

/// Year, month and day of a day counted from 1970-01-01 (Gregorian, without leap seconds; Howard Hinnant's algorithm).
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    // Counts from 1 March of year 0, so that a leap day is the last of its year.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = (if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 }) as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(millis: i64) -> String {
        let mut out = Vec::new();
        write_iso8601(millis, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_days() {
        assert_eq!(text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(text(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(text(1_795_132_799_999), "2026-11-19T23:59:59.999Z");
        assert_eq!(text(253_402_300_800_000), "+010000-01-01T00:00:00.000Z");
    }

    #[test]
    fn agrees_with_the_calendar_library() {
        for step in 0..40_000_i64 {
            let millis = (step - 10_000) * 86_399_999 * 3;
            let expected = jiff::Timestamp::from_millisecond(millis).unwrap();
            assert_eq!(text(millis), format!("{expected:.3}"));
        }
    }

    #[test]
    fn digits_are_filled_up_and_never_cut() {
        let mut out = Vec::new();
        digits(&mut out, 0, 1);
        digits(&mut out, 42, 5);
        digits(&mut out, u64::MAX, 3);
        assert_eq!(out, b"00004218446744073709551615");
    }
}
