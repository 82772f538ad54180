//! Statements on pending deliveries.

use std::sync::Arc;

use tokio_postgres::Row;

use crate::domain::attempt::Trigger;
use crate::domain::confirmation::{NOT_ASKED, asking_lane};
use crate::domain::delivery::{Delivery, DeliveryKey};
use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::lease::LeaseNumber;
use crate::domain::page::Page;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::lease::{self, DATABASE_NOW, Holding};
use crate::store::postgres::{Postgres, confirmation, message, value};
use crate::store::read::ReadyCount;
use crate::store::write::{ClaimDue, Loaded, Resent};

impl Postgres {
    /// How many deliveries of each endpoint are ready under this node's own lease.
    pub(crate) async fn delivery_ready_counts(&self) -> Result<Vec<ReadyCount>, StoreError> {
        self.delivery_ready_counts_of(&[self.holding.held().own]).await
    }

    /// The same of these leases, which it has adopted.
    pub(crate) async fn delivery_ready_counts_of(
        &self,
        leases: &[LeaseNumber],
    ) -> Result<Vec<ReadyCount>, StoreError> {
        let leases: Vec<i64> = leases.iter().map(|lease| lease::as_column(*lease)).collect();
        let sql =
            "SELECT application, endpoint, count(*) FROM delivery WHERE due_at IS NULL AND lease = ANY($1)
                   GROUP BY application, endpoint";
        value::all(&self.reader().await?.query_long(sql, &[&leases]).await?, |row| {
            Ok(ReadyCount {
                application: value::id(row, 0, ApplicationId::from_bytes)?,
                endpoint: value::id(row, 1, EndpointId::from_bytes)?,
                count: value::count(row, 2)?,
            })
        })
    }

    pub(crate) async fn delivery_load(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        after: MessageId,
        limit: u32,
        bytes: usize,
    ) -> Result<Page<Loaded>, StoreError> {
        // The server answers all rows at once: it sums up their payloads, and leaves out what would be too much.
        let sql = format!(
            "SELECT * FROM (
                 SELECT d.endpoint, d.attempts, d.trigger, d.lease, {}, {PAYLOAD},
                     coalesce(sum(octet_length({PAYLOAD})) OVER (ORDER BY d.message
                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
                 FROM delivery d JOIN message m ON m.application = d.application AND m.id = d.message
                 WHERE d.application = $1 AND d.endpoint = $2 AND d.message > $3 AND d.due_at IS NULL AND d.lease = ANY($6)
                 ORDER BY d.message LIMIT $4) AS sized
             WHERE bytes_before < $5",
            message::COLUMNS,
            PAYLOAD = message::PAYLOAD,
        );
        let connection = self.reader().await?;
        let (rows, bytes_max) = (value::limit(limit), i64::try_from(bytes).unwrap_or(i64::MAX));
        let rows = connection
            .query(
                &sql,
                &[
                    application.as_bytes(),
                    endpoint.as_bytes(),
                    after.as_bytes(),
                    &rows,
                    &bytes_max,
                    &self.holding.numbers(),
                ],
            )
            .await?;
        let items = value::all(&rows, from_row)?;
        let is_cut = items.iter().map(|loaded| loaded.message.payload.len()).sum::<usize>() >= bytes;
        let done = !is_cut && u32::try_from(items.len()).is_ok_and(|count| count < limit);
        Ok(Page { items, done })
    }

    pub(crate) async fn delivery_next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(due_at) FROM delivery WHERE due_at >= $1";
        let row = self.reader().await?.first(sql, &[&self.holding.claimed_before()]).await?;
        Ok(row.map(|row| value::time_opt(&row, 0)).transpose()?.flatten())
    }
}

