//! Statements that remove what is left of deleted applications.

use std::time::Duration;

use crate::domain::ids::ApplicationId;
use crate::domain::time::Timestamp;
use crate::store::budget::Budget;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::{broadcast, value};
use crate::store::write::{Erased, Slice};

/// How long after its deletion an application's rows are looked for: messages and attempts may still be under way.
const ERASE_FOR: Duration = Duration::from_secs(15 * 60);
/// Applications that are looked at in one slice, at most.
const APPLICATIONS_AT_ONCE: u32 = 64;

/// What an application has in the journal: table, the key behind the application, and rows that go between two looks at the time.
///
/// Deliveries first: one without its message could not be read. Messages are large, so few go at once; and of all of them more
/// than on SQLite, since each statement is a round trip.
const TABLES: [(&str, &str, u32); 10] = [
    ("delivery", "endpoint, message", 200),
    ("attempt", "message, id", 200),
    ("message_event_id", "event_id", 200),
    ("message_payload_expiry", "message", 200),
    ("inbound", "id", 20),
    ("inbound_key", "key", 200),
    ("confirmation", "message", 200),
    ("message", "id", 20),
    ("task", "id", 200),
    ("throttle", "endpoint", 200),
];

/// Messages whose shared payload is taken from them between two looks at the time.
const SHARED_AT_ONCE: u32 = 20;

/// Removes rows of deleted applications from `from` on.
pub(super) async fn erase(
    connection: &Connection,
    now: Timestamp,
    from: ApplicationId,
    slice: Slice,
) -> Result<Erased, StoreError> {
    let mut budget = Budget::of(slice);
    let sql =
        "SELECT application, deleted_at FROM erasure WHERE application >= $1 ORDER BY application LIMIT $2";
    let found = connection.query(sql, &[from.as_bytes(), &value::limit(APPLICATIONS_AT_ONCE)]).await?;
    let deleted =
        value::all(&found, |row| Ok((value::id(row, 0, ApplicationId::from_bytes)?, value::time(row, 1)?)))?;
    let mut rows = 0;
    for (application, deleted_at) in &deleted {
        if budget.is_spent() {
            return Ok(Erased { rows, has_any: true, next: Some(*application) });
        }
        let (removed, is_all) = erase_one(connection, *application, &mut budget).await?;
        rows += removed;
        if !is_all {
            return Ok(Erased { rows, has_any: true, next: Some(*application) });
        }
        if removed == 0 && now.since(*deleted_at) > ERASE_FOR {
            connection
                .execute("DELETE FROM erasure WHERE application = $1", &[application.as_bytes()])
                .await?;
        }
    }
    let is_end = deleted.len() < usize::try_from(APPLICATIONS_AT_ONCE).unwrap_or(usize::MAX);
    // The last one is looked at twice, which costs nothing.
    let next = deleted.last().filter(|_| !is_end).map(|(application, _)| *application);
    Ok(Erased { rows, has_any: !deleted.is_empty(), next })
}

/// Removes rows of one application, and says how many, and whether none is left.
async fn erase_one(
    connection: &Connection,
    application: ApplicationId,
    budget: &mut Budget,
) -> Result<(u32, bool), StoreError> {
    let mut rows = 0;
    for (table, key, at_once) in TABLES {
        loop {
            // Looking alone is never cut off, so that it comes to an end.
            if rows > 0 && budget.is_spent() {
                return Ok((rows, false));
            }
            let limit = at_once.min(budget.rows()).max(1);
            let sql = format!(
                "DELETE FROM {table} WHERE application = $1 AND ({key}) IN
                    (SELECT {key} FROM {table} WHERE application = $1 LIMIT $2)"
            );
            let removed = connection.execute(&sql, &[application.as_bytes(), &value::limit(limit)]).await?;
            let removed = value::rows(removed);
            budget.spend(removed);
            rows += removed;
            if removed < limit {
                break;
            }
        }
    }
    loop {
        if rows > 0 && budget.is_spent() {
            return Ok((rows, false));
        }
        let limit = SHARED_AT_ONCE.min(budget.rows()).max(1);
        let removed = broadcast::unshare_some(connection, application, limit).await?;
        budget.spend(removed);
        rows += removed;
        if removed < limit {
            return Ok((rows, true));
        }
    }
}
