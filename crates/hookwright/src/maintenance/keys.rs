//! Expired idempotency keys and tickets go.

use std::sync::Arc;
use std::time::Duration;

use crate::maintenance::slices::{BRISK, NotNow, SLICE, Slices};
use crate::store::write::{Write, Written};

/// One slice of the keys (those with the same first byte) at a time; all of them within the shortest life of a key.
const EVERY: Duration = Duration::from_millis(3_500);
/// Tickets are looked at once in so many slices, about once a minute: those that expired are refused anyway.
const TICKETS_EVERY: u8 = 16;

/// Works until the engine ends.
pub(super) async fn run(slices: Arc<Slices>) {
    let mut first_byte: u8 = 0;
    while slices.rest(EVERY).await {
        if slices.journal.is_writing().is_err() {
            // Nobody sends while the server says that it is not ready, so nobody else would find that it is again.
            let _ = slices.journal.write(Write::Probe).await;
        }
        if expire(&slices, first_byte).await.is_ok() {
            first_byte = first_byte.wrapping_add(1);
        }
    }
}

async fn expire(slices: &Slices, first_byte: u8) -> Result<(), NotNow> {
    slices.take(Write::ExpireKeys { first_byte, now: slices.clock.now() }, BRISK).await?;
    if first_byte.is_multiple_of(TICKETS_EVERY) {
        slices.take(Write::ExpireTickets { now: slices.clock.now() }, BRISK).await?;
    }
    // Fewer than a slice may have, because its time was up, are no end either.
    while let Written::Removed(1..) =
        slices.take(Write::ExpireMessageKeys { now: slices.clock.now(), slice: SLICE }, BRISK).await?
    {}
    Ok(())
}
