//! Statements on events for all, and on the messages that share their payload.

use bytes::Bytes;
use rusqlite::{Connection, Row, params};

use crate::domain::broadcast::Broadcast;
use crate::domain::ids::{ApplicationId, BroadcastId, MessageId, OrganisationId};
use crate::domain::names::{Channel, EventTypeName, Tag};
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::sqlite::message_key::MessageKeys;
use crate::store::sqlite::{Sqlite, message, value};
use crate::store::write::{Appended, BroadcastStep};

const COLUMNS: &str = "id, organisation, event_type, channels, tags, created_at, cursor, payload";

impl Sqlite {
    pub(crate) async fn broadcast_running(&self, limit: u32) -> Result<Vec<Broadcast>, StoreError> {
        self.read(move |connection| {
            let sql =
                format!("SELECT {COLUMNS} FROM broadcast WHERE cursor IS NOT NULL ORDER BY id LIMIT ?1");
            value::all(connection, &sql, [limit], from_row)
        })
        .await
    }
}

/// Stores an event for all.
pub(super) fn begin(connection: &Connection, broadcast: &Broadcast) -> Result<(), StoreError> {
    connection
        .prepare_cached(&format!(
            "INSERT INTO broadcast ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        ))?
        .execute(params![
            broadcast.id.as_bytes(),
            broadcast.organisation.as_bytes(),
            broadcast.event_type.as_str(),
            encoded::json_names_or_null(broadcast.channels.iter().map(Channel::as_str)),
            encoded::json_names_or_null(broadcast.tags.iter().map(Tag::as_str)),
            broadcast.created_at.as_micros(),
            broadcast.cursor.as_bytes(),
            broadcast.payload.as_ref(),
        ])?;
    Ok(())
}

/// Stores messages of an event for all, and how far it has come; says of each message whether it is stored. `None` if the event has
/// moved on since the step was made.
pub(super) fn step(
    connection: &Connection,
    keys: &mut MessageKeys,
    step: &BroadcastStep,
) -> Result<Option<Vec<bool>>, StoreError> {
    let rows = connection
        .prepare_cached("UPDATE broadcast SET cursor = ?3 WHERE id = ?1 AND cursor = ?2")?
        .execute(params![
        step.broadcast.as_bytes(),
        step.before.as_bytes(),
        step.cursor.as_ref().map(ApplicationId::as_bytes)
    ])?;
    if rows == 0 {
        return Ok(None);
    }
    let mut stored = Vec::with_capacity(step.messages.len());
    for append in &step.messages {
        stored.push(message::append(connection, keys, append)? == Appended::Stored);
    }
    remove_unused(connection, step.broadcast)?;
    Ok(Some(stored))
}

/// Notes that a message's payload is that of an event for all.
pub(super) fn share(
    connection: &Connection,
    application: ApplicationId,
    message: MessageId,
    broadcast: BroadcastId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO message_broadcast (application, message, broadcast) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![application.as_bytes(), message.as_bytes(), broadcast.as_bytes()])?;
    Ok(())
}

/// Takes a message's payload from it, if it shares one; the last one's goes for good.
pub(super) fn unshare(
    connection: &Connection,
    application: ApplicationId,
    message: MessageId,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM message_broadcast WHERE application = ?1 AND message = ?2 RETURNING broadcast";
    let key = params![application.as_bytes(), message.as_bytes()];
    let broadcasts = value::all(connection, sql, key, |row| value::id(row, 0, BroadcastId::from_bytes))?;
    for broadcast in broadcasts {
        remove_unused(connection, broadcast)?;
    }
    Ok(())
}

/// Takes payloads that they share from up to `limit` messages of an application, and says how many.
pub(super) fn unshare_some(
    connection: &Connection,
    application: ApplicationId,
    limit: u32,
) -> Result<u32, StoreError> {
    let sql = "SELECT message FROM message_broadcast WHERE application = ?1 LIMIT ?2";
    let messages = value::all(connection, sql, params![application.as_bytes(), limit], |row| {
        value::id(row, 0, MessageId::from_bytes)
    })?;
    for message in &messages {
        unshare(connection, application, *message)?;
    }
    Ok(u32::try_from(messages.len()).unwrap_or(u32::MAX))
}

/// Removes an event for all that has become messages everywhere and whose payload no message has any more.
fn remove_unused(connection: &Connection, broadcast: BroadcastId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM broadcast WHERE id = ?1 AND cursor IS NULL
                 AND NOT EXISTS (SELECT 1 FROM message_broadcast WHERE broadcast = ?1)",
        )?
        .execute(params![broadcast.as_bytes()])?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> Result<Broadcast, StoreError> {
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
