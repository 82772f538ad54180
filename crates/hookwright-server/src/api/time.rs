//! Points in time as the API writes and reads them: RFC 3339.

use hookwright::domain::time::Timestamp;
use jiff::civil::date;
use jiff::fmt::temporal::Pieces;
use serde::{Serialize, Serializer};

/// What a text must be that is read as a point in time.
pub(crate) const WANTED: &str = "must be a date and time with an offset, such as 2026-11-24T12:00:00Z";

/// Writes a point in time in UTC with microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rfc3339(pub(crate) Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_six_centuries_is_written_as_jiff_writes_it() {
        for day in -100_000..100_000_i64 {
            let micros = day * 86_400_000_000 + 45_296_000_007;
            let expected = jiff::Timestamp::from_microsecond(micros).unwrap();
            let expected = format!("{expected:.6}");
            assert_eq!(Timestamp::from_micros(micros).to_string(), expected);
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
