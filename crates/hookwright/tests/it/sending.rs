//! Sending twice, sending the same, and callers that go away in the middle.

use std::future::Future;
use std::task::{Context, Waker};
use std::time::Duration;

use hookwright::domain::application::ApplicationRef;
use hookwright::domain::endpoint::DisabledReason;
use hookwright::domain::names::EventId;
use hookwright::hooks::{EndpointRef, IdempotencyKey, KeptAnswer};
use hookwright::{Error, Sent};
use hookwright_testkit::{Receiver, Reply, eventually};

use crate::rig::{Rig, new_message};

fn key(rig: &Rig, text: &str, body: &[u8]) -> IdempotencyKey {
    let organisation = rig.hooks.default_organisation();
    IdempotencyKey::new(organisation, "POST", "/msg", text, body, rig.hooks.clock().now())
}

async fn send(rig: &Rig, key: &IdempotencyKey, event_id: Option<&str>) -> Result<Sent, Error> {
    let mut message = new_message("{}");
    message.event_id = event_id.map(|id| EventId::parse(id).unwrap());
    let application = ApplicationRef::Id(rig.application);
    rig.hooks.send(rig.hooks.default_organisation(), &application, message, Some(key.stored())).await
}

/// Starts a call and drops it at its first wait, as a server does with a request whose client went away.
fn begin_and_leave(call: impl Future) {
    let mut call = Box::pin(call);
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "it ended at once");
}

#[tokio::test]
async fn a_request_that_is_repeated_makes_one_message() {
    let (rig, receiver) = (Rig::start_manual(|_| ()).await, Receiver::start().await);
    rig.endpoint(receiver.url("/")).await;
    let first_key = key(&rig, "k", b"body");
    let both = futures_util::future::join(send(&rig, &first_key, None), send(&rig, &first_key, None)).await;
    // Which of the two is written first is open.
    let ((Ok(Sent::Accepted(message)), Ok(Sent::Repeated(id)))
    | (Ok(Sent::Repeated(id)), Ok(Sent::Accepted(message)))) = both
    else {
        panic!("{both:?}")
    };
    assert_eq!(message.id, id);
    let other = send(&rig, &key(&rig, "k", b"other body"), None).await.unwrap_err();
    assert!(matches!(other, Error::KeyReused), "{other}");
    rig.hooks.clock().advance(Duration::from_secs(12 * 3_600));
    assert!(matches!(send(&rig, &key(&rig, "k", b"other body"), None).await, Ok(Sent::Accepted(_))));
    receiver.wait_for(2).await;
    rig.end().await;
    assert_eq!(receiver.count(), 2);
}

#[tokio::test]
async fn an_event_id_that_is_taken_is_refused_and_its_key_can_be_used_again() {
    let rig = Rig::start().await;
    assert!(send(&rig, &key(&rig, "a", b""), Some("event-1")).await.is_ok());
    let taken = send(&rig, &key(&rig, "b", b""), Some("event-1")).await.unwrap_err();
    assert_eq!(taken.to_string(), "the eventId is taken by another message");
    assert!(matches!(send(&rig, &key(&rig, "b", b""), Some("event-2")).await, Ok(Sent::Accepted(_))));
    rig.end().await;
}

#[tokio::test]
async fn kept_answers_are_read_with_the_same_key_alone() {
    let rig = Rig::start_manual(|_| ()).await;
    let kept = key(&rig, "auto_k", b"body");
    assert_eq!(rig.hooks.answer_kept(&kept).await.unwrap(), KeptAnswer::Nothing);
    rig.hooks.answer_keep(&kept, b"{\"id\":1}").await.unwrap();
    assert_eq!(rig.hooks.answer_kept(&kept).await.unwrap(), KeptAnswer::Repeated(b"{\"id\":1}".to_vec()));
    let other = key(&rig, "auto_k", b"other");
    assert_eq!(rig.hooks.answer_kept(&other).await.unwrap(), KeptAnswer::OtherRequest);
    let unknown = key(&rig, "auto_l", b"body");
    assert_eq!(rig.hooks.answer_kept(&unknown).await.unwrap(), KeptAnswer::Nothing);
    rig.hooks.clock().advance(Duration::from_secs(15 * 60));
    assert_eq!(rig.hooks.answer_kept(&kept).await.unwrap(), KeptAnswer::Nothing);
    rig.end().await;
}

#[tokio::test]
async fn a_message_whose_sender_went_away_is_delivered_if_it_was_accepted() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    rig.endpoint(receiver.url("/")).await;
    rig.send("first").await;
    begin_and_leave(rig.send("second"));
    receiver.wait_for(2).await;
    rig.end().await;
}

#[tokio::test]
async fn a_change_whose_caller_went_away_counts_all_the_same() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    rig.reread(&endpoint).await;
    begin_and_leave(rig.update(&endpoint, |edit| edit.disabled = Some(DisabledReason::ByRequest)));
    eventually("the change", async || rig.reread(&endpoint).await.disabled.ok_or("the old state")).await;
    let name = EndpointRef::Id(endpoint.id);
    begin_and_leave(rig.hooks.endpoint_delete(rig.application, &name));
    eventually("the end of the endpoint", async || {
        match rig.hooks.endpoint_get(rig.application, &name).await {
            Err(Error::NotFound(_)) => Ok(()),
            other => Err(other.is_ok()),
        }
    })
    .await;
    rig.end().await;
}

#[tokio::test]
async fn a_resend_whose_caller_went_away_is_made_all_the_same() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.script([Reply::ok()]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    rig.wait_ended(message.id).await;
    begin_and_leave(rig.hooks.resend((*message).clone(), &endpoint));
    rig.wait_attempts(message.id, 2).await;
    rig.end().await;
}
