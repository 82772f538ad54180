//! Deleted applications: nothing of them is left, in no table and in no file.

use std::time::Duration;

use hookwright::domain::application::ApplicationRef;
use hookwright::domain::names::EventId;
use hookwright::domain::selection::Selection;
use hookwright::domain::task::TaskKind;
use hookwright::hooks::IdempotencyKey;
use hookwright::{NewMessage, Sent};
use hookwright_testkit::{Receiver, Reply, eventually};
use rusqlite::Connection;

use crate::rig::{Rig, START, new_message};

const NEEDLE: &str = "needle-of-the-erased";

/// Tables that hold something of an application.
const TABLES: [&str; 14] = [
    "broadcast",
    "message_broadcast",
    "subscription",
    "application",
    "endpoint",
    "endpoint_health",
    "token",
    "message",
    "message_event_id",
    "message_payload_expiry",
    "delivery",
    "attempt",
    "task",
    "message_key",
];

/// Those of them that have any rows: there is one application.
fn tables_with_rows(rig: &Rig) -> Vec<&'static str> {
    let connection = Connection::open(rig.directory.path().join("test.db")).unwrap();
    let has_rows = |table: &str| {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table})");
        connection.query_row(&sql, [], |row| row.get::<_, bool>(0)).unwrap()
    };
    TABLES.into_iter().filter(|table| has_rows(table)).collect()
}

fn is_in_files(rig: &Rig) -> bool {
    let files = ["test.db", "test.db-wal"].map(|name| std::fs::read(rig.directory.path().join(name)));
    let is_in = |bytes: &Vec<u8>| bytes.windows(NEEDLE.len()).any(|part| part == NEEDLE.as_bytes());
    files.iter().flatten().any(is_in)
}

#[tokio::test]
async fn nothing_is_left_of_an_application_that_was_deleted() {
    // Nobody moves the clock: whoever waited for a time would wait for ever.
    let rig = Rig::start_manual(|_| ()).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500).body(NEEDLE), Reply::status(200).body(NEEDLE)]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let organisation = rig.hooks.default_organisation();
    let application = ApplicationRef::Id(rig.application);
    let mut last = None;
    for number in 0..30 {
        let request = NewMessage {
            event_id: Some(EventId::parse(&format!("e-{number}")).unwrap()),
            payload_retention: Some(Duration::from_secs(3_600)),
            ..new_message(format!("{{\"x\":\"{}\"}}", NEEDLE.repeat(1 + 40 * number)))
        };
        let text = format!("key-{number}");
        let key = IdempotencyKey::new(organisation, "POST", "/msg", &text, b"", rig.hooks.clock().now());
        match rig.hooks.send(organisation, &application, request, Some(key.stored())).await.unwrap() {
            Sent::Accepted(message) => last = Some(message),
            Sent::Repeated(id) => panic!("{id}"),
        }
    }
    let last = last.unwrap();
    rig.wait_attempts(last.id, 1).await;
    rig.hooks.task_begin(organisation, &endpoint, TaskKind::Recover, Selection::since(START)).await.unwrap();
    assert!(tables_with_rows(&rig).len() >= 9, "{:?}", tables_with_rows(&rig));
    rig.hooks.application_delete(organisation, &application).await.unwrap();
    eventually("no row of it", async || match tables_with_rows(&rig).as_slice() {
        [] => Ok(()),
        left => Err(left.to_vec()),
    })
    .await;
    eventually("files without it", async || if is_in_files(&rig) { Err("it is there") } else { Ok(()) })
        .await;
    rig.end().await;
}
