//! The breaker of a lane: an endpoint that only fails is asked now and then instead of all the time.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// More failures in a row than this open the breaker.
pub const FAILURES_MAX: u32 = 20;
/// The wait before the first probe.
pub const PROBE_WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest wait between two probes.
pub const PROBE_WAIT_MAX: Duration = Duration::from_secs(30);

/// Whether a lane may start attempts. While it is open, deliveries wait and use up nothing of their schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// Attempts flow; so many failed in a row.
    Closed {
        /// Failures since the last success.
        failures: u32,
    },
    /// Nothing flows before `until`; then one probe.
    Open {
        /// When the next probe may start.
        until: Timestamp,
        /// The wait that led to `until`.
        wait: Duration,
    },
    /// One probe is under way.
    Probing {
        /// The wait before this probe.
        wait: Duration,
    },
}

/// What a breaker says to the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Start as many as the lane's other limits let through.
    Flow,
    /// Start one, and no other until it has ended.
    Probe,
    /// Start none before then.
    NotBefore(Timestamp),
    /// Start none until the probe under way has ended.
    AfterProbe,
}

impl Default for Breaker {
    fn default() -> Self {
        Breaker::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Whether an attempt may start at `now`.
    pub fn permission(&self, now: Timestamp) -> Permission {
        match *self {
            Breaker::Closed { .. } => Permission::Flow,
            Breaker::Open { until, .. } if now < until => Permission::NotBefore(until),
            Breaker::Open { .. } => Permission::Probe,
            Breaker::Probing { .. } => Permission::AfterProbe,
        }
    }

    /// An attempt starts; on an open breaker it is the probe.
    pub fn started(&mut self) {
        if let Breaker::Open { wait, .. } = *self {
            *self = Breaker::Probing { wait };
        }
    }

    /// An attempt succeeded.
    pub fn succeeded(&mut self) {
        *self = Breaker::default();
    }

    /// An attempt failed at `now`.
    pub fn failed(&mut self, now: Timestamp) {
        *self = match *self {
            Breaker::Closed { failures } if failures < FAILURES_MAX => {
                Breaker::Closed { failures: failures + 1 }
            }
            Breaker::Closed { .. } => {
                Breaker::Open { until: now.after(PROBE_WAIT_MIN), wait: PROBE_WAIT_MIN }
            }
            Breaker::Probing { wait } => {
                let wait = (wait * 2).min(PROBE_WAIT_MAX);
                Breaker::Open { until: now.after(wait), wait }
            }
            // An attempt that had started before the breaker opened: it says nothing new.
            open @ Breaker::Open { .. } => open,
        };
    }

    /// An attempt ended without saying anything about the endpoint, such as one that was called off.
    pub fn abandoned(&mut self, now: Timestamp) {
        if let Breaker::Probing { wait } = *self {
            *self = Breaker::Open { until: now, wait };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(0);

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..=FAILURES_MAX {
            breaker.failed(NOW);
        }
        breaker
    }

    #[test]
    fn it_opens_after_more_than_twenty_failures_in_a_row() {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES_MAX {
            breaker.failed(NOW);
        }
        assert_eq!(breaker.permission(NOW), Permission::Flow);
        breaker.failed(NOW);
        assert_eq!(breaker.permission(NOW), Permission::NotBefore(NOW.after(PROBE_WAIT_MIN)));
    }

    #[test]
    fn a_success_in_between_starts_the_count_again() {
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            for _ in 0..FAILURES_MAX {
                breaker.failed(NOW);
            }
            breaker.succeeded();
        }
        assert_eq!(breaker.permission(NOW), Permission::Flow);
    }

    #[test]
    fn probes_go_one_at_a_time_with_doubling_waits_up_to_thirty_seconds() {
        let mut breaker = opened();
        let mut now = NOW;
        for wait in [1, 2, 4, 8, 16, 30, 30] {
            now = now.after(Duration::from_secs(wait));
            assert_eq!(breaker.permission(now.before(Duration::from_micros(1))), Permission::NotBefore(now));
            assert_eq!(breaker.permission(now), Permission::Probe);
            breaker.started();
            assert_eq!(breaker.permission(now), Permission::AfterProbe);
            breaker.failed(now);
        }
        breaker.succeeded();
        assert_eq!(breaker.permission(now), Permission::Flow);
    }

    #[test]
    fn late_failures_of_earlier_attempts_do_not_push_the_probe_away() {
        let mut breaker = opened();
        let before = breaker;
        breaker.failed(NOW.after(Duration::from_millis(900)));
        assert_eq!(breaker, before);
    }

    #[test]
    fn a_probe_that_was_called_off_can_be_made_again_at_once() {
        let mut breaker = opened();
        let later = NOW.after(PROBE_WAIT_MIN);
        breaker.started();
        breaker.abandoned(later);
        assert_eq!(breaker.permission(later), Permission::Probe);
    }
}
