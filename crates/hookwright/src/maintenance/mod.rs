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

/// Works until `stop`.
pub(crate) async fn run(journal: Journal, clock: Clock, stop: CancellationToken) {
    let mut first_byte: u8 = 0;
    loop {
        let next = clock.now().after(EXPIRE_EVERY);
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep_until(next) => {}
        }
        if expire(&journal, &clock, first_byte).await.is_ok() {
            first_byte = first_byte.wrapping_add(1);
        }
        erase(&journal, &stop).await;
    }
}

async fn expire(journal: &Journal, clock: &Clock, first_byte: u8) -> Result<Written, crate::error::Error> {
    journal.write(Write::ExpireKeys { first_byte, now: clock.now() }).await
}

/// Slice after slice, each with a batch that others may share, until nothing is left.
async fn erase(journal: &Journal, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match journal.write(Write::Erase { limit: ERASE_SLICE }).await {
            Ok(Written::Removed(1..)) => {}
            _ => return,
        }
    }
}
