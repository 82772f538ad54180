//! How many attempts a second a lane may start: the generic cell rate algorithm (GCRA, ITU-T I.371) in one number.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// A rate limit's state: attempts a second, evenly, with a burst of at most a tenth of a second's worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    interval: Duration,
    tolerance: Duration,
    next_at: Timestamp,
}

impl Rate {
    /// A limit of `per_second` attempts (0 counts as 1: a lane that never moves is a disabled endpoint's).
    pub fn per_second(per_second: u16) -> Rate {
        let per_second = u32::from(per_second.max(1));
        let interval = Duration::from_secs(1) / per_second;
        let burst = (per_second / 10).max(1);
        Rate { interval, tolerance: interval * (burst - 1), next_at: Timestamp::MIN }
    }

    /// When the next attempt may start; not after `now` if it may start at once.
    pub fn ready_at(&self) -> Timestamp {
        self.next_at.before(self.tolerance)
    }

    /// Counts an attempt that starts at `now`.
    pub fn started(&mut self, now: Timestamp) {
        self.next_at = self.next_at.max(now).after(self.interval);
    }

    /// This limit's state under another rate, so that a change of the setting gives no second burst.
    pub fn changed_to(self, per_second: u16) -> Rate {
        Rate { next_at: self.next_at, ..Rate::per_second(per_second) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts as many attempts as the limit lets through in `seconds`, as early as it lets them.
    fn started_within(per_second: u16, seconds: u64) -> u32 {
        let mut rate = Rate::per_second(per_second);
        let start = Timestamp::from_micros(1_000_000);
        let end = start.after(Duration::from_secs(seconds));
        let (mut now, mut count) = (start, 0);
        loop {
            now = now.max(rate.ready_at());
            if now >= end {
                return count;
            }
            rate.started(now);
            count += 1;
        }
    }

    #[test]
    fn it_lets_through_what_it_promises_and_a_tenth_more_in_the_first_second() {
        assert_eq!(started_within(1, 10), 10);
        assert_eq!(started_within(10, 10), 100);
        let fast = started_within(1_000, 10);
        assert!((10_000..=10_100).contains(&fast), "{fast}");
    }

    #[test]
    fn changing_the_setting_gives_no_second_burst() {
        let now = Timestamp::from_micros(0);
        let mut rate = Rate::per_second(1);
        rate.started(now);
        assert!(rate.changed_to(2).ready_at() > now);
    }
}
