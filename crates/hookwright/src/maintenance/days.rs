//! Messages go by whole days, where the database keeps them so, and the days to come are made ahead.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::ids::MessageId;
use crate::maintenance::slices::Slices;
use crate::store::Store;

/// How often it is looked at. What could not be done, because others were in the way, is tried again then.
const EVERY: Duration = Duration::from_secs(60);

/// Works until the engine ends.
pub(super) async fn run(slices: Arc<Slices>, store: Store, retention: Duration) {
    loop {
        let now = slices.clock.now();
        match store.keep_days(now, MessageId::first_at(now.before(retention))).await {
            Ok(kept) => tracing::debug!(?kept, "the days of the journal are kept"),
            // While the database is gone it is said elsewhere.
            Err(error) if !error.is_of_one_item() => tracing::debug!("the days of the journal wait: {error}"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "the partitions of the journal's days cannot be kept; messages are stored all the same"
                );
            }
        }
        if !slices.rest(EVERY).await {
            return;
        }
    }
}
