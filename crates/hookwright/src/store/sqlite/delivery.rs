//! Statements on pending deliveries.

use std::sync::Arc;

use rusqlite::{Connection, Params, Row, params};

use crate::domain::attempt::Trigger;
use crate::domain::confirmation::{NOT_ASKED, asking_lane};
use crate::domain::delivery::{Delivery, DeliveryKey, Transition};
use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::lease::LeaseNumber;
use crate::domain::page::Page;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadyCount;
use crate::store::sqlite::{Sqlite, attempt, confirmation, health, message, value};
use crate::store::write::{ClaimDue, Loaded, Outcome, Resent};

impl Sqlite {
    pub(crate) async fn delivery_ready_counts(&self) -> Result<Vec<ReadyCount>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT application, endpoint, count(*) FROM delivery WHERE due_at IS NULL
                       GROUP BY application, endpoint";
            value::all(connection, sql, [], |row| {
                Ok(ReadyCount {
                    application: value::id(row, 0, ApplicationId::from_bytes)?,
                    endpoint: value::id(row, 1, EndpointId::from_bytes)?,
                    count: value::get::<i64>(row, 2)?.unsigned_abs(),
                })
            })
        })
        .await
    }

    pub(crate) async fn delivery_load(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        after: MessageId,
        limit: u32,
        bytes: usize,
    ) -> Result<Page<Loaded>, StoreError> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT d.endpoint, d.attempts, d.trigger, {}, {}
                 FROM delivery d JOIN message m ON m.application = d.application AND m.id = d.message
                 WHERE d.application = ?1 AND d.endpoint = ?2 AND d.message > ?3 AND d.due_at IS NULL
                 ORDER BY d.message LIMIT ?4",
                message::COLUMNS,
                message::PAYLOAD
            );
            let params = params![application.as_bytes(), endpoint.as_bytes(), after.as_bytes(), limit];
            let items = up_to_bytes(connection, &sql, params, bytes)?;
            let is_cut = bytes_of(&items) >= bytes;
            let done = !is_cut && u32::try_from(items.len()).is_ok_and(|count| count < limit);
            Ok(Page { items, done })
        })
        .await
    }

    pub(crate) async fn delivery_next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT min(due_at) FROM delivery WHERE due_at IS NOT NULL";
            Ok(value::first(connection, sql, [], |row| value::time_opt(row, 0))?.flatten())
        })
        .await
    }
}

/// Writes the attempt, and what it makes of its delivery.
pub(super) fn outcome(connection: &Connection, outcome: &Outcome) -> Result<(), StoreError> {
    let attempt = &outcome.attempt;
    attempt::insert(connection, attempt)?;
    let (application, endpoint, message) =
        (attempt.application.as_bytes(), attempt.endpoint.as_bytes(), attempt.message.as_bytes());
    match outcome.transition {
        Transition::Delivered | Transition::GivenUp(_) => {
            connection
                .prepare_cached(
                    "DELETE FROM delivery WHERE application = ?1 AND endpoint = ?2 AND message = ?3",
                )?
                .execute(params![application, endpoint, message])?;
        }
        Transition::RetryAt(due_at) => {
            // Fenced by the number of attempts: a delivery that was started afresh meanwhile goes its own way.
            connection
                .prepare_cached(
                    "UPDATE delivery SET attempts = ?4, due_at = ?5
                     WHERE application = ?1 AND endpoint = ?2 AND message = ?3 AND attempts = ?4 - 1",
                )?
                .execute(params![application, endpoint, message, attempt.number, due_at.as_micros()])?;
        }
    }
    health::change(connection, attempt.application, attempt.endpoint, outcome.health)
}

