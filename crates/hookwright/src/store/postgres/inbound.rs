//! Statements on the log of inbound requests, and on the keys by which those that come again are known.

use bytes::Bytes;
use tokio_postgres::Row;

use crate::domain::confirmation::NOT_ASKED;
use crate::domain::ids::{ApplicationId, MessageId};
use crate::domain::inbound::{ANOTHER_BODY, CameWith, Inbound, Verdict};
use crate::domain::names::EventTypeName;
use crate::domain::page::{BYTES_MAX, Page, PageRequest};
use crate::domain::short_ids::{InboundId, SHORT_ID_BYTES};
use crate::domain::time::Timestamp;
use crate::store::budget::Budget;
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::postgres::connection::{Connection, Param};
use crate::store::postgres::retention::{self, LOOK_AGAIN};
use crate::store::postgres::{Postgres, confirmation, value};
use crate::store::write::{Copied, InboundKey, MessagePlace, Receive, Slice, Swept};

const COLUMNS: &str =
    "i.application, i.id, i.received_at, i.expires_at, coalesce(c.verdict, i.verdict), i.status,
    coalesce(c.reason, i.reason), i.method, i.path,
    i.query, i.headers, i.message, m.event_type, i.copy_of";

/// The rows with what else is known of them.
const ROWS: &str = "inbound i LEFT JOIN message m ON m.application = i.application AND m.id = i.message
     LEFT JOIN confirmation c ON c.application = i.application AND c.message = i.message";
const BODY: &str = "coalesce(i.body, m.payload, '')";

impl Postgres {
    pub(crate) async fn inbound_list(
        &self,
        application: ApplicationId,
        page: PageRequest<InboundId>,
    ) -> Result<Page<Inbound>, StoreError> {
        let scan = page.scan();
        // No row has one of the outermost ids: a list without a mark begins beyond it.
        let (beyond, order, edge) =
            if scan.ascending { (">", "ASC", InboundId::MIN) } else { ("<", "DESC", InboundId::MAX) };
        // One row beyond what a page holds in bytes, to know that it is full.
        let sql = format!(
            "SELECT * FROM (
                 SELECT {COLUMNS}, {BODY}, coalesce(sum(octet_length({BODY})) OVER (ORDER BY i.id {order}
                     ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING), 0) AS bytes_before
                 FROM {ROWS}
                 WHERE i.application = $1 AND i.id {beyond} $2 ORDER BY i.id {order} LIMIT $3) AS sized
             WHERE bytes_before < $4"
        );
        let beyond = scan.beyond.unwrap_or(edge);
        let (count, bytes) = (value::limit(scan.count), i64::try_from(BYTES_MAX).unwrap_or(i64::MAX));
        let connection = self.reader().await?;
        let rows =
            connection.query(&sql, &[application.as_bytes(), beyond.as_bytes(), &count, &bytes]).await?;
        page.try_gather(rows.iter().map(from_row), |row| row.body.len())
    }

    pub(crate) async fn inbound_get(
        &self,
        application: ApplicationId,
        id: InboundId,
    ) -> Result<Option<Inbound>, StoreError> {
        let sql = format!("SELECT {COLUMNS}, {BODY} FROM {ROWS} WHERE i.application = $1 AND i.id = $2");
        let row = self.reader().await?.first(&sql, &[application.as_bytes(), id.as_bytes()]).await?;
        row.map(|row| from_row(&row)).transpose()
    }

    pub(crate) async fn inbound_headers(
        &self,
        application: ApplicationId,
        id: InboundId,
    ) -> Result<Option<CameWith>, StoreError> {
        // The body stands here only where the message is not the body itself.
        let sql = "SELECT headers, body IS NOT NULL FROM inbound WHERE application = $1 AND id = $2";
        let row = self.reader().await?.first(sql, &[application.as_bytes(), id.as_bytes()]).await?;
        row.map(|row| {
            let headers = encoded::inbound_headers_from_json(value::get(&row, 0)?)?;
            Ok(CameWith { headers, is_described: value::get(&row, 1)? })
        })
        .transpose()
    }
}

