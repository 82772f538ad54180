//! How many attempts a second a lane may start: the generic cell rate algorithm (GCRA, ITU-T I.371) in one number.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// A rate limit's state: attempts a second, evenly, with a burst of at most a tenth of a second's worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    interval: Duration,
    tolerance: Duration,
    next_at: Timestamp,
    /// What `next_at` lacks, in nanoseconds below one microsecond: without it 65,535 a second would be 66,666.
    next_at_nanos: u32,
    /// Where nodes share the limit: attempts that may start, since their places are reserved. `None` where there is one node.
    reserved: Option<u32>,
}

/// What is reserved at once is used within so long.
const RESERVE_FOR: Duration = Duration::from_millis(100);

impl Rate {
    /// A limit of `per_second` attempts (0 counts as 1: a lane that never moves is a disabled endpoint's).
    pub fn per_second(per_second: u16) -> Rate {
        let per_second = u32::from(per_second.max(1));
        let interval = Duration::from_secs(1) / per_second;
        let burst = (per_second / 10).max(1);
        Rate {
            interval,
            tolerance: interval * (burst - 1),
            next_at: Timestamp::MIN,
            next_at_nanos: 0,
            reserved: None,
        }
    }

    /// The same limit for what comes in bursts: a second's worth may come at once, and as many in each second in the long run.
    pub fn in_bursts(self) -> Rate {
        Rate { tolerance: Duration::from_secs(1).saturating_sub(self.interval), ..self }
    }

    /// The same limit, shared with other nodes: nothing starts before a place is reserved for it.
    pub fn shared(self) -> Rate {
        Rate { reserved: Some(0), ..self }
    }

    /// When the next attempt may start; not after `now` if it may start at once. [`Timestamp::MAX`] if that takes a place that is not
    /// reserved yet.
    pub fn ready_at(&self) -> Timestamp {
        match self.reserved {
            Some(0) => Timestamp::MAX,
            _ => self.next_at.before(self.tolerance),
        }
    }

    /// Whether forgetting the limit's state gives nobody more than it allows.
    pub fn holds_nothing_back(&self, now: Timestamp) -> bool {
        self.next_at.before(self.tolerance) <= now
    }

    /// From one attempt to the next.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// How many places to reserve if so many attempts wait; `None` if it needs none.
    pub fn worth_reserving(&self, waiting: usize) -> Option<u32> {
        let at_once = (RESERVE_FOR.as_micros() / self.interval.as_micros().max(1)).max(1);
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        let count = waiting.min(u32::try_from(at_once).unwrap_or(u32::MAX));
        (self.reserved == Some(0) && count > 0).then_some(count)
    }

    /// So many places are reserved, the first at this time and the others an interval apart.
    pub fn reserved(&mut self, count: u32, first_at: Timestamp) {
        if let Some(reserved) = &mut self.reserved {
            *reserved += count;
            self.next_at = self.next_at.max(first_at);
        }
    }

    /// Counts an attempt that starts at `now`.
    pub fn started(&mut self, now: Timestamp) {
        let begun =
            if self.next_at < now { Duration::ZERO } else { Duration::from_nanos(self.next_at_nanos.into()) };
        let step = begun + self.interval;
        self.next_at = self.next_at.max(now).after(step);
        self.next_at_nanos = step.subsec_nanos() % 1_000;
        self.reserved = self.reserved.map(|reserved| reserved.saturating_sub(1));
    }

    /// This limit's state under another rate, so that a change of the setting gives no second burst.
    pub fn changed_to(self, per_second: u16) -> Rate {
        let Rate { next_at, next_at_nanos, reserved, .. } = self;
        Rate { next_at, next_at_nanos, reserved, ..Rate::per_second(per_second) }
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
        for per_second in [1_000, 7_777, u16::MAX] {
            let (fast, promised) = (started_within(per_second, 10), 10 * u32::from(per_second));
            assert!((promised..=promised + promised / 100).contains(&fast), "{fast} of {promised}");
        }
    }

    #[test]
    fn a_shared_limit_lets_through_what_is_reserved_and_not_before_its_place() {
        let now = Timestamp::from_micros(0);
        let mut rate = Rate::per_second(20).shared();
        assert_eq!(rate.ready_at(), Timestamp::MAX);
        assert_eq!(rate.worth_reserving(100), Some(2), "a tenth of a second's worth");
        assert_eq!(rate.worth_reserving(1), Some(1), "and no more than there is");
        assert_eq!(rate.worth_reserving(0), None);
        let first = now.after(Duration::from_secs(3));
        rate.reserved(2, first);
        // Its burst is two.
        assert_eq!((rate.ready_at(), rate.worth_reserving(100)), (first.before(rate.interval()), None));
        rate.started(first);
        assert_eq!(rate.ready_at(), first);
        rate.started(first.after(rate.interval()));
        assert_eq!(rate.ready_at(), Timestamp::MAX);
        assert_eq!(rate.changed_to(1).ready_at(), Timestamp::MAX);
    }

    #[test]
    fn changing_the_setting_gives_no_second_burst() {
        let now = Timestamp::from_micros(0);
        let mut rate = Rate::per_second(1);
        rate.started(now);
        assert!(rate.changed_to(2).ready_at() > now);
    }
}
