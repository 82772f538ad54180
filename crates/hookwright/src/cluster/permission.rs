//! Until when this node may start attempts: asked before each of them, so it costs two loads and a look at the clock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::lease::{self, Moment, Terms};

/// The deadlines of a node: each moves on as long as the node is well, and passes by itself when it is not.
#[derive(Debug)]
pub(crate) struct Permission {
    clock: Clock,
    /// From this moment on the catalog may have changed without our knowledge, in microseconds.
    confirmed_until: AtomicU64,
    /// From this moment on others may be at our deliveries, in microseconds.
    leased_until: AtomicU64,
    /// Whether somebody was refused since it was last granted anew, and is to be told.
    was_refused: AtomicBool,
}

impl Permission {
    /// Refused, until a heartbeat is answered and the lease is renewed.
    pub(super) fn refused(clock: Clock) -> Permission {
        Permission {
            clock,
            confirmed_until: AtomicU64::new(0),
            leased_until: AtomicU64::new(0),
            was_refused: AtomicBool::new(false),
        }
    }

    /// Whether an attempt may start now.
    pub(super) fn is_granted(&self) -> bool {
        if self.holds() {
            return true;
        }
        self.was_refused.store(true, Ordering::SeqCst);
        // It may have been granted between the two, by somebody who did not see yet that we were refused.
        self.holds()
    }

    /// All that a heartbeat told of is honoured that was sent at `sent`. Says whether somebody waits for that.
    pub(super) fn confirmed(&self, sent: Moment, terms: &Terms) -> bool {
        self.confirmed_until.fetch_max(micros(sent + terms.confirmed_for), Ordering::SeqCst);
        self.is_waited_for()
    }

    /// When the last heartbeat was sent that was honoured.
    pub(super) fn last_confirmed(&self, terms: &Terms) -> Moment {
        Duration::from_micros(self.confirmed_until.load(Ordering::SeqCst)).saturating_sub(terms.confirmed_for)
    }

    /// The lease is good until then, or over if that is past. Says whether somebody waits for that.
    pub(super) fn leased_until(&self, over_at: Moment) -> bool {
        self.leased_until.store(micros(over_at), Ordering::SeqCst);
        self.is_waited_for()
    }

    fn is_waited_for(&self) -> bool {
        self.holds() && self.was_refused.swap(false, Ordering::SeqCst)
    }

    fn holds(&self) -> bool {
        let until = |deadline: &AtomicU64| Duration::from_micros(deadline.load(Ordering::SeqCst));
        let (over_at, confirmed_until) = (until(&self.leased_until), until(&self.confirmed_until));
        lease::permission(self.clock.moment(), over_at, confirmed_until) == lease::Permission::Granted
    }
}

fn micros(moment: Moment) -> u64 {
    u64::try_from(moment.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::domain::time::Timestamp;

    const TERMS: Terms = Terms::DEFAULT;

    fn permission() -> (Clock, Permission) {
        let clock = Clock::manual(Timestamp::from_micros(10_000_000));
        let permission = Permission::refused(clock.clone());
        permission.leased_until(Duration::from_secs(1_000));
        (clock, permission)
    }

    #[test]
    fn it_ends_by_itself_900_ms_after_the_sending_of_the_last_answered_heartbeat() {
        let (clock, permission) = permission();
        assert!(!permission.is_granted());
        let sent = clock.moment();
        clock.advance(Duration::from_millis(500));
        permission.confirmed(sent, &TERMS);
        clock.advance(Duration::from_millis(399));
        assert!(permission.is_granted());
        clock.advance(Duration::from_millis(1));
        assert!(!permission.is_granted());
        // An answer that was overtaken takes nothing back, and gives nothing.
        permission.confirmed(sent, &TERMS);
        assert!(!permission.is_granted());
    }

    #[test]
    fn who_was_refused_is_told_once_that_it_is_granted() {
        let (clock, permission) = permission();
        assert!(!permission.confirmed(clock.moment(), &TERMS), "nobody asked yet");
        clock.advance(TERMS.confirmed_for);
        assert!(!permission.is_granted());
        assert!(!permission.confirmed(clock.moment() - TERMS.confirmed_for, &TERMS), "it is still refused");
        assert!(permission.confirmed(clock.moment(), &TERMS));
        assert!(!permission.confirmed(clock.moment(), &TERMS));
    }

    #[test]
    fn a_lease_that_is_over_refuses_whatever_is_confirmed() {
        let clock = Clock::manual(Timestamp::from_micros(10_000_000));
        let permission = Permission::refused(clock.clone());
        permission.leased_until(clock.moment() + Duration::from_millis(10));
        permission.confirmed(clock.moment(), &TERMS);
        assert!(permission.is_granted());
        clock.advance(Duration::from_millis(10));
        assert!(!permission.is_granted());
    }
}