/// Makes a delivery pending and ready, with all its attempts before it, if its message is there and not held.
pub(super) async fn resend(
    connection: &Connection,
    lease: LeaseNumber,
    key: &DeliveryKey,
) -> Result<Resent, StoreError> {
    let (application, message) = (key.application.as_bytes(), key.message.as_bytes());
    // It may have been removed since it was read; a delivery without it would never end.
    let sql = "SELECT 1 FROM message WHERE application = $1 AND id = $2";
    if connection.first(sql, &[application, message]).await?.is_none() {
        return Ok(Resent::Missing);
    }
    if key.endpoint == asking_lane(key.application) {
        if !confirmation::reopen(connection, key, NOT_ASKED).await? {
            return Ok(Resent::Missing);
        }
    } else if confirmation::is_held(connection, key).await? {
        return Ok(Resent::Held);
    }
    // Whoever delivers nothing leaves it to others, as what is due. What is under a lease already is in a node's memory.
    let sql = format!(
        "INSERT INTO delivery AS d (application, endpoint, message, attempts, trigger, lease, due_at)
         VALUES ($1, $2, $3, 0, 1, $4, CASE WHEN $4::bigint IS NULL THEN {DATABASE_NOW} END)
         ON CONFLICT (application, endpoint, message) DO UPDATE
             SET attempts = 0, trigger = 1, lease = EXCLUDED.lease, due_at = EXCLUDED.due_at
             WHERE d.due_at IS NOT NULL"
    );
    let lease = lease::as_column_opt(lease);
    let rows = connection.execute(&sql, &[application, key.endpoint.as_bytes(), message, &lease]).await?;
    Ok(if rows == 1 { Resent::Ready } else { Resent::WasReady })
}

/// Takes over deliveries whose retry is due, earliest first, and reads them: those that nobody else is taking over.
pub(super) async fn claim_due(
    connection: &Connection,
    holding: &Holding,
    lease: LeaseNumber,
    claim: &ClaimDue,
) -> Result<Vec<Loaded>, StoreError> {
    // Each message is looked up once, and comes along: a payload that is large is not read on its way.
    let sql = format!(
        "WITH due AS (
             SELECT d.endpoint, d.due_at, {}, {PAYLOAD} AS content
             FROM delivery d JOIN message m ON m.application = d.application AND m.id = d.message
             WHERE d.due_at <= $1 AND d.due_at >= $4 ORDER BY d.due_at LIMIT $2 FOR UPDATE OF d SKIP LOCKED),
         summed AS (
             SELECT due.*, coalesce(sum(octet_length(content)) OVER (ORDER BY due_at, application, endpoint, id
                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before FROM due),
         taken AS (
             UPDATE delivery d SET due_at = NULL, lease = $5 FROM summed s
             WHERE d.application = s.application AND d.endpoint = s.endpoint AND d.message = s.id
                 AND s.bytes_before < $3
             RETURNING d.endpoint, d.attempts, d.trigger, d.lease, s.application, s.id, s.event_type, s.event_id,
                 s.channels, s.tags, s.created_at, s.content, s.due_at)
         SELECT * FROM taken ORDER BY due_at, application, endpoint, id",
        message::COLUMNS,
        PAYLOAD = message::PAYLOAD,
    );
    let (limit, bytes) = (value::limit(claim.limit), i64::try_from(claim.bytes).unwrap_or(i64::MAX));
    let (from, lease) = (holding.claimed_before(), lease::as_column_opt(lease));
    let rows = connection.query(&sql, &[&claim.now.as_micros(), &limit, &bytes, &from, &lease]).await?;
    // All that was due is taken, or it is taken up to the last of these.
    let up_to = match rows.last() {
        Some(last) if !rows.is_empty() => value::time(last, 12)?,
        _ => claim.now,
    };
    holding.claimed(up_to, claim.now);
    value::all(&rows, from_row)
}

/// Ends pending deliveries of an endpoint, and says how many.
pub(super) async fn end(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
    up_to: MessageId,
    limit: u32,
) -> Result<u32, StoreError> {
    let sql = "DELETE FROM delivery WHERE application = $1 AND endpoint = $2 AND message IN
                   (SELECT message FROM delivery WHERE application = $1 AND endpoint = $2 AND message <= $3
                    ORDER BY message LIMIT $4)";
    let limit = value::limit(limit);
    let rows = connection
        .execute(sql, &[application.as_bytes(), endpoint.as_bytes(), up_to.as_bytes(), &limit])
        .await?;
    Ok(value::rows(rows))
}

fn from_row(row: &Row) -> Result<Loaded, StoreError> {
    let message = message::from_row(row, 4, Some(11))?;
    let key = DeliveryKey {
        application: message.application,
        endpoint: value::id(row, 0, EndpointId::from_bytes)?,
        message: message.id,
    };
    let delivery = Delivery {
        key,
        attempts: value::number(row, 1, "delivery.attempts")?,
        trigger: value::code(row, 2, Trigger::from_code, "delivery.trigger")?,
    };
    let lease = lease::of_column(value::get(row, 3)?);
    Ok(Loaded { delivery, message: Arc::new(message), lease })
}
