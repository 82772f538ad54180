//! Events for all: a message for each application that wants one, made once, with one payload.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use hookwright::domain::application::{ApplicationRef, ApplicationSettings};
use hookwright::domain::endpoint::DisabledReason;
use hookwright::domain::event_filter::EventFilter;
use hookwright::domain::event_type::EventTypeSettings;
use hookwright::domain::ids::ApplicationId;
use hookwright::domain::message::Message;
use hookwright::domain::page::{Order, PageRequest};
use hookwright::{Error, MessageFilter};
use hookwright_testkit::{Receiver, eventually};
use rusqlite::Connection;

use crate::rig::{Rig, event_type, new_message, to_url};

const NEEDLE: &str = "needle-of-everybody";

/// An application with an endpoint that filters by these.
async fn subscriber(rig: &Rig, url: String, filters: &[&str], disabled: bool) -> ApplicationId {
    let organisation = rig.hooks.default_organisation();
    let application =
        rig.hooks.application_create(organisation, ApplicationSettings::default()).await.unwrap().id;
    let mut new = to_url(url);
    new.settings.event_types = filters.iter().map(|filter| EventFilter::parse(filter).unwrap()).collect();
    new.disabled = disabled.then_some(DisabledReason::ByRequest);
    rig.hooks.endpoint_create(application, new).await.unwrap();
    application
}

async fn messages(rig: &Rig, application: ApplicationId) -> Vec<Message> {
    let page = PageRequest::first(250, Order::Ascending);
    rig.hooks.message_list(application, MessageFilter::default(), true, page).await.unwrap().page.items
}

fn count(rig: &Rig, table: &str) -> i64 {
    let connection = Connection::open(rig.directory.path().join("test.db")).unwrap();
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn each_application_that_wants_it_gets_a_message_and_no_other() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let organisation = rig.hooks.default_organisation();
    for name in ["book.added", "user.left"] {
        rig.hooks
            .event_type_create(organisation, event_type(name), EventTypeSettings::default())
            .await
            .unwrap();
    }
    let mut wanting = Vec::new();
    for filters in [&[][..], &["book.added"], &["book.*"], &["book.*", "book.added"]] {
        wanting.push(subscriber(&rig, receiver.url("/"), filters, false).await);
    }
    let other = subscriber(&rig, receiver.url("/"), &["user.left"], false).await;
    let disabled = subscriber(&rig, receiver.url("/"), &[], true).await;
    let payload = format!("{{\"x\":\"{NEEDLE}\"}}");
    rig.hooks.broadcast(organisation, new_message(payload.clone())).await.unwrap();
    let got = receiver.wait_for(4).await;
    assert!(got.iter().all(|got| got.body == payload.as_bytes()));
    rig.hooks.broadcasts_settled().await;
    for application in &wanting {
        let sent = messages(&rig, *application).await;
        assert_eq!(sent.len(), 1);
        assert_eq!(
            (&sent[0].payload[..], &sent[0].event_type),
            (payload.as_bytes(), &event_type("book.added"))
        );
        rig.hooks.message_get(*application, sent[0].id).await.unwrap();
    }
    for application in [other, disabled, rig.application] {
        assert!(messages(&rig, application).await.is_empty());
    }
    assert_eq!((count(&rig, "broadcast"), count(&rig, "message_broadcast")), (1, 4));
    let refused = rig.hooks.broadcast(organisation, new_message("")).await.unwrap_err();
    assert!(matches!(refused, Error::PayloadEmpty), "{refused}");
    rig.end().await;
}

