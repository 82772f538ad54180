//! Days go whole, once everything in them has expired and nothing of it is pending.
//!
//! Whoever drops a partition must have its table for itself. Whether a message is pending is looked at before that, and once more
//! then, since one may have been sent once more meanwhile; if that takes too long the day is left to go message by message, and
//! is dropped when it is empty.

use std::time::{Duration, Instant};

use crate::domain::ids::MessageId;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::days::part::{self, ATTEMPT, MESSAGE, Part, Table};
use crate::store::postgres::days::{day_of, is_in_the_way, literal, roll_back};
use crate::store::write::DaysKept;

/// What takes longer than this is not looked at while everybody waits.
const LOOK_MAX: Duration = Duration::from_millis(100);
/// While everybody waits, no statement takes longer.
const HELD_MAX: &str = "SET LOCAL statement_timeout = '250ms'";

/// Drops the days below `before` in which nothing is pending.
pub(super) async fn drop_below(
    connection: &Connection,
    before: MessageId,
    kept: &mut DaysKept,
) -> Result<(), StoreError> {
    for table in [MESSAGE, ATTEMPT] {
        for part in part::all(connection, table).await? {
            if part.past > before {
                break;
            }
            match drop_one(connection, table, &part).await {
                Ok(true) => {
                    kept.dropped += 1;
                    let (day, name) = (day_of(part.first), table.name);
                    tracing::info!(
                        "all that was in the table {name} of the day {day} has expired, and is dropped"
                    );
                }
                Ok(false) => kept.waiting += 1,
                Err(error) if connection.is_good() && is_in_the_way(&error) => kept.is_held_up = true,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

async fn drop_one(connection: &Connection, table: Table, part: &Part) -> Result<bool, StoreError> {
    let started = Instant::now();
    if !may_go(connection, table, part).await? || started.elapsed() > LOOK_MAX {
        return Ok(false);
    }
    let result = drop_locked(connection, table, part).await;
    if !matches!(result, Ok(true)) {
        roll_back(connection).await;
    }
    result
}

async fn drop_locked(connection: &Connection, table: Table, part: &Part) -> Result<bool, StoreError> {
    connection
        .batch(&format!("BEGIN; LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE; {HELD_MAX}", table.name))
        .await?;
    if !may_go(connection, table, part).await? {
        return Ok(false);
    }
    let note = match table.name == MESSAGE.name {
        true => format!(
            "INSERT INTO day_gone (first, past) VALUES ({}, {}) ON CONFLICT (first) DO UPDATE SET past = EXCLUDED.past;",
            literal(part.first),
            literal(part.past)
        ),
        false => String::new(),
    };
    connection.batch(&format!("{note} DROP TABLE {}; COMMIT", part.name)).await?;
    Ok(true)
}

/// Whether a partition may go: of messages, if none is in it, or none of them is pending; of attempts, if their messages are gone.
async fn may_go(connection: &Connection, table: Table, part: &Part) -> Result<bool, StoreError> {
    if table.name == ATTEMPT.name {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM message WHERE id >= $1 AND id < $2)";
        return answer(connection, sql, part).await;
    }
    let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM {} WHERE id >= $1 AND id < $2)", part.name);
    Ok(answer(connection, &sql, part).await? || answer(connection, NOTHING_PENDING, part).await?)
}

/// Deliveries are ordered by endpoint: it goes from one endpoint that has any to the next, and of each only the day is looked at.
const NOTHING_PENDING: &str = "WITH RECURSIVE busy(application, endpoint) AS (
         (SELECT application, endpoint FROM delivery ORDER BY application, endpoint LIMIT 1)
         UNION ALL
         SELECT n.application, n.endpoint FROM busy CROSS JOIN LATERAL
             (SELECT d.application, d.endpoint FROM delivery d
              WHERE (d.application, d.endpoint) > (busy.application, busy.endpoint)
              ORDER BY d.application, d.endpoint LIMIT 1) n)
     SELECT NOT EXISTS (SELECT 1 FROM busy WHERE EXISTS (SELECT 1 FROM delivery d
         WHERE d.application = busy.application AND d.endpoint = busy.endpoint
             AND d.message >= $1 AND d.message < $2))";

async fn answer(connection: &Connection, sql: &str, part: &Part) -> Result<bool, StoreError> {
    connection.says(sql, &[part.first.as_bytes(), part.past.as_bytes()]).await
}
