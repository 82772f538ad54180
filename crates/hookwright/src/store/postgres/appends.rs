//! New messages whose keys are all free, written in one flight: what nearly every batch of messages is.
//!
//! One statement claims the keys and stores the messages with their deliveries. It fails as a whole if one of the keys was claimed
//! before, and leaves nothing: then it is found out in two flights which of them (`hot.rs`).

use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use crate::domain::lease::LeaseNumber;
use crate::domain::message::Message;
use crate::domain::names::{Channel, Tag};
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::postgres::catalog_change::{Guard, Routes};
use crate::store::postgres::commit::Mark;
use crate::store::postgres::hot::column;
use crate::store::postgres::lease;
use crate::store::postgres::pipeline::{Held, Pipeline};
use crate::store::write::Append;

/// Keys are claimed in order, so that two writers that claim the same ones never wait for each other. The last line cannot be
/// read as a number if one was not claimed.
const STORE: &str = "WITH claimed AS (
         INSERT INTO message_key AS k (key, request, application, message, expires_at)
         SELECT u.key, u.request, u.application, u.message, u.expires_at
         FROM UNNEST($8::bytea[], $9::bytea[], $1::bytea[], $2::bytea[], $10::bigint[])
             AS u (key, request, application, message, expires_at)
         WHERE u.key IS NOT NULL
         ORDER BY u.key
         ON CONFLICT (key) DO UPDATE
             SET request = EXCLUDED.request, application = EXCLUDED.application, message = EXCLUDED.message,
                 expires_at = EXCLUDED.expires_at
             WHERE k.expires_at <= $11
         RETURNING 1),
     stored AS (
         INSERT INTO message (application, id, event_type, channels, tags, created_at, payload)
         SELECT * FROM UNNEST($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bytea[])),
     ready AS (
         INSERT INTO delivery (application, endpoint, message, attempts, trigger, lease)
         SELECT u.application, u.endpoint, u.message, 0, 0, $19
         FROM UNNEST($13::bytea[], $14::bytea[], $15::bytea[]) AS u (application, endpoint, message)),
     marked AS (INSERT INTO batch (writer, number) VALUES ($16, $17)),
     before AS (DELETE FROM batch WHERE writer = $16 AND number = $18),
     held AS (SELECT 1 FROM lease WHERE number = $19 AND ended_at IS NULL FOR KEY SHARE),
     moved AS (
         SELECT 1 FROM catalog_change
         WHERE sequence > $20 AND node <> $21 AND application = ANY ($22::bytea[]) AND kind <> 9 LIMIT 1)
     SELECT (CASE
         WHEN NOT EXISTS (SELECT FROM held) THEN lease_guard($19)::text
         WHEN EXISTS (SELECT FROM moved) THEN catalog_guard($20, $21, $22)::text
         WHEN (SELECT count(*) FROM claimed) = $12 THEN '1'
         ELSE 'a key of this batch was claimed before: it is written in two steps' END)::integer";

/// Whether messages can be written so: those whose `eventId` is claimed, or that have rows in other tables, cannot.
pub(super) fn are_plain(appends: &[&Append]) -> bool {
    appends.iter().all(|append| {
        append.message.event_id.is_none() && append.payload_expires_at.is_none() && append.broadcast.is_none()
    })
}

/// Adds the statement that stores plain messages, and deliveries of them under this lease.
pub(super) async fn add<'a>(
    pipeline: &mut Pipeline<'a>,
    appends: &[&'a Append],
    lease: LeaseNumber,
    mark: Mark,
    guard: Guard,
    routes: &'a Routes,
) -> Result<(), StoreError> {
    let mut values = values(appends, lease, mark);
    values.extend(guard.values(routes));
    pipeline.add(STORE, values).await
}

/// What came of a transaction with that statement: `false` if one of the keys was claimed before, and nothing was written.
pub(super) fn are_written(answers: Result<Vec<Vec<Row>>, StoreError>) -> Result<bool, StoreError> {
    match answers {
        Ok(_) => Ok(true),
        Err(StoreError::Postgres(error)) if error.code() == Some(&SqlState::INVALID_TEXT_REPRESENTATION) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn values<'a>(appends: &[&'a Append], lease: LeaseNumber, mark: Mark) -> Vec<Held<'a>> {
    let of = || appends.iter().map(|append| &*append.message);
    let keys = || appends.iter().map(|append| append.key.as_ref());
    let deliveries = || {
        appends.iter().flat_map(|append| append.endpoints.iter().map(|endpoint| (&append.message, endpoint)))
    };
    let keyed = || appends.iter().filter(|append| append.key.is_some());
    let now = keyed().map(|append| append.message.created_at.as_micros()).min().unwrap_or(i64::MIN);
    let channels =
        |message: &Message| encoded::json_names_or_null(message.channels.iter().map(Channel::as_str));
    let tags = |message: &Message| encoded::json_names_or_null(message.tags.iter().map(Tag::as_str));
    vec![
        column(of().map(|message| message.application.as_bytes().as_slice())),
        column(of().map(|message| message.id.as_bytes().as_slice())),
        column(of().map(|message| message.event_type.as_str())),
        column(of().map(channels)),
        column(of().map(tags)),
        column(of().map(|message| message.created_at.as_micros())),
        column(of().map(|message| message.payload.as_ref())),
        column(keys().map(|key| key.map(|key| key.hash.as_slice()))),
        column(keys().map(|key| key.map(|key| key.request.as_slice()))),
        column(keys().map(|key| key.map(|key| key.expires_at.as_micros()))),
        Box::new(now),
        Box::new(i64::try_from(keyed().count()).unwrap_or(i64::MAX)),
        column(deliveries().map(|(message, _)| message.application.as_bytes().as_slice())),
        column(deliveries().map(|(_, endpoint)| endpoint.as_bytes().as_slice())),
        column(deliveries().map(|(message, _)| message.id.as_bytes().as_slice())),
        Box::new(mark.writer),
        Box::new(mark.number),
        Box::new(mark.last),
        Box::new(lease::as_column(lease)),
    ]
}
