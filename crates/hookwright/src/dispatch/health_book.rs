//! The endpoints that fail right now, and since when.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::domain::health::Health;
use crate::domain::ids::EndpointId;
use crate::domain::time::Timestamp;
use crate::store::write::HealthChange;

/// Failures since the last success, of those endpoints that have some.
pub(super) struct HealthBook {
    failing: Mutex<HashMap<EndpointId, Health>>,
    /// Beside the lock: most of the time nothing fails, and a success then needs no look.
    count: AtomicUsize,
}

impl HealthBook {
    /// What was kept over the last run.
    pub(super) fn new(kept: impl Iterator<Item = (EndpointId, Health)>) -> HealthBook {
        let failing: HashMap<_, _> = kept.collect();
        let count = AtomicUsize::new(failing.len());
        HealthBook { failing: Mutex::new(failing), count }
    }

    /// Notes a success; says what to keep.
    pub(super) fn succeeded(&self, endpoint: EndpointId) -> HealthChange {
        if self.count.load(Ordering::Acquire) == 0 {
            return HealthChange::None;
        }
        match self.remove(endpoint) {
            true => HealthChange::Recovered,
            false => HealthChange::None,
        }
    }

    /// Notes a failure; says what to keep, and how the endpoint has been doing.
    pub(super) fn failed(&self, endpoint: EndpointId, now: Timestamp) -> (HealthChange, Health) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = failing.get(&endpoint).copied();
        let after = before.map_or_else(|| Health::first_failure(now), |health| health.failed(now));
        failing.insert(endpoint, after);
        self.count.store(failing.len(), Ordering::Release);
        let change = if before == Some(after) { HealthChange::None } else { HealthChange::Failing(after) };
        (change, after)
    }

    /// Forgets an endpoint that was disabled, enabled or deleted; says whether it was failing.
    pub(super) fn remove(&self, endpoint: EndpointId) -> bool {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let was_failing = failing.remove(&endpoint).is_some();
        self.count.store(failing.len(), Ordering::Release);
        was_failing
    }
}
