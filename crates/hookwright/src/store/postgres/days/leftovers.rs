//! What the messages of dropped days left in tables that are not kept by days: `eventId`s, payloads that they shared, and attempts
//! that were written later.
//!
//! Keys and payloads' times have an expiry of their own, and need nothing.

use std::time::{Duration, Instant};

use crate::domain::ids::{BroadcastId, MessageId};
use crate::store::error::StoreError;
use crate::store::postgres::connection::{Connection, Param};
use crate::store::postgres::days::READ_AT_ONCE_MAX;
use crate::store::postgres::{broadcast, value};

/// Rows that are looked at in one statement.
const AT_ONCE: u32 = 500;
/// The pause after a statement, in times of what it took.
const LEISURE: u32 = 4;
/// Ids of events for all are made before those of their messages, but perhaps by another node's clock.
const CLOCKS_APART: Duration = Duration::from_secs(3_600);

/// Removes all that is left of days that were dropped.
pub(super) async fn remove(connection: &Connection) -> Result<(), StoreError> {
    let days = connection.query("SELECT first, past FROM day_gone ORDER BY first", &[]).await?;
    let days = value::all(&days, |row| {
        Ok((value::id(row, 0, MessageId::from_bytes)?, value::id(row, 1, MessageId::from_bytes)?))
    })?;
    for (first, past) in days {
        event_ids(connection, first, past).await?;
        shared_payloads(connection, first, past).await?;
        late_attempts(connection, past).await?;
        connection.execute("DELETE FROM day_gone WHERE first = $1", &[first.as_bytes()]).await?;
    }
    Ok(())
}

async fn event_ids(connection: &Connection, first: MessageId, past: MessageId) -> Result<(), StoreError> {
    // A message of the day may be in the default partition.
    let sql = "WITH looked_at AS (
                   SELECT e.application, e.event_id, e.message FROM message_event_id e
                   WHERE e.message >= $1 AND e.message < $2 ORDER BY e.message LIMIT $3),
               removed AS (
                   DELETE FROM message_event_id WHERE (application, event_id) IN
                       (SELECT l.application, l.event_id FROM looked_at l WHERE NOT EXISTS
                           (SELECT 1 FROM message m WHERE m.application = l.application AND m.id = l.message))
                   RETURNING 1)
               SELECT message, (SELECT count(*) FROM looked_at), (SELECT count(*) FROM removed)
               FROM looked_at ORDER BY message DESC LIMIT 1";
    let mut from = first;
    loop {
        let started = Instant::now();
        let limit = value::limit(AT_ONCE);
        let Some(row) = connection.first(sql, &[from.as_bytes(), past.as_bytes(), &limit]).await? else {
            return Ok(());
        };
        if value::count(&row, 1)? < u64::from(AT_ONCE) {
            return Ok(());
        }
        from = value::id(&row, 0, MessageId::from_bytes)?;
        tokio::time::sleep(started.elapsed() * LEISURE).await;
    }
}

async fn shared_payloads(
    connection: &Connection,
    first: MessageId,
    past: MessageId,
) -> Result<(), StoreError> {
    let end = BroadcastId::first_at(past.made_at().after(CLOCKS_APART));
    let next = "SELECT id FROM broadcast WHERE id > $1 AND id < $2 AND cursor IS NULL ORDER BY id LIMIT 1";
    let sql = "DELETE FROM message_broadcast WHERE (application, message) IN
                   (SELECT s.application, s.message FROM message_broadcast s
                    WHERE s.broadcast = $1 AND s.message >= $2 AND s.message < $3 AND NOT EXISTS
                        (SELECT 1 FROM message m WHERE m.application = s.application AND m.id = s.message) LIMIT $4)";
    let mut reached = BroadcastId::MIN;
    while let Some(row) = connection.first(next, &[reached.as_bytes(), end.as_bytes()]).await? {
        reached = value::id(&row, 0, BroadcastId::from_bytes)?;
        let values: [Param<'_>; 4] =
            [reached.as_bytes(), first.as_bytes(), past.as_bytes(), &value::limit(AT_ONCE)];
        until_none(connection, sql, &values).await?;
        broadcast::remove_unused(connection, reached).await?;
    }
    Ok(())
}

/// An outcome that was written late is in the default partition, without a message.
async fn late_attempts(connection: &Connection, past: MessageId) -> Result<(), StoreError> {
    let sql = "DELETE FROM attempt_default WHERE (application, message, id) IN
                   (SELECT a.application, a.message, a.id FROM attempt_default a WHERE a.message < $1 AND NOT EXISTS
                        (SELECT 1 FROM message m WHERE m.application = a.application AND m.id = a.message) LIMIT $2)";
    // One that is large is so because it had everything once; what is in it goes message by message.
    let size = connection.first("SELECT pg_relation_size('attempt_default')", &[]).await?;
    match size.map(|row| value::get::<i64>(&row, 0)).transpose()? {
        Some(size) if size <= READ_AT_ONCE_MAX => {
            until_none(connection, sql, &[past.as_bytes(), &value::limit(AT_ONCE)]).await
        }
        _ => Ok(()),
    }
}

/// Runs a statement that removes rows until none are left.
async fn until_none(connection: &Connection, sql: &str, values: &[Param<'_>]) -> Result<(), StoreError> {
    loop {
        let started = Instant::now();
        if connection.execute(sql, values).await? < u64::from(AT_ONCE) {
            return Ok(());
        }
        tokio::time::sleep(started.elapsed() * LEISURE).await;
    }
}
