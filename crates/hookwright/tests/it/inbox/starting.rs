//! What is declared, and what the next start makes of it.

use std::time::Duration;

use hookwright::{BoxError, EventTypeFrom, Hooks, Inbox, InboxBuilder, InboxError, Source, StartError};
use hookwright_testkit::eventually;
use tempfile::TempDir;

use super::{Handled, PAID, in_memory, send, stripe};
use crate::rig;

/// An inbox on a file, whose engine tries so often again.
pub(super) fn on_file(directory: &TempDir, retries: usize) -> InboxBuilder {
    let mut engine = Hooks::open("sqlite://replaced.db").unwrap();
    *engine.config_mut() = rig::config(directory);
    // Longer than it takes to end one engine.
    engine.config_mut().retry.schedule = vec![Duration::from_secs(1); retries];
    Inbox::within(engine)
}

pub(super) async fn until(condition: impl Fn() -> bool) {
    eventually("what handlers are called with", async || if condition() { Ok(()) } else { Err(()) }).await;
}

#[tokio::test]
async fn what_is_declared_wrong_is_told_at_the_start() {
    let handler = || Handled::default().handler();
    let wrong = async |builder: InboxBuilder| match builder.start().await {
        Err(StartError::Inbox(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it started"),
    };
    let source = || in_memory().source("payments", stripe());
    assert!(matches!(wrong(in_memory().on("*", handler())).await, InboxError::NoSource { .. }));
    assert!(matches!(wrong(in_memory().source("a b", stripe())).await, InboxError::SourceName { .. }));
    assert!(matches!(wrong(source().source("payments", stripe())).await, InboxError::SourceTwice { .. }));
    let twice = source().on("a", handler()).on("a", handler());
    assert!(matches!(wrong(twice).await, InboxError::HandlerTwice { .. }));
    assert!(matches!(wrong(source().on("a*", handler())).await, InboxError::Event { .. }));
    assert!(matches!(wrong(source().on_as("", "a", handler())).await, InboxError::HandlerName { .. }));
    for from in
        [EventTypeFrom::header("a b"), EventTypeFrom::header("Authorization"), EventTypeFrom::pointer("data")]
    {
        assert!(matches!(wrong(source().event_type(from)).await, InboxError::EventType { .. }));
    }
    let confirm = in_memory().confirm(async |_| Ok::<_, BoxError>(true));
    assert!(matches!(wrong(confirm).await, InboxError::NoSource { .. }));
    let kinds = in_memory().source("payments", stripe().or(Source::github("s")));
    assert!(matches!(wrong(kinds).await, InboxError::Kinds { .. }));
    let empty = wrong(in_memory().source("payments", Source::stripe(""))).await.to_string();
    assert_eq!(
        empty,
        "the source \"payments\" cannot be set up: secret: is empty, and with it anybody could sign"
    );
    let unknown = wrong(in_memory().source("payments", Source::of("vapi"))).await.to_string();
    assert!(unknown.contains("not verifiable yet"), "{unknown}");
}

#[tokio::test]
async fn the_next_start_goes_on_with_what_is_left_and_takes_what_is_declared_now() {
    let directory = tempfile::tempdir().unwrap();
    let (paid, gone) = (Handled::default(), Handled::default());
    let inbox = on_file(&directory, 3)
        .source("payments", stripe())
        .on_as("pay", "charge.succeeded", paid.handler())
        .on_as("old", "*", gone.handler())
        .start()
        .await
        .unwrap();
    paid.fails_with(&["the bank is closed"]);
    send(&inbox, stripe(), PAID).await;
    until(|| paid.count() == 1 && gone.count() == 1).await;
    inbox.shutdown(Duration::from_secs(10)).await.unwrap();

    // Another secret beside the old one, one handler for other events as well, and one that is not there any more.
    let both = || Source::stripe("new").or(stripe());
    let inbox = on_file(&directory, 3)
        .source("payments", both())
        .on_as("pay", "*", paid.handler())
        .start()
        .await
        .unwrap();
    until(|| paid.count() == 2).await;
    assert_eq!((paid.events()[1].id, paid.events()[1].attempt), (paid.events()[0].id, 2));
    for (source, body) in [
        (stripe(), r#"{"id": "evt_2", "type": "charge.failed"}"#),
        (Source::stripe("new"), r#"{"id": "evt_3", "type": "charge.failed"}"#),
    ] {
        assert_eq!(send(&inbox, source, body).await.status(), 200);
    }
    assert_eq!(send(&inbox, stripe(), PAID).await.status(), 200, "known also after a restart");
    until(|| paid.count() == 4).await;
    inbox.shutdown(Duration::from_secs(10)).await.unwrap();

    // It is there again, and gets what comes from now on; what was done is not done again.
    let inbox = on_file(&directory, 3)
        .source("payments", Source::stripe("new"))
        .on_as("pay", "*", paid.handler())
        .on_as("old", "*", gone.handler())
        .start()
        .await
        .unwrap();
    assert_eq!(send(&inbox, stripe(), PAID).await.status(), 401, "the old secret is not taken any more");
    let answer = send(&inbox, Source::stripe("new"), r#"{"id": "evt_4", "type": "charge.failed"}"#).await;
    assert_eq!(answer.status(), 200);
    until(|| paid.count() == 5 && gone.count() == 2).await;
    inbox.shutdown(Duration::from_secs(10)).await.unwrap();
    assert_eq!((paid.count(), gone.count()), (5, 2));
    let after = inbox.hooks().signed_request(Source::stripe("new"), PAID);
    assert_eq!(inbox.receive("payments", after).await.status(), 503, "its provider sends it again");
}
