//! The one place that notifies: a batch tells the other nodes at most once that there is something to look at.
//!
//! It says no more than that, and nothing depends on it: who does not hear it finds out with the next heartbeat.

use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::pipeline::Pipeline;
use crate::store::postgres::pool::CHANNEL;

const TELL: &str = "SELECT pg_notify($1, '')";

/// Tells the other nodes of something that is committed, outside of any batch.
pub(super) async fn tell(connection: &Connection) -> Result<(), StoreError> {
    connection.query(TELL, &[&CHANNEL]).await?;
    Ok(())
}

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

    /// Whether it has.
    pub(super) fn is_due(self) -> bool {
        self.is_due
    }

    /// Adds the statement that tells it, if there is anything to tell. Others hear it when the transaction is committed.
    pub(super) async fn add(self, pipeline: &mut Pipeline<'_>) -> Result<(), StoreError> {
        if self.is_due {
            pipeline.add(TELL, vec![Box::new(CHANNEL)]).await?;
        }
        Ok(())
    }
}