/// Stores a request in the log, and says whether it is fresh: its key had not come before. Its message follows, if it is fresh.
pub(super) async fn receive(connection: &Connection, receive: &Receive) -> Result<bool, StoreError> {
    let row = &receive.row;
    let is_fresh = claim(connection, row, &receive.keys).await?;
    match &receive.message {
        _ if !is_fresh => {}
        None => insert(connection, row, None, Some(&row.body)).await?,
        Some(append) => {
            if receive.is_held {
                confirmation::begin(connection, row.application, append.message.id, NOT_ASKED).await?;
            }
            // Of a request without a body the message is a description.
            let own = row.body.is_empty().then_some(&row.body);
            insert(connection, row, Some(append.message.id), own).await?;
        }
    }
    Ok(is_fresh)
}

/// Stores that a request came again, and which one it is a copy of; its body only if it is another.
pub(super) async fn copied(connection: &Connection, copied: &Copied) -> Result<(), StoreError> {
    let row = &copied.row;
    // Of a body that is gone nobody knows what it was.
    let sql = "SELECT k.request, coalesce(coalesce(i.body, nullif(m.payload, '')) <> $3, FALSE)
               FROM inbound_key k LEFT JOIN inbound i ON i.application = k.application AND i.id = k.request
                   LEFT JOIN message m ON m.application = i.application AND m.id = i.message
               WHERE k.application = $1 AND k.key = $2";
    let (mut copy_of, mut is_another) = (None, false);
    let body = row.body.as_ref();
    for key in &copied.keys {
        let params: [Param<'_>; 3] = [row.application.as_bytes(), &key.hash, &body];
        if let Some(first) = connection.first(sql, &params).await? {
            (copy_of, is_another) = (request_opt(&first, 0)?, value::get(&first, 1)?);
            break;
        }
    }
    let row = Inbound {
        copy_of,
        reason: is_another.then(|| ANOTHER_BODY.to_owned()),
        body: if is_another { row.body.clone() } else { Bytes::new() },
        ..row.clone()
    };
    insert(connection, &row, None, Some(&row.body)).await
}

/// Whether all keys are claimed for this request; none of them if others have one.
async fn claim(connection: &Connection, row: &Inbound, keys: &[InboundKey]) -> Result<bool, StoreError> {
    for (number, key) in keys.iter().enumerate() {
        if !claim_one(connection, row, key).await? {
            for key in &keys[..number] {
                let sql = "DELETE FROM inbound_key WHERE application = $1 AND key = $2";
                connection.execute(sql, &[row.application.as_bytes(), &key.hash]).await?;
            }
            return Ok(false);
        }
    }
    Ok(true)
}

async fn claim_one(connection: &Connection, row: &Inbound, key: &InboundKey) -> Result<bool, StoreError> {
    // One that has expired may not have been removed yet.
    let sql = "INSERT INTO inbound_key AS k (application, key, expires_at, request) VALUES ($1, $2, $3, $5)
               ON CONFLICT (application, key) DO UPDATE SET expires_at = EXCLUDED.expires_at, request = EXCLUDED.request
                   WHERE k.expires_at <= $4";
    let (expires_at, now) = (key.expires_at.as_micros(), row.received_at.as_micros());
    let params: [Param<'_>; 5] =
        [row.application.as_bytes(), &key.hash, &expires_at, &now, row.id.as_bytes()];
    let rows = connection.execute(sql, &params).await?;
    Ok(rows == 1)
}

async fn insert(
    connection: &Connection,
    row: &Inbound,
    message: Option<MessageId>,
    body: Option<&Bytes>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO inbound (application, id, received_at, expires_at, verdict, status, reason, method, path, query,
                   headers, message, body, copy_of)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    connection
        .execute(
            sql,
            &[
                row.application.as_bytes(),
                row.id.as_bytes(),
                &row.received_at.as_micros(),
                &row.expires_at.as_micros(),
                &row.verdict.word(),
                &i32::from(row.status),
                &row.reason.as_deref().map(value::escaped),
                &value::escaped(&row.method),
                &value::escaped(&row.path),
                &row.query.as_deref().map(value::escaped),
                &encoded::inbound_headers_to_json(&row.headers)?,
                &message.as_ref().map(|message| message.as_bytes().as_slice()),
                &body.map(Bytes::as_ref),
                &row.copy_of.as_ref().map(|copy_of| copy_of.as_bytes().as_slice()),
            ],
        )
        .await?;
    Ok(())
}

/// Removes requests that have expired, each with the message it became, but for those of which something is pending.
pub(super) async fn expire(
    connection: &Connection,
    now: Timestamp,
    slice: Slice,
) -> Result<Swept, StoreError> {
    let mut budget = Budget::of(slice);
    let sql =
        "SELECT application, id, message FROM inbound WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
    let rows = connection.query(sql, &[&now.as_micros(), &value::limit(slice.rows)]).await?;
    let due = value::all(&rows, |row| {
        Ok((
            value::id(row, 0, ApplicationId::from_bytes)?,
            value::bytes::<SHORT_ID_BYTES>(row, 1)?,
            value::id_opt(row, 2, MessageId::from_bytes)?,
        ))
    })?;
    let is_all = due.len() < usize::try_from(slice.rows).unwrap_or(usize::MAX);
    let mut swept = Swept::default();
    for (number, (application, id, message)) in due.iter().enumerate() {
        if number > 0 && budget.is_spent() {
            return Ok(swept);
        }
        budget.spend(1);
        if let Some(message) = message {
            let place = MessagePlace { message: *message, application: *application };
            match retention::remove_whole(connection, place, &budget).await? {
                None => {
                    let again = now.after(LOOK_AGAIN).as_micros();
                    let sql = "UPDATE inbound SET expires_at = $3 WHERE application = $1 AND id = $2";
                    connection.execute(sql, &[application.as_bytes(), id, &again]).await?;
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
        let sql = "DELETE FROM inbound WHERE application = $1 AND id = $2";
        connection.execute(sql, &[application.as_bytes(), id]).await?;
        if let Some(message) = message {
            confirmation::forget(connection, *application, *message).await?;
        }
        swept.messages += 1;
    }
    swept.is_done = is_all;
    Ok(swept)
}

/// Removes keys that have expired, and says how many.
pub(super) async fn expire_keys(
    connection: &Connection,
    now: Timestamp,
    slice: Slice,
) -> Result<u32, StoreError> {
    let sql = "DELETE FROM inbound_key WHERE (application, key) IN
                   (SELECT application, key FROM inbound_key WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    Ok(value::rows(connection.execute(sql, &[&now.as_micros(), &value::limit(slice.rows)]).await?))
}

fn from_row(row: &Row) -> Result<Inbound, StoreError> {
    let wrong = StoreError::Value { column: "inbound.verdict" };
    Ok(Inbound {
        application: value::id(row, 0, ApplicationId::from_bytes)?,
        id: InboundId::from_bytes(value::bytes::<SHORT_ID_BYTES>(row, 1)?),
        received_at: value::time(row, 2)?,
        expires_at: value::time(row, 3)?,
        verdict: Verdict::from_word(value::get(row, 4)?).ok_or(wrong)?,
        status: value::number(row, 5, "inbound.status")?,
        reason: value::text_opt(row, 6)?,
        method: value::text(row, 7)?,
        path: value::text(row, 8)?,
        query: value::text_opt(row, 9)?,
        headers: encoded::inbound_headers_from_json(value::get(row, 10)?)?,
        message: value::id_opt(row, 11, MessageId::from_bytes)?,
        event_type: value::name_opt(row, 12, EventTypeName::parse, "message.event_type")?,
        copy_of: request_opt(row, 13)?,
        body: Bytes::from(value::get::<Vec<u8>>(row, 14)?),
    })
}

/// A request's id, if there is one.
fn request_opt(row: &Row, column: usize) -> Result<Option<InboundId>, StoreError> {
    match value::get::<Option<&[u8]>>(row, column)? {
        None => Ok(None),
        Some(_) => Ok(Some(InboundId::from_bytes(value::bytes::<SHORT_ID_BYTES>(row, column)?))),
    }
}
