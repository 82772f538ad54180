//! What is worth telling about an attempt beyond that it was made: a message that keeps failing, is given up, or recovers.

use crate::domain::attempt::Trigger;
use crate::domain::delivery::{GiveUpReason, Transition};

/// A message is told to be failing after so many failures.
pub const FAILING_AFTER: u16 = 4;

/// What an attempt says about its message at one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notable {
    /// It has failed for the fourth time, and others follow.
    Failing,
    /// It is given up.
    Exhausted,
    /// It was taken after it had been told to be failing.
    Recovered,
    /// It was taken when somebody sent it once more: whether it recovered depends on the attempt before.
    Resent,
}

/// What the attempt number `number` of a delivery says, after which it goes on with `transition`.
///
/// A delivery that ends because its endpoint is disabled is told as that, and one whose payload was removed ended as somebody
/// wanted.
pub fn of_attempt(number: u16, trigger: Trigger, transition: Transition) -> Option<Notable> {
    match transition {
        Transition::Delivered if number > FAILING_AFTER => Some(Notable::Recovered),
        Transition::Delivered if trigger == Trigger::Manual => Some(Notable::Resent),
        Transition::RetryAt(_) if number == FAILING_AFTER => Some(Notable::Failing),
        Transition::GivenUp(GiveUpReason::Exhausted | GiveUpReason::Aborted) => Some(Notable::Exhausted),
        _ => None,
    }
}

/// Whether a message that is taken now recovers from its attempt before, which failed as number `number`.
pub fn is_recovery(number: u16, was_last: bool) -> bool {
    was_last || number >= FAILING_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoint::DisabledReason;
    use crate::domain::time::Timestamp;

    const RETRY: Transition = Transition::RetryAt(Timestamp::MAX);

    #[track_caller]
    fn check(number: u16, trigger: Trigger, transition: Transition, expected: Option<Notable>) {
        assert_eq!(of_attempt(number, trigger, transition), expected);
    }

    #[test]
    fn the_fourth_failure_is_told_and_no_other() {
        for (number, expected) in [(3, None), (4, Some(Notable::Failing)), (5, None)] {
            check(number, Trigger::Scheduled, RETRY, expected);
        }
    }

    #[test]
    fn a_success_after_four_failures_is_a_recovery() {
        check(1, Trigger::Scheduled, Transition::Delivered, None);
        check(4, Trigger::Scheduled, Transition::Delivered, None);
        check(5, Trigger::Scheduled, Transition::Delivered, Some(Notable::Recovered));
        check(1, Trigger::Manual, Transition::Delivered, Some(Notable::Resent));
    }

    #[test]
    fn what_was_given_up_is_told_unless_the_endpoint_or_the_payload_went() {
        let given_up = |reason| Transition::GivenUp(reason);
        check(8, Trigger::Scheduled, given_up(GiveUpReason::Exhausted), Some(Notable::Exhausted));
        check(1, Trigger::Scheduled, given_up(GiveUpReason::Aborted), Some(Notable::Exhausted));
        check(1, Trigger::Scheduled, given_up(GiveUpReason::PayloadGone), None);
        check(1, Trigger::Scheduled, given_up(GiveUpReason::Disabled(DisabledReason::Gone)), None);
    }

    #[test]
    fn what_was_told_to_be_failing_or_exhausted_can_recover() {
        assert!(is_recovery(2, true));
        assert!(is_recovery(4, false));
        assert!(!is_recovery(3, false));
    }
}
