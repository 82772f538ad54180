//! How many requests a source lets in, and how many of those that it refuses are kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::rate::Rate;
use crate::domain::short_ids::SourceId;
use crate::domain::time::Timestamp;

/// Refused requests of one source that are kept, a second.
const REFUSED_A_SECOND: u32 = 10;
/// How often it is told that a source refuses requests: no more often than this.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Sources that are remembered as a rule; beyond that those are forgotten of which nothing came in the last second.
const REMEMBERED_USUALLY: usize = 10_000;
/// They are looked through no more often than this, in seconds: it takes a while. There are no more of them than sources.
const LOOK_THROUGH_EVERY: i64 = 10;

/// What each source has had lately.
#[derive(Default)]
pub(super) struct Gates(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    gates: HashMap<SourceId, Gate>,
    /// The second in which they were looked through last.
    looked_through: i64,
}

#[derive(Clone, Copy, Default)]
struct Gate {
    rate: Option<Rate>,
    /// The second that refused requests were counted in, and how many.
    refused: (i64, u32),
    /// The second of the last request that was kept of those that were too many.
    throttled: Option<i64>,
    /// How many were refused since that was told.
    untold: u64,
    /// When that was told last.
    told_at: Option<Timestamp>,
}

impl Gates {
    /// Lets a request in; or says from when on one would be, if the source takes no more than `per_second`.
    pub(super) fn enter(
        &self,
        source: SourceId,
        per_second: Option<u16>,
        now: Timestamp,
    ) -> Result<(), Timestamp> {
        let Some(per_second) = per_second else { return Ok(()) };
        self.with(source, now, |gate| {
            let rate = gate.rate.map_or(Rate::per_second(per_second), |rate| rate.changed_to(per_second));
            let mut rate = rate.in_bursts();
            let ready_at = rate.ready_at();
            if ready_at > now {
                return Err(ready_at);
            }
            rate.started(now);
            gate.rate = Some(rate);
            Ok(())
        })
    }

    /// Whether a refused request is kept: only a few a second are, so that nobody fills the disk with them.
    pub(super) fn keeps_refused(&self, source: SourceId, now: Timestamp) -> bool {
        self.with(source, now, |gate| {
            let second = now.as_seconds();
            let (counted_in, count) = gate.refused;
            let count = if counted_in == second { count.saturating_add(1) } else { 1 };
            gate.refused = (second, count);
            count <= REFUSED_A_SECOND
        })
    }

    /// Whether a request is kept that was not let in: one a second is, beside those that are refused for what they are.
    pub(super) fn keeps_throttled(&self, source: SourceId, now: Timestamp) -> bool {
        let second = now.as_seconds();
        self.with(source, now, |gate| gate.throttled.replace(second) != Some(second))
    }

    /// Counts a request that is refused, and gives how many were since that was told last, if it is to be told now.
    pub(super) fn tells_refused(&self, source: SourceId, now: Timestamp) -> Option<u64> {
        self.with(source, now, |gate| {
            gate.untold = gate.untold.saturating_add(1);
            if gate.was_told_lately(now) {
                return None;
            }
            gate.told_at = Some(now);
            Some(std::mem::take(&mut gate.untold))
        })
    }

    fn with<T>(&self, source: SourceId, now: Timestamp, act: impl FnOnce(&mut Gate) -> T) -> T {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Remembered { gates, looked_through } = &mut *remembered;
        let second = now.as_seconds();
        let is_time = second < *looked_through || second - *looked_through >= LOOK_THROUGH_EVERY;
        if gates.len() >= REMEMBERED_USUALLY && is_time {
            *looked_through = second;
            gates.retain(|_, gate| {
                gate.refused.0 == second
                    || gate.throttled == Some(second)
                    || gate.was_told_lately(now)
                    || gate.rate.is_some_and(|rate| rate.ready_at() > now)
            });
        }
        act(gates.entry(source).or_default())
    }
}

