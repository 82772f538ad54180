//! Statements that remove what was in a message or an answer.
//!
//! PostgreSQL keeps the old row until vacuum, and the write-ahead log until it is recycled: the guide says how long.

use crate::domain::attempt;
use crate::domain::ids::{ApplicationId, AttemptId, MessageId};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::postgres::broadcast;
use crate::store::postgres::connection::Connection;
use crate::store::write::Changed;

/// Empties a message's payload, and makes its deliveries that wait for a retry due.
pub(super) async fn message(
    connection: &Connection,
    application: ApplicationId,
    message: MessageId,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let sql = "UPDATE message SET payload = '' WHERE application = $1 AND id = $2";
    if connection.execute(sql, &[application.as_bytes(), message.as_bytes()]).await? == 0 {
        return Ok(Changed::Missing);
    }
    broadcast::unshare(connection, application, message).await?;
    // Endpoint by endpoint: by the message alone, all that is pending in the application would be looked through.
    let sql = "UPDATE delivery SET due_at = least(due_at, $3)
               WHERE application = $1 AND message = $2 AND due_at IS NOT NULL
                   AND endpoint IN (SELECT id FROM endpoint WHERE application = $1)";
    connection.execute(sql, &[application.as_bytes(), message.as_bytes(), &now.as_micros()]).await?;
    Ok(Changed::Yes)
}

/// Puts [`attempt::EXPUNGED`] in the place of what was answered to an attempt.
pub(super) async fn attempt(
    connection: &Connection,
    application: ApplicationId,
    message: MessageId,
    id: AttemptId,
) -> Result<Changed, StoreError> {
    let sql = "UPDATE attempt SET response = $4 WHERE application = $1 AND message = $2 AND id = $3";
    let rows = connection
        .execute(sql, &[application.as_bytes(), message.as_bytes(), id.as_bytes(), &attempt::EXPUNGED])
        .await?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Missing })
}