#[tokio::test]
async fn what_a_restart_interrupts_goes_on_and_nobody_gets_it_twice() {
    let (mut rig, receiver) = (Rig::start().await, Receiver::start().await);
    let mut wanting = Vec::new();
    for _ in 0..230 {
        wanting.push(subscriber(&rig, receiver.url("/"), &[], false).await);
    }
    let organisation = rig.hooks.default_organisation();
    for number in 0..3 {
        rig.hooks.broadcast(organisation, new_message(format!("{{\"n\":{number}}}"))).await.unwrap();
        // Wherever it is by now: some steps are taken and others are not.
        rig = rig.restart_with(|_| ()).await;
    }
    rig.hooks.broadcasts_settled().await;
    for application in wanting {
        let mut sent: Vec<_> =
            messages(&rig, application).await.into_iter().map(|sent| sent.payload).collect();
        sent.sort();
        assert_eq!(sent, ["{\"n\":0}", "{\"n\":1}", "{\"n\":2}"]);
    }
    rig.end().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_none_on_disk_that_nobody_sends() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let organisation = rig.hooks.default_organisation();
    subscriber(&rig, receiver.url("/"), &[], false).await;
    // Once for the caches, so that the next call is with the journal as soon as it is looked at.
    rig.hooks.broadcast(organisation, new_message("{\"n\":1}")).await.unwrap();
    receiver.wait_for(1).await;
    rig.hooks.broadcasts_settled().await;
    let mut call = Box::pin(rig.hooks.broadcast(organisation, new_message("{\"n\":2}")));
    let looked_at = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
    assert!(looked_at.is_pending(), "it waits for the disk");
    drop(call);
    assert_eq!(receiver.wait_for(2).await[1].text(), "{\"n\":2}");
    rig.end().await;
}

#[tokio::test]
async fn the_payload_goes_with_the_last_message_that_has_it() {
    let rig = Rig::start().await;
    let receiver = Receiver::start().await;
    let organisation = rig.hooks.default_organisation();
    let first = subscriber(&rig, receiver.url("/"), &[], false).await;
    let second = subscriber(&rig, receiver.url("/"), &[], false).await;
    rig.hooks.broadcast(organisation, new_message(format!("{{\"x\":\"{NEEDLE}\"}}"))).await.unwrap();
    receiver.wait_for(2).await;
    let expunged = messages(&rig, first).await.remove(0);
    eventually("the end of its delivery", async || {
        let page = PageRequest::first(9, Order::Ascending);
        let ended =
            rig.hooks.attempt_list_by_message(first, expunged.id, Default::default(), page).await.unwrap();
        if ended.page.items.is_empty() { Err(()) } else { Ok(()) }
    })
    .await;
    rig.hooks.message_expunge(first, expunged.id).await.unwrap();
    assert!(messages(&rig, first).await[0].payload.is_empty());
    assert!(!messages(&rig, second).await[0].payload.is_empty());
    assert_eq!(count(&rig, "broadcast"), 1);
    rig.hooks.application_delete(organisation, &ApplicationRef::Id(second)).await.unwrap();
    eventually("nothing of it is left", async || {
        let left = (count(&rig, "broadcast"), count(&rig, "message_broadcast"));
        let files = ["test.db", "test.db-wal"].map(|name| std::fs::read(rig.directory.path().join(name)));
        let is_in = |bytes: &Vec<u8>| bytes.windows(NEEDLE.len()).any(|part| part == NEEDLE.as_bytes());
        let is_in_files = files.iter().flatten().any(is_in);
        if left == (0, 0) && !is_in_files { Ok(()) } else { Err((left, is_in_files)) }
    })
    .await;
    rig.end().await;
}

#[tokio::test]
async fn retention_takes_the_payload_too_and_one_that_nobody_wants_leaves_nothing() {
    let rig = Rig::start_manual(|config| config.retention = Duration::from_secs(3_600)).await;
    let receiver = Receiver::start().await;
    let organisation = rig.hooks.default_organisation();
    rig.hooks.broadcast(organisation, new_message("{\"to\":\"nobody\"}")).await.unwrap();
    rig.hooks.broadcasts_settled().await;
    assert_eq!(count(&rig, "broadcast"), 0);
    let application = subscriber(&rig, receiver.url("/"), &[], false).await;
    rig.hooks.broadcast(organisation, new_message("{}")).await.unwrap();
    receiver.wait_for(1).await;
    rig.hooks.broadcasts_settled().await;
    let sent = messages(&rig, application).await.remove(0);
    eventually("its attempt", async || {
        let page = PageRequest::first(9, Order::Ascending);
        let ended =
            rig.hooks.attempt_list_by_message(application, sent.id, Default::default(), page).await.unwrap();
        if ended.page.items.is_empty() { Err(()) } else { Ok(()) }
    })
    .await;
    eventually("its expiry", async || {
        rig.hooks.clock().advance(Duration::from_secs(4_000));
        let left = (count(&rig, "broadcast"), count(&rig, "message_broadcast"), count(&rig, "message"));
        if left == (0, 0, 0) { Ok(()) } else { Err(left) }
    })
    .await;
    rig.end().await;
}
