//! What must happen now and then: what has expired goes, and so do the rows of deleted applications.

mod slices; // one slice at a time, and others have their turn

mod days; // of messages, whole
mod erasure; // of deleted applications
mod inbound; // requests to sources
mod keys; // idempotency keys, tickets
mod retention; // messages, payloads, background tasks

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::journal::Journal;
use crate::maintenance::slices::Slices;
use crate::measures::Measures;
use crate::store::Store;

/// What maintenance works with.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) journal: Journal,
    pub(crate) clock: Clock,
    pub(crate) measures: Arc<Measures>,
    /// How long messages are kept.
    pub(crate) retention: Duration,
    /// Ends it.
    pub(crate) stop: CancellationToken,
}

/// Whoever deletes an application tells it here, so that its rows go at once.
pub(crate) struct Maintenance {
    deleted: Arc<Notify>,
}

impl Maintenance {
    /// Works until it is told to stop.
    pub(crate) fn start(parts: Parts) -> Maintenance {
        let Parts { store, journal, clock, measures, retention, stop } = parts;
        let deleted = Arc::new(Notify::new());
        let slices = Arc::new(Slices::new(journal, clock, measures, stop));
        tokio::spawn(keys::run(Arc::clone(&slices)));
        let goes_by_days = store.goes_by_days();
        if goes_by_days {
            tokio::spawn(days::run(Arc::clone(&slices), store, retention));
        }
        tokio::spawn(retention::run(Arc::clone(&slices), retention, goes_by_days));
        tokio::spawn(inbound::run(Arc::clone(&slices)));
        tokio::spawn(erasure::run(slices, Arc::clone(&deleted)));
        Maintenance { deleted }
    }

    /// An application was deleted.
    pub(crate) fn application_deleted(&self) {
        self.deleted.notify_one();
    }
}
