//! Statements on the log of inbound requests, and on the keys by which those that come again are known.

use bytes::Bytes;
use rusqlite::{Connection, Row, named_params, params};

use crate::domain::confirmation::NOT_ASKED;
use crate::domain::ids::{ApplicationId, MessageId};
use crate::domain::inbound::{ANOTHER_BODY, CameWith, Inbound, Verdict};
use crate::domain::names::EventTypeName;
use crate::domain::page::{Page, PageRequest};
use crate::domain::short_ids::{InboundId, SHORT_ID_BYTES};
use crate::domain::time::Timestamp;
use crate::store::budget::Budget;
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::sqlite::message_key::MessageKeys;
use crate::store::sqlite::retention::{self, LOOK_AGAIN};
use crate::store::sqlite::{Sqlite, confirmation, message, value};
use crate::store::write::{Copied, InboundKey, MessagePlace, Receive, Received, Slice, Swept};

const COLUMNS: &str =
    "i.application, i.id, i.received_at, i.expires_at, coalesce(c.verdict, i.verdict), i.status,
    coalesce(c.reason, i.reason), i.method, i.path,
    i.query, i.headers, i.message, m.event_type, i.copy_of";

/// The rows with what else is known of them.
const ROWS: &str = "inbound i LEFT JOIN message m ON m.application = i.application AND m.id = i.message
     LEFT JOIN confirmation c ON c.application = i.application AND c.message = i.message";
const BODY: &str = "coalesce(i.body, m.payload, x'')";

impl Sqlite {
    pub(crate) async fn inbound_list(
        &self,
        application: ApplicationId,
        page: PageRequest<InboundId>,
    ) -> Result<Page<Inbound>, StoreError> {
        self.read(move |connection| {
            let scan = page.scan();
            // No row has one of the outermost ids: a list without a mark begins beyond it.
            let (beyond, order, edge) =
                if scan.ascending { (">", "ASC", InboundId::MIN) } else { ("<", "DESC", InboundId::MAX) };
            let sql = format!(
                "SELECT {COLUMNS}, {BODY} FROM {ROWS}
                 WHERE i.application = :application AND i.id {beyond} :beyond
                 ORDER BY i.id {order} LIMIT :count"
            );
            let params = named_params! {
                ":application": application.as_bytes(),
                ":beyond": scan.beyond.as_ref().unwrap_or(&edge).as_bytes(),
                ":count": scan.count,
            };
            value::page(connection, &sql, params, &page, from_row, |row| row.body.len())
        })
        .await
    }

    pub(crate) async fn inbound_get(
        &self,
        application: ApplicationId,
        id: InboundId,
    ) -> Result<Option<Inbound>, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS}, {BODY} FROM {ROWS} WHERE i.application = ?1 AND i.id = ?2");
            value::first(connection, &sql, params![application.as_bytes(), id.as_bytes()], from_row)
        })
        .await
    }

    pub(crate) async fn inbound_headers(
        &self,
        application: ApplicationId,
        id: InboundId,
    ) -> Result<Option<CameWith>, StoreError> {
        self.read(move |connection| {
            // The body stands here only where the message is not the body itself.
            let sql = "SELECT headers, body IS NOT NULL FROM inbound WHERE application = ?1 AND id = ?2";
            value::first(connection, sql, params![application.as_bytes(), id.as_bytes()], |row| {
                Ok(CameWith {
                    headers: encoded::inbound_headers_from_json(value::text(row, 0)?)?,
                    is_described: value::get(row, 1)?,
                })
            })
        })
        .await
    }
}

/// Stores a request in the log, and what it becomes: unless its key came before, a message with its deliveries.
pub(super) fn receive(
    connection: &Connection,
    keys: &mut MessageKeys,
    receive: &Receive,
) -> Result<Received, StoreError> {
    let row = &receive.row;
    if !claim(connection, row, &receive.keys)? {
        return Ok(Received::Duplicate);
    }
    match &receive.message {
        None => insert(connection, row, None, Some(&row.body))?,
        Some(append) => {
            message::append(connection, keys, append)?;
            if receive.is_held {
                confirmation::begin(connection, row.application, append.message.id, NOT_ASKED)?;
            }
            // Of a request without a body the message is a description.
            let own = row.body.is_empty().then_some(&row.body);
            insert(connection, row, Some(append.message.id), own)?;
        }
    }
    Ok(Received::Stored)
}

