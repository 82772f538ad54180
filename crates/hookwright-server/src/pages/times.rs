//! Points in time and durations in words.

use std::time::Duration;

use hookwright::domain::time::Timestamp;
use jiff::Timestamp as Instant;

/// A point in time as a page shows it: words for reading, the exact time behind them.
pub(super) struct Moment {
    /// For the attribute `datetime`, to the millisecond: `2026-01-31T23:59:59.250Z`.
    pub(super) exact: String,
    /// For people, in UTC: `2026-01-31 23:59:59 UTC`.
    pub(super) in_utc: String,
    /// From now: `3 min ago`, `in 5 min`.
    pub(super) from_now: String,
    /// Whether something is to happen then: once it is past, it is told as `now`.
    pub(super) due: bool,
}

impl Moment {
    /// Describes `time` as seen at `now`.
    pub(super) fn new(time: Timestamp, now: Timestamp) -> Moment {
        let instant = Instant::from_microsecond(time.as_micros()).unwrap_or_default();
        Moment {
            exact: format!("{instant:.3}"),
            in_utc: instant.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            from_now: from_now(time, now),
            due: false,
        }
    }

    /// Describes `time`, at which something is to happen, as seen at `now`.
    pub(super) fn due(time: Timestamp, now: Timestamp) -> Moment {
        let moment = Moment::new(time, now);
        let from_now = if time.since(now) < SECOND { "now".to_owned() } else { moment.from_now };
        Moment { from_now, due: true, ..moment }
    }
}

fn from_now(time: Timestamp, now: Timestamp) -> String {
    let (ahead, behind) = (time.since(now), now.since(time));
    if ahead < SECOND && behind < SECOND {
        "just now".to_owned()
    } else if behind.is_zero() {
        format!("in {}", coarse(ahead))
    } else {
        format!("{} ago", coarse(behind))
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// The largest unit alone; `live.js` counts on with the same rules.
fn coarse(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How long an attempt took: `8 ms`, `1.2 s`.
pub(super) fn took(duration: Duration) -> String {
    match duration.as_millis() {
        0 => "under 1 ms".to_owned(),
        millis @ 1..1_000 => format!("{millis} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_now_in_one_unit() {
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let ago = |seconds| from_now(now.before(Duration::from_secs(seconds)), now);
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(59), "59 s ago");
        assert_eq!(ago(60), "1 min ago");
        assert_eq!(ago(7_200), "2 h ago");
        assert_eq!(ago(172_800), "2 days ago");
        assert_eq!(from_now(now.after(Duration::from_secs(300)), now), "in 5 min");
    }

    #[test]
    fn a_time_that_no_calendar_has_does_not_panic() {
        let now = Timestamp::from_micros(0);
        assert_eq!(Moment::new(Timestamp::MAX, now).exact, "1970-01-01T00:00:00.000Z");
        let moment = Moment::new(Timestamp::from_micros(1_800_000_000_123_456), now);
        assert_eq!(moment.exact, "2027-01-15T08:00:00.123Z");
        assert_eq!(moment.in_utc, "2027-01-15 08:00:00 UTC");
    }

    #[test]
    fn durations_are_told_in_milliseconds_up_to_a_second() {
        assert_eq!(took(Duration::from_micros(900)), "under 1 ms");
        assert_eq!(took(Duration::from_millis(8)), "8 ms");
        assert_eq!(took(Duration::from_millis(1_240)), "1.2 s");
    }
}
