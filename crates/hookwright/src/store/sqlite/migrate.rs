//! Numbered migrations, each applied once, in order, and known by its checksum.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use crate::store::SchemaReport;
use crate::store::error::StoreError;

struct Migration {
    number: u32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first", sql: include_str!("../../../migrations/sqlite/0001_first.sql") },
    Migration { number: 2, name: "task", sql: include_str!("../../../migrations/sqlite/0002_task.sql") },
    Migration {
        number: 3,
        name: "event_type_validated",
        sql: include_str!("../../../migrations/sqlite/0003_event_type_validated.sql"),
    },
    Migration {
        number: 4,
        name: "payload_expiry",
        sql: include_str!("../../../migrations/sqlite/0004_payload_expiry.sql"),
    },
    Migration { number: 5, name: "token", sql: include_str!("../../../migrations/sqlite/0005_token.sql") },
    Migration { number: 6, name: "hook", sql: include_str!("../../../migrations/sqlite/0006_hook.sql") },
    Migration {
        number: 7,
        name: "operational_application",
        sql: include_str!("../../../migrations/sqlite/0007_operational_application.sql"),
    },
    Migration {
        number: 8,
        name: "broadcast",
        sql: include_str!("../../../migrations/sqlite/0008_broadcast.sql"),
    },
    Migration { number: 9, name: "source", sql: include_str!("../../../migrations/sqlite/0009_source.sql") },
    Migration {
        number: 10,
        name: "confirmation",
        sql: include_str!("../../../migrations/sqlite/0010_confirmation.sql"),
    },
    Migration {
        number: 11,
        name: "master_key",
        sql: include_str!("../../../migrations/sqlite/0011_master_key.sql"),
    },
    Migration { number: 12, name: "lease", sql: include_str!("../../../migrations/sqlite/0012_lease.sql") },
    Migration {
        number: 13,
        name: "catalog_change",
        sql: include_str!("../../../migrations/sqlite/0013_catalog_change.sql"),
    },
    Migration { number: 14, name: "days", sql: include_str!("../../../migrations/sqlite/0014_days.sql") },
    Migration { number: 15, name: "ticket", sql: include_str!("../../../migrations/sqlite/0015_ticket.sql") },
    Migration { number: 16, name: "copy", sql: include_str!("../../../migrations/sqlite/0016_copy.sql") },
];

/// The newest migration that this program knows.
fn known() -> u32 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

/// Fails if there are tables, but not the one that every database of ours has; changes nothing.
pub(super) fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let sql = "SELECT count(*) > 0 AND NOT total(name = 'migration') FROM sqlite_schema WHERE type = 'table'";
    match connection.query_row(sql, [], |row| row.get(0))? {
        true => Err(StoreError::Foreign { path: path.to_owned() }),
        false => Ok(()),
    }
}

/// Fails if the database has a newer schema than this program knows; changes nothing.
pub(super) fn refuse_newer(connection: &Connection) -> Result<(), StoreError> {
    let sql = "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = 'migration'";
    if !connection.query_row(sql, [], |row| row.get::<_, bool>(0))? {
        return Ok(());
    }
    match applied(connection)?.last() {
        Some((found, _)) if *found > known() => Err(StoreError::Newer { found: *found, known: known() }),
        _ => Ok(()),
    }
}

/// The schema number that a database has, and the newest that this program knows; changes nothing. Fails if the first is newer, or
/// was made by another build.
#[cfg(feature = "postgres")]
pub(super) fn versions(connection: &Connection) -> Result<(u32, u32), StoreError> {
    let sql = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'migration'";
    if !connection.query_row(sql, [], |row| row.get(0))? {
        return Ok((0, known()));
    }
    let applied = applied(connection)?;
    let found = applied.last().map_or(0, |(number, _)| *number);
    if found > known() {
        return Err(StoreError::Newer { found, known: known() });
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.number <= found) {
        let checksum: [u8; 32] = Sha256::digest(migration.sql).into();
        if !applied.contains(&(migration.number, checksum)) {
            return Err(StoreError::Checksum { number: migration.number });
        }
    }
    Ok((found, known()))
}

