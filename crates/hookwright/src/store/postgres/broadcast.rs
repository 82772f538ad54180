//! Statements on events for all, and on the messages that share their payload.

use bytes::Bytes;
use tokio_postgres::Row;

use crate::domain::broadcast::Broadcast;
use crate::domain::ids::{ApplicationId, BroadcastId, MessageId, OrganisationId};
use crate::domain::names::{Channel, EventTypeName, Tag};
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::{Postgres, value};
use crate::store::write::BroadcastStep;

const COLUMNS: &str = "id, organisation, event_type, channels, tags, created_at, cursor, payload";

impl Postgres {
    pub(crate) async fn broadcast_running(&self, limit: u32) -> Result<Vec<Broadcast>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM broadcast WHERE cursor IS NOT NULL ORDER BY id LIMIT $1");
        value::all(&self.reader().await?.query(&sql, &[&value::limit(limit)]).await?, from_row)
    }
}

/// Stores an event for all.
pub(super) async fn begin(connection: &Connection, broadcast: &Broadcast) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO broadcast ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    connection
        .execute(
            &sql,
            &[
                broadcast.id.as_bytes(),
                broadcast.organisation.as_bytes(),
                &broadcast.event_type.as_str(),
                &encoded::json_names_or_null(broadcast.channels.iter().map(Channel::as_str)),
                &encoded::json_names_or_null(broadcast.tags.iter().map(Tag::as_str)),
                &broadcast.created_at.as_micros(),
                broadcast.cursor.as_bytes(),
                &broadcast.payload.as_ref(),
            ],
        )
        .await?;
    Ok(())
}

/// Stores how far an event for all has come; `false` if it has moved on since the step was made.
///
/// Its messages follow, with all others of the batch; then [`remove_unused`].
pub(super) async fn step(connection: &Connection, step: &BroadcastStep) -> Result<bool, StoreError> {
    let sql = "UPDATE broadcast SET cursor = $3 WHERE id = $1 AND cursor = $2";
    let cursor = step.cursor.as_ref().map(|cursor| cursor.as_bytes().as_slice());
    let rows = connection.execute(sql, &[step.broadcast.as_bytes(), step.before.as_bytes(), &cursor]).await?;
    Ok(rows == 1)
}

/// Takes a message's payload from it, if it shares one; the last one's goes for good.
pub(super) async fn unshare(
    connection: &Connection,
    application: ApplicationId,
    message: MessageId,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM message_broadcast WHERE application = $1 AND message = $2 RETURNING broadcast";
    let rows = connection.query(sql, &[application.as_bytes(), message.as_bytes()]).await?;
    for broadcast in value::all(&rows, |row| value::id(row, 0, BroadcastId::from_bytes))? {
        remove_unused(connection, broadcast).await?;
    }
    Ok(())
}

/// Takes payloads that they share from up to `limit` messages of an application, and says how many.
pub(super) async fn unshare_some(
    connection: &Connection,
    application: ApplicationId,
    limit: u32,
) -> Result<u32, StoreError> {
    let sql = "SELECT message FROM message_broadcast WHERE application = $1 LIMIT $2";
    let rows = connection.query(sql, &[application.as_bytes(), &value::limit(limit)]).await?;
    let messages = value::all(&rows, |row| value::id(row, 0, MessageId::from_bytes))?;
    for message in &messages {
        unshare(connection, application, *message).await?;
    }
    Ok(u32::try_from(messages.len()).unwrap_or(u32::MAX))
}

/// Removes an event for all that has become messages everywhere and whose payload no message has any more.
pub(super) async fn remove_unused(connection: &Connection, broadcast: BroadcastId) -> Result<(), StoreError> {
    let sql = "DELETE FROM broadcast WHERE id = $1 AND cursor IS NULL
                   AND NOT EXISTS (SELECT 1 FROM message_broadcast WHERE broadcast = $1)";
    connection.execute(sql, &[broadcast.as_bytes()]).await?;
    Ok(())
}

fn from_row(row: &Row) -> Result<Broadcast, StoreError> {
    Ok(Broadcast {
        id: value::id(row, 0, BroadcastId::from_bytes)?,
        organisation: value::id(row, 1, OrganisationId::from_bytes)?,
        event_type: value::name(row, 2, EventTypeName::parse, "broadcast.event_type")?,
        channels: value::names(row, 3, Channel::parse, "broadcast.channels")?,
        tags: value::names(row, 4, Tag::parse, "broadcast.tags")?,
        created_at: value::time(row, 5)?,
        cursor: value::id(row, 6, ApplicationId::from_bytes)?,
        payload: Bytes::from(value::get::<Vec<u8>>(row, 7)?),
    })
}
