//! What is told by operational webhooks, and when.

use std::time::Duration;

use hookwright::Clock;
use hookwright::domain::time::Timestamp;
use hookwright_signature::{Secret, Verifier};
use hookwright_testkit::{Receiver, Reply, eventually};
use serde_json::{Value, json};

use super::{SECRET, listen, types};
use crate::api::rig::{Rig, text};

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

#[tokio::test]
async fn an_endpoint_that_answers_410_is_told_with_owner_target_and_reason_and_the_webhook_is_signed() {
    let (rig, customer, own) = (Rig::start().await, Receiver::start().await, Receiver::start().await);
    listen(&rig, &own, &["endpoint.disabled"]).await;
    customer.script([Reply::status(410)]);
    let application = rig.application("ann").await;
    let endpoint = rig.endpoint("ann", &customer.url("/hook")).await;
    rig.send("ann", "book.added", json!({})).await;
    let received = own.wait_for(1).await;
    let verifier = Verifier::new(Secret::parse(SECRET).unwrap());
    verifier.verify(|name| received[0].header(name), &received[0].body).unwrap();
    let mut payload = received[0].json();
    assert!(text(&payload["data"]["failSince"]).ends_with('Z'));
    payload["data"]["failSince"] = Value::Null;
    assert_eq!(
        payload,
        json!({"type": "endpoint.disabled", "data": {
            "appId": application, "appUid": "ann", "owner": "ann", "endpointId": endpoint, "endpointUid": null,
            "target": customer.url("/hook"), "trigger": "automatic", "failSince": null,
            "reason": "it answered 410 Gone", "lastStatus": 410,
        }})
    );
}

#[tokio::test]
async fn changes_of_endpoints_are_told_in_order() {
    let (rig, own) = (Rig::start().await, Receiver::start().await);
    listen(&rig, &own, &[]).await;
    rig.application("ann").await;
    let endpoint = rig.endpoint("ann", "http://127.0.0.1:9/").await;
    let path = format!("/api/v1/app/ann/endpoint/{endpoint}");
    for (times, disabled) in [(3, true), (5, false)] {
        rig.client.patch(&path, &json!({"disabled": disabled})).await.expect(200);
        own.wait_for(times).await;
    }
    rig.client.patch(&format!("{path}/headers"), &json!({"headers": {"x-a": "b"}})).await.expect(204);
    own.wait_for(6).await;
    rig.client.delete(&path).await.expect(204);
    let received = own.wait_for(7).await;
    let mut told = types(&own);
    // What was changed together is on its way together.
    told[1..3].sort();
    told[3..5].sort();
    assert_eq!(
        told,
        [
            "endpoint.created",
            "endpoint.disabled",
            "endpoint.updated",
            "endpoint.enabled",
            "endpoint.updated",
            "endpoint.updated",
            "endpoint.deleted"
        ]
    );
    for webhook in &received {
        let data = &webhook.json()["data"];
        assert_eq!((&data["endpointId"], &data["appUid"]), (&json!(endpoint), &json!("ann")));
    }
    let disabled = received.iter().map(|it| it.json()).find(|it| it["type"] == "endpoint.disabled").unwrap();
    assert_eq!(disabled["data"]["trigger"], "manual");
    assert_eq!(disabled["data"]["reason"], "it was turned off");
    assert_eq!(disabled["data"]["lastStatus"], Value::Null);
}

#[tokio::test]
async fn a_message_is_failing_at_its_fourth_failure_then_exhausted_and_recovers_when_it_is_resent() {
    let clock = Clock::manual(START);
    let rig = Rig::start_configured(|config| {
        config.clock = clock.clone();
        config.retry.schedule = vec![Duration::from_secs(60); 4];
    })
    .await;
    let (customer, own) = (Receiver::start().await, Receiver::start().await);
    listen(&rig, &own, &["message.attempt.*"]).await;
    customer.script([Reply::status(500)]);
    rig.application("ann").await;
    let endpoint = rig.endpoint("ann", &customer.url("/")).await;
    let body = json!({"eventType": "book.added", "eventId": "order-1", "payload": {}});
    let message = text(&rig.client.post("/api/v1/app/ann/msg", &body).await.expect(202).json()["id"]);
    let attempts = async || {
        let path = format!("/api/v1/app/ann/attempt/msg/{message}");
        rig.client.get(&path).await.expect(200).json()["data"].as_array().unwrap().len()
    };
    for number in 1..=5 {
        eventually("an attempt", async || {
            let logged = attempts().await;
            if logged >= number { Ok(()) } else { Err(logged) }
        })
        .await;
        match number {
            1..=3 => assert_eq!(own.count(), 0, "the third is not told"),
            4 => drop(own.wait_for(1).await),
            _ => {}
        }
        clock.advance(Duration::from_secs(70));
    }
    let received = own.wait_for(2).await;
    assert_eq!(types(&own), ["message.attempt.failing", "message.attempt.exhausted"]);
    let data = received[1].json()["data"].clone();
    assert_eq!((&data["msgId"], &data["msgEventId"]), (&json!(message), &json!("order-1")));
    assert_eq!((&data["endpointId"], &data["appUid"]), (&json!(endpoint), &json!("ann")));
    assert_eq!(data["lastAttempt"]["responseStatusCode"], 500);
    assert!(text(&data["lastAttempt"]["id"]).starts_with("atmpt_"));

    customer.script([Reply::ok()]);
    let path = format!("/api/v1/app/ann/msg/{message}/endpoint/{endpoint}/resend");
    rig.client.post(&path, &json!({})).await.expect(202);
    own.wait_for(3).await;
    assert_eq!(types(&own)[2], "message.attempt.recovered");
    // Once more it recovers from nothing: the next thing told is something else.
    rig.client.post(&path, &json!({})).await.expect(202);
    customer.wait_for(7).await;
    eventually("the last attempt", async || match attempts().await {
        7 => Ok(()),
        logged => Err(logged),
    })
    .await;
    assert_eq!(own.count(), 3);
}

#[tokio::test]
async fn the_end_of_a_background_task_is_told_with_what_it_sent() {
    let (rig, customer, own) = (Rig::start().await, Receiver::start().await, Receiver::start().await);
    listen(&rig, &own, &["background_task.finished"]).await;
    rig.application("ann").await;
    for _ in 0..3 {
        rig.send("ann", "book.added", json!({})).await;
    }
    let endpoint = rig.endpoint("ann", &customer.url("/")).await;
    let path = format!("/api/v1/app/ann/endpoint/{endpoint}/replay-missing");
    let since = json!({"since": rig.hooks.clock().now().before(Duration::from_secs(3_600)).to_string()});
    let task = rig.client.post(&path, &since).await.expect(202).json();
    let told = own.wait_for(1).await[0].json();
    assert_eq!(told["type"], "background_task.finished");
    let data = &told["data"];
    assert_eq!(
        (&data["taskId"], &data["task"], &data["status"]),
        (&task["id"], &task["task"], &json!("finished"))
    );
    assert_eq!((&data["data"]["messagesSent"], &data["data"]["endpointId"]), (&json!(3), &json!(endpoint)));
}
