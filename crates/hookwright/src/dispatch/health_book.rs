//! The endpoints that fail right now, and since when, as far as this node knows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::health::Health;
use crate::domain::ids::EndpointId;
use crate::domain::time::Timestamp;
use crate::store::write::HealthChange;

/// Failures since the last success, of those endpoints that have some.
pub(super) struct HealthBook {
    book: Mutex<Book>,
    /// Beside the lock: most of the time nothing fails, and a success then needs no look.
    count: AtomicUsize,
}

#[derive(Default)]
struct Book {
    failing: HashMap<EndpointId, Entry>,
    /// How often it was compared with what is kept.
    round: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    health: Health,
    /// In which round this node changed it: that may not be written yet.
    changed_in: Option<u64>,
}

impl HealthBook {
    /// What was kept over the last run, and of other nodes' attempts.
    pub(super) fn new(kept: impl Iterator<Item = (EndpointId, Health)>) -> HealthBook {
        let book = HealthBook { book: Mutex::default(), count: AtomicUsize::new(0) };
        book.learn(kept);
        book
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
        let mut book = self.open();
        let before = book.failing.get(&endpoint).map(|entry| entry.health);
        let after = before.map_or_else(|| Health::first_failure(now), |health| health.failed(now));
        if before == Some(after) {
            return (HealthChange::None, after);
        }
        self.put(&mut book, endpoint, after);
        // Only this failure: what came before it another node may have taken back meanwhile.
        (HealthChange::Failed(Health::first_failure(now)), after)
    }

    /// Notes what is known of an endpoint that has failed just now.
    pub(super) fn set(&self, endpoint: EndpointId, health: Health) {
        self.put(&mut self.open(), endpoint, health);
    }

    /// Forgets an endpoint that was disabled, enabled or deleted; says whether it was failing.
    pub(super) fn remove(&self, endpoint: EndpointId) -> bool {
        let mut book = self.open();
        let was_failing = book.failing.remove(&endpoint).is_some();
        self.count.store(book.failing.len(), Ordering::Release);
        was_failing
    }

    /// Takes over what is kept of all nodes' attempts, and forgets what is not kept any more; but for what this node has changed
    /// since it was last compared, which may be on its way.
    pub(super) fn learn(&self, kept: impl Iterator<Item = (EndpointId, Health)>) {
        // There may be very many: nobody waits for that.
        let mut failing: HashMap<EndpointId, Entry> =
            kept.map(|(endpoint, health)| (endpoint, Entry { health, changed_in: None })).collect();
        let mut book = self.open();
        let round = book.round;
        let is_new = |entry: &Entry| entry.changed_in == Some(round);
        failing
            .extend(book.failing.iter().filter(|(_, entry)| is_new(entry)).map(|(id, entry)| (*id, *entry)));
        book.failing = failing;
        book.round = round.wrapping_add(1);
        self.count.store(book.failing.len(), Ordering::Release);
    }

    fn put(&self, book: &mut Book, endpoint: EndpointId, health: Health) {
        book.failing.insert(endpoint, Entry { health, changed_in: Some(book.round) });
        self.count.store(book.failing.len(), Ordering::Release);
    }

    fn open(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const ENDPOINT: EndpointId = EndpointId::from_bytes([7; 20]);

    fn days(n: u64) -> Timestamp {
        START.after(Duration::from_secs(n * 86_400))
    }

    #[test]
    fn what_others_took_back_is_not_kept_again_and_what_they_failed_at_counts() {
        let book = HealthBook::new([(ENDPOINT, Health::first_failure(START))].into_iter());
        // Another node's success: nothing is kept any more.
        book.learn([].into_iter());
        assert_eq!(book.succeeded(ENDPOINT), HealthChange::None);
        let first = Health::first_failure(days(5));
        assert_eq!(book.failed(ENDPOINT, days(5)), (HealthChange::Failed(first), first));

        book.learn([].into_iter());
        assert_eq!(book.failed(ENDPOINT, days(5)).0, HealthChange::None, "it was on its way");
        book.learn([(ENDPOINT, first.merged(Health::first_failure(days(3))))].into_iter());
        let (change, health) = book.failed(ENDPOINT, days(6));
        assert_eq!(
            change,
            HealthChange::Failed(Health::first_failure(days(6))),
            "of others' it keeps nothing"
        );
        assert_eq!(health.first_failure_at, days(3));
        assert_eq!(book.succeeded(ENDPOINT), HealthChange::Recovered);
    }
}
