//! What has expired in a test is gone once the time has passed, and not a moment later.

use std::time::Duration;

use crate::hooks::Hooks;
use crate::store::write::{Slice, Write, Written};

/// A test has few rows, and nobody whom a long slice would keep waiting.
const SLICE: Slice = Slice { rows: 500, time: Duration::from_secs(1) };

impl Hooks {
    /// Removes requests to sources that have expired, as happens by itself within seconds.
    pub(super) async fn forget_expired(&self) {
        loop {
            let write = Write::ExpireInbound { now: self.clock().now(), slice: SLICE };
            match self.inner.journal.write(write).await {
                Ok(Written::Swept(swept)) if !swept.is_done => {}
                _ => return,
            }
        }
    }
}
