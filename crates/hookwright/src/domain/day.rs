//! Days of the journal: which of them are made ahead, and when what is in one has expired.

use std::fmt;
use std::time::Duration;

use crate::domain::ids::MessageId;
use crate::domain::time::{Timestamp, civil};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// What is kept shorter than this goes as soon as it has expired, message by message.
const WHOLE_DAYS_FROM: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day {
    /// Counted from 1970-01-01.
    number: i64,
}

impl Day {
    /// The day of a point in time.
    pub(crate) fn of(time: Timestamp) -> Day {
        Day { number: time.as_seconds().div_euclid(86_400) }
    }

    /// The day after it.
    pub(crate) fn next(self) -> Day {
        Day { number: self.number.saturating_add(1) }
    }

    /// This day and as many after it.
    pub(crate) fn and_ahead(self, days: u32) -> impl Iterator<Item = Day> {
        (0..=i64::from(days)).map(move |ahead| Day { number: self.number.saturating_add(ahead) })
    }

    /// The lowest id of a message of this day.
    pub(crate) fn first_message(self) -> MessageId {
        MessageId::first_at(Timestamp::from_micros(self.number.saturating_mul(86_400_000_000)))
    }
}

/// Such as `20261127`, for the years 0000 to 9999.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.number);
        write!(f, "{year:04}{month:02}{day:02}")
    }
}

/// From when on a message has expired that is kept so long; `goes_by_days`: where its whole day is dropped at once, unless
/// something in it is pending.
///
/// There what has expired is left to its day for as long as that takes to end, so that little goes message by message.
pub(crate) fn expired_before(now: Timestamp, retention: Duration, goes_by_days: bool) -> Timestamp {
    let waits_for_its_day = goes_by_days && retention >= WHOLE_DAYS_FROM;
    let before = now.before(retention);
    if waits_for_its_day { before.before(DAY) } else { before }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_micros(1_795_780_800_000_000);

    #[test]
    fn a_day_has_its_messages_and_no_others() {
        let day = Day::of(NOON);
        assert_eq!(day.to_string(), "20261127");
        assert_eq!(day.next().to_string(), "20261128");
        let days: Vec<String> = day.and_ahead(4).map(|day| day.to_string()).collect();
        assert_eq!(days, ["20261127", "20261128", "20261129", "20261130", "20261201"]);
        let midnight = NOON.after(DAY / 2);
        assert!(day.first_message() < MessageId::first_at(NOON));
        assert_eq!(MessageId::first_at(midnight), day.next().first_message());
        assert!(MessageId::first_at(midnight.before(Duration::from_millis(4))) < day.next().first_message());
    }

    #[test]
    fn what_is_kept_for_long_waits_for_its_day_where_days_are_dropped() {
        let weeks = 14 * DAY;
        assert_eq!(expired_before(NOON, weeks, false), NOON.before(weeks));
        assert_eq!(expired_before(NOON, weeks, true), NOON.before(15 * DAY));
        assert_eq!(expired_before(NOON, DAY, true), NOON.before(DAY));
    }
}
