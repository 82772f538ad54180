//! What has come to sources goes when it is old enough, with what was made of it.

use std::sync::Arc;
use std::time::Duration;

use crate::maintenance::slices::{BRISK, NotNow, SLICE, Slices};
use crate::store::write::{Write, Written};

/// How often the log is looked at: what it is to forget is gone soon after.
const EVERY: Duration = Duration::from_secs(5);

/// Works until the engine ends.
pub(super) async fn run(slices: Arc<Slices>) {
    while slices.rest(EVERY).await {
        // What fails now is tried again.
        let _ = round(&slices).await;
    }
}

async fn round(slices: &Slices) -> Result<(), NotNow> {
    loop {
        let write = Write::ExpireInbound { now: slices.clock.now(), slice: SLICE };
        let Written::Swept(swept) = slices.take(write, BRISK).await? else { return Err(NotNow) };
        slices.measures.expired_inbound.increment(swept.messages.into());
        slices.measures.expired_attempts.increment(swept.attempts.into());
        // Once more after the last of them: then the database empties its log of what they were.
        if swept.is_done && swept.messages == 0 {
            break;
        }
    }
    while let Written::Removed(1..) =
        slices.take(Write::ExpireInboundKeys { now: slices.clock.now(), slice: SLICE }, BRISK).await?
    {}
    Ok(())
}