/// Stores that a request came again, and which one it is a copy of; its body only if it is another.
pub(super) fn copied(connection: &Connection, copied: &Copied) -> Result<(), StoreError> {
    let row = &copied.row;
    // Of a body that is gone nobody knows what it was.
    let sql = "SELECT k.request, coalesce(coalesce(i.body, nullif(m.payload, x'')) <> ?3, 0)
               FROM inbound_key k LEFT JOIN inbound i ON i.application = k.application AND i.id = k.request
                   LEFT JOIN message m ON m.application = i.application AND m.id = i.message
               WHERE k.application = ?1 AND k.key = ?2";
    let mut first = None;
    for key in &copied.keys {
        let params = params![row.application.as_bytes(), key.hash, row.body.as_ref()];
        first = value::first(connection, sql, params, |row| {
            Ok((value::get::<Option<[u8; SHORT_ID_BYTES]>>(row, 0)?, value::get::<bool>(row, 1)?))
        })?;
        if first.is_some() {
            break;
        }
    }
    let (request, is_another) = first.unwrap_or_default();
    let row = Inbound {
        copy_of: request.map(InboundId::from_bytes),
        reason: is_another.then(|| ANOTHER_BODY.to_owned()),
        body: if is_another { row.body.clone() } else { Bytes::new() },
        ..row.clone()
    };
    insert(connection, &row, None, Some(&row.body))
}

/// Whether all keys are claimed for this request; none of them if others have one.
fn claim(connection: &Connection, row: &Inbound, keys: &[InboundKey]) -> Result<bool, StoreError> {
    for (number, key) in keys.iter().enumerate() {
        if !claim_one(connection, row, key)? {
            for key in &keys[..number] {
                connection
                    .prepare_cached("DELETE FROM inbound_key WHERE application = ?1 AND key = ?2")?
                    .execute(params![row.application.as_bytes(), key.hash])?;
            }
            return Ok(false);
        }
    }
    Ok(true)
}

fn claim_one(connection: &Connection, row: &Inbound, key: &InboundKey) -> Result<bool, StoreError> {
    // One that has expired may not have been removed yet.
    let rows = connection
        .prepare_cached(
            "INSERT INTO inbound_key (application, key, expires_at, request) VALUES (?1, ?2, ?3, ?5)
             ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at, request = excluded.request
                 WHERE expires_at <= ?4",
        )?
        .execute(params![
            row.application.as_bytes(),
            key.hash,
            key.expires_at.as_micros(),
            row.received_at.as_micros(),
            row.id.as_bytes(),
        ])?;
    Ok(rows == 1)
}

fn insert(
    connection: &Connection,
    row: &Inbound,
    message: Option<MessageId>,
    body: Option<&Bytes>,
) -> Result<(), StoreError> {
    let headers = encoded::inbound_headers_to_json(&row.headers)?;
    connection
        .prepare_cached(
            "INSERT INTO inbound (application, id, received_at, expires_at, verdict, status, reason, method, path, query,
                 headers, message, body, copy_of)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            row.application.as_bytes(),
            row.id.as_bytes(),
            row.received_at.as_micros(),
            row.expires_at.as_micros(),
            row.verdict.word(),
            row.status,
            row.reason,
            row.method,
            row.path,
            row.query,
            headers,
            message.as_ref().map(MessageId::as_bytes),
            body.map(Bytes::as_ref),
            row.copy_of.as_ref().map(InboundId::as_bytes),
        ])?;
    Ok(())
}

