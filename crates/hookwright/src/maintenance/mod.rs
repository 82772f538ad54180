//! What must happen now and then: expired idempotency keys go, and so do the rows of deleted applications.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::journal::Journal;
use crate::store::write::{Write, Written};

/// One slice of the keys (those with the same first byte) at a time; all of them within the shortest life of a key.
const EXPIRE_EVERY: Duration = Duration::from_millis(3_500);
/// Rows of a deleted application that go in one batch, of each table.
const ERASE_SLICE: u32 = 200;
/// Expired keys of messages that go in one batch.
const KEYS_SLICE: u32 = 1_000;

/// Works until `stop`.
pub(crate) async fn run(journal: Journal, clock: Clock, stop: CancellationToken) {
    let mut first_byte: u8 = 0;
    loop {
        let next = clock.now().after(EXPIRE_EVERY);
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep_until(next) => {}
        }
        if journal.is_writing().is_err() {
            // Nobody sends while the server says that it is not ready, so nobody else would find that it is again.
            let _ = journal.write(Write::Probe).await;
        }
        if expire(&journal, &clock, first_byte).await.is_ok() {
            first_byte = first_byte.wrapping_add(1);
        }
        repeat(
            &journal,
            &stop,
            || Write::ExpireMessageKeys { now: clock.now(), limit: KEYS_SLICE },
            KEYS_SLICE,
        )
        .await;
        repeat(&journal, &stop, || Write::Erase { now: clock.now(), limit: ERASE_SLICE }, 1).await;
    }
}

async fn expire(journal: &Journal, clock: &Clock, first_byte: u8) -> Result<Written, crate::error::Error> {
    journal.write(Write::ExpireKeys { first_byte, now: clock.now() }).await
}

/// Slice after slice, each with a batch that others may share, until one removes fewer than `enough` rows.
async fn repeat(journal: &Journal, stop: &CancellationToken, slice: impl Fn() -> Write, enough: u32) {
    while !stop.is_cancelled() {
        match journal.write(slice()).await {
            Ok(Written::Removed(removed)) if removed >= enough => {}
            _ => return,
        }
    }
}
