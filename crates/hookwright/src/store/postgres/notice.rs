//! The one place that notifies: a batch tells the other nodes at most once that there is something to look at.
//!
//! It says no more than that, and nothing depends on it: who does not hear it finds out with the next heartbeat.

use crate::store::error::StoreError;
use crate::store::postgres::pipeline::Pipeline;
use crate::store::postgres::pool::CHANNEL;

/// Whether a batch has something to tell.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Notice {
    is_due: bool,
}

impl Notice {
    /// The batch does something that others are to look at once it is committed.
    pub(super) fn note(&mut self) {
        self.is_due = true;
    }

    /// Adds the statement that tells it, if there is anything to tell. Others hear it when the transaction is committed.
    pub(super) async fn add(self, pipeline: &mut Pipeline<'_>) -> Result<(), StoreError> {
        if self.is_due {
            pipeline.add("SELECT pg_notify($1, '')", vec![Box::new(CHANNEL)]).await?;
        }
        Ok(())
    }
}
