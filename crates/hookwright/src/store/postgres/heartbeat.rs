//! What a node asks four times a second, on a connection that also listens.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::domain::lease::{LeaseNumber, LeaseRow};
use crate::domain::time::Timestamp;
use crate::store::change::Told;
use crate::store::error::StoreError;
use crate::store::postgres::catalog_change::{self, Knowledge};
use crate::store::postgres::connection::Connection;
use crate::store::postgres::lease::{DATABASE_NOW, Holding};
use crate::store::postgres::{Postgres, lease, value};

/// A session for heartbeats: it hears what others notify of.
pub(crate) struct Heart {
    pub(super) connection: Connection,
    /// What this node holds.
    pub(super) holding: Arc<Holding>,
    /// Somebody notified since the last time that anybody waited for it.
    hint: Arc<Notify>,
    knowledge: Arc<Knowledge>,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beat {
    /// The number of the last change of what is configured.
    pub(crate) sequence: i64,
    /// The database's clock.
    pub(crate) database_now: Timestamp,
    /// When the earliest retry is due that waits for anybody.
    pub(crate) next_due: Option<Timestamp>,
    /// All leases.
    pub(crate) leases: Vec<LeaseRow>,
    /// The own lease of this node, as it was asked.
    pub(crate) own: LeaseNumber,
}

/// Everything at once; each part is a look at one index, or a few rows.
fn question() -> String {
    format!(
        "SELECT (SELECT value FROM catalog_sequence), {DATABASE_NOW},
            (SELECT due_at FROM delivery WHERE due_at >= $1 ORDER BY due_at LIMIT 1),
            {}",
        lease::ALL
    )
}

impl Postgres {
    /// A new session that listens.
    pub(crate) async fn heart(&self) -> Result<Heart, StoreError> {
        let hint = Arc::new(Notify::new());
        let connection = self.pool.connect_to_listen(Arc::clone(&hint)).await?;
        let (holding, knowledge) = (Arc::clone(&self.holding), Arc::clone(&self.knowledge));
        Ok(Heart { connection, holding, hint, knowledge })
    }
}

impl Heart {
    /// Waits until somebody notifies. That is a hint: it may not come, and there may be nothing.
    pub(crate) async fn hint(&self) {
        self.hint.notified().await;
    }

    /// What was changed after the number `known`, up to `up_to`; `None` if that is not known in full, so that anything may be old.
    pub(crate) async fn changes(&self, known: i64, up_to: i64) -> Result<Option<Vec<Told>>, StoreError> {
        catalog_change::read(&self.connection, &self.knowledge, known, up_to).await
    }

    /// Asks the database what has happened.
    pub(crate) async fn beat(&self) -> Result<Beat, StoreError> {
        // One that nobody waited for long enough may have left an answer on its way.
        if !self.connection.is_good() {
            return Err(StoreError::Silent);
        }
        let own = self.holding.held().own;
        let row = self.connection.first(&question(), &[&self.holding.claimed_before()]).await?;
        let row = row.ok_or(StoreError::Value { column: "catalog_sequence.value" })?;
        let sequence: Option<i64> = value::get(&row, 0)?;
        Ok(Beat {
            sequence: sequence.ok_or(StoreError::Value { column: "catalog_sequence.value" })?,
            database_now: value::time(&row, 1)?,
            next_due: value::time_opt(&row, 2)?,
            leases: lease::rows(&row, 3)?,
            own,
        })
    }
}
