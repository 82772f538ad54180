//! Leases: how nodes on one database share deliveries, and when one of them takes over from another.
//!
//! The protocol, with the statements that go with it, is `docs/adr/0001-leases.md`. What is decided by the database in SQL is
//! here too, in the same words, so that the model checks all of it.

use std::time::Duration;

pub use crate::domain::hold::{Held, Hold, LeaseNumber};
use crate::domain::time::Timestamp;

/// A reading of a node's own clock: how long after some point, which is the same as long as the process lives.
///
/// The clock cannot be set, and runs on while the machine is suspended. Readings of two nodes are never compared.
pub type Moment = Duration;

/// The lengths that the protocol is made of; [`Terms::DEFAULT`] but in the model, where time goes in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How long after a renewal the lease is over, by the database's clock.
    pub length: Duration,
    /// How much earlier its holder takes it to be over, by its own clock: clocks may run at other speeds, by so much in a length.
    pub margin: Duration,
    /// From one renewal to the next.
    pub renew_every: Duration,
    /// A renewal takes effect only within so long of its sending, by the database's clock.
    pub renew_within: Duration,
    /// How long after the sending of a heartbeat that was answered attempts may start: the catalog is known to be that young.
    pub confirmed_for: Duration,
}

impl Terms {
    /// Those of a cluster. A node's death is noticed within `length`, `renew_within` and three heartbeats, which leaves
    /// 3 s of the promised 15 s.
    pub const DEFAULT: Terms = Terms {
        length: Duration::from_secs(10),
        margin: Duration::from_secs(1),
        renew_every: Duration::from_millis(2_500),
        renew_within: Duration::from_secs(1),
        confirmed_for: Duration::from_millis(900),
    };
}

/// A lease as its holder knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenure {
    /// What all that it writes goes under.
    pub number: LeaseNumber,
    /// From then on it starts no attempts, until the lease is renewed.
    pub over_at: Moment,
    /// When it is to be renewed.
    pub renew_at: Moment,
}

/// What a holder may do about its lease now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Nothing before then.
    Wait(Moment),
    /// Renew it.
    Renew,
    /// Find out how a commit ended whose answer was lost. Nothing else may be written before, not even a renewal.
    Settle,
}

/// Whether an attempt may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It may, now.
    Granted,
    /// The lease may be over, and others may be at its deliveries.
    LeaseOver,
    /// What is configured may have changed.
    CatalogUnconfirmed,
}

impl Tenure {
    /// A lease that was acquired by a request sent at `sent`.
    pub fn acquired(number: LeaseNumber, sent: Moment, terms: &Terms) -> Tenure {
        let mut tenure = Tenure { number, over_at: sent, renew_at: sent };
        tenure.renewed(sent, terms);
        tenure
    }

    /// A renewal that was sent at `sent` has been answered: it took place then at the earliest.
    pub fn renewed(&mut self, sent: Moment, terms: &Terms) {
        self.over_at = self.over_at.max(sent + terms.length.saturating_sub(terms.margin));
        self.renew_at = sent + terms.renew_every;
    }

    /// What is to be done about the lease. One that is over may still be renewed: nobody may have ended it.
    ///
    /// It is uncertain while the answer to a commit is lost: there may be deliveries under it that its holder knows nothing of.
    pub fn duty(&self, now: Moment, is_uncertain: bool) -> Duty {
        if is_uncertain {
            Duty::Settle
        } else if now >= self.renew_at {
            Duty::Renew
        } else {
            Duty::Wait(self.renew_at)
        }
    }

    /// Whether an attempt may start, if the last heartbeat that was answered had been sent at `confirmed`.
    pub fn permission(&self, now: Moment, confirmed: Moment, terms: &Terms) -> Permission {
        permission(now, self.over_at, confirmed + terms.confirmed_for)
    }
}

/// Whether an attempt may start, if the lease is over at `over_at` and the catalog is confirmed until `confirmed_until`.
pub fn permission(now: Moment, over_at: Moment, confirmed_until: Moment) -> Permission {
    if now >= over_at {
        Permission::LeaseOver
    } else if now >= confirmed_until {
        Permission::CatalogUnconfirmed
    } else {
        Permission::Granted
    }
}

/// A lease as the database has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRow {
    /// Which it is.
    pub number: LeaseNumber,
    /// When it is over, by the database's clock.
    pub expires_at: Timestamp,
    /// Whether somebody ended it: then it cannot be renewed any more.
    pub is_ended: bool,
    /// Who took over what stands under it.
    pub adopted_by: Option<LeaseNumber>,
}

impl LeaseRow {
    /// Whether what stands under it may be taken over, once no transaction is open that was let in before the end.
    pub fn is_adoptable(&self) -> bool {
        self.is_ended && self.adopted_by.is_none()
    }
}

/// Since when a node has seen a lease as it is, heartbeat by heartbeat. Forgotten as soon as one of them is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    expires_at: Timestamp,
    since: Moment,
}

