//! When the next attempt is due, and when there is none.

use std::time::Duration;

use crate::domain::delivery::{GiveUpReason, Transition};
use crate::domain::endpoint::DisabledReason;
use crate::domain::time::Timestamp;

/// Waits after the first, second, … failed attempt: the schedule that users of Svix know.
pub const SCHEDULE_DEFAULT: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(10 * 3600),
    Duration::from_secs(10 * 3600),
];
/// An endpoint may ask for no longer wait than this with `Retry-After`.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);
/// Each wait is stretched or shortened by at most this share, so that retries of one outage do not come at once.
pub const JITTER_SHARE: f64 = 0.1;

/// How often and how late a failed delivery is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait after each failed attempt; when they are used up the delivery is given up.
    pub schedule: Vec<Duration>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy { schedule: SCHEDULE_DEFAULT.to_vec() }
    }
}

/// What an attempt's answer means for its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The answer's status code; `None` if there was no answer.
    pub status: Option<u16>,
    /// Whether the whole answer came, in time.
    pub complete: bool,
    /// What the header `retry-after` asks for.
    pub retry_after: Option<Duration>,
    /// What the header `webhook-delivery` asks for.
    pub directive: Option<Directive>,
}

/// What an endpoint may ask for with the answer header `webhook-delivery`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directive {
    /// Send me nothing any more.
    Disable,
    /// Do not send me this message again.
    AbortMessage,
}

/// A number from -1 to 1 that spreads retries; an argument, so that the decision stays exact under test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter(pub f64);

impl Verdict {
    /// Whether the endpoint took the message: a complete answer with a 2xx status.
    pub fn is_success(&self) -> bool {
        self.complete && self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Why this answer disables the endpoint, if it does.
    pub fn disables(&self) -> Option<DisabledReason> {
        match (self.directive, self.status) {
            (Some(Directive::Disable), _) => Some(DisabledReason::AskedTo),
            (_, Some(410)) => Some(DisabledReason::Gone),
            _ => None,
        }
    }
}

/// How a delivery goes on after its attempt number `attempt` (1 for the first) ended with `verdict`.
pub fn next(
    policy: &RetryPolicy,
    attempt: u16,
    verdict: &Verdict,
    now: Timestamp,
    jitter: Jitter,
) -> Transition {
    if verdict.is_success() {
        return Transition::Delivered;
    }
    if let Some(reason) = verdict.disables() {
        return Transition::GivenUp(GiveUpReason::Disabled(reason));
    }
    if verdict.directive == Some(Directive::AbortMessage) {
        return Transition::GivenUp(GiveUpReason::Aborted);
    }
    let Some(&scheduled) = policy.schedule.get(usize::from(attempt.max(1)) - 1) else {
        return Transition::GivenUp(GiveUpReason::Exhausted);
    };
    let scheduled = scheduled.mul_f64(1.0 + JITTER_SHARE * jitter.0.clamp(-1.0, 1.0));
    let wait = match (verdict.status, verdict.retry_after) {
        // Never earlier than the schedule has it, and no endpoint can hold a delivery for ever.
        (Some(429 | 503), Some(asked)) => asked.min(RETRY_AFTER_MAX).max(scheduled),
        _ => scheduled,
    };
    Transition::RetryAt(now.after(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn answer(status: u16) -> Verdict {
        Verdict { status: Some(status), complete: true, retry_after: None, directive: None }
    }

    #[track_caller]
    fn check(attempt: u16, verdict: Verdict, jitter: f64, expected: Transition) {
        assert_eq!(next(&RetryPolicy::default(), attempt, &verdict, NOW, Jitter(jitter)), expected);
    }

    fn after(seconds: u64) -> Transition {
        Transition::RetryAt(NOW.after(Duration::from_secs(seconds)))
    }

    #[test]
    fn only_a_whole_2xx_answer_is_a_success() {
        check(1, answer(200), 0.0, Transition::Delivered);
        check(8, answer(299), 0.0, Transition::Delivered);
        check(1, answer(302), 0.0, after(5));
        check(1, Verdict { complete: false, ..answer(200) }, 0.0, after(5));
        check(1, Verdict { status: None, ..answer(0) }, 0.0, after(5));
    }

    #[test]
    fn the_schedule_is_walked_and_then_the_delivery_is_given_up() {
        for (attempt, wait) in [5, 300, 1800, 7200, 18_000, 36_000, 36_000].into_iter().enumerate() {
            check(attempt as u16 + 1, answer(500), 0.0, after(wait));
        }
        check(8, answer(500), 0.0, Transition::GivenUp(GiveUpReason::Exhausted));
    }

    #[test]
    fn jitter_moves_a_retry_by_a_tenth_at_most() {
        check(2, answer(500), 1.0, after(330));
        check(2, answer(500), -7.0, after(270));
    }

    #[test]
    fn retry_after_counts_for_429_and_503_between_the_schedule_and_a_day() {
        let asks =
            |status, seconds| Verdict { retry_after: Some(Duration::from_secs(seconds)), ..answer(status) };
        check(1, asks(429, 120), 0.0, after(120));
        check(1, asks(503, 1), 0.0, after(5));
        check(1, asks(503, u64::MAX), 0.0, after(86_400));
        check(1, asks(500, 120), 0.0, after(5));
        check(8, asks(429, 120), 0.0, Transition::GivenUp(GiveUpReason::Exhausted));
    }

    #[test]
    fn an_endpoint_can_end_a_delivery_or_all_of_them() {
        check(1, answer(410), 0.0, Transition::GivenUp(GiveUpReason::Disabled(DisabledReason::Gone)));
        let asks = |directive| Verdict { directive: Some(directive), ..answer(500) };
        check(1, asks(Directive::AbortMessage), 0.0, Transition::GivenUp(GiveUpReason::Aborted));
        let disabled = Transition::GivenUp(GiveUpReason::Disabled(DisabledReason::AskedTo));
        check(1, asks(Directive::Disable), 0.0, disabled);
        // A message that was taken stays taken, though the endpoint wants no more.
        let last = Verdict { directive: Some(Directive::Disable), ..answer(200) };
        check(1, last, 0.0, Transition::Delivered);
        assert_eq!(last.disables(), Some(DisabledReason::AskedTo));
    }
}
