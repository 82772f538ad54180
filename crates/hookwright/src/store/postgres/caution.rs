//! What is rare enough that it is found out by an error, and then looked for as long as it may come again.

use std::sync::atomic::{AtomicU32, Ordering};

/// After a batch that met it, so many are written with care.
const BATCHES: u32 = 50;

/// How many batches more are likely to meet it.
#[derive(Default)]
pub(super) struct Caution(AtomicU32);

impl Caution {
    /// A batch met it.
    pub(super) fn met(&self) {
        self.0.store(BATCHES, Ordering::Relaxed);
    }

    /// Whether the next batch is likely to meet it. Counts that batch.
    pub(super) fn is_called_for(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}
