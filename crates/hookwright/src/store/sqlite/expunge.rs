//! Statements that remove what was in a message or an answer; the connection overwrites it in the file.

use rusqlite::{Connection, params};

use crate::domain::attempt;
use crate::domain::ids::{ApplicationId, AttemptId, MessageId};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::sqlite::broadcast;
use crate::store::write::Changed;

/// Empties a message's payload, and makes its deliveries that wait for a retry due.
pub(super) fn message(
    connection: &Connection,
    application: ApplicationId,
    message: MessageId,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let sql = "UPDATE message SET payload = zeroblob(0) WHERE application = ?1 AND id = ?2";
    let rows =
        connection.prepare_cached(sql)?.execute(params![application.as_bytes(), message.as_bytes()])?;
    if rows == 0 {
        return Ok(Changed::Missing);
    }
    broadcast::unshare(connection, application, message)?;
    // Endpoint by endpoint: by the message alone, all that is pending in the application would be looked through.
    connection
        .prepare_cached(
            "UPDATE delivery SET due_at = min(due_at, ?3)
             WHERE application = ?1 AND message = ?2 AND due_at IS NOT NULL
                 AND endpoint IN (SELECT id FROM endpoint WHERE application = ?1)",
        )?
        .execute(params![application.as_bytes(), message.as_bytes(), now.as_micros()])?;
    Ok(Changed::Yes)
}

/// Puts [`attempt::EXPUNGED`] in the place of what was answered to an attempt.
pub(super) fn attempt(
    connection: &Connection,
    application: ApplicationId,
    message: MessageId,
    id: AttemptId,
) -> Result<Changed, StoreError> {
    let sql = "UPDATE attempt SET response = ?4 WHERE application = ?1 AND message = ?2 AND id = ?3";
    let rows = connection.prepare_cached(sql)?.execute(params![
        application.as_bytes(),
        message.as_bytes(),
        id.as_bytes(),
        attempt::EXPUNGED,
    ])?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Missing })
}
