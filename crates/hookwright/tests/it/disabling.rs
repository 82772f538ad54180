//! What disables an endpoint, and what becomes of what was on its way to it.

use std::time::Duration;

use hookwright::DeliveryStatus;
use hookwright::domain::attempt::AttemptStatus;
use hookwright::domain::endpoint::{DisabledReason, Endpoint};
use hookwright_testkit::{Receiver, Reply, eventually};

use crate::rig::Rig;

const HALF_A_DAY: Duration = Duration::from_secs(12 * 3600);

async fn wait_disabled(rig: &Rig, endpoint: &Endpoint) -> DisabledReason {
    eventually("a disabled endpoint", async || rig.reread(endpoint).await.disabled.ok_or("enabled")).await
}

#[tokio::test]
async fn gone_disables_and_nothing_follows() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.script([Reply::status(410)]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    assert_eq!(wait_disabled(&rig, &endpoint).await, DisabledReason::Gone);
    let attempts = rig.wait_ended(message.id).await;
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].reason.as_deref(), Some("the endpoint answered 410 Gone"));
    let next = rig.send("{}").await;
    assert!(rig.statuses(next.id).await.is_empty(), "it is not meant for a disabled endpoint");
    rig.end().await;
}

#[tokio::test]
async fn an_endpoint_can_ask_to_be_disabled_though_it_takes_the_message() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.script([Reply::ok().header("webhook-delivery", "disable")]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    assert_eq!(wait_disabled(&rig, &endpoint).await, DisabledReason::AskedTo);
    rig.wait_ended(message.id).await;
    assert_eq!(rig.statuses(message.id).await, [DeliveryStatus::Ended(AttemptStatus::Success)]);
    rig.end().await;
}

#[tokio::test]
async fn disabling_an_endpoint_ends_its_retries_and_enabling_it_does_not_bring_them_back() {
    let rig = Rig::start_manual(|_| ()).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500), Reply::ok()]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    rig.wait_retry(message.id).await;
    rig.update(&endpoint, |edit| edit.disabled = Some(DisabledReason::ByRequest)).await;
    rig.wait_ended(message.id).await;
    rig.update(&endpoint, |edit| edit.disabled = None).await;
    rig.hooks.clock().advance(Duration::from_secs(60));
    let next = rig.send("{}").await;
    assert_eq!(rig.wait_ended(next.id).await[0].status, AttemptStatus::Success);
    assert_eq!(rig.attempts(message.id).await.len(), 1);
    rig.end().await;
}

#[tokio::test]
async fn disabling_an_endpoint_lets_what_is_under_way_end_and_starts_no_more() {
    let rig = Rig::start_with(|config| config.lane_concurrency = 1).await;
    let receiver = Receiver::start().await;
    let gate = receiver.gate();
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let first = rig.send("{}").await;
    gate.wait_entered(1).await;
    let second = rig.send("{}").await;
    rig.update(&endpoint, |edit| edit.disabled = Some(DisabledReason::ByRequest)).await;
    gate.release();
    assert_eq!(rig.wait_ended(first.id).await[0].status, AttemptStatus::Success);
    eventually("the end of what waited", async || {
        let statuses = rig.statuses(second.id).await;
        if statuses.is_empty() { Ok(()) } else { Err(statuses) }
    })
    .await;
    assert_eq!(receiver.count(), 1);
    rig.end().await;
}

#[tokio::test]
async fn a_deleted_endpoint_gets_nothing_more() {
    let rig = Rig::start_manual(|_| ()).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500), Reply::ok()]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let kept = Receiver::start().await;
    let message = rig.send("{}").await;
    rig.wait_retry(message.id).await;
    let name = hookwright::hooks::EndpointRef::Id(endpoint.id);
    rig.hooks.endpoint_delete(rig.application, &name).await.unwrap();
    rig.endpoint(kept.url("/")).await;
    rig.hooks.clock().advance(Duration::from_secs(60));
    let next = rig.send("{}").await;
    rig.wait_ended(next.id).await;
    assert_eq!((receiver.count(), kept.count()), (1, 1));
    rig.end().await;
}

/// An engine that retries twice a day, on a clock that the test moves, with an endpoint that only fails.
async fn failing() -> (Rig, Receiver, Endpoint) {
    let rig = Rig::start_manual(twice_a_day).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500)]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    (rig, receiver, endpoint)
}

fn twice_a_day(config: &mut hookwright::config::Config) {
    config.retry.schedule = vec![HALF_A_DAY; 30];
}

/// Lets retries fail until the message has failed for so many days since `START`.
async fn fail_for(rig: &Rig, message: hookwright::domain::ids::MessageId, days: u64) {
    let until = crate::rig::START.after(Duration::from_secs(days * 86_400));
    loop {
        let due = rig.wait_retry(message).await;
        if due > until {
            return;
        }
        rig.advance_to_retry(message).await;
    }
}

#[tokio::test]
async fn five_days_of_failures_disable_an_endpoint_and_end_its_deliveries() {
    let (rig, receiver, endpoint) = failing().await;
    let message = rig.send("{}").await;
    fail_for(&rig, message.id, 5).await;
    assert_eq!(rig.reread(&endpoint).await.disabled, None);
    let mut before = receiver.count();
    // Two failures in two half days in a row are needed, which the jitter can put off a little.
    while rig.reread(&endpoint).await.disabled.is_none() {
        rig.advance_to_retry(message.id).await;
        before += 1;
        rig.wait_attempts(message.id, before).await;
        eventually("the decision", async || {
            let pending =
                matches!(rig.statuses(message.id).await.as_slice(), [DeliveryStatus::Pending(Some(_))]);
            let disabled = rig.reread(&endpoint).await.disabled.is_some();
            if pending || disabled { Ok(()) } else { Err("open") }
        })
        .await;
    }
    assert_eq!(rig.reread(&endpoint).await.disabled, Some(DisabledReason::Failing));
    rig.wait_ended(message.id).await;
    assert!(rig.hooks.clock().now() > crate::rig::START.after(Duration::from_secs(5 * 86_400)));
    rig.end().await;
}

#[tokio::test]
async fn what_an_endpoint_failed_at_is_past_once_it_was_changed_also_after_a_restart() {
    let (rig, receiver, endpoint) = failing().await;
    let message = rig.send("{}").await;
    fail_for(&rig, message.id, 4).await;
    rig.update(&endpoint, |edit| edit.disabled = Some(DisabledReason::ByRequest)).await;
    rig.wait_ended(message.id).await;
    rig.update(&endpoint, |edit| edit.disabled = None).await;
    let rig = rig.restart_with(twice_a_day).await;
    rig.hooks.clock().advance(Duration::from_secs(2 * 86_400));
    // Long after the first failures, it fails for two days: too short to be disabled.
    let next = rig.send("{}").await;
    for attempts in 1..=4 {
        rig.wait_attempts(next.id, attempts).await;
        rig.advance_to_retry(next.id).await;
    }
    rig.wait_attempts(next.id, 5).await;
    rig.wait_retry(next.id).await;
    assert_eq!(rig.reread(&endpoint).await.disabled, None);
    drop(receiver);
    rig.end().await;
}
