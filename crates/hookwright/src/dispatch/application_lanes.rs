//! One application's lanes: which of them can start something, and the limit they share.

use std::collections::VecDeque;

use crate::domain::ids::EndpointId;
use crate::domain::rate::Rate;
use crate::domain::time::Timestamp;

/// Where an application is found that has a lane which can start something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Place {
    #[default]
    Nowhere,
    /// Among those that are ready.
    Ready,
    /// Among the timers, until its limit lets the next attempt through.
    Waiting(Timestamp),
}

/// An application's lanes.
#[derive(Debug, Default)]
pub(super) struct ApplicationLanes {
    pub(super) place: Place,
    /// Those that can start something, in turn.
    pub(super) ready: VecDeque<EndpointId>,
    /// Lanes there are, so that it is forgotten with the last.
    pub(super) lanes: usize,
    /// The limit of attempts a second over all of them.
    pub(super) rate: Option<Rate>,
}

impl ApplicationLanes {
    /// Whether forgetting it loses nothing: it has no lane, and its limit holds nobody back.
    pub(super) fn is_forgettable(&self, now: Timestamp) -> bool {
        self.lanes == 0
            && self.place != Place::Ready
            && self.rate.is_none_or(|rate| rate.holds_nothing_back(now))
    }
}