/// Removes requests that have expired, each with the message it became, but for those of which something is pending.
pub(super) fn expire(connection: &Connection, now: Timestamp, slice: Slice) -> Result<Swept, StoreError> {
    let mut budget = Budget::of(slice);
    let sql =
        "SELECT application, id, message FROM inbound WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
    let due = value::all(connection, sql, params![now.as_micros(), slice.rows], |row| {
        let message: Option<[u8; 20]> = value::get(row, 2)?;
        Ok((
            value::id(row, 0, ApplicationId::from_bytes)?,
            value::get::<[u8; SHORT_ID_BYTES]>(row, 1)?,
            message.map(MessageId::from_bytes),
        ))
    })?;
    let is_all = due.len() < usize::try_from(slice.rows).unwrap_or(usize::MAX);
    let mut swept = Swept::default();
    for (number, (application, id, message)) in due.iter().enumerate() {
        if number > 0 && budget.is_spent() {
            return Ok(swept);
        }
        budget.spend(1);
        let key = params![application.as_bytes(), id];
        if let Some(message) = message {
            let place = MessagePlace { message: *message, application: *application };
            match retention::remove_whole(connection, place, &budget)? {
                None => {
                    let again = now.after(LOOK_AGAIN).as_micros();
                    connection
                        .prepare_cached(
                            "UPDATE inbound SET expires_at = ?3 WHERE application = ?1 AND id = ?2",
                        )?
                        .execute(params![key[0], key[1], again])?;
                    swept.kept += 1;
                    continue;
                }
                Some((attempts, are_all)) => {
                    swept.attempts += attempts;
                    if !are_all {
                        return Ok(swept);
                    }
                }
            }
        }
        connection.prepare_cached("DELETE FROM inbound WHERE application = ?1 AND id = ?2")?.execute(key)?;
        if let Some(message) = message {
            confirmation::forget(connection, *application, *message)?;
        }
        swept.messages += 1;
    }
    swept.is_done = is_all;
    Ok(swept)
}

/// Removes keys that have expired, and says how many.
pub(super) fn expire_keys(connection: &Connection, now: Timestamp, slice: Slice) -> Result<u32, StoreError> {
    let mut budget = Budget::of(slice);
    let sql = "SELECT application, key FROM inbound_key WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
    let due = value::all(connection, sql, params![now.as_micros(), slice.rows], |row| {
        Ok((value::id(row, 0, ApplicationId::from_bytes)?, value::get::<[u8; 32]>(row, 1)?))
    })?;
    let mut gone = 0;
    for (application, key) in due {
        if gone > 0 && budget.is_spent() {
            break;
        }
        budget.spend(1);
        connection
            .prepare_cached("DELETE FROM inbound_key WHERE application = ?1 AND key = ?2")?
            .execute(params![application.as_bytes(), key])?;
        gone += 1;
    }
    Ok(gone)
}

fn from_row(row: &Row<'_>) -> Result<Inbound, StoreError> {
    let message: Option<[u8; 20]> = value::get(row, 11)?;
    let wrong = StoreError::Value { column: "inbound.verdict" };
    Ok(Inbound {
        application: value::id(row, 0, ApplicationId::from_bytes)?,
        id: InboundId::from_bytes(value::get::<[u8; SHORT_ID_BYTES]>(row, 1)?),
        received_at: value::time(row, 2)?,
        expires_at: value::time(row, 3)?,
        verdict: Verdict::from_word(value::text(row, 4)?).ok_or(wrong)?,
        status: value::get(row, 5)?,
        reason: value::get(row, 6)?,
        method: value::get(row, 7)?,
        path: value::get(row, 8)?,
        query: value::get(row, 9)?,
        headers: encoded::inbound_headers_from_json(value::text(row, 10)?)?,
        message: message.map(MessageId::from_bytes),
        event_type: value::name_opt(row, 12, EventTypeName::parse, "message.event_type")?,
        copy_of: value::get::<Option<[u8; SHORT_ID_BYTES]>>(row, 13)?.map(InboundId::from_bytes),
        body: Bytes::from(value::get::<Vec<u8>>(row, 14)?),
    })
}
