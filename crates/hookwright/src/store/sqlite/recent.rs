//! The newest messages with their attempts, for people who look on.

use rusqlite::{Connection, params};

use crate::domain::ids::OrganisationId;
use crate::store::error::StoreError;
use crate::store::read::RecentMessage;
use crate::store::sqlite::{Sqlite, attempt, message, value};

/// Attempts shown of one message; a message to very many endpoints has more.
const ATTEMPTS_MAX: u32 = 20;

impl Sqlite {
    pub(crate) async fn message_recent(
        &self,
        organisation: OrganisationId,
        limit: u32,
    ) -> Result<Vec<RecentMessage>, StoreError> {
        self.read(move |connection| {
            let snapshot = connection.unchecked_transaction()?;
            let sql = format!(
                "SELECT {}, a.name FROM message m JOIN application a ON a.id = m.application
                 WHERE a.organisation = ?1 AND a.operational = 0 AND a.source = 0 ORDER BY m.id DESC LIMIT ?2",
                message::COLUMNS
            );
            let messages = value::all(&snapshot, &sql, params![organisation.as_bytes(), limit], |row| {
                Ok((message::from_row(row, 0, None)?, value::get::<String>(row, 7)?))
            })?;
            messages.into_iter().map(|(message, name)| with_attempts(&snapshot, message, name)).collect()
        })
        .await
    }
}

fn with_attempts(
    connection: &Connection,
    message: crate::domain::message::Message,
    application_name: String,
) -> Result<RecentMessage, StoreError> {
    let key = params![message.application.as_bytes(), message.id.as_bytes(), ATTEMPTS_MAX];
    let sql = format!(
        "SELECT {} FROM attempt a WHERE a.application = ?1 AND a.message = ?2 ORDER BY a.id DESC LIMIT ?3",
        attempt::COLUMNS
    );
    let attempts = value::all(connection, &sql, key, attempt::from_row)?;
    let sql = "SELECT count(*) FROM endpoint e JOIN delivery d
                   ON d.application = e.application AND d.endpoint = e.id AND d.message = ?2
               WHERE e.application = ?1";
    let key = params![message.application.as_bytes(), message.id.as_bytes()];
    let pending = value::first(connection, sql, key, |row| value::get(row, 0))?.unwrap_or(0);
    Ok(RecentMessage { message, application_name, attempts, pending })
}
