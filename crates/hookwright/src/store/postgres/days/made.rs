//! Partitions are made ahead.
//!
//! A new one takes nothing from the default partition. What came in there, since a clock jumped or the server was off, stays until
//! it goes row by row, and the partition is for the rest of its day. The server makes sure that nothing in the default partition
//! belongs to a new one by reading it all, while nobody else may; if that would take long, a constraint says it, which is checked
//! while everybody may.

use std::time::Duration;

use crate::domain::day::Day;
use crate::domain::ids::MessageId;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::postgres::connection::{Connection, STATEMENT_TIMEOUT};
use crate::store::postgres::days::part::{self, Part, Table};
use crate::store::postgres::days::{READ_AT_ONCE_MAX, TABLES, at_once, is_in_the_way, literal};
use crate::store::postgres::value;
use crate::store::write::DaysKept;

/// A partition for the rest of a day begins so much later: until it is there, messages go on coming in where they do.
const MARGIN: Duration = Duration::from_secs(60);
/// A constraint says of ids that none are in the default partition. It is gone again long before they are made.
const CONSTRAINT_MARGIN: Duration = Duration::from_secs(30 * 60);

/// Makes the partitions for today and `days` days to come, where there is none.
pub(super) async fn ahead(
    connection: &Connection,
    now: Timestamp,
    days: u32,
    kept: &mut DaysKept,
) -> Result<(), StoreError> {
    for table in TABLES {
        unbar(connection, table).await?;
        let parts = part::all(connection, table).await?;
        for day in Day::of(now).and_ahead(days) {
            if parts.iter().any(|part| is_for(part, day)) {
                continue;
            }
            match make(connection, table, day, now).await {
                Ok(is_made) => kept.made += u32::from(is_made),
                Err(error) if connection.is_good() && is_in_the_way(&error) => kept.is_held_up = true,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Whether there is a partition for today and each of `days` days to come.
pub(super) async fn are_there(
    connection: &Connection,
    now: Timestamp,
    days: u32,
) -> Result<bool, StoreError> {
    for table in TABLES {
        let parts = part::all(connection, table).await?;
        if Day::of(now).and_ahead(days).any(|day| !parts.iter().any(|part| is_for(part, day))) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a partition is for a part of this day.
fn is_for(part: &Part, day: Day) -> bool {
    part.first < day.next().first_message() && part.past > day.first_message()
}

async fn make(connection: &Connection, table: Table, day: Day, now: Timestamp) -> Result<bool, StoreError> {
    let Table { name, key } = table;
    let (start, past) = (day.first_message(), day.next().first_message());
    let sql = format!(
        "SELECT pg_relation_size('{name}_default'),
             (SELECT {key} FROM {name}_default WHERE {key} >= $1 AND {key} < $2 ORDER BY {key} DESC LIMIT 1)"
    );
    let Some(row) = connection.first(&sql, &[start.as_bytes(), past.as_bytes()]).await? else {
        return Ok(false);
    };
    let size: i64 = value::get(&row, 0)?;
    let first = match value::id_opt(&row, 1, MessageId::from_bytes)? {
        None => start,
        Some(last) => MessageId::first_at(last.made_at().max(now).after(MARGIN)),
    };
    if first >= past {
        return Ok(false);
    }
    let (low, high) = (literal(first), literal(past));
    let create = format!(
        "CREATE TABLE {name}_{day} (LIKE {name} INCLUDING ALL);
         ALTER TABLE {name} ATTACH PARTITION {name}_{day} FOR VALUES FROM ({low}) TO ({high})"
    );
    if size <= READ_AT_ONCE_MAX {
        at_once(connection, &create).await?;
    } else if first < MessageId::first_at(now.after(CONSTRAINT_MARGIN)) {
        // What is being written now would be refused, should this stop half way.
        return Ok(false);
    } else {
        let bar = format!(
            "ALTER TABLE {name}_default ADD CONSTRAINT {name}_default_bar CHECK ({key} < {low} OR {key} >= {high}) NOT VALID"
        );
        let result = async {
            connection.batch(&bar).await?;
            validate(connection, table).await?;
            at_once(connection, &create).await
        };
        let result = result.await;
        unbar(connection, table).await?;
        result?;
    }
    Ok(true)
}

/// Checks the constraint on what is in the default partition, for as long as that takes; nobody waits for it.
async fn validate(connection: &Connection, Table { name, .. }: Table) -> Result<(), StoreError> {
    connection.batch("SET statement_timeout = 0").await?;
    let sql = format!("ALTER TABLE {name}_default VALIDATE CONSTRAINT {name}_default_bar");
    let result = connection.batch_however_long(&sql).await;
    connection.batch(STATEMENT_TIMEOUT).await?;
    result
}

/// Removes the constraint, also one that an earlier round left.
async fn unbar(connection: &Connection, Table { name, .. }: Table) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM pg_constraint WHERE conrelid = $1::text::regclass AND conname = $2";
    let (table, bar) = (format!("{name}_default"), format!("{name}_default_bar"));
    if connection.first(sql, &[&table, &bar]).await?.is_some() {
        connection.batch(&format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {bar}")).await?;
    }
    Ok(())
}
