//! A newer program expands the schema under nodes that run: they go on as they were, and none of theirs starts anew.

use std::time::Duration;

use hookwright_testkit::http::Client;
use hookwright_testkit::postgres::{self, Database};
use hookwright_testkit::{Receiver, Reply, eventually_within};
use serde_json::json;

use crate::cluster::nodes::{Nodes, duplicates_once_all_arrived};
use crate::live::{launch, on_postgres};

const ARRIVED_WITHIN: Duration = Duration::from_secs(60);

/// What a later release may do while nodes of this one run: columns that may be null or have a default, a table, an index, and the
/// row that says so. A release that removes something comes after one that no longer needs it.
const EXPANSION: &str = "
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT relname FROM pg_class
            WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = current_schema()::regnamespace LOOP
            EXECUTE format('ALTER TABLE %I ADD of_tomorrow TEXT, ADD is_of_tomorrow BOOLEAN NOT NULL DEFAULT FALSE', name);
        END LOOP; END $$;
    CREATE TABLE of_tomorrow (id BIGINT NOT NULL PRIMARY KEY, note TEXT);
    CREATE INDEX attempt_of_tomorrow ON attempt (of_tomorrow) WHERE of_tomorrow IS NOT NULL;
    INSERT INTO migration (version, name) SELECT max(version) + 1, 'of_tomorrow' FROM migration;";

/// Expands the schema in one transaction, as a start does.
async fn expand(database: &Database) {
    let client = database.connect().await;
    eventually_within(ARRIVED_WITHIN, "that the schema is expanded", async || {
        // Whoever takes all tables meets those who work on them, and may be the one that has to give way.
        let expanded = client.batch_execute(&format!("BEGIN; {EXPANSION} COMMIT")).await;
        if let Err(error) = expanded {
            client.batch_execute("ROLLBACK").await.expect("the session is whole");
            return Err(error.to_string());
        }
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_go_on_while_a_newer_program_expands_the_schema_under_them() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start_counting().await;
    let mut nodes = Nodes::start(&database, 2, "1s,1s").await;
    nodes.set_up(&receiver).await;
    let mut traffic = nodes.send("while", 900);
    traffic.wait_accepted(200).await;
    expand(&database).await;
    let mut sent = traffic.end().await;
    let after = nodes.send("after", 300).end().await;
    assert_eq!(after.repeated, 0, "none is refused once it is done");
    sent.ids.extend(after.ids);
    assert_eq!(sent.ids.len(), 1_200);
    assert_eq!(duplicates_once_all_arrived(&receiver, &sent, ARRIVED_WITHIN).await, 0);
    eventually_within(ARRIVED_WITHIN, "that all is recorded", async || {
        let left = database.ask("SELECT count(*) FROM delivery").await;
        if left == "0" { Ok(()) } else { Err(left) }
    })
    .await;
    assert_eq!(database.ask("SELECT count(*) FROM attempt").await, "1200");

    let fresh = on_postgres(launch("1s"), &database.url).run().await;
    assert_eq!(fresh.status.code(), Some(1), "{fresh:?}");
    assert_eq!(fresh.stderr.lines().filter(|line| line.contains("newer")).count(), 1, "{}", fresh.stderr);
    for number in [0, 1] {
        nodes.node(number).is_well().await;
        nodes.stop(number).await;
    }
    assert_eq!(database.ask("SELECT count(*) FROM lease WHERE ended_at IS NULL").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_a_node_does_works_on_an_expanded_schema() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    let nodes = Nodes::start(&database, 2, "1s,1s").await;
    nodes.set_up(&receiver).await;
    let node = nodes.node(0);
    // What is prepared before is asked for after it once more.
    let before = round(&node.client, &receiver, "before").await;
    expand(&database).await;
    round(&node.client, &receiver, "after").await;
    round(&nodes.node(1).client, &receiver, "elsewhere").await;
    let again = format!("/api/v1/app/app/msg/{before}/endpoint/one/resend");
    node.client.post(&again, &json!({})).await.expect(202);
    receiver
        .wait_until(|received| received.iter().filter(|r| r.id() == before).count() == 3, "a resend")
        .await;
}

/// Makes, changes, lists and removes what there is, and has a message fail and arrive; its id.
async fn round(client: &Client, receiver: &Receiver, name: &str) -> String {
    let application = format!("/api/v1/app/{name}");
    client.post("/api/v1/app", &json!({"name": "App", "uid": name})).await.expect(201);
    let endpoint = json!({"uid": "there", "url": receiver.url("/there")});
    client.post(&format!("{application}/endpoint"), &endpoint).await.expect(201);
    let changed = json!({"url": receiver.url("/changed"), "description": "changed"});
    client.put(&format!("{application}/endpoint/there"), &changed).await.expect(200);
    client.post("/api/v1/event-type", &json!({"name": name, "description": ""})).await.expect(201);

    receiver.script([Reply::status(500), Reply::ok()]);
    let message = json!({"eventType": name, "eventId": name, "payload": {"number": 1}});
    let sent = client.post("/api/v1/app/app/msg", &message).await.expect(202).json();
    let id = sent["id"].as_str().unwrap().to_owned();
    // The retry is claimed when it is due.
    receiver.wait_until(|received| received.iter().filter(|r| r.id() == id).count() == 2, "a retry").await;
    for path in [
        "/api/v1/app".to_owned(),
        format!("{application}/endpoint"),
        "/api/v1/app/app/msg".to_owned(),
        format!("/api/v1/app/app/msg/{id}"),
        format!("/api/v1/app/app/msg/{id}/endpoint"),
        format!("/api/v1/app/app/attempt/msg/{id}"),
        "/api/v1/app/app/attempt/endpoint/one".to_owned(),
        "/api/v1/app/app/endpoint/one/msg".to_owned(),
        "/api/v1/app/app/endpoint/one/stats".to_owned(),
        "/api/v1/event-type".to_owned(),
    ] {
        client.get(&path).await.expect(200);
    }
    client.delete(&application).await.expect(204);
    id
}