/// Makes a delivery pending and ready, with all its attempts before it, if its message is there and not held.
pub(super) fn resend(connection: &Connection, key: &DeliveryKey) -> Result<Resent, StoreError> {
    let (application, message) = (key.application.as_bytes(), key.message.as_bytes());
    // It may have been removed since it was read; a delivery without it would never end.
    let sql = "SELECT 1 FROM message WHERE application = ?1 AND id = ?2";
    if value::first(connection, sql, params![application, message], |_| Ok(()))?.is_none() {
        return Ok(Resent::Missing);
    }
    if key.endpoint == asking_lane(key.application) {
        if !confirmation::reopen(connection, key, NOT_ASKED)? {
            return Ok(Resent::Missing);
        }
    } else if confirmation::is_held(connection, key)? {
        return Ok(Resent::Held);
    }
    let rows = connection
        .prepare_cached(
            "INSERT INTO delivery (application, endpoint, message, attempts, trigger) VALUES (?1, ?2, ?3, 0, 1)
             ON CONFLICT DO UPDATE SET attempts = 0, trigger = 1, due_at = NULL WHERE due_at IS NOT NULL",
        )?
        .execute(params![application, key.endpoint.as_bytes(), message])?;
    Ok(if rows == 1 { Resent::Ready } else { Resent::WasReady })
}

/// Makes deliveries ready whose retry is due, earliest first, and reads them.
pub(super) fn claim_due(connection: &Connection, claim: &ClaimDue) -> Result<Vec<Loaded>, StoreError> {
    let sql = format!(
        "SELECT d.endpoint, d.attempts, d.trigger, {}, {}
         FROM delivery d JOIN message m ON m.application = d.application AND m.id = d.message
         WHERE d.due_at <= ?1 ORDER BY d.due_at LIMIT ?2",
        message::COLUMNS,
        message::PAYLOAD
    );
    let due = up_to_bytes(connection, &sql, params![claim.now.as_micros(), claim.limit], claim.bytes)?;
    let mut update = connection.prepare_cached(
        "UPDATE delivery SET due_at = NULL WHERE application = ?1 AND endpoint = ?2 AND message = ?3",
    )?;
    for loaded in &due {
        let key = &loaded.delivery.key;
        update.execute(params![
            key.application.as_bytes(),
            key.endpoint.as_bytes(),
            key.message.as_bytes()
        ])?;
    }
    Ok(due)
}

/// Ends pending deliveries of an endpoint, and says how many.
pub(super) fn end(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
    up_to: MessageId,
    limit: u32,
) -> Result<u32, StoreError> {
    let rows = connection
        .prepare_cached(
            "DELETE FROM delivery WHERE application = ?1 AND endpoint = ?2 AND message IN
                 (SELECT message FROM delivery
                  WHERE application = ?1 AND endpoint = ?2 AND message <= ?3 LIMIT ?4)",
        )?
        .execute(params![application.as_bytes(), endpoint.as_bytes(), up_to.as_bytes(), limit])?;
    Ok(u32::try_from(rows).unwrap_or(u32::MAX))
}

/// The rows of a query, up to the one whose payload brings the sum to `bytes`: payloads are large, and all come into memory.
fn up_to_bytes(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    bytes: usize,
) -> Result<Vec<Loaded>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let (mut read, mut sum) = (Vec::new(), 0);
    while sum < bytes
        && let Some(row) = rows.next()?
    {
        let loaded = from_row(row)?;
        sum += loaded.message.payload.len();
        read.push(loaded);
    }
    Ok(read)
}

fn bytes_of(read: &[Loaded]) -> usize {
    read.iter().map(|loaded| loaded.message.payload.len()).sum()
}

fn from_row(row: &Row<'_>) -> Result<Loaded, StoreError> {
    let message = message::from_row(row, 3, Some(10))?;
    let key = DeliveryKey {
        application: message.application,
        endpoint: value::id(row, 0, EndpointId::from_bytes)?,
        message: message.id,
    };
    let delivery = Delivery {
        key,
        attempts: value::get(row, 1)?,
        trigger: value::code(row, 2, Trigger::from_code, "delivery.trigger")?,
    };
    Ok(Loaded { delivery, message: Arc::new(message), lease: LeaseNumber::NONE })
}
