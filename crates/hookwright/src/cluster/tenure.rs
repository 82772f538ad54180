//! This node's lease and those of the others, heartbeat by heartbeat. The protocol is `docs/adr/0001-leases.md`.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::lease::{Duty, LeaseNumber, LeaseRow, Moment, Sighting, Tenure, Terms};
use crate::store::error::StoreError;
use crate::store::{Beat, Heart};

/// A renewal, or whatever else is asked about leases, is given up after this.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(2);
/// Heartbeats that are further apart say nothing of what lies between.
const GAP: Duration = Duration::from_secs(2);
/// So often it is looked for leases that nothing stands under any more, which looks at all that is pending.
const TIDY_EVERY: Duration = Duration::from_secs(300);

/// What a node knows of leases.
pub(super) struct Leases {
    clock: Clock,
    terms: Terms,
    /// Its own, once it was renewed.
    tenure: Option<Tenure>,
    /// Since when those of others are as they are.
    sightings: HashMap<LeaseNumber, Sighting>,
    /// Since when this node stops: it takes over nothing any more.
    is_stopping: bool,
    tidy_at: Moment,
    /// The own lease that was seen last: with another one, all that stood under it is lost.
    followed: Option<LeaseNumber>,
    /// When the last heartbeat was answered.
    heard_at: Moment,
    untold: Untold,
}

/// What heartbeats brought that nobody was told of yet.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// What this node held before is others' by now.
    pub(super) is_lost: bool,
    /// Leases that it took over.
    pub(super) adopted: Vec<LeaseNumber>,
    /// Leases that it took over may have nothing under them any more.
    pub(super) is_tidy_due: bool,
}

impl Leases {
    pub(super) fn new(clock: Clock, terms: Terms) -> Leases {
        let tidy_at = clock.moment() + TIDY_EVERY;
        Leases {
            terms,
            tenure: None,
            sightings: HashMap::new(),
            is_stopping: false,
            tidy_at,
            followed: None,
            heard_at: clock.moment(),
            untold: Untold::default(),
            clock,
        }
    }

    /// Until when this node's own lease is good.
    pub(super) fn leased_until(&self) -> Moment {
        self.tenure.map_or(Moment::ZERO, |tenure| tenure.over_at)
    }

    /// What is to be told, once.
    pub(super) fn take_untold(&mut self) -> Untold {
        std::mem::take(&mut self.untold)
    }

    /// The database was not heard of for a while, so nothing is known of how long the others' leases have been as they are.
    pub(super) fn forget_sightings(&mut self) {
        self.sightings.clear();
    }

    /// Nothing is taken over from now on: it would only have to be handed over again.
    pub(super) fn stop(&mut self) {
        self.is_stopping = true;
    }

    /// Acts on what a heartbeat told. Whether it fails or not, there may be something to tell.
    pub(super) async fn heard(&mut self, heart: &Heart, beat: &Beat) -> Result<(), StoreError> {
        let now = self.clock.moment();
        if now.saturating_sub(self.heard_at) > GAP {
            // Whoever was halted knows no better than whoever was cut off.
            self.forget_sightings();
        }
        self.heard_at = now;
        self.hold(heart, beat).await?;
        let Some(tenure) = self.tenure else { return Ok(()) };
        let own = tenure.number;
        let others: Vec<&LeaseRow> = beat.leases.iter().filter(|lease| lease.number != own).collect();
        self.sightings.retain(|number, _| others.iter().any(|lease| lease.number == *number));
        for lease in others {
            let number = lease.number;
            if lease.adopted_by == Some(own) {
                // Adopted a moment ago, or the answer to that was lost.
                if !heart.held().has(number) {
                    heart.adopted(own, &[number]);
                    self.untold.adopted.push(number);
                }
                continue;
            }
            let is_adoptable = lease.is_adoptable() || self.is_dead(heart, beat, lease, now).await?;
            if is_adoptable && !self.is_stopping {
                let adopted = in_time(heart.adopt(own, number)).await?;
                self.untold.adopted.extend(adopted);
            }
        }
        if now >= self.tidy_at {
            self.tidy_at = now + TIDY_EVERY;
            self.untold.is_tidy_due = !heart.held().adopted.is_empty();
        }
        Ok(())
    }

    /// Sees to this node's own lease: renews it, or notes that it was lost.
    async fn hold(&mut self, heart: &Heart, beat: &Beat) -> Result<(), StoreError> {
        let own = heart.held().own;
        // It was live when the heartbeat was sent, if it was the same then: one that was made since is in no answer.
        let is_live = |lease: &LeaseRow| lease.number == own && !lease.is_ended;
        if beat.own == own && !beat.leases.iter().any(is_live) {
            tracing::warn!("this node was taken for dead, and others have taken over what it held");
            self.tenure = None;
            in_time(heart.replace(own)).await?;
        }
        let own = heart.held().own;
        self.tenure.take_if(|tenure| tenure.number != own);
        self.untold.is_lost |= self.followed.replace(own).is_some_and(|before| before != own);
        // What may stand under it without this node's knowledge is left to the others, if that is not found out.
        let is_uncertain = heart.is_uncertain();
        let is_due = match &self.tenure {
            Some(tenure) => tenure.duty(self.clock.moment(), is_uncertain) == Duty::Renew,
            None => !is_uncertain,
        };
        if !is_due {
            return Ok(());
        }
        let sent = self.clock.moment();
        if in_time(heart.renew(own, beat.database_now)).await? {
            match &mut self.tenure {
                Some(tenure) => tenure.renewed(sent, &self.terms),
                None => {
                    self.tenure = Some(Tenure::acquired(own, sent, &self.terms));
                }
            }
        }
        Ok(())
    }

    /// Whether another node is dead: then its lease is ended by now, by this node.
    async fn is_dead(
        &mut self,
        heart: &Heart,
        beat: &Beat,
        lease: &LeaseRow,
        now: Moment,
    ) -> Result<bool, StoreError> {
        let before = self.sightings.get(&lease.number).copied();
        let sighting = Sighting::seen(before, lease, now);
        self.sightings.insert(lease.number, sighting);
        if self.is_stopping || !sighting.is_dead(lease, now, beat.database_now, &self.terms) {
            return Ok(false);
        }
        let is_ended = in_time(heart.end_dead(lease)).await?;
        if is_ended {
            tracing::warn!("another node was not heard of for too long; what it held is taken over");
        }
        Ok(is_ended)
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(GIVEN_UP_AFTER, answer).await.unwrap_or(Err(StoreError::Silent))
}
