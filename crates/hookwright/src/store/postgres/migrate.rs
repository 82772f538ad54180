//! Numbered migrations, each applied once, in order, and known by its checksum.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::value;
use crate::store::{Exclusivity, SchemaReport};

struct Migration {
    number: u32,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal $file:literal;)+) => {
        &[$(Migration {
            number: $number,
            name: $name,
            sql: include_str!(concat!("../../../migrations/postgres/", $file)),
        }),+]
    };
}

const MIGRATIONS: &[Migration] = migrations! {
    1 "first" "0001_first.sql";
    2 "task" "0002_task.sql";
    3 "event_type_validated" "0003_event_type_validated.sql";
    4 "payload_expiry" "0004_payload_expiry.sql";
    5 "token" "0005_token.sql";
    6 "hook" "0006_hook.sql";
    7 "operational_application" "0007_operational_application.sql";
    8 "broadcast" "0008_broadcast.sql";
    9 "source" "0009_source.sql";
    10 "confirmation" "0010_confirmation.sql";
    11 "master_key" "0011_master_key.sql";
    12 "lease" "0012_lease.sql";
    13 "catalog_change" "0013_catalog_change.sql";
    14 "days" "0014_days.sql";
    15 "ticket" "0015_ticket.sql";
    16 "copy" "0016_copy.sql";
};

/// What nodes that start at the same time take turns by: "hookwri" in ASCII, unlike the number of any other program.
const LOCK: i64 = 0x0068_6f6f_6b77_7269;

/// The newest migration that this program knows.
fn known() -> u32 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

/// Refuses a server that cannot do what is promised, and warns of one that does less than it should.
pub(super) async fn look_around(connection: &Connection) -> Result<(), StoreError> {
    let sql = "SELECT pg_is_in_recovery(), current_setting('synchronous_commit'), current_setting('fsync'),
                   current_setting('server_version_num')::integer, current_setting('server_encoding')";
    let Some(row) = connection.first(sql, &[]).await? else { return Ok(()) };
    if value::get(&row, 0)? {
        return Err(StoreError::Replica);
    }
    let version: i32 = value::get(&row, 3)?;
    if version < VERSION_MIN {
        return Err(StoreError::OldServer { found: version / 10_000 });
    }
    if value::get::<&str>(&row, 4)? != "UTF8" {
        return Err(StoreError::Encoding { found: value::get(&row, 4)? });
    }
    let synchronous_commit: &str = value::get(&row, 1)?;
    if synchronous_commit == "off" {
        tracing::warn!(
            "synchronous_commit is off on this PostgreSQL: messages that were accepted are lost if it crashes; set it to on"
        );
    }
    if value::get::<&str>(&row, 2)? == "off" {
        tracing::warn!(
            "fsync is off on this PostgreSQL: a crash of its machine may lose or damage everything; set it to on"
        );
    }
    Ok(())
}

/// PostgreSQL 15.
const VERSION_MIN: i32 = 150_000;

/// Fails if the database has a newer schema than this program knows; changes nothing.
pub(super) async fn refuse_newer(connection: &Connection) -> Result<(), StoreError> {
    let sql = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'migration')";
    if !connection.says(sql, &[]).await? {
        return Ok(());
    }
    let row = connection.first("SELECT max(version) FROM migration", &[]).await?;
    let newest = row.map(|row| value::get::<Option<i32>>(&row, 0)).transpose()?.flatten();
    match newest.and_then(|newest| u32::try_from(newest).ok()) {
        Some(found) if found > known() => Err(StoreError::Newer { found, known: known() }),
        _ => Ok(()),
    }
}

/// A migration waits so long for those who work on a table: whoever comes after it waits as long, and nodes that run give up an
/// answer after 2.5 s.
const LOCKS_WITHIN: &str = "SET LOCAL lock_timeout = '1s'";
/// Then it lets them go on for so long, and tries again.
const PAUSE: Duration = Duration::from_secs(3);
/// So often: for some five minutes.
const TRIES: u32 = 75;

/// Applies what is missing, all of it or nothing.
pub(super) async fn run(
    connection: &Connection,
    exclusivity: Exclusivity,
) -> Result<SchemaReport, StoreError> {
    for tried in 1..=TRIES {
        connection.batch("BEGIN").await?;
        let report = apply(connection, exclusivity).await;
        let end = if report.is_ok() { "COMMIT" } else { "ROLLBACK" };
        connection.batch_however_long(end).await?;
        match report {
            Err(StoreError::Silent | StoreError::Raced) if connection.is_good() => {
                if tried == 1 {
                    tracing::warn!(
                        "a transaction holds tables that a migration changes; the start waits until it ends, and tries again for five minutes"
                    );
                }
                tokio::time::sleep(PAUSE).await;
            }
            report => return report,
        }
    }
    Err(StoreError::TablesInUse)
}

async fn apply(connection: &Connection, exclusivity: Exclusivity) -> Result<SchemaReport, StoreError> {
    // Nodes that start at once migrate one after the other; the lock goes with the transaction.
    connection.batch_however_long(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
    refuse_foreign(connection, exclusivity).await?;
    connection
        .batch(
            "CREATE TABLE IF NOT EXISTS migration (
                version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL DEFAULT '', checksum BYTEA NOT NULL DEFAULT '',
                applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
            )",
        )
        .await?;
    let rows = connection.query("SELECT version, checksum FROM migration ORDER BY version", &[]).await?;
    let applied: Vec<(u32, Vec<u8>)> =
        value::all(&rows, |row| Ok((value::number(row, 0, "migration.version")?, value::get(row, 1)?)))?;
    let before = applied.last().map_or(0, |(number, _)| *number);
    if before > known() {
        return Err(StoreError::Newer { found: before, known: known() });
    }
    for migration in MIGRATIONS {
        let checksum: [u8; 32] = Sha256::digest(migration.sql).into();
        match applied.iter().find(|(number, _)| *number == migration.number) {
            Some((_, found)) if *found == checksum => {}
            Some(_) => return Err(StoreError::Checksum { number: migration.number }),
            None => {
                connection.batch(LOCKS_WITHIN).await?;
                connection.batch_however_long(migration.sql).await?;
                let number = i32::try_from(migration.number).unwrap_or(i32::MAX);
                let sql = "INSERT INTO migration (version, name, checksum) VALUES ($1, $2, $3)";
                connection.execute(sql, &[&number, &migration.name, &checksum.as_slice()]).await?;
            }
        }
    }
    Ok(SchemaReport { before, after: known() })
}

/// Fails if the schema has tables, but not the one that every database of ours has.
async fn refuse_foreign(connection: &Connection, exclusivity: Exclusivity) -> Result<(), StoreError> {
    let sql =
        "SELECT current_schema() IS NULL, count(*) > 0, coalesce(bool_or(tablename = 'migration'), FALSE)
               FROM pg_tables WHERE schemaname = current_schema()";
    let Some(row) = connection.first(sql, &[]).await? else { return Ok(()) };
    if value::get(&row, 0)? {
        return Err(StoreError::NoSchema);
    }
    match (value::get::<bool>(&row, 1)?, value::get::<bool>(&row, 2)?) {
        (true, false) => Err(StoreError::ForeignSchema),
        (false, _) if exclusivity == Exclusivity::Visitor => Err(StoreError::EmptyDatabase),
        _ => Ok(()),
    }
}
