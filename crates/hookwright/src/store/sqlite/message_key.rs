//! Statements on the idempotency keys of messages, and what the writer knows of them in memory.
//!
//! Keys are random, and one of 4,096 bytes' worth of neighbours would have to be written for each of them if the table
//! were ordered by key: as much as all else that a message costs. So it is ordered by the time they expire, which rises,
//! and a map in memory (about 30 bytes for each live key) leads from a key to its place. Without the map's word that a key
//! may be known, nothing is looked up.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};

use crate::domain::ids::MessageId;
use crate::domain::message::Message;
use crate::domain::time::Timestamp;
use crate::store::budget::Budget;
use crate::store::error::StoreError;
use crate::store::sqlite::value;
use crate::store::write::{Appended, KeyPlace, RequestKey, Slice};

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
        message: &Message,
    ) -> Result<Option<Appended>, StoreError> {
        let now = message.created_at;
        if let Some(expires_at) = self.expiries.get(&half(&key.hash)).copied() {
            let sql = "SELECT request, message FROM message_key WHERE expires_at = ?1 AND key = ?2";
            let kept = value::first(connection, sql, params![expires_at.as_micros(), key.hash], |row| {
                Ok((value::get::<[u8; 16]>(row, 0)?, value::id(row, 1, MessageId::from_bytes)?))
            })?;
            match kept {
                // A message that is older than messages are kept has taken its key with it.
                Some((request, earlier)) if now < expires_at && is_there(connection, message, earlier)? => {
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
            .execute(params![key.expires_at.as_micros(), key.hash, key.request, message.id.as_bytes()])?;
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
        slice: Slice,
    ) -> Result<u32, StoreError> {
        let mut budget = Budget::of(slice);
        let sql =
            "SELECT expires_at, key FROM message_key WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
        let expired = value::all(connection, sql, params![now.as_micros(), slice.rows], place)?;
        let mut removed = 0;
        for place in &expired {
            self.remove(connection, place)?;
            budget.spend(1);
            removed += 1;
            if budget.is_spent() {
                break;
            }
        }
        Ok(removed)
    }

    /// Removes keys whose message is gone, among those beyond a place, and says which one it looked at last; `None` if there
    /// are no more.
    pub(super) fn forget_orphans(
        &mut self,
        connection: &Connection,
        beyond: KeyPlace,
        slice: Slice,
    ) -> Result<Option<KeyPlace>, StoreError> {
        let mut budget = Budget::of(slice);
        let sql = "SELECT expires_at, key, EXISTS (SELECT 1 FROM message m WHERE m.id = k.message)
                   FROM message_key k WHERE (expires_at, key) > (?1, ?2) ORDER BY expires_at, key LIMIT ?3";
        let params = params![beyond.expires_at.as_micros(), beyond.key, slice.rows];
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let (mut last, mut orphans) = (None, Vec::new());
        while (last.is_none() || !budget.is_spent())
            && let Some(row) = rows.next()?
        {
            let place = place(row)?;
            if !value::get::<bool>(row, 2)? {
                orphans.push(place);
            }
            last = Some(place);
            budget.spend(1);
        }
        drop(rows);
        for orphan in &orphans {
            self.remove(connection, orphan)?;
        }
        Ok(last)
    }

    fn remove(&mut self, connection: &Connection, place: &KeyPlace) -> Result<(), StoreError> {
        delete(connection, place.expires_at, &place.key)?;
        if self.expiries.get(&half(&place.key)) == Some(&place.expires_at) {
            self.forget(&place.key);
        }
        Ok(())
    }

    fn forget(&mut self, key: &[u8; 16]) -> Option<Timestamp> {
        let half = half(key);
        let before = self.expiries.remove(&half);
        self.changed.push((half, before));
        before
    }
}

/// Whether an earlier message of the application of `message` is stored.
fn is_there(connection: &Connection, message: &Message, earlier: MessageId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM message WHERE application = ?1 AND id = ?2";
    let key = params![message.application.as_bytes(), earlier.as_bytes()];
    Ok(value::first(connection, sql, key, |_| Ok(()))?.is_some())
}

fn place(row: &Row<'_>) -> Result<KeyPlace, StoreError> {
    Ok(KeyPlace { expires_at: value::time(row, 0)?, key: value::get(row, 1)? })
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
