//! Statements on the idempotency keys of messages: one row a key, claimed by whichever node is first.

use std::collections::{HashMap, HashSet};

use tokio_postgres::Row;

use crate::domain::ids::MessageId;
use crate::domain::message::Message;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::value;
use crate::store::write::{KeyPlace, RequestKey, Slice};

/// Claims keys, `$1` to `$5` as arrays in this order; answers those that are claimed. One that was claimed before is free if it
/// expired by `$6`.
///
/// In order of the keys, so that two nodes that claim the same ones never wait for each other. Whether the message of a key is
/// still there cannot be asked here: this statement does not see a message that another node commits while it waits for the
/// key.
pub(super) const CLAIM: &str = "INSERT INTO message_key AS k (key, request, application, message, expires_at)
     SELECT * FROM (
         SELECT unnest($1::bytea[]) AS key, unnest($2::bytea[]), unnest($3::bytea[]), unnest($4::bytea[]), unnest($5::bigint[])) AS u
     ORDER BY key
     ON CONFLICT (key) DO UPDATE
         SET request = EXCLUDED.request, application = EXCLUDED.application, message = EXCLUDED.message,
             expires_at = EXCLUDED.expires_at
         WHERE k.expires_at <= $6
     RETURNING key";

/// Which of the keys that [`CLAIM`] was asked for are claimed.
pub(super) fn claimed(rows: &[Row]) -> Result<HashSet<[u8; 16]>, StoreError> {
    rows.iter().map(|row| value::bytes(row, 0)).collect()
}

/// What is kept of a key that came before.
pub(super) struct Kept {
    pub(super) request: [u8; 16],
    pub(super) message: MessageId,
    /// Whether the message is stored. One that is older than messages are kept has taken its key with it.
    pub(super) is_there: bool,
}

/// What is kept of keys that were not claimed, as it is committed by now.
pub(super) async fn kept(
    connection: &Connection,
    keys: &[&RequestKey],
) -> Result<HashMap<[u8; 16], Kept>, StoreError> {
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.hash.as_slice()).collect();
    let sql = "SELECT k.key, k.request, k.message,
                   EXISTS (SELECT 1 FROM message m WHERE m.application = k.application AND m.id = k.message)
               FROM message_key k WHERE k.key = ANY($1::bytea[])";
    let rows = connection.query(sql, &[&keys]).await?;
    let each = |row: &Row| {
        let message = value::id(row, 2, MessageId::from_bytes)?;
        let kept = Kept { request: value::bytes(row, 1)?, message, is_there: value::get(row, 3)? };
        Ok((value::bytes(row, 0)?, kept))
    };
    rows.iter().map(each).collect()
}

/// Takes over a key whose message is gone, unless somebody else was faster.
pub(super) async fn take_over(
    connection: &Connection,
    key: &RequestKey,
    gone: MessageId,
    message: &Message,
) -> Result<bool, StoreError> {
    let sql = "UPDATE message_key SET request = $2, application = $3, message = $4, expires_at = $5
               WHERE key = $1 AND message = $6";
    let (application, id) = (message.application.as_bytes(), message.id.as_bytes());
    let expires_at = key.expires_at.as_micros();
    let rows = connection
        .execute(sql, &[&key.hash, &key.request, application, id, &expires_at, gone.as_bytes()])
        .await?;
    Ok(rows == 1)
}

/// Lets go of a key whose message was not stored after all.
pub(super) async fn release(connection: &Connection, key: &RequestKey) -> Result<(), StoreError> {
    connection.execute("DELETE FROM message_key WHERE key = $1", &[&key.hash]).await?;
    Ok(())
}

/// Removes keys that have expired, the earliest first, and says how many.
pub(super) async fn expire(connection: &Connection, now: Timestamp, slice: Slice) -> Result<u32, StoreError> {
    // Asked twice: one that is claimed anew while this waits for it stays.
    let sql = "DELETE FROM message_key WHERE expires_at <= $1 AND key IN
                   (SELECT key FROM message_key WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    Ok(value::rows(connection.execute(sql, &[&now.as_micros(), &value::limit(slice.rows)]).await?))
}

/// Removes keys whose message is gone, among those beyond a place, and says which one it looked at last; `None` if there
/// are no more.
pub(super) async fn forget_orphans(
    connection: &Connection,
    beyond: KeyPlace,
    slice: Slice,
) -> Result<Option<KeyPlace>, StoreError> {
    // A key that another message takes over while this waits for it is that one's.
    let sql = "WITH looked_at AS (
                   SELECT k.expires_at, k.key, k.application, k.message FROM message_key k
                   WHERE (k.expires_at, k.key) > ($1, $2) ORDER BY k.expires_at, k.key LIMIT $3),
               gone AS (
                   DELETE FROM message_key k USING looked_at l WHERE k.key = l.key AND k.message = l.message
                       AND NOT EXISTS (SELECT 1 FROM message m WHERE m.application = l.application AND m.id = l.message))
               SELECT expires_at, key FROM looked_at ORDER BY expires_at DESC, key DESC LIMIT 1";
    let (expires_at, rows) = (beyond.expires_at.as_micros(), value::limit(slice.rows));
    let last = connection.first(sql, &[&expires_at, &beyond.key, &rows]).await?;
    last.map(|row| Ok(KeyPlace { expires_at: value::time(&row, 0)?, key: value::bytes(&row, 1)? }))
        .transpose()
}
