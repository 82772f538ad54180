//! What is too old goes: messages with their attempts, payloads before them, tasks; and the file does not grow.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use hookwright::domain::application::{ApplicationRef, ApplicationSettings};
use hookwright::domain::attempt::EXPUNGED;
use hookwright::domain::ids::MessageId;
use hookwright::domain::names::EventId;
use hookwright::domain::selection::Selection;
use hookwright::domain::task::{TaskKind, TaskState};
use hookwright::{Error, NewMessage, Thing};
use hookwright_testkit::{Receiver, Reply, eventually};
use rusqlite::Connection;

use crate::rig::{Rig, START, new_message};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// More than the time between two rounds of what removes.
const ROUND: Duration = Duration::from_secs(61);

/// An engine that keeps messages for five days: so short that they go one by one everywhere.
async fn rig() -> Rig {
    Rig::start_manual(|config| config.retention = 5 * DAY).await
}

async fn is_there(rig: &Rig, message: MessageId) -> bool {
    match rig.hooks.message_get(rig.application, message).await {
        Ok(_) => true,
        Err(Error::NotFound(Thing::Message)) => false,
        Err(other) => panic!("{other}"),
    }
}

/// Lets rounds pass until a message is gone.
async fn wait_gone(rig: &Rig, message: MessageId) {
    eventually("a message that is gone", async || {
        rig.hooks.clock().advance(ROUND);
        if is_there(rig, message).await { Err("it is there") } else { Ok(()) }
    })
    .await;
}

#[tokio::test]
async fn an_old_message_goes_with_its_attempts_and_its_event_id_is_free() {
    let (rig, receiver) = (rig().await, Receiver::start().await);
    rig.endpoint(receiver.url("/")).await;
    let with_id = || NewMessage { event_id: Some(EventId::parse("e-1").unwrap()), ..new_message("{}") };
    let old = rig.send_message(with_id()).await;
    rig.wait_ended(old.id).await;
    rig.hooks.clock().advance(4 * DAY);
    let young = rig.send("{}").await;
    rig.wait_ended(young.id).await;
    assert!(is_there(&rig, old.id).await);
    rig.hooks.clock().advance(DAY);
    wait_gone(&rig, old.id).await;
    assert_eq!(rig.attempts(old.id).await, []);
    assert!(is_there(&rig, young.id).await);
    assert_eq!(rig.attempts(young.id).await.len(), 1);
    let again = rig.send_message(with_id()).await;
    rig.wait_ended(again.id).await;
    rig.end().await;
}

#[tokio::test]
async fn a_message_that_waits_for_a_retry_stays_until_it_has_ended() {
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500), Reply::ok()]);
    let rig = Rig::start_manual(|config| {
        config.retention = DAY;
        config.retry.schedule = vec![3 * DAY];
    })
    .await;
    rig.endpoint(receiver.url("/")).await;
    let request = NewMessage { payload_retention: Some(HOUR), ..new_message("{\"n\":1}") };
    let pending = rig.send_message(request).await;
    rig.wait_retry(pending.id).await;
    // One that nothing is pending of goes meanwhile, so whoever removes has been there.
    let (other, organisation) = (ApplicationSettings::default(), rig.hooks.default_organisation());
    let other = rig.hooks.application_create(organisation, other).await.unwrap();
    let witness = rig.hooks.send(organisation, &ApplicationRef::Id(other.id), new_message("{}"), None).await;
    let hookwright::Sent::Accepted(witness) = witness.unwrap() else { panic!("a repeated message") };
    rig.hooks.clock().advance(2 * DAY);
    eventually("a message that is gone", async || {
        rig.hooks.clock().advance(ROUND);
        rig.hooks.message_get(other.id, witness.id).await.map_or(Ok(()), |_| Err("it is there"))
    })
    .await;
    assert_eq!(rig.hooks.message_get(rig.application, pending.id).await.unwrap().payload, "{\"n\":1}");
    rig.hooks.clock().advance(2 * DAY);
    eventually("the retry", async || if receiver.count() == 2 { Ok(()) } else { Err(receiver.count()) })
        .await;
    assert_eq!(receiver.received()[1].body, "{\"n\":1}");
    wait_gone(&rig, pending.id).await;
    assert_eq!(rig.attempts(pending.id).await, []);
    rig.end().await;
}

