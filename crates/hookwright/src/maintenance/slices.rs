//! One slice at a time, whoever asks, with a pause after each: those who send messages have their turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::journal::Journal;
use crate::measures::Measures;
use crate::store::write::{Slice, Write, Written};

/// What one slice may do. A batch that has one in it takes so much longer.
pub(super) const SLICE: Slice = Slice { rows: 500, time: Duration::from_millis(2) };

/// So many times as long as a slice's batch took passes after it, at leisure: whoever sends messages hardly notices.
const LEISURE: u32 = 16;

/// What all of maintenance works with.
pub(super) struct Slices {
    pub(super) journal: Journal,
    pub(super) clock: Clock,
    pub(super) measures: Arc<Measures>,
    stop: CancellationToken,
    /// The pause after a slice, in times of what its batch took: from 1 to [`LEISURE`].
    pause: AtomicU32,
    /// Two slices in one batch would take twice as long.
    turn: Mutex<()>,
}

/// It cannot go on now: the engine ends, or the database failed.
pub(super) struct NotNow;

impl Slices {
    pub(super) fn new(
        journal: Journal,
        clock: Clock,
        measures: Arc<Measures>,
        stop: CancellationToken,
    ) -> Slices {
        Slices { journal, clock, measures, stop, pause: AtomicU32::new(LEISURE), turn: Mutex::new(()) }
    }

    /// Pauses half as long from now on: what is to go comes faster than it goes.
    pub(super) fn hurry(&self) {
        self.pause.store((self.pause.load(Ordering::Relaxed) / 2).max(1), Ordering::Relaxed);
    }

    /// Pauses twice as long from now on.
    pub(super) fn relax(&self) {
        self.pause.store((self.pause.load(Ordering::Relaxed) * 2).min(LEISURE), Ordering::Relaxed);
    }

    /// Writes one slice, with a batch that others may share, and lets some time pass, by how long that took.
    pub(super) async fn take(&self, write: Write) -> Result<Written, NotNow> {
        let _turn = self.turn.lock().await;
        if self.stop.is_cancelled() {
            return Err(NotNow);
        }
        let started = Instant::now();
        let written = self.journal.write(write).await.map_err(|_| NotNow)?;
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(started.elapsed() * self.pause.load(Ordering::Relaxed)) => {}
        }
        Ok(written)
    }

    /// Gives back what the database's file has too much of.
    pub(super) async fn give_back(&self) -> Result<(), NotNow> {
        while let Written::Removed(pages) = self.take(Write::GiveBack { slice: SLICE }).await?
            && pages > 0
        {
            self.measures.pages_given_back.increment(pages.into());
        }
        Ok(())
    }

    /// Waits so long, by the engine's clock; `false` if the engine ends.
    pub(super) async fn rest(&self, wait: Duration) -> bool {
        let until = self.clock.now().after(wait);
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = self.clock.sleep_until(until) => true,
        }
    }
}
