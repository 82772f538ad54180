//! What is not moved, and what is said about it.

use hookwright_testkit::postgres::{self, Database};
use rusqlite::Connection;

use super::{command, fails, moving, on_postgres, on_sqlite};
use crate::live::Live;

/// Where nothing listens: what is told is found before anybody connects.
const NOWHERE: &str = "postgres://me:pass_word@127.0.0.1:1/hooks";

#[tokio::test]
async fn only_from_sqlite_and_only_to_postgresql() {
    let launch = on_sqlite().env("HOOKWRIGHT_MASTER_KEY", postgres::MASTER_KEY);
    for (arguments, expected) in [
        (format!("--from {NOWHERE} --to sqlite://a.db"), "there is no way back from PostgreSQL to SQLite"),
        ("--from sqlite://a.db --to sqlite://b.db".to_owned(), "another SQLite file is a copy of the first"),
        (format!("--from {NOWHERE} --to {NOWHERE}"), "use pg_dump and pg_restore"),
        (
            "--from mysql://a --to sqlite://b.db".to_owned(),
            "The URL of --from begins with neither sqlite:// nor postgres://",
        ),
        ("--from sqlite://a.db".to_owned(), "Name a PostgreSQL database with --to postgres://…"),
        (format!("--from sqlite://a.db --to {NOWHERE}"), "there is no database at a.db"),
    ] {
        let said = fails(&command(&launch, &format!("migrate {arguments}"))).await;
        assert!(said.contains(expected), "{arguments}: {said}");
        assert!(!said.contains("pass_word"), "{said}");
    }
    let usage = command(&launch, "migrate --from sqlite://a.db --database-url sqlite://b.db").run().await;
    assert_eq!(usage.status.code(), Some(2), "{usage:?}");
}

#[tokio::test]
async fn a_source_that_is_used_old_or_locked_away_is_refused() {
    let database = Database { url: NOWHERE.to_owned() };
    let launch = on_sqlite();
    let mut server = Live::start(&launch).await;
    let said = fails(&moving(&launch, &database)).await;
    assert!(
        said.contains("a hookwright server, or another move, uses hookwright.db; let it end first"),
        "{said}"
    );
    let said = fails(&moving(&launch, &database).env("HOOKWRIGHT_MASTER_KEY", "")).await;
    assert!(said.contains("needs a master key"), "{said}");
    server.process.terminate();
    assert_eq!(server.process.wait_exit().await.code(), Some(0));
    let said = fails(&moving(&launch, &database)).await;
    assert!(
        said.contains("the database to move to cannot be written: the PostgreSQL server cannot be reached"),
        "{said}"
    );

    let key = launch.directory().join("hookwright.db.key");
    std::fs::rename(&key, key.with_extension("aside")).unwrap();
    assert!(fails(&moving(&launch, &database)).await.contains("or put the key file back"));
    let file = Connection::open(launch.directory().join("hookwright.db")).unwrap();
    file.execute("DELETE FROM migration WHERE number = (SELECT max(number) FROM migration)", []).unwrap();
    let said = fails(&moving(&launch, &database)).await;
    assert!(
        said.contains(
            "bring it there first, with `hookwright migrate --database-url sqlite://hookwright.db`"
        ),
        "{said}"
    );
    file.execute("INSERT INTO migration (number, name, checksum) VALUES (4000, 'later', x'00')", []).unwrap();
    file.execute("UPDATE migration SET checksum = zeroblob(32) WHERE number = 4000", []).unwrap();
    assert!(fails(&moving(&launch, &database)).await.contains("run the newer hookwright"));
}

#[tokio::test]
async fn a_target_that_is_used_or_has_rows_is_refused_and_left_alone() {
    let Some(database) = postgres::database().await else { return };
    let launch = on_sqlite();
    let mut old = Live::start(&launch).await;
    old.process.terminate();
    assert_eq!(old.process.wait_exit().await.code(), Some(0));
    let mut server = Live::start(&on_postgres(&launch, &database)).await;
    let said = fails(&moving(&launch, &database)).await;
    assert!(said.contains("a hookwright node runs on the database to move to"), "{said}");
    server.set_up(&[]).await;
    server.process.terminate();
    assert_eq!(server.process.wait_exit().await.code(), Some(0));
    let said = fails(&moving(&launch, &database)).await;
    assert!(said.contains("is not empty, there are rows in application"), "{said}");
    let server = Live::start(&on_postgres(&launch, &database)).await;
    server.client.get("/api/v1/app/app").await.expect(200);
}
