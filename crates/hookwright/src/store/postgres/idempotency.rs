//! Statements on the idempotency keys of requests other than messages, and the answers kept for them.

use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::{Postgres, value};
use crate::store::read::KeptFor;
use crate::store::write::{KeptAnswer, RequestKey};

impl Postgres {
    pub(crate) async fn answer_kept(&self, key: RequestKey, now: Timestamp) -> Result<KeptFor, StoreError> {
        let sql = "SELECT request, expires_at, answer FROM idempotency WHERE key = $1";
        let Some(row) = self.reader().await?.first(sql, &[&key.hash]).await? else {
            return Ok(KeptFor::Nothing);
        };
        let request: [u8; 16] = value::bytes(&row, 0)?;
        Ok(if value::time(&row, 1)? <= now {
            KeptFor::Nothing
        } else if request != key.request {
            KeptFor::OtherRequest
        } else {
            KeptFor::SameRequest(value::get(&row, 2)?)
        })
    }
}

pub(super) async fn keep(connection: &Connection, kept: &KeptAnswer) -> Result<(), StoreError> {
    let sql = "INSERT INTO idempotency AS i (key, request, expires_at, answer) VALUES ($1, $2, $3, $4)
               ON CONFLICT (key) DO UPDATE
                   SET request = EXCLUDED.request, expires_at = EXCLUDED.expires_at, answer = EXCLUDED.answer
                   WHERE i.expires_at <= $5";
    let key = &kept.key;
    connection
        .execute(
            sql,
            &[&key.hash, &key.request, &key.expires_at.as_micros(), &kept.sealed, &kept.now.as_micros()],
        )
        .await?;
    Ok(())
}

/// Removes expired keys that begin with `first_byte`: a slice, so that no batch waits long.
pub(super) async fn expire(
    connection: &Connection,
    first_byte: u8,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (from, to) = (vec![first_byte], first_byte.checked_add(1).map(|next| vec![next]));
    // Bytes that are a prefix of others sort before them; NULL stands for no limit.
    let sql =
        "DELETE FROM idempotency WHERE key >= $1 AND ($2::bytea IS NULL OR key < $2) AND expires_at <= $3";
    connection.execute(sql, &[&from, &to, &now.as_micros()]).await?;
    Ok(())
}