#[tokio::test]
async fn a_payload_goes_first_and_then_the_message() {
    let (rig, receiver) = (rig().await, Receiver::start().await);
    receiver.script([Reply::status(200).body("an echo")]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let short = NewMessage { payload_retention: Some(2 * HOUR), ..new_message("{\"n\":1}") };
    let short = rig.send_message(short).await;
    let answered = rig.wait_ended(short.id).await;
    assert_eq!(answered[0].response, "an echo");
    let long = NewMessage { payload_retention: Some(90 * DAY), ..new_message("{\"n\":2}") };
    let long = rig.send_message(long).await;
    rig.wait_ended(long.id).await;
    rig.hooks.clock().advance(HOUR);
    assert_eq!(rig.hooks.message_get(rig.application, short.id).await.unwrap().payload, "{\"n\":1}");
    rig.hooks.clock().advance(HOUR);
    let emptied = eventually("a message without its payload", async || {
        rig.hooks.clock().advance(ROUND);
        let message = rig.hooks.message_get(rig.application, short.id).await.unwrap();
        if message.payload.is_empty() { Ok(message) } else { Err("it has one") }
    })
    .await;
    assert_eq!(rig.attempts(short.id).await[0].response, Bytes::from_static(EXPUNGED));
    let refused = rig.hooks.resend(emptied, &endpoint).await.unwrap_err();
    assert!(matches!(refused, Error::PayloadGone), "{refused}");
    assert_eq!(rig.hooks.message_get(rig.application, long.id).await.unwrap().payload, "{\"n\":2}");
    rig.hooks.clock().advance(5 * DAY);
    wait_gone(&rig, short.id).await;
    wait_gone(&rig, long.id).await;
    rig.end().await;
}

#[tokio::test]
async fn what_is_gone_cannot_be_sent_again() {
    let (rig, receiver) = (rig().await, Receiver::start().await);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    rig.wait_ended(message.id).await;
    let read = rig.hooks.message_get(rig.application, message.id).await.unwrap();
    rig.hooks.clock().advance(5 * DAY);
    wait_gone(&rig, message.id).await;
    let refused = rig.hooks.resend(read, &endpoint).await.unwrap_err();
    assert!(matches!(refused, Error::NotFound(Thing::Message)), "{refused}");
    assert_eq!(rig.statuses(message.id).await, []);
    rig.end().await;
}

#[tokio::test]
async fn a_background_task_that_is_over_goes_as_well() {
    let (rig, receiver) = (rig().await, Receiver::start().await);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    rig.wait_ended(message.id).await;
    let organisation = rig.hooks.default_organisation();
    let begin = async || {
        let selection = Selection::since(START);
        let task = rig.hooks.task_begin(organisation, &endpoint, TaskKind::Recover, selection).await.unwrap();
        eventually("the end of a task", async || {
            let task = rig.hooks.task_get(organisation, task.id).await.unwrap();
            if task.status.state() == TaskState::Finished { Ok(task) } else { Err(task) }
        })
        .await
    };
    let old = begin().await;
    rig.hooks.clock().advance(4 * DAY);
    let young = begin().await;
    rig.hooks.clock().advance(DAY);
    eventually("a task that is gone", async || {
        rig.hooks.clock().advance(ROUND);
        rig.hooks.task_get(organisation, old.id).await.map_or(Ok(()), Err)
    })
    .await;
    assert_eq!(rig.hooks.task_get(organisation, young.id).await.unwrap(), young);
    rig.end().await;
}

/// How many pages the database has, whether they lie in its file already or still in the write-ahead log.
fn pages(directory: &Path) -> u32 {
    let connection = Connection::open(directory.join("test.db")).unwrap();
    connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn the_file_stops_growing() {
    let (rig, receiver) = (rig().await, Receiver::start().await);
    rig.endpoint(receiver.url("/")).await;
    let mut sizes = Vec::new();
    for _ in 0..5 {
        let mut last = None;
        for number in 0..200 {
            last = Some(rig.send(vec![b'x'; 10 + 300 * number]).await);
        }
        let last = last.unwrap();
        rig.wait_ended(last.id).await;
        eventually("all deliveries", async || {
            let snapshot = rig.hooks.snapshot();
            if snapshot.resident + snapshot.attempts_under_way == 0 { Ok(()) } else { Err(snapshot) }
        })
        .await;
        rig.hooks.clock().advance(5 * DAY);
        wait_gone(&rig, last.id).await;
        sizes.push(pages(rig.directory.path()));
    }
    // What is free may have been given back just before one is looked at.
    let first = sizes[0].max(sizes[1]);
    assert!(f64::from(sizes[4]) <= f64::from(first) * 1.1, "{sizes:?}");
    rig.end().await;
}
