//! A move that did not come to its end leaves nothing that anybody could take for an installation.

use hookwright_testkit::postgres::{self, Database};
use hookwright_testkit::{Launch, eventually};
use serde_json::{Value, json};

use super::{command, fails, moving, on_postgres, on_sqlite};
use crate::live::Live;

/// A file with some messages, and the ids of those, newest first.
async fn filled() -> (Launch, Value) {
    let launch = on_sqlite();
    let mut server = Live::start(&launch).await;
    server.set_up(&[("main", "http://127.0.0.1:9/".to_owned())]).await;
    for number in 0..5 {
        server.send(&json!({"number": number})).await;
    }
    let messages = messages(&server).await;
    server.process.terminate();
    assert_eq!(server.process.wait_exit().await.code(), Some(0));
    (launch, messages)
}

async fn messages(server: &Live) -> Value {
    server.client.get("/api/v1/app/app/msg?with_content=true").await.expect(200).json()
}

/// Has the database do something with each row of a table that comes in.
async fn with_trigger(database: &Database, table: &str, statement: &str) {
    let sql = format!(
        "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN NEW; END $$;
         CREATE TRIGGER meddle BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION meddle()"
    );
    database.execute(&sql).await;
}

/// Waits until a trigger holds it up.
async fn is_in_the_middle(database: &Database) {
    eventually("that it is in the middle", async || {
        let ask = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
        let count = database.ask(ask).await;
        if count == "1" { Ok(()) } else { Err(count) }
    })
    .await;
}

async fn refuses_all_others(launch: &Launch, database: &Database) {
    let server = on_postgres(launch, database);
    for other in [&server, &command(&server, "token list"), &command(&server, "migrate")] {
        let said = fails(other).await;
        assert!(
            said.contains("an installation is being moved into the PostgreSQL database from hookwright.db"),
            "{said}"
        );
        assert!(
            said.contains("run `hookwright migrate --from sqlite://hookwright.db --to postgres://…` again"),
            "{said}"
        );
    }
}

async fn moves_and_serves(launch: &Launch, database: &Database, expected: &Value) {
    let moved = moving(launch, database).run().await;
    assert_eq!(moved.status.code(), Some(0), "{moved:?}");
    let server = Live::start(&on_postgres(launch, database)).await;
    assert_eq!(&messages(&server).await, expected);
}

#[tokio::test]
async fn one_that_was_killed_is_told_and_begins_anew() {
    let Some(database) = postgres::database().await else { return };
    let (launch, expected) = filled().await;
    let migrated = command(&on_postgres(&launch, &database), "migrate").run().await;
    assert_eq!(migrated.status.code(), Some(0), "{migrated:?}");
    with_trigger(&database, "message", "PERFORM pg_sleep(3600)").await;
    let mut stuck = moving(&launch, &database).start();
    is_in_the_middle(&database).await;
    let said = fails(&moving(&launch, &database)).await;
    assert!(said.contains("uses hookwright.db"), "the file is taken: {said}");
    stuck.kill9().await;
    refuses_all_others(&launch, &database).await;
    assert_eq!(database.ask("SELECT count(*) FROM application").await, "1", "half of it is there");
    assert_eq!(database.ask("SELECT count(*) FROM message").await, "0");

    // Another file could be moved there now, but for the session that is still at it.
    let said = fails(&moving(&launch, &database)).await;
    assert!(said.contains("another `hookwright migrate --from` is writing to the same database"), "{said}");
    let ours = "pid <> pg_backend_pid() AND datname = current_database()";
    database.execute(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")).await;
    database.execute("DROP FUNCTION meddle CASCADE").await;
    moves_and_serves(&launch, &database, &expected).await;
}

#[tokio::test]
async fn what_differs_is_noticed_and_nothing_starts_on_it() {
    let Some(database) = postgres::database().await else { return };
    let (launch, expected) = filled().await;
    let migrated = command(&on_postgres(&launch, &database), "migrate").run().await;
    assert_eq!(migrated.status.code(), Some(0), "{migrated:?}");
    for (table, statement, rows) in [
        ("message", "NEW.payload := set_byte(NEW.payload, 0, get_byte(NEW.payload, 0) # 1)", [5, 5]),
        ("delivery", "NEW.due_at := NEW.due_at + 1", [5, 5]),
        ("endpoint", "RETURN NULL", [1, 0]),
    ] {
        with_trigger(&database, table, statement).await;
        let output = moving(&launch, &database).arg("--json").run().await;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let sentence = format!("differs from what was moved, in {table}.");
        assert!(output.stderr.contains(&sentence), "{output:?}");
        let report: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(report["equal"], false, "{report}");
        let tables = report["tables"].as_array().unwrap();
        let unequal: Vec<&Value> = tables.iter().filter(|table| table["equal"] == false).collect();
        assert_eq!(unequal.len(), 1, "{report}");
        assert_eq!(unequal[0]["table"], table);
        assert_ne!(unequal[0]["source"]["checksum"], unequal[0]["target"]["checksum"]);
        assert_eq!([&unequal[0]["source"]["rows"], &unequal[0]["target"]["rows"]], rows);
        database.execute("DROP FUNCTION meddle CASCADE").await;
    }
    refuses_all_others(&launch, &database).await;
    moves_and_serves(&launch, &database, &expected).await;
}

#[tokio::test]
async fn what_another_process_changes_meanwhile_is_told() {
    let Some(database) = postgres::database().await else { return };
    let (launch, expected) = filled().await;
    let migrated = command(&on_postgres(&launch, &database), "migrate").run().await;
    assert_eq!(migrated.status.code(), Some(0), "{migrated:?}");
    let until_it_may_go_on = "WHILE NOT EXISTS (SELECT FROM go_on) LOOP PERFORM pg_sleep(0.01); END LOOP";
    database.execute("CREATE TABLE go_on (number integer)").await;
    with_trigger(&database, "message", until_it_may_go_on).await;
    let mut held = moving(&launch, &database).start();
    is_in_the_middle(&database).await;
    let file = rusqlite::Connection::open(launch.directory().join("hookwright.db")).unwrap();
    file.execute("UPDATE application SET name = 'Changed'", []).unwrap();
    database.execute("INSERT INTO go_on VALUES (1)").await;
    assert_eq!(held.wait_exit().await.code(), Some(1));
    held.wait_for_line(|line| line.contains("hookwright.db was changed by another process"), "why").await;
    refuses_all_others(&launch, &database).await;
    database.execute("DROP FUNCTION meddle CASCADE; DROP TABLE go_on").await;
    moves_and_serves(&launch, &database, &expected).await;
    assert_eq!(database.ask("SELECT name FROM application").await, "Changed");
}