impl Sighting {
    /// A heartbeat answered at `now` shows the lease so, which was seen as `before`, if it was.
    pub fn seen(before: Option<Sighting>, row: &LeaseRow, now: Moment) -> Sighting {
        match before {
            Some(before) if before.expires_at == row.expires_at => before,
            _ => Sighting { expires_at: row.expires_at, since: now },
        }
    }

    /// Whether the holder is taken for dead, so that its lease may be ended: it is over by the database's clock, and was not
    /// renewed for a whole length during which the database answered.
    ///
    /// The second is what gives all nodes their time after an outage, of which the database's clock knows nothing.
    pub fn is_dead(&self, row: &LeaseRow, now: Moment, database_now: Timestamp, terms: &Terms) -> bool {
        !row.is_ended
            && row.expires_at == self.expires_at
            && row.expires_at <= database_now
            && now.saturating_sub(self.since) >= terms.length
    }
}

/// Whether a transaction may write: its lease is there, and was not ended.
pub fn lets_in(row: Option<&LeaseRow>, number: LeaseNumber) -> bool {
    row.is_some_and(|row| !row.is_ended && row.number == number)
}

/// Whether a renewal takes effect that is made at `database_now` and was sent at `sent`, as far as its sender knows the database's
/// clock: one that is held back on its way must not keep its sender alive after its death.
pub fn renews(
    row: Option<&LeaseRow>,
    number: LeaseNumber,
    sent: Timestamp,
    database_now: Timestamp,
    terms: &Terms,
) -> bool {
    lets_in(row, number) && database_now.since(sent) <= terms.renew_within
}

/// What an attempt's outcome changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The attempt is logged, and its delivery goes on as the outcome says.
    Counts,
    /// The attempt is logged; others have its delivery, or had it meanwhile.
    LoggedOnly,
    /// It had been written before.
    None,
}

/// An outcome that is about to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateOutcome {
    /// How its delivery was held as its attempt was started.
    pub hold: Hold,
    /// Attempts of the delivery before this one.
    pub attempts_before: u16,
    /// Whether the attempt is in the log already.
    pub is_logged: bool,
}

