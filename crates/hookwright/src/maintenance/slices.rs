//! One slice at a time, whoever asks, with a pause after each: those who send messages have their turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::journal::Journal;
use crate::measures::Measures;
use crate::store::write::{Slice, Write, Written};

/// What one slice may do. A batch that has one in it takes so much longer.
pub(super) const SLICE: Slice = Slice { rows: 500, time: Duration::from_millis(2) };

/// The pause after a slice, in times of what its batch took: as long again, for what must keep up with every message.
pub(super) const BRISK: u32 = 1;

/// What all of maintenance works with.
pub(super) struct Slices {
    pub(super) journal: Journal,
    pub(super) clock: Clock,
    pub(super) measures: Arc<Measures>,
    stop: CancellationToken,
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
        Slices { journal, clock, measures, stop, turn: Mutex::new(()) }
    }

    /// Writes one slice, with a batch that others may share, and lets `pause` times as long pass as that took.
    pub(super) async fn take(&self, write: Write, pause: u32) -> Result<Written, NotNow> {
        let turn = self.turn.lock().await;
        if self.stop.is_cancelled() {
            return Err(NotNow);
        }
        let started = Instant::now();
        let written = self.journal.write(write).await.map_err(|_| NotNow)?;
        // Whoever has another slice does not wait for this pause.
        drop(turn);
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(started.elapsed() * pause) => {}
        }
        Ok(written)
    }

    /// Gives back what the database's file has too much of.
    pub(super) async fn give_back(&self, pause: u32) -> Result<(), NotNow> {
        while let Written::Removed(pages) = self.take(Write::GiveBack { slice: SLICE }, pause).await?
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
