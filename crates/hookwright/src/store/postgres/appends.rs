//! New messages whose keys are all free, written in one flight: what nearly every batch of messages is.
//!
//! One statement claims the keys and stores the messages with their deliveries. It fails as a whole if one of the keys was claimed
//! before, and leaves nothing: then it is found out in two flights which of them (`hot.rs`).

use tokio_postgres::Row;

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

/// What makes keys unique.
const KEY_ONCE: &str = "message_key_pkey";

/// Keys are claimed in order, so that two writers that claim the same ones never wait for each other. One that is there already, be it
/// expired, fails the statement: to ask first would cost each key a second look at the index and a second record in the log.
const STORE: &str = "WITH claimed AS (
         INSERT INTO message_key (key, request, application, message, expires_at)
         SELECT * FROM (
             SELECT unnest($8::bytea[]) AS key, unnest($9::bytea[]), unnest($1::bytea[]), unnest($2::bytea[]), unnest($10::bigint[])) AS u
         WHERE key IS NOT NULL ORDER BY key),
     stored AS (
         INSERT INTO message (application, id, event_type, channels, tags, created_at, payload)
         SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[]),
             unnest($6::bigint[]), unnest($7::bytea[])),
     ready AS (
         INSERT INTO delivery (application, endpoint, message, attempts, trigger, lease)
         SELECT unnest($11::bytea[]), unnest($12::bytea[]), unnest($13::bytea[]), 0, 0, $17),
     marked AS (INSERT INTO batch (writer, number) VALUES ($14, $15)),
     before AS (DELETE FROM batch WHERE writer = $14 AND number = $16),
     held AS (SELECT 1 FROM lease WHERE number = $17 AND ended_at IS NULL FOR KEY SHARE),
     moved AS (
         SELECT 1 FROM catalog_change
         WHERE sequence > $18 AND node <> $19 AND application = ANY ($20::bytea[]) AND kind <> 9 LIMIT 1)
     SELECT CASE
         WHEN NOT EXISTS (SELECT FROM held) THEN lease_guard($17)::text
         WHEN EXISTS (SELECT FROM moved) THEN catalog_guard($18, $19, $20)::text END";

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
        Err(error) if error.is_taken_in(KEY_ONCE) => Ok(false),
        Err(error) => Err(error),
    }
}

fn values<'a>(appends: &[&'a Append], lease: LeaseNumber, mark: Mark) -> Vec<Held<'a>> {
    let of = || appends.iter().map(|append| &*append.message);
    let keys = || appends.iter().map(|append| append.key.as_ref());
    let deliveries = || {
        appends.iter().flat_map(|append| append.endpoints.iter().map(|endpoint| (&append.message, endpoint)))
    };
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
        column(deliveries().map(|(message, _)| message.application.as_bytes().as_slice())),
        column(deliveries().map(|(_, endpoint)| endpoint.as_bytes().as_slice())),
        column(deliveries().map(|(message, _)| message.id.as_bytes().as_slice())),
        Box::new(mark.writer),
        Box::new(mark.number),
        Box::new(mark.last),
        Box::new(lease::as_column(lease)),
    ]
}