/// What an outcome changes that is written by whoever holds these leases, when its delivery stands under the lease of `row` after so
/// many attempts; `None` if it is not pending.
pub fn effect(outcome: &LateOutcome, held: &Held, row: Option<(Option<LeaseNumber>, u16)>) -> Effect {
    let is_there = row == Some((Some(outcome.hold.lease), outcome.attempts_before));
    match outcome.is_logged {
        true => Effect::None,
        false if is_there && held.still(outcome.hold) => Effect::Counts,
        false => Effect::LoggedOnly,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    const TERMS: Terms = Terms::DEFAULT;
    const NUMBER: LeaseNumber = LeaseNumber(7);
    const START: Moment = Duration::from_secs(100);

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn row(expires_in: i64) -> LeaseRow {
        let expires_at = Timestamp::from_micros(expires_in * 1_000_000);
        LeaseRow { number: NUMBER, expires_at, is_ended: false, adopted_by: None }
    }

    #[test]
    fn a_lease_is_over_to_its_holder_a_margin_early_counted_from_the_sending() {
        let mut tenure = Tenure::acquired(NUMBER, START, &TERMS);
        let over = START + TERMS.length - TERMS.margin;
        let before = over - Duration::from_micros(1);
        assert_eq!(tenure.permission(before, before, &TERMS), Permission::Granted);
        assert_eq!(tenure.permission(over, over, &TERMS), Permission::LeaseOver);
        tenure.renewed(START + seconds(3), &TERMS);
        assert_eq!(tenure.permission(over, over, &TERMS), Permission::Granted);
        // An answer that was overtaken by a later one takes nothing back.
        tenure.renewed(START, &TERMS);
        assert_eq!(tenure.permission(over, over, &TERMS), Permission::Granted);
    }

    #[test]
    fn nothing_starts_while_the_catalog_may_have_changed_more_than_a_second_ago() {
        let tenure = Tenure::acquired(NUMBER, START, &TERMS);
        let late = START + TERMS.confirmed_for;
        assert_eq!(tenure.permission(late, START, &TERMS), Permission::CatalogUnconfirmed);
        assert_eq!(tenure.permission(late, START + seconds(1), &TERMS), Permission::Granted);
        assert!(TERMS.confirmed_for < seconds(1));
    }

    #[test]
    fn an_unknown_commit_is_settled_before_the_lease_is_renewed() {
        let tenure = Tenure::acquired(NUMBER, START, &TERMS);
        let due = START + TERMS.renew_every;
        assert_eq!(tenure.duty(START, false), Duty::Wait(due));
        assert_eq!(tenure.duty(START, true), Duty::Settle);
        assert_eq!(tenure.duty(due, true), Duty::Settle);
        assert_eq!(tenure.duty(due, false), Duty::Renew);
    }

    #[test]
    fn a_holder_is_dead_once_its_lease_is_over_and_was_seen_unchanged_for_a_length() {
        let sighting = Sighting::seen(None, &row(10), START);
        let (then, over) = (START + TERMS.length, Timestamp::from_micros(10_000_000));
        assert!(sighting.is_dead(&row(10), then, over, &TERMS));
        assert!(!sighting.is_dead(&row(10), then, over.before(Duration::from_micros(1)), &TERMS));
        assert!(!sighting.is_dead(&row(10), then - Duration::from_micros(1), over, &TERMS));
        assert!(!sighting.is_dead(&row(11), then, over.after(seconds(1)), &TERMS), "it was renewed");
        assert!(!sighting.is_dead(&LeaseRow { is_ended: true, ..row(10) }, then, over, &TERMS));
    }

    #[test]
    fn a_renewal_and_a_gap_begin_a_sighting_anew() {
        let first = Sighting::seen(None, &row(10), START);
        assert_eq!(Sighting::seen(Some(first), &row(10), START + seconds(4)), first);
        assert_ne!(Sighting::seen(Some(first), &row(12), START + seconds(4)), first);
        assert_ne!(Sighting::seen(None, &row(10), START + seconds(4)), first);
    }

    #[test]
    fn only_a_live_lease_is_let_in_and_only_an_ended_one_adopted_once() {
        assert!(lets_in(Some(&row(-5)), NUMBER), "a lease that is over was not ended by anybody yet");
        assert!(!lets_in(Some(&row(10)), LeaseNumber(8)));
        let ended = LeaseRow { is_ended: true, ..row(10) };
        assert!(!lets_in(Some(&ended), NUMBER));
        assert!(!lets_in(None, NUMBER));
        assert!(ended.is_adoptable() && !row(-5).is_adoptable());
        assert!(!LeaseRow { adopted_by: Some(LeaseNumber(8)), ..ended }.is_adoptable());
    }

    #[test]
    fn a_renewal_that_was_held_back_changes_nothing() {
        let sent = Timestamp::from_micros(5_000_000);
        let last = sent.after(TERMS.renew_within);
        assert!(renews(Some(&row(10)), NUMBER, sent, last, &TERMS));
        assert!(!renews(Some(&row(10)), NUMBER, sent, last.after(Duration::from_micros(1)), &TERMS));
        assert!(!renews(Some(&LeaseRow { is_ended: true, ..row(10) }), NUMBER, sent, sent, &TERMS));
    }

    #[test]
    fn an_outcome_counts_once_and_only_while_its_delivery_is_held_without_a_gap() {
        let (mine, other, adopted) = (NUMBER, LeaseNumber(8), LeaseNumber(9));
        let held = Held { own: mine, adopted: vec![adopted] };
        for lease in [mine, adopted] {
            let hold = Hold { lease, own: mine };
            let outcome = LateOutcome { hold, attempts_before: 2, is_logged: false };
            assert_eq!(effect(&outcome, &held, Some((Some(lease), 2))), Effect::Counts);
            for row in [Some((Some(other), 2)), Some((None, 2)), Some((Some(lease), 3)), None] {
                assert_eq!(effect(&outcome, &held, row), Effect::LoggedOnly, "{row:?}");
            }
            // The node has another lease by now, and even the delivery again.
            let again = Held { own: other, adopted: vec![mine, adopted] };
            assert_eq!(effect(&outcome, &again, Some((Some(lease), 2))), Effect::LoggedOnly);
            let logged = LateOutcome { is_logged: true, ..outcome };
            assert_eq!(effect(&logged, &held, Some((Some(lease), 2))), Effect::None);
        }
    }

    proptest! {
        /// Whatever the network does, and with clocks up to a tenth apart: who may start has a lease that is not over.
        #[test]
        fn a_holder_never_believes_in_a_lease_that_is_over(
            sent in 0u64..60_000_000, until_made in 0u64..20_000_000, until_asked in 0u64..20_000_000,
            speed in 900_000u64..1_100_000, renewed_before in 0u64..60_000_000
        ) {
            // Real microseconds, and what the node's clock shows then.
            let shows = |real: u64| START + Duration::from_micros(real * speed / 1_000_000);
            let (made, asked) = (sent + until_made, sent + until_made + until_asked);
            let first = sent.saturating_sub(renewed_before);
            let mut tenure = Tenure::acquired(NUMBER, shows(first), &TERMS);
            tenure.renewed(shows(sent), &TERMS);
            let over = Duration::from_micros(made) + TERMS.length;
            if tenure.permission(shows(asked), shows(asked), &TERMS) == Permission::Granted {
                prop_assert!(Duration::from_micros(asked) <= over);
            }
        }

        /// Whoever can renew within a length of the first heartbeat that shows its lease is not taken for dead.
        #[test]
        fn who_renews_in_time_after_an_outage_is_not_dead(
            outage in 0u64..1_000_000, back in 0u64..10_000_000, looked in 0u64..10_000_000
        ) {
            let (stale, renewed) = (row(-1 - i64::try_from(outage).unwrap_or(0)), row(5));
            let sighting = Sighting::seen(None, &stale, START);
            let seen = if looked < back { stale } else { renewed };
            let now = START + Duration::from_micros(looked);
            let sighting = Sighting::seen(Some(sighting), &seen, now);
            prop_assert!(!sighting.is_dead(&seen, now, Timestamp::from_micros(0), &TERMS));
        }
    }
}
