//! What a move from one back end to the other takes along: everything that there is.

use std::collections::BTreeMap;

use hookwright_testkit::postgres;

use crate::config::DatabaseUrl;
use crate::store::conformance::fixture::keys_of;
use crate::store::moving::{Kind, TABLES, Table};
use crate::store::{Exclusivity, Store, sealed_columns};

/// Tables that each database has of its own.
const OWN: [&str; 3] = ["migration", "master_key", "ticket"];
/// Tables that only PostgreSQL has, if it has them yet: they are about its nodes and its days, and a new database needs no rows in them.
const OF_NODES: [&str; 6] = ["catalog_sequence", "batch", "lease", "catalog_change", "throttle", "day_gone"];

/// Columns by table and name, with what the database says of them.
type Columns = BTreeMap<String, BTreeMap<String, String>>;

fn named(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

fn put(columns: &mut Columns, table: &str, column: &str, said: &str) {
    columns.entry(table.to_owned()).or_default().insert(column.to_owned(), said.to_owned());
}

fn of_sqlite() -> Columns {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hooks.db");
    drop(Store::open(&DatabaseUrl::Sqlite(path.clone()), None, Exclusivity::Maker).unwrap());
    let connection = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT t.name, c.name, c.type FROM sqlite_schema t JOIN pragma_table_info(t.name) c
               WHERE t.type = 'table'";
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut columns = Columns::new();
    while let Some(row) = rows.next().unwrap() {
        let text = |at| row.get::<_, String>(at).unwrap();
        put(&mut columns, &text(0), &text(1), &text(2));
    }
    columns
}

/// What is said of a column is its type, and `!` if every row must have it.
async fn of_postgres(database: &postgres::Database) -> Columns {
    drop(Store::open(&database.url.parse().unwrap(), Some(&keys_of("a")), Exclusivity::Maker).unwrap());
    let sql = "SELECT string_agg(concat_ws(' ', t.relname, c.attname, format_type(c.atttypid, NULL)
                   || CASE WHEN c.attnotnull AND NOT c.atthasdef THEN '!' ELSE '' END), ',')
               FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
               WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition";
    let mut columns = Columns::new();
    for line in database.ask(sql).await.split(',') {
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().unwrap();
        put(&mut columns, word(), word(), word());
    }
    columns
}

#[test]
fn every_table_and_column_of_sqlite_is_moved() {
    let columns = of_sqlite();
    for (table, columns) in &columns {
        let Some(moved) = named(table) else {
            let text = "is not moved: add it to store/moving/tables.rs";
            assert!(OWN.contains(&table.as_str()), "{table} {text}");
            continue;
        };
        for (column, kind) in columns {
            let found = moved.columns.iter().find(|moved| moved.name == column);
            let Some(found) = found else {
                panic!("{table}.{column} is not moved: add it to store/moving/tables.rs")
            };
            let expected = match found.kind {
                Kind::Bytes => "BLOB",
                Kind::Text | Kind::Free => "TEXT",
                Kind::Long | Kind::Int | Kind::Short | Kind::Flag => "INTEGER",
            };
            assert_eq!(kind, expected, "{table}.{column}");
        }
        for column in moved.columns.iter().filter(|column| column.instead.is_none()) {
            assert!(columns.contains_key(column.name), "{} is not in SQLite", column.place);
        }
    }
    assert!(TABLES.iter().all(|table| columns.contains_key(table.name)));
}

#[tokio::test]
async fn every_table_and_column_of_postgresql_is_filled() {
    let Some(database) = postgres::database().await else { return };
    let columns = of_postgres(&database).await;
    for (table, columns) in &columns {
        let Some(moved) = named(table) else {
            let text = "is not filled by a move: fill it in store/moving, or say in this test that it is of nodes alone";
            assert!(OWN.iter().chain(&OF_NODES).any(|own| own == table), "{table} {text}");
            continue;
        };
        for (column, kind) in columns {
            let filled = moved.columns.iter().find(|filled| filled.name == column);
            let Some(filled) = filled else {
                assert!(!kind.ends_with('!'), "{table}.{column} must have a value, and a move writes none");
                continue;
            };
            let expected = match filled.kind {
                Kind::Bytes => "bytea",
                Kind::Long => "bigint",
                Kind::Int => "integer",
                Kind::Short => "smallint",
                Kind::Flag => "boolean",
                Kind::Text | Kind::Free => "text",
            };
            assert_eq!(kind.trim_end_matches('!'), expected, "{table}.{column}");
        }
        for column in moved.columns {
            assert!(columns.contains_key(column.name), "{} is not in PostgreSQL", column.place);
        }
    }
    assert!(TABLES.iter().all(|table| columns.contains_key(table.name)));
}

#[test]
fn every_secret_is_encrypted_anew_for_its_row() {
    for sealed in &sealed_columns::TABLES {
        let table = named(sealed.name).unwrap();
        let key = table.secrets_are_for();
        let names: Vec<&str> = key.iter().map(|at| table.columns[*at].name).collect();
        assert_eq!(names, sealed.key, "in the same order");
        assert!(key.iter().all(|at| table.columns[*at].kind == Kind::Bytes));
        let moved = table.columns.iter().filter(|column| column.is_sealed());
        let moved: Vec<(&str, &str)> = moved.map(|column| (column.name, column.place)).collect();
        assert_eq!(moved, sealed.columns);
        assert!(table.columns.iter().all(|column| !column.is_sealed() || column.kind == Kind::Text));
    }
}
