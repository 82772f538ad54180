//! One endpoint's queue in memory, and what holds it back.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::domain::attempt::Trigger;
use crate::domain::breaker::{Breaker, Permission};
use crate::domain::ids::{ApplicationId, MessageId};
use crate::domain::lease::LeaseNumber;
use crate::domain::message::Message;
use crate::domain::rate::Rate;
use crate::domain::time::Timestamp;

/// A delivery that waits in memory. Its payload is shared with all others of the message.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) message: Arc<Message>,
    /// Attempts made before.
    pub(super) attempts: u16,
    pub(super) trigger: Trigger,
    /// What it stands under on disk.
    pub(super) lease: LeaseNumber,
}

impl Waiting {
    /// What it counts against the limit of bytes in memory: the payload, or the bookkeeping if that is larger.
    pub(super) fn bytes(&self) -> usize {
        self.message.payload.len().max(512)
    }
}

/// Whether a lane can start an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    /// One can start now.
    Ready,
    /// None can before then.
    NotBefore(Timestamp),
    /// Nothing waits, or something must end first.
    Idle,
}

/// One endpoint's queue in memory.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) application: ApplicationId,
    pub(super) queue: VecDeque<Waiting>,
    /// Messages in the queue or under way: a row read from disk must not come in twice.
    pub(super) resident: HashSet<MessageId>,
    /// In memory, and became ready on disk meanwhile: once the attempt has ended, the disk tells whether there is another.
    pub(super) again: HashSet<MessageId>,
    pub(super) running: u32,
    pub(super) breaker: Breaker,
    pub(super) rate: Option<Rate>,
    /// About how many ready deliveries of this endpoint are on disk alone; 0 if there are surely none.
    pub(super) on_disk: u64,
    /// Where the next read from disk goes on.
    pub(super) cursor: MessageId,
    /// Whether rows were left on disk since this pass over them began: then its end is no proof that none is left.
    pub(super) left_behind: bool,
    /// Whether a read from disk is under way or asked for.
    pub(super) loading: bool,
    /// Ended while a read from disk was under way, which may have seen their rows still.
    pub(super) ended_meanwhile: HashSet<MessageId>,
    /// A read from disk may have seen what was committed up to this batch, before it was told of here.
    pub(super) read_up_to: u64,
    /// Whether it stands in its application's list of lanes that can start something.
    pub(super) listed: bool,
    /// When it is to be looked at again, if something but an event holds it back.
    pub(super) wake_at: Option<Timestamp>,
    pub(super) last_used: Timestamp,
}

impl Lane {
    pub(super) fn new(application: ApplicationId, now: Timestamp) -> Lane {
        Lane {
            application,
            queue: VecDeque::new(),
            resident: HashSet::new(),
            again: HashSet::new(),
            running: 0,
            breaker: Breaker::default(),
            rate: None,
            on_disk: 0,
            cursor: MessageId::MIN,
            left_behind: false,
            loading: false,
            ended_meanwhile: HashSet::new(),
            read_up_to: 0,
            listed: false,
            wake_at: None,
            last_used: now,
        }
    }

    /// Whether an attempt can start, as far as this endpoint alone is concerned.
    pub(super) fn readiness(&self, concurrency: u32, now: Timestamp) -> Readiness {
        if self.queue.is_empty() || self.running >= concurrency {
            return Readiness::Idle;
        }
        match self.breaker.permission(now) {
            Permission::NotBefore(then) => return Readiness::NotBefore(then),
            Permission::AfterProbe => return Readiness::Idle,
            Permission::Flow | Permission::Probe => {}
        }
        match self.rate.map(|rate| rate.ready_at()) {
            Some(then) if then > now => Readiness::NotBefore(then),
            _ => Readiness::Ready,
        }
    }

    /// Sets the limit of attempts a second.
    pub(super) fn set_rate(&mut self, per_second: Option<u16>, is_shared: bool) {
        self.rate = changed_rate(self.rate, per_second, is_shared);
    }

    /// Whether nothing waits on it, and nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.resident.is_empty() && self.on_disk == 0 && !self.loading
    }

    /// Whether forgetting the lane at once loses nothing.
    pub(super) fn is_forgettable(&self, now: Timestamp) -> bool {
        self.is_quiet() && self.read_up_to == 0 && self.holds_nothing_back(now)
    }

    /// Whether neither its breaker nor its limit would hold an attempt back.
    pub(super) fn holds_nothing_back(&self, now: Timestamp) -> bool {
        self.breaker == Breaker::default() && self.rate.is_none_or(|rate| rate.holds_nothing_back(now))
    }
}

/// A limit under a new setting, which this node shares with others or has alone.
pub(super) fn changed_rate(rate: Option<Rate>, per_second: Option<u16>, is_shared: bool) -> Option<Rate> {
    match (rate, per_second) {
        (_, None) => None,
        (None, Some(per_second)) if is_shared => Some(Rate::per_second(per_second).shared()),
        (None, Some(per_second)) => Some(Rate::per_second(per_second)),
        (Some(rate), Some(per_second)) => Some(rate.changed_to(per_second)),
    }
}
