//! Payloads and answers that are removed, and what becomes of deliveries that were on their way.

use std::time::Duration;

use hookwright::domain::application::ApplicationRef;
use hookwright::domain::attempt::{Attempt, AttemptStatus, EXPUNGED};
use hookwright::{DeliveryStatus, Error, Thing};
use hookwright_testkit::{Receiver, Reply, eventually};

use crate::rig::{Rig, new_message};

const WORDS: &str = "the message's payload was removed before it could be sent";

/// The status and the reason of each attempt.
fn told(attempts: &[Attempt]) -> Vec<(AttemptStatus, Option<&str>)> {
    attempts.iter().map(|attempt| (attempt.status, attempt.reason.as_deref())).collect()
}

#[tokio::test]
async fn a_retry_that_waits_ends_at_once_when_the_payload_goes() {
    let rig = Rig::start_manual(|_| ()).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500), Reply::ok()]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    rig.wait_retry(message.id).await;
    rig.hooks.message_expunge(rig.application, message.id).await.unwrap();
    let attempts = rig.wait_ended(message.id).await;
    let failed = "the endpoint answered 500 Internal Server Error";
    assert_eq!(told(&attempts), [(AttemptStatus::Fail, Some(failed)), (AttemptStatus::Fail, Some(WORDS))]);
    assert_eq!(rig.statuses(message.id).await, [DeliveryStatus::Ended(AttemptStatus::Fail)]);
    let stored = rig.hooks.message_get(rig.application, message.id).await.unwrap();
    assert!(stored.payload.is_empty());
    let refused = rig.hooks.resend(stored, &endpoint).await.unwrap_err();
    assert!(matches!(refused, Error::PayloadGone), "{refused}");
    rig.hooks.clock().advance(Duration::from_secs(86_400));
    let next = rig.send("{}").await;
    rig.wait_ended(next.id).await;
    assert_eq!(receiver.count(), 2, "nothing of it was sent again");
    assert!(rig.reread(&endpoint).await.disabled.is_none());
    rig.end().await;
}

#[tokio::test]
async fn what_waits_in_memory_is_not_sent_and_what_is_under_way_is() {
    let rig = Rig::start_with(|config| config.lane_concurrency = 1).await;
    let receiver = Receiver::start().await;
    let gate = receiver.gate();
    rig.endpoint(receiver.url("/")).await;
    let first = rig.send("{\"n\":1}").await;
    gate.wait_entered(1).await;
    let second = rig.send("{\"n\":2}").await;
    eventually("a second delivery in memory", async || {
        let snapshot = rig.hooks.snapshot();
        if snapshot.resident == 1 { Ok(()) } else { Err(snapshot) }
    })
    .await;
    for message in [&first, &second] {
        rig.hooks.message_expunge(rig.application, message.id).await.unwrap();
    }
    gate.release();
    assert_eq!(told(&rig.wait_ended(first.id).await), [(AttemptStatus::Success, None)]);
    assert_eq!(told(&rig.wait_ended(second.id).await), [(AttemptStatus::Fail, Some(WORDS))]);
    assert_eq!(receiver.count(), 1);
    assert_eq!(rig.hooks.snapshot().resident_bytes, 0);
    rig.end().await;
}

#[tokio::test]
async fn a_payload_that_goes_right_after_it_was_accepted_is_sent_before_that_or_never() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    rig.endpoint(receiver.url("/")).await;
    for _ in 0..50 {
        let message = rig.send("{}").await;
        rig.hooks.message_expunge(rig.application, message.id).await.unwrap();
        let attempts = rig.wait_ended(message.id).await;
        match told(&attempts).as_slice() {
            [(AttemptStatus::Success, None)] | [(AttemptStatus::Fail, Some(WORDS))] => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(receiver.received().iter().all(|received| received.body == "{}"));
    rig.end().await;
}

#[tokio::test]
async fn what_an_endpoint_answered_is_removed() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.script([Reply::status(200).body("a secret")]);
    rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    let attempt = rig.wait_ended(message.id).await.remove(0);
    assert_eq!(attempt.response, "a secret");
    rig.hooks.attempt_expunge(rig.application, message.id, attempt.id).await.unwrap();
    assert_eq!(
        rig.attempts(message.id).await,
        [Attempt { response: EXPUNGED.into(), ..attempt.clone() }],
        "all else stays"
    );
    let other = rig.send("{}").await;
    let missing = rig.hooks.attempt_expunge(rig.application, other.id, attempt.id).await.unwrap_err();
    assert!(matches!(missing, Error::NotFound(Thing::Attempt)), "{missing}");
    rig.end().await;
}

#[tokio::test]
async fn an_empty_payload_is_refused() {
    let rig = Rig::start().await;
    let application = ApplicationRef::Id(rig.application);
    let organisation = rig.hooks.default_organisation();
    let refused = rig.hooks.send(organisation, &application, new_message(""), None).await.unwrap_err();
    assert!(matches!(refused, Error::PayloadEmpty), "{refused}");
    rig.end().await;
}
