//! When failed deliveries are tried again, and when they are not.

use std::time::Duration;

use hookwright::domain::attempt::{AttemptStatus, Trigger};
use hookwright::domain::retry::RetryPolicy;
use hookwright::{DeliveryStatus, Error};
use hookwright_testkit::{Receiver, Reply};

use crate::rig::Rig;

#[tokio::test]
async fn a_failed_delivery_is_tried_again_under_the_same_id_until_it_is_taken() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.script([Reply::status(500), Reply::status(302), Reply::ok()]);
    rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    let attempts = rig.wait_ended(message.id).await;
    assert_eq!(attempts.iter().map(|a| a.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(attempts.iter().map(|a| a.response_code).collect::<Vec<_>>(), [500, 302, 200]);
    assert!(attempts[0].next_attempt_at.is_some() && attempts[2].next_attempt_at.is_none());
    assert!(receiver.received().iter().all(|got| got.id() == message.id.to_string()));
    assert_eq!(receiver.count(), 3);
    rig.end().await;
}

#[tokio::test]
async fn the_default_schedule_is_walked_to_its_end_and_the_delivery_is_given_up() {
    let rig = Rig::start_manual(|config| config.retry = RetryPolicy::default()).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500)]);
    rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    for seconds in [5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 36_000.0] {
        let wait = rig.advance_to_retry(message.id).await.as_secs_f64();
        assert!((0.9 * seconds..=1.1 * seconds).contains(&wait), "waited {wait} s instead of {seconds} s");
    }
    let attempts = rig.wait_ended(message.id).await;
    assert_eq!(attempts.iter().map(|a| a.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(rig.statuses(message.id).await, [DeliveryStatus::Ended(AttemptStatus::Fail)]);
    rig.hooks.clock().advance(Duration::from_secs(30 * 86_400));
    let another = rig.send("{}").await;
    rig.wait_attempts(another.id, 1).await;
    assert_eq!(rig.attempts(message.id).await.len(), 8, "nothing follows what was given up");
    rig.end().await;
}

#[tokio::test]
async fn retry_after_is_honoured_for_429_and_503() {
    for status in [429, 503] {
        let rig = Rig::start_manual(|_| ()).await;
        let receiver = Receiver::start().await;
        receiver.script([Reply::status(status).retry_after(120), Reply::ok()]);
        rig.endpoint(receiver.url("/")).await;
        let message = rig.send("{}").await;
        assert_eq!(rig.advance_to_retry(message.id).await, Duration::from_secs(120));
        assert_eq!(rig.wait_ended(message.id).await.len(), 2);
        rig.end().await;
    }
}

#[tokio::test]
async fn an_endpoint_can_abort_a_message() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.script([Reply::status(500).header("Webhook-Delivery", "abort-message"), Reply::ok()]);
    rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    assert_eq!(rig.wait_ended(message.id).await.len(), 1);
    assert_eq!(rig.statuses(message.id).await, [DeliveryStatus::Ended(AttemptStatus::Fail)]);
    let next = rig.send("{}").await;
    assert_eq!(rig.wait_ended(next.id).await[0].status, AttemptStatus::Success);
    rig.end().await;
}

#[tokio::test]
async fn a_resend_makes_a_new_delivery_with_all_its_retries() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    rig.wait_ended(message.id).await;
    receiver.script([Reply::status(500), Reply::ok()]);
    let stored = rig.hooks.message_get(rig.application, message.id).await.unwrap();
    rig.hooks.resend(stored, &endpoint).await.unwrap();
    let attempts = rig.wait_attempts(message.id, 3).await;
    let seen: Vec<_> = attempts.iter().map(|a| (a.number, a.trigger, a.response_code)).collect();
    let expected = [(1, Trigger::Scheduled, 200), (1, Trigger::Manual, 500), (2, Trigger::Manual, 200)];
    assert_eq!(seen, expected);
    assert!(receiver.received().iter().all(|got| got.id() == message.id.to_string()));
    rig.end().await;
}

#[tokio::test]
async fn a_resend_makes_a_delivery_that_waits_for_its_retry_go_at_once() {
    let rig = Rig::start_manual(|config| config.retry = RetryPolicy::default()).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500), Reply::ok()]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    rig.wait_retry(message.id).await;
    rig.hooks.resend((*message).clone(), &endpoint).await.unwrap();
    let attempts = rig.wait_ended(message.id).await;
    assert_eq!(attempts.len(), 2);
    rig.hooks.clock().advance(Duration::from_secs(86_400));
    let another = rig.send("{}").await;
    rig.wait_ended(another.id).await;
    assert_eq!(receiver.count(), 3, "the retry that waited does not come as well");
    rig.end().await;
}

#[tokio::test]
async fn a_message_without_its_payload_is_not_resent() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let mut message = (*rig.send("{}").await).clone();
    message.payload = bytes::Bytes::new();
    let refused = rig.hooks.resend(message, &endpoint).await.unwrap_err();
    assert!(matches!(refused, Error::PayloadGone), "{refused}");
    rig.end().await;
}
