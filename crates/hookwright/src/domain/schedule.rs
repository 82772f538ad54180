//! Times that come again, written as cron has them, in UTC.

use std::cmp::Ordering;
use std::time::Duration;

use croner::errors::CronError;
use croner::{CivilDate, CivilDateTime, CivilTime, Cron, CronDateTime, Resolution, Weekday};

use crate::domain::time::{Timestamp, civil, days_to};

/// The longest expression, in bytes.
const BYTES_MAX: usize = 256;
const SECONDS_A_DAY: i64 = 86_400;

/// Times that come again: a cron expression of five fields, or of six with seconds first.
#[derive(Debug, Clone)]
pub struct Schedule(Cron);

/// A text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// It is no cron expression.
    #[error(
        "must be a cron expression such as */5 * * * *, of five fields or of six with seconds first: {why}"
    )]
    Syntax {
        /// What is wrong with it.
        why: String,
    },
    /// No time is as it says.
    #[error("names a time that never comes")]
    Never,
    /// It is too long.
    #[error("must have at most {BYTES_MAX} bytes")]
    TooLong,
}

impl Schedule {
    /// Reads a cron expression.
    ///
    /// # Errors
    ///
    /// [`ScheduleError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Schedule, ScheduleError> {
        if text.len() > BYTES_MAX {
            return Err(ScheduleError::TooLong);
        }
        let read: Result<Cron, CronError> = text.parse();
        let cron = read.map_err(|error| {
            let why = error.to_string().trim_end_matches('.').to_owned();
            ScheduleError::Syntax { why }
        })?;
        let schedule = Schedule(cron);
        // From a time on that is before all that will be asked for.
        match schedule.next_after(Timestamp::from_micros(1_700_000_000_000_000)) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never),
        }
    }

    /// The first of its times after this one.
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let found = self.0.find_next_occurrence(&Second(time.as_seconds()), false).ok()?;
        Some(found.timestamp())
    }

    /// The last of its times up to this one, itself included.
    pub fn last_until(&self, time: Timestamp) -> Option<Timestamp> {
        let found = self.0.find_previous_occurrence(&Second(time.as_seconds()), true).ok()?;
        Some(found.timestamp())
    }
}

/// A whole second since 1970, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Second(i64);

impl Second {
    fn timestamp(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(1_000_000))
    }
}

/// Small numbers by the calendar's rules, so that none is cut off.
fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

impl CronDateTime for Second {
    fn to_civil(&self) -> CivilDateTime {
        let (year, month, day) = civil(self.0.div_euclid(SECONDS_A_DAY));
        let second = self.0.rem_euclid(SECONDS_A_DAY);
        let year = i32::try_from(year).unwrap_or(i32::MAX);
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(year, small(month), small(day)),
            CivilTime::from_parts_unchecked(
                small(second / 3_600),
                small(second / 60 % 60),
                small(second % 60),
            ),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        // The first day of 1970 was a Thursday.
        let days = (self.0.div_euclid(SECONDS_A_DAY) + 4).rem_euclid(7);
        Weekday::from_days_from_sunday(small(days))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Second>, CronError> {
        let days = days_to(civil.year().into(), civil.month().into(), civil.day().into());
        let (hour, minute, second) =
            (i64::from(civil.hour()), i64::from(civil.minute()), i64::from(civil.second()));
        Ok(Resolution::Single(Second(days * SECONDS_A_DAY + hour * 3_600 + minute * 60 + second)))
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Second> {
        // Beyond this the calendar is not asked.
        const LATEST: i64 = 253_402_300_799;
        self.0.checked_add(seconds).filter(|sum| (-LATEST..=LATEST).contains(sum)).map(Second)
    }

    fn cmp_instant(&self, other: &Second) -> Ordering {
        self.0.cmp(&other.0)
    }
}

/// The times of a schedule that are due, from `next` on, and the one that follows them. Of what is more than `behind` late only the last
/// is due: nobody wants an outage's worth of them at once.
pub fn due(
    schedule: &Schedule,
    next: Timestamp,
    now: Timestamp,
    behind: Duration,
) -> (Vec<Timestamp>, Option<Timestamp>) {
    let mut next = Some(next);
    if next.is_some_and(|next| next < now.before(behind)) {
        next = schedule.last_until(now).max(next);
    }
    let mut times = Vec::new();
    while let Some(time) = next.filter(|time| *time <= now) {
        times.push(time);
        next = schedule.next_after(time);
    }
    (times, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-14T22:13:20Z, a Tuesday.
    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn at(text: &str) -> (String, String) {
        let schedule = Schedule::parse(text).unwrap();
        let told = |time: Option<Timestamp>| time.unwrap().to_string()[..19].to_owned();
        (told(schedule.last_until(NOW)), told(schedule.next_after(NOW)))
    }

    #[track_caller]
    fn check(text: &str, last: &str, next: &str) {
        assert_eq!(at(text), (last.to_owned(), next.to_owned()), "{text}");
    }

    #[test]
    fn times_are_those_that_cron_has() {
        check("* * * * *", "2023-11-14T22:13:00", "2023-11-14T22:14:00");
        check("* * * * * *", "2023-11-14T22:13:20", "2023-11-14T22:13:21");
        check("*/15 * * * *", "2023-11-14T22:00:00", "2023-11-14T22:15:00");
        check("0 9 * * 1-5", "2023-11-14T09:00:00", "2023-11-15T09:00:00");
        check("0 0 * * SUN", "2023-11-12T00:00:00", "2023-11-19T00:00:00");
        check("30 12 29 2 *", "2020-02-29T12:30:00", "2024-02-29T12:30:00");
        check("@monthly", "2023-11-01T00:00:00", "2023-12-01T00:00:00");
    }

    #[test]
    fn what_is_no_expression_or_never_comes_is_refused() {
        for text in ["", "now", "* * * *", "61 * * * *", "* * * 13 *", "a b c d e", "*/0 * * * *"] {
            let refused = Schedule::parse(text).unwrap_err();
            assert!(matches!(refused, ScheduleError::Syntax { .. }), "{text}: {refused}");
        }
        assert_eq!(Schedule::parse("0 0 30 2 *").unwrap_err(), ScheduleError::Never);
        assert_eq!(Schedule::parse(&"*,".repeat(200)).unwrap_err(), ScheduleError::TooLong);
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_is_a_schedule_or_refused(text in "[0-9*/,#LW?+@A-F -]{0,16}( [0-9*/,LW#-]{1,5}){4,5}") {
            if let Ok(schedule) = Schedule::parse(&text) {
                let next = schedule.next_after(NOW);
                proptest::prop_assert!(next.is_none_or(|next| next > NOW));
                proptest::prop_assert!(schedule.last_until(NOW).is_none_or(|last| last <= NOW));
                proptest::prop_assert_eq!(next.and_then(|next| schedule.last_until(next)), next);
            }
        }
    }

    #[test]
    fn each_time_is_due_once_and_of_an_outage_the_last() {
        let schedule = Schedule::parse("* * * * * *").unwrap();
        let second = Duration::from_secs(1);
        let behind = Duration::from_secs(60);
        assert_eq!(due(&schedule, NOW.after(second), NOW, behind), (vec![], Some(NOW.after(second))));
        assert_eq!(
            due(&schedule, NOW.before(second), NOW.after(second / 2), behind),
            (vec![NOW.before(second), NOW], Some(NOW.after(second)))
        );
        assert_eq!(
            due(&schedule, NOW.before(second * 90), NOW, behind),
            (vec![NOW], Some(NOW.after(second)))
        );
    }
}