impl Gate {
    /// A clock that was set back does not keep it from being told.
    fn was_told_lately(&self, now: Timestamp) -> bool {
        self.told_at.is_some_and(|told_at| told_at <= now && now.since(told_at) < TELL_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_lets_in_what_its_rate_says_and_tells_when_there_is_more() {
        let (gates, now) = (Gates::default(), Timestamp::from_micros(1_700_000_000_000_000));
        for _ in 0..2 {
            assert_eq!(gates.enter(SourceId::MIN, Some(2), now), Ok(()), "as many as that at once");
        }
        let later = gates.enter(SourceId::MIN, Some(2), now).unwrap_err();
        assert_eq!(later, now.after(Duration::from_millis(500)));
        assert_eq!(gates.enter(SourceId::MAX, Some(2), now), Ok(()), "another source");
        assert_eq!(gates.enter(SourceId::MIN, Some(2), later), Ok(()));
        assert_eq!(gates.enter(SourceId::MIN, None, later), Ok(()), "no limit");
        for rate in [1, 3, 5, 10, 100, 1_000, 65_535] {
            let gates = Gates::default();
            let taken = |now| {
                (0..2 * u32::from(rate))
                    .filter(|_| gates.enter(SourceId::MIN, Some(rate), now).is_ok())
                    .count()
            };
            assert_eq!(taken(now), usize::from(rate), "{rate} a second");
            assert!(
                taken(now.after(Duration::from_secs(1))).abs_diff(usize::from(rate))
                    <= usize::from(rate) / 1_000 + 1
            );
        }
    }

    #[test]
    fn very_many_sources_are_looked_through_now_and_then_and_not_for_each_request() {
        let (gates, start) = (Gates::default(), Timestamp::from_micros(1_700_000_000_000_000));
        let source = |number: u32| {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            SourceId::from_bytes(bytes)
        };
        let count = || gates.0.lock().unwrap().gates.len();
        for number in 0..20_000 {
            gates.keeps_refused(source(number), start);
        }
        let later = start.after(Duration::from_secs(5));
        gates.keeps_refused(source(20_000), later);
        assert_eq!(count(), 20_001, "it was looked through a moment ago");
        let later = start.after(Duration::from_secs(10));
        gates.keeps_refused(source(20_001), later);
        assert_eq!(count(), 1);
    }

    #[test]
    fn that_much_is_refused_is_told_once_a_minute() {
        let (gates, now) = (Gates::default(), Timestamp::from_micros(1_700_000_000_000_000));
        let told = |seconds| gates.tells_refused(SourceId::MIN, now.after(Duration::from_secs(seconds)));
        assert_eq!([0, 0, 59, 60, 61].map(told), [Some(1), None, None, Some(3), None]);
        assert_eq!(gates.tells_refused(SourceId::MAX, now), Some(1), "another source");
        assert_eq!(told(1), Some(2), "the clock was set back");
    }

    #[test]
    fn of_what_is_refused_a_few_a_second_are_kept() {
        let (gates, now) = (Gates::default(), Timestamp::from_micros(1_700_000_000_000_000));
        let kept = (0..50).filter(|_| gates.keeps_refused(SourceId::MIN, now)).count();
        assert_eq!(kept, 10);
        assert!(gates.keeps_refused(SourceId::MIN, now.after(Duration::from_secs(1))));
    }

    #[test]
    fn of_what_is_too_much_one_a_second_is_kept_and_no_place_of_what_is_refused_is_taken() {
        let (gates, now) = (Gates::default(), Timestamp::from_micros(1_700_000_000_000_000));
        let kept = |seconds| {
            let now = now.after(Duration::from_secs(seconds));
            (0..50).filter(|_| gates.keeps_throttled(SourceId::MIN, now)).count()
        };
        assert_eq!([0, 1, 1, 5].map(kept), [1, 1, 0, 1]);
        assert!(gates.keeps_refused(SourceId::MIN, now) && gates.keeps_throttled(SourceId::MAX, now));
    }
}
