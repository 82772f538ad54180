//! When an endpoint has failed for so long that it is disabled.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// An endpoint without a success for this long is disabled.
pub const DISABLE_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);
/// Attempts must have failed in each of the last two spans of this length: silence alone disables nothing.
pub const SPAN: Duration = Duration::from_secs(12 * 3600);

/// An endpoint's failures since its last success; kept only for endpoints that have some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// The first failure since the last success.
    pub first_failure_at: Timestamp,
    /// The latest span in which an attempt failed, counted from the Unix epoch.
    pub last_span: i64,
    /// The span before it in which an attempt failed, if one did since the last success.
    pub previous_span: Option<i64>,
}

impl Health {
    /// The state after the first failure.
    pub fn first_failure(now: Timestamp) -> Health {
        Health { first_failure_at: now, last_span: span(now), previous_span: None }
    }

    /// The state after another failure at `now`; equal to this one if nothing worth keeping changed.
    pub fn failed(self, now: Timestamp) -> Health {
        self.merged(Health::first_failure(now))
    }

    /// The state after all failures of both, as they are known to several nodes, in whichever order they become known.
    pub fn merged(self, other: Health) -> Health {
        let last_span = self.last_span.max(other.last_span);
        let spans = [Some(self.last_span), self.previous_span, Some(other.last_span), other.previous_span];
        Health {
            first_failure_at: self.first_failure_at.min(other.first_failure_at),
            last_span,
            previous_span: spans.into_iter().flatten().filter(|span| *span < last_span).max(),
        }
    }

    /// The state if all failures before this time are past, since a success followed them.
    pub fn since(self, time: Timestamp) -> Health {
        Health { first_failure_at: self.first_failure_at.max(time), ..self }
    }

    /// Whether the endpoint is to be disabled at `now`.
    pub fn is_beyond_hope(&self, now: Timestamp) -> bool {
        now.since(self.first_failure_at) >= DISABLE_AFTER
            && self.last_span == span(now)
            && self.previous_span == Some(self.last_span - 1)
    }
}

fn span(time: Timestamp) -> i64 {
    time.as_seconds().div_euclid(SPAN.as_secs() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn hours(n: u64) -> Timestamp {
        START.after(Duration::from_secs(n * 3600))
    }

    #[test]
    fn five_days_of_steady_failure_disable() {
        let mut health = Health::first_failure(START);
        for hour in 1..120 {
            health = health.failed(hours(hour));
            assert!(!health.is_beyond_hope(hours(hour)), "hour {hour}");
        }
        assert!(health.failed(hours(120)).is_beyond_hope(hours(120)));
    }

    #[test]
    fn one_failure_long_ago_and_one_now_do_not() {
        let health = Health::first_failure(START).failed(hours(200));
        assert!(!health.is_beyond_hope(hours(200)));
        let next_span = health.failed(hours(212));
        assert!(next_span.is_beyond_hope(hours(212)));
    }

    #[test]
    fn failures_of_several_nodes_count_together_whichever_is_known_first() {
        // Each node knows of every second span.
        let of_node = |parity: u64| {
            (0..=10).filter(|n| n % 2 == parity).map(|n| hours(n * 12)).fold(
                None,
                |health: Option<Health>, at| {
                    Some(health.map_or_else(|| Health::first_failure(at), |health| health.failed(at)))
                },
            )
        };
        let (even, odd) = (of_node(0).unwrap(), of_node(1).unwrap());
        assert!(!even.is_beyond_hope(hours(120)), "it does not know of the span before");
        assert_eq!(even.merged(odd), odd.merged(even));
        assert!(even.merged(odd).is_beyond_hope(hours(120)));
        assert!(!even.merged(odd).since(hours(1)).is_beyond_hope(hours(120)));
        assert!(even.merged(odd).since(hours(0)).is_beyond_hope(hours(120)));
    }

    #[test]
    fn failures_within_one_span_change_nothing_that_must_be_stored() {
        let health = Health::first_failure(START);
        assert_eq!(health.failed(START.after(Duration::from_secs(60))), health);
    }
}
