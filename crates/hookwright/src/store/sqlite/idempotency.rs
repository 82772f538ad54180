//! Statements on the idempotency keys of requests other than messages, and the answers kept for them.

use rusqlite::{Connection, params};

use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::KeptFor;
use crate::store::sqlite::{Sqlite, value};
use crate::store::write::{KeptAnswer, RequestKey};

impl Sqlite {
    pub(crate) async fn answer_kept(&self, key: RequestKey, now: Timestamp) -> Result<KeptFor, StoreError> {
        self.read(move |connection| {
            Ok(match find(connection, &key)? {
                Some(kept) if kept.expires_at <= now => KeptFor::Nothing,
                Some(kept) if kept.request != key.request => KeptFor::OtherRequest,
                Some(kept) => KeptFor::SameRequest(kept.answer),
                None => KeptFor::Nothing,
            })
        })
        .await
    }
}

pub(super) fn keep(connection: &Connection, kept: &KeptAnswer) -> Result<(), StoreError> {
    if !insert(connection, &kept.key, &kept.sealed)?
        && find(connection, &kept.key)?.is_none_or(|earlier| earlier.expires_at <= kept.now)
    {
        replace(connection, &kept.key, &kept.sealed)?;
    }
    Ok(())
}

/// Removes expired keys that begin with `first_byte`: a slice, so that no batch waits long.
pub(super) fn expire(connection: &Connection, first_byte: u8, now: Timestamp) -> Result<(), StoreError> {
    let (from, to) = ([first_byte], first_byte.checked_add(1).map(|next| [next]));
    // A blob that is a prefix of another sorts before it; NULL compares as no limit.
    connection
        .prepare_cached(
            "DELETE FROM idempotency WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) AND expires_at <= ?3",
        )?
        .execute(params![from, to, now.as_micros()])?;
    Ok(())
}

struct Kept {
    request: [u8; 16],
    expires_at: Timestamp,
    answer: Vec<u8>,
}

fn find(connection: &Connection, key: &RequestKey) -> Result<Option<Kept>, StoreError> {
    let sql = "SELECT request, expires_at, answer FROM idempotency WHERE key = ?1";
    value::first(connection, sql, [key.hash], |row| {
        Ok(Kept {
            request: value::get(row, 0)?,
            expires_at: value::time(row, 1)?,
            answer: value::get(row, 2)?,
        })
    })
}

fn insert(connection: &Connection, key: &RequestKey, answer: &[u8]) -> Result<bool, StoreError> {
    let sql = "INSERT INTO idempotency (key, request, expires_at, answer) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO NOTHING";
    let rows = connection.prepare_cached(sql)?.execute(params![
        key.hash,
        key.request,
        key.expires_at.as_micros(),
        answer
    ])?;
    Ok(rows == 1)
}

fn replace(connection: &Connection, key: &RequestKey, answer: &[u8]) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE idempotency SET request = ?2, expires_at = ?3, answer = ?4 WHERE key = ?1")?
        .execute(params![key.hash, key.request, key.expires_at.as_micros(), answer])?;
    Ok(())
}
