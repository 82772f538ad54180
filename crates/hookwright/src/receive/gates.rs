//! How many requests a source lets in, and how many of those that have no effect are kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::rate::Rate;
use crate::domain::short_ids::SourceId;
use crate::domain::time::Timestamp;

/// How often it is told that a source refuses requests, or that its log leaves some out: no more often than this.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Sources that are remembered as a rule; beyond that those are forgotten of which nothing came in the last second.
const REMEMBERED_USUALLY: usize = 10_000;
/// They are looked through no more often than this, in seconds: it takes a while. There are no more of them than sources.
const LOOK_THROUGH_EVERY: i64 = 10;

/// Why a request has no effect. Nobody fills the disk with such: of each of these a few a second are kept, whatever the others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoEffect {
    /// It is refused for what it is.
    Refused,
    /// It is one too many.
    Throttled,
    /// It came before: a provider gone wild sends it again and again, and so may whoever has got hold of it.
    Copy,
    /// It asks whether somebody is there.
    Handshake,
}

impl NoEffect {
    const COUNT: usize = 4;

    /// So many of one source are kept, a second.
    fn a_second(self) -> u32 {
        match self {
            NoEffect::Refused | NoEffect::Copy | NoEffect::Handshake => 10,
            NoEffect::Throttled => 1,
        }
    }

    /// What they are called.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            NoEffect::Refused => "refused requests",
            NoEffect::Throttled => "requests beyond its throttleRate",
            NoEffect::Copy => "copies",
            NoEffect::Handshake => "handshakes",
        }
    }
}

/// Whether the log keeps a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    Kept,
    /// It does not; and so many were left out since that was told last, if it is to be told now.
    LeftOut(Option<u64>),
}

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
    /// Those without an effect, by why.
    without_effect: [Counted; NoEffect::COUNT],
    /// That it refuses requests.
    refusals: Told,
}

#[derive(Clone, Copy, Default)]
struct Counted {
    /// The second that they were counted in, and how many.
    second: (i64, u32),
    /// That the log leaves some out.
    left_out: Told,
}

/// What is told no more often than it may be.
#[derive(Clone, Copy, Default)]
struct Told {
    /// How many there were since it was told.
    untold: u64,
    /// When it was told last.
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

    /// Whether a request without an effect is kept.
    pub(super) fn keeps(&self, source: SourceId, why: NoEffect, now: Timestamp) -> Keeping {
        self.with(source, now, |gate| {
            let counted = &mut gate.without_effect[why as usize];
            let (counted_in, count) = counted.second;
            let is_same = counted_in == now.as_seconds();
            let count = if is_same { count.saturating_add(1) } else { 1 };
            counted.second = (now.as_seconds(), count);
            match count <= why.a_second() {
                true => Keeping::Kept,
                false => Keeping::LeftOut(counted.left_out.tell(now)),
            }
        })
    }

    /// Counts a request that is refused, and gives how many were since that was told last, if it is to be told now.
    pub(super) fn tells_refused(&self, source: SourceId, now: Timestamp) -> Option<u64> {
        self.with(source, now, |gate| gate.refusals.tell(now))
    }

    fn with<T>(&self, source: SourceId, now: Timestamp, act: impl FnOnce(&mut Gate) -> T) -> T {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Remembered { gates, looked_through } = &mut *remembered;
        let second = now.as_seconds();
        let is_time = second < *looked_through || second - *looked_through >= LOOK_THROUGH_EVERY;
        if gates.len() >= REMEMBERED_USUALLY && is_time {
            *looked_through = second;
            gates.retain(|_, gate| {
                gate.refusals.was_told_lately(now)
                    || gate.rate.is_some_and(|rate| rate.ready_at() > now)
                    || gate
                        .without_effect
                        .iter()
                        .any(|counted| counted.second.0 == second || counted.left_out.was_told_lately(now))
            });
        }
        act(gates.entry(source).or_default())
    }
}

impl Told {
    /// Counts one more, and gives how many there were since that was told last, if it is to be told now.
    fn tell(&mut self, now: Timestamp) -> Option<u64> {
        self.untold = self.untold.saturating_add(1);
        if self.was_told_lately(now) {
            return None;
        }
        self.told_at = Some(now);
        Some(std::mem::take(&mut self.untold))
    }

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
            gates.keeps(source(number), NoEffect::Refused, start);
        }
        let later = start.after(Duration::from_secs(5));
        gates.keeps(source(20_000), NoEffect::Copy, later);
        assert_eq!(count(), 20_001, "it was looked through a moment ago");
        let later = start.after(Duration::from_secs(10));
        gates.keeps(source(20_001), NoEffect::Handshake, later);
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
    fn of_each_of_those_without_an_effect_a_few_a_second_are_kept_whatever_the_others_do() {
        let (gates, now) = (Gates::default(), Timestamp::from_micros(1_700_000_000_000_000));
        let kept = |why, seconds| {
            let now = now.after(Duration::from_secs(seconds));
            (0..50).filter(|_| gates.keeps(SourceId::MIN, why, now) == Keeping::Kept).count()
        };
        for (why, a_second) in [
            (NoEffect::Refused, 10),
            (NoEffect::Throttled, 1),
            (NoEffect::Copy, 10),
            (NoEffect::Handshake, 10),
        ] {
            assert_eq!([0, 1, 1, 5].map(|at| kept(why, at)), [a_second, a_second, 0, a_second], "{why:?}");
        }
        assert_eq!(gates.keeps(SourceId::MAX, NoEffect::Copy, now), Keeping::Kept, "another source");
    }

    #[test]
    fn how_many_are_left_out_is_told_once_a_minute() {
        let (gates, now) = (Gates::default(), Timestamp::from_micros(1_700_000_000_000_000));
        let told = |seconds| {
            let now = now.after(Duration::from_secs(seconds));
            let told = (0..12).map(|_| match gates.keeps(SourceId::MIN, NoEffect::Copy, now) {
                Keeping::Kept => None,
                Keeping::LeftOut(told) => told,
            });
            told.flatten().collect::<Vec<_>>()
        };
        assert_eq!([0, 1, 59, 60, 61].map(told), [vec![1], vec![], vec![], vec![6], vec![]]);
        let other = |_| gates.keeps(SourceId::MIN, NoEffect::Handshake, now);
        assert_eq!((0..11).map(other).last(), Some(Keeping::LeftOut(Some(1))), "each for itself");
    }
}
