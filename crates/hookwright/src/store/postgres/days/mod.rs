//! The journal by days: partitions of messages and attempts are made ahead, and dropped once everything in them has expired.
//!
//! All of it is done on a connection of its own, beside the writer's batches, by one node at a time. What must wait for a table
//! waits for 200 ms at most, since whoever comes after it waits for it; it is tried again with the next round.

mod gone; // what has expired
mod leftovers; // and what its messages left elsewhere
mod made; // what will be needed
mod part; // which partitions there are

use crate::domain::day::Day;
use crate::domain::ids::MessageId;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::pool::{Pool, WAITS};
use crate::store::postgres::{Postgres, value};
use crate::store::write::DaysKept;

use part::TABLES;

/// Days that are made ahead of the present one.
const AHEAD: u32 = 7;
/// Days that a start makes ahead: more follow with the first round.
const AHEAD_AT_START: u32 = 1;
/// Bytes of a default partition that are read in some 20 ms.
const READ_AT_ONCE_MAX: i64 = 16 << 20;
/// What nodes that keep the days take turns by: "days" in ASCII.
const LOCK: i32 = 0x6461_7973;

impl Postgres {
    /// Makes the days to come and drops those that are below `before`, unless another node is about it.
    pub(crate) async fn keep_days(&self, now: Timestamp, before: MessageId) -> Result<DaysKept, StoreError> {
        let connection = self.pool.connect_to_keep().await?;
        let sql = format!("SELECT pg_try_advisory_lock({LOCK}, hashtext(current_schema()))");
        if !connection.says(&sql, &[]).await? {
            return Ok(DaysKept::default());
        }
        let mut kept = DaysKept::default();
        let result = round(&connection, now, before, &mut kept).await;
        release(&connection).await;
        result.map(|()| kept)
    }
}

/// Makes the day that a start falls into, and the next, by the server's clock: the first messages may come at once.
pub(super) async fn start(pool: &Pool) -> Result<(), StoreError> {
    let connection = pool.connect_to_keep().await?;
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let now = connection.first(sql, &[]).await?.map_or(Ok(Timestamp::MIN), |row| value::time(&row, 0))?;
    if made::are_there(&connection, now, AHEAD_AT_START).await? {
        return Ok(());
    }
    // Of nodes that start at once all need it, and wait for one; for a table nobody waits so long.
    connection.batch("SET lock_timeout = '2s'").await?;
    connection.batch(&format!("SELECT pg_advisory_lock({LOCK}, hashtext(current_schema()))")).await?;
    connection.batch(WAITS).await?;
    let mut kept = DaysKept::default();
    let result = made::ahead(&connection, now, AHEAD_AT_START, &mut kept).await;
    release(&connection).await;
    result
}

async fn round(
    connection: &Connection,
    now: Timestamp,
    before: MessageId,
    kept: &mut DaysKept,
) -> Result<(), StoreError> {
    made::ahead(connection, now, AHEAD, kept).await?;
    gone::drop_below(connection, before, kept).await?;
    leftovers::remove(connection).await
}

/// The next node need not wait until the server notices that this connection ends.
async fn release(connection: &Connection) {
    let sql = format!("SELECT pg_advisory_unlock({LOCK}, hashtext(current_schema()))");
    let _ = connection.batch(&sql).await;
}

/// Runs `statements` as one transaction.
async fn at_once(connection: &Connection, statements: &str) -> Result<(), StoreError> {
    let result = connection.batch(&format!("BEGIN; {statements}; COMMIT")).await;
    if result.is_err() {
        roll_back(connection).await;
    }
    result
}

async fn roll_back(connection: &Connection) {
    if connection.is_good() && connection.batch("ROLLBACK").await.is_err() {
        connection.suspect();
    }
}

/// Whether others were in the way, or came in between: then it is tried again later.
fn is_in_the_way(error: &StoreError) -> bool {
    // Raced, too, if a message came into the default partition that belongs to the new one.
    matches!(error, StoreError::Silent | StoreError::Raced)
}

/// An id as it stands in a statement that takes no values.
fn literal(id: MessageId) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("'\\x");
    for byte in id.as_bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\'');
    text
}

/// The day of the partition that a row with this id is made for.
fn day_of(id: MessageId) -> Day {
    Day::of(id.made_at())
}