/// The migrations that were applied, by number, with their checksums.
fn applied(connection: &Connection) -> Result<Vec<(u32, [u8; 32])>, StoreError> {
    let mut statement = connection.prepare("SELECT number, checksum FROM migration ORDER BY number")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Applies what is missing, all of it or nothing.
pub(super) fn run(connection: &mut Connection) -> Result<SchemaReport, StoreError> {
    apply(connection, MIGRATIONS)
}

fn apply(connection: &mut Connection, migrations: &[Migration]) -> Result<SchemaReport, StoreError> {
    // Taken for writing from the start: two processes that start at once migrate one after the other.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration (
            number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum BLOB NOT NULL
        ) STRICT",
    )?;
    let applied = applied(&transaction)?;
    let before = applied.last().map_or(0, |(number, _)| *number);
    if before > known() {
        return Err(StoreError::Newer { found: before, known: known() });
    }
    for migration in migrations {
        let checksum: [u8; 32] = Sha256::digest(migration.sql).into();
        match applied.iter().find(|(number, _)| *number == migration.number) {
            Some((_, found)) if *found == checksum => {}
            Some(_) => return Err(StoreError::Checksum { number: migration.number }),
            None => {
                transaction.execute_batch(migration.sql)?;
                transaction.execute(
                    "INSERT INTO migration (number, name, checksum) VALUES (?1, ?2, ?3)",
                    params![migration.number, migration.name, checksum],
                )?;
            }
        }
    }
    transaction.commit()?;
    Ok(SchemaReport { before, after: known() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_applied_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(run(&mut connection).unwrap(), SchemaReport { before: 0, after: known() });
        assert_eq!(run(&mut connection).unwrap(), SchemaReport { before: known(), after: known() });
    }

    /// A database as it was left by a program that knew migrations up to this number.
    fn migrated_to(number: u32) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        let count = MIGRATIONS.iter().filter(|migration| migration.number <= number).count();
        apply(&mut connection, &MIGRATIONS[..count]).unwrap();
        connection
    }

    #[test]
    fn who_wants_what_is_noted_for_endpoints_that_were_there_but_not_for_operational_ones() {
        let mut connection = migrated_to(7);
        let application =
            "INSERT INTO application (id, organisation, name, metadata, created_at, updated_at, operational)";
        let endpoint = "INSERT INTO endpoint (application, id, url, description, event_types, channels, metadata, headers,
                            secret, old_secrets, created_at, updated_at, disabled)";
        let rest = "'https://example.com/', ''";
        connection
            .execute_batch(&format!(
                "{application} VALUES (x'01', x'aa', 'customer', '{{}}', 0, 0, 0), (x'02', x'aa', 'told', '{{}}', 0, 0, 1);
                 {endpoint} VALUES
                     (x'01', x'11', {rest}, '[]', '[]', '{{}}', '[]', '', '[]', 0, 0, NULL),
                     (x'01', x'12', {rest}, '[\"a.b\",\"c.*\"]', '[]', '{{}}', '[]', '', '[]', 0, 0, NULL),
                     (x'01', x'13', {rest}, '[\"a.b\"]', '[]', '{{}}', '[]', '', '[]', 0, 0, 'gone'),
                     (x'02', x'21', {rest}, '[]', '[]', '{{}}', '[]', '', '[]', 0, 0, NULL),
                     (x'02', x'22', {rest}, '[\"a.b\"]', '[]', '{{}}', '[]', '', '[]', 0, 0, NULL);"
            ))
            .unwrap();
        run(&mut connection).unwrap();
        let sql = "SELECT hex(application) || ' ' || hex(endpoint) || ' ' || event_type FROM subscription
                   ORDER BY endpoint, event_type";
        let mut statement = connection.prepare(sql).unwrap();
        let noted: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(noted, ["01 11 ", "01 12 a.b", "01 12 c.*"]);
        let formats = "SELECT count(*) FROM endpoint WHERE format = 'bare' AND identifier IS NULL";
        assert_eq!(connection.query_row(formats, [], |row| row.get::<_, i64>(0)).unwrap(), 5);
    }

    #[test]
    fn a_newer_database_is_refused_in_one_sentence() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection).unwrap();
        connection.execute("INSERT INTO migration VALUES (4000, 'later', x'00')", []).unwrap();
        connection.execute("UPDATE migration SET checksum = zeroblob(32) WHERE number = 4000", []).unwrap();
        let refused = run(&mut connection).unwrap_err();
        assert!(matches!(refused, StoreError::Newer { found: 4000, .. }), "{refused}");
        assert!(refused.to_string().starts_with("the database has schema 4000"));
    }

    #[test]
    fn a_database_of_another_program_is_known_by_its_tables() {
        let mut connection = Connection::open_in_memory().unwrap();
        refuse_foreign(&connection, Path::new("empty.db")).unwrap();
        connection.execute("CREATE TABLE book (title TEXT)", []).unwrap();
        let path = Path::new("books.db");
        assert!(matches!(refuse_foreign(&connection, path), Err(StoreError::Foreign { .. })));
        run(&mut connection).unwrap();
        refuse_foreign(&connection, path).unwrap();
    }

    #[test]
    fn a_changed_migration_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection).unwrap();
        connection.execute("UPDATE migration SET checksum = zeroblob(32)", []).unwrap();
        assert!(matches!(run(&mut connection), Err(StoreError::Checksum { number: 1 })));
    }
}
