//! Statements on the idempotency keys of messages, and what the writer knows of them in memory.
//!
//! Keys are random, and one of 4,096 bytes' worth of neighbours would have to be written for each of them if the table
//! were ordered by key: as much as all else that a message costs. So it is ordered by the time they expire, which rises,
//! and a map in memory (about 30 bytes for each live key) leads from a key to its place. Without the map's word that a key
//! may be known, nothing is looked up.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::domain::ids::MessageId;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::sqlite::value;
use crate::store::write::{Appended, RequestKey};

/// When each live key expires, by the first half of the key. Two live keys with the same half are not to be expected.
pub(super) struct MessageKeys {
    expiries: HashMap<u64, Timestamp>,
    /// What the batch that is being written changed, to be undone if it fails.
    changed: Vec<(u64, Option<Timestamp>)>,
}

impl MessageKeys {
    /// What the database holds.
    pub(super) fn load(connection: &Connection) -> Result<MessageKeys, StoreError> {
        let sql = "SELECT key, expires_at FROM message_key";
        let rows =
            value::all(connection, sql, [], |row| Ok((half(&value::get(row, 0)?), value::time(row, 1)?)))?;
        Ok(MessageKeys { expiries: rows.into_iter().collect(), changed: Vec::new() })
    }

    /// The batch is on disk.
    pub(super) fn committed(&mut self) {
        self.changed.clear();
    }

    /// Nothing of the batch is on disk.
    pub(super) fn rolled_back(&mut self) {
        while let Some((half, before)) = self.changed.pop() {
            match before {
                Some(expires_at) => self.expiries.insert(half, expires_at),
                None => self.expiries.remove(&half),
            };
        }
    }

    /// Claims a key for a message. `None`: it is claimed, and the message may be stored.
    pub(super) fn claim(
        &mut self,
        connection: &Connection,
        key: &RequestKey,
        message: MessageId,
        now: Timestamp,
    ) -> Result<Option<Appended>, StoreError> {
        if let Some(expires_at) = self.expiries.get(&half(&key.hash)).copied() {
            let sql = "SELECT request, message FROM message_key WHERE expires_at = ?1 AND key = ?2";
            let kept = value::first(connection, sql, params![expires_at.as_micros(), key.hash], |row| {
                Ok((value::get::<[u8; 16]>(row, 0)?, value::id(row, 1, MessageId::from_bytes)?))
            })?;
            match kept {
                Some((request, earlier)) if now < expires_at => {
                    let is_same = request == key.request;
                    return Ok(Some(if is_same { Appended::Replayed(earlier) } else { Appended::KeyReused }));
                }
                Some(_) => self.release(connection, key)?,
                None => {}
            }
        }
        connection
            .prepare_cached(
                "INSERT INTO message_key (expires_at, key, request, message) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![key.expires_at.as_micros(), key.hash, key.request, message.as_bytes()])?;
        let half = half(&key.hash);
        let before = self.expiries.insert(half, key.expires_at);
        self.changed.push((half, before));
        Ok(None)
    }

    /// Lets go of a key: it expired, or its message was not stored after all.
    pub(super) fn release(&mut self, connection: &Connection, key: &RequestKey) -> Result<(), StoreError> {
        if let Some(expires_at) = self.forget(&key.hash) {
            delete(connection, expires_at, &key.hash)?;
        }
        Ok(())
    }

    /// Removes keys that have expired, the earliest first, and says how many.
    pub(super) fn expire(
        &mut self,
        connection: &Connection,
        now: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let sql =
            "SELECT expires_at, key FROM message_key WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
        let expired: Vec<(Timestamp, [u8; 16])> =
            value::all(connection, sql, params![now.as_micros(), limit], |row| {
                Ok((value::time(row, 0)?, value::get(row, 1)?))
            })?;
        for (expires_at, key) in &expired {
            delete(connection, *expires_at, key)?;
            if self.expiries.get(&half(key)) == Some(expires_at) {
                self.forget(key);
            }
        }
        Ok(u32::try_from(expired.len()).unwrap_or(u32::MAX))
    }

    fn forget(&mut self, key: &[u8; 16]) -> Option<Timestamp> {
        let half = half(key);
        let before = self.expiries.remove(&half);
        self.changed.push((half, before));
        before
    }
}

fn delete(connection: &Connection, expires_at: Timestamp, key: &[u8; 16]) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM message_key WHERE expires_at = ?1 AND key = ?2")?
        .execute(params![expires_at.as_micros(), key])?;
    Ok(())
}

fn half(key: &[u8; 16]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *key;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
