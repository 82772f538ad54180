//! Points in time as the API writes and reads them: RFC 3339.

use hookwright::domain::time::Timestamp;
use jiff::civil::date;
use jiff::fmt::temporal::Pieces;
use serde::{Serialize, Serializer};

/// `2026-11-24T22:11:09.123456Z`
const LENGTH: usize = 27;

/// What a text must be that is read as a point in time.
pub(crate) const WANTED: &str = "must be a date and time with an offset, such as 2026-11-24T12:00:00Z";

/// Writes a point in time in UTC with microseconds, without allocating.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rfc3339(pub(crate) Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = format(self.0);
        serializer.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
    }
}

/// Reads a point in time; any offset will do.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    // A plus sign that was not escaped in a query has become a space.
    let text =
        if text.contains(' ') && text.contains('T') { text.replace(' ', "+") } else { text.to_owned() };
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_micros(time.as_microsecond()));
    }
    // jiff's timestamps end on 9999-12-30, so that every offset can be applied; people write the year's last second for "never".
    let pieces = Pieces::parse(&text).ok()?;
    let offset = pieces.to_numeric_offset()?;
    let since_1970 =
        date(1970, 1, 1).at(0, 0, 0, 0).duration_until(pieces.date().to_datetime(pieces.time()?));
    let micros = i64::try_from(since_1970.as_micros()).ok()?;
    Some(Timestamp::from_micros(micros - i64::from(offset.seconds()) * 1_000_000))
}

fn format(time: Timestamp) -> [u8; LENGTH] {
    let seconds = time.as_seconds();
    let micros = time.as_micros().rem_euclid(1_000_000);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second_of_day = seconds.rem_euclid(86_400);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let mut put = |at: std::ops::Range<usize>, mut value: i64| {
        for digit in text[at].iter_mut().rev() {
            *digit = b'0' + u8::try_from(value.rem_euclid(10)).unwrap_or(0);
            value /= 10;
        }
    };
    put(0..4, year);
    put(5..7, month);
    put(8..10, day);
    put(11..13, second_of_day / 3_600);
    put(14..16, second_of_day / 60 % 60);
    put(17..19, second_of_day % 60);
    put(20..26, micros);
    text
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// Years begin in March here, so that the leap day is a year's last; 400 years are 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_six_centuries_is_written_as_jiff_writes_it() {
        for day in -100_000..100_000_i64 {
            let micros = day * 86_400_000_000 + 45_296_000_007;
            let expected = jiff::Timestamp::from_microsecond(micros).unwrap();
            let expected = format!("{expected:.6}");
            let found = format(Timestamp::from_micros(micros));
            assert_eq!(std::str::from_utf8(&found), Ok(expected.as_str()));
        }
    }

    #[test]
    fn offsets_are_read_with_and_without_an_escaped_plus() {
        let expected = Some(Timestamp::from_micros(1_700_000_000_000_000));
        for text in ["2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00", "2023-11-14T23:13:20 01:00"] {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!(parse("yesterday"), None);
        assert_eq!(parse("9999-12-31T23:59:59"), None);
        let last = Some(Timestamp::from_micros(253_402_300_799_000_000));
        for text in ["9999-12-31T23:59:59Z", "9999-12-31T22:59:59-01:00", "9999-12-31T23:59:59 00:00"] {
            assert_eq!(parse(text), last, "{text}");
        }
    }
}
