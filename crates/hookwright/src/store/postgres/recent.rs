//! The newest messages with their attempts, for people who look on.

use crate::domain::ids::OrganisationId;
use crate::domain::message::Message;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::{Postgres, attempt, message, value};
use crate::store::read::RecentMessage;

/// Attempts shown of one message; a message to very many endpoints has more.
const ATTEMPTS_MAX: u32 = 20;

impl Postgres {
    pub(crate) async fn message_recent(
        &self,
        organisation: OrganisationId,
        limit: u32,
    ) -> Result<Vec<RecentMessage>, StoreError> {
        let connection = self.reader().await?;
        connection.snapshot().await?;
        let sql = format!(
            "SELECT {}, a.name FROM message m JOIN application a ON a.id = m.application
             WHERE a.organisation = $1 AND NOT a.operational AND NOT a.source ORDER BY m.id DESC LIMIT $2",
            message::COLUMNS
        );
        let rows = connection.query(&sql, &[organisation.as_bytes(), &value::limit(limit)]).await?;
        let mut recent = Vec::with_capacity(rows.len());
        for row in &rows {
            let message = message::from_row(row, 0, None)?;
            recent.push(with_attempts(&connection, message, value::text(row, 7)?).await?);
        }
        connection.end().await?;
        Ok(recent)
    }
}

async fn with_attempts(
    connection: &Connection,
    message: Message,
    application_name: String,
) -> Result<RecentMessage, StoreError> {
    let (application, id) = (message.application.as_bytes(), message.id.as_bytes());
    let sql = format!(
        "SELECT {} FROM attempt a WHERE a.application = $1 AND a.message = $2 ORDER BY a.id DESC LIMIT $3",
        attempt::COLUMNS
    );
    let rows = connection.query(&sql, &[application, id, &value::limit(ATTEMPTS_MAX)]).await?;
    let attempts = value::all(&rows, attempt::from_row)?;
    let sql = "SELECT count(*) FROM endpoint e JOIN delivery d
                   ON d.application = e.application AND d.endpoint = e.id AND d.message = $2
               WHERE e.application = $1";
    let row = connection.first(sql, &[application, id]).await?;
    let pending = row.map(|row| value::count(&row, 0)).transpose()?.unwrap_or(0);
    Ok(RecentMessage { message, application_name, attempts, pending: value::rows(pending) })
}
