//! Removing what a message says, and what an endpoint answered.

use std::time::Duration;

use hookwright::Clock;
use hookwright::domain::time::Timestamp;
use hookwright_testkit::{Point, Receiver, Reply, eventually};
use serde_json::{Value, json};

use super::rig::{Rig, text};

/// Waits for so many attempts of a message, newest first.
async fn attempts(rig: &Rig, message: &str, count: usize) -> Vec<Value> {
    let path = format!("/api/v1/app/ann/attempt/msg/{message}");
    eventually(&format!("{count} attempts"), async || {
        let list = rig.client.get(&path).await.expect(200).json()["data"].clone();
        let list = list.as_array().cloned().unwrap_or_default();
        if list.len() == count { Ok(list) } else { Err(list) }
    })
    .await
}

#[tokio::test]
async fn a_payload_that_was_removed_is_shown_as_expired_and_not_resent() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let application = rig.application("ann").await;
    let endpoint = rig.endpoint("ann", &receiver.url("/")).await;
    let message = rig.send("ann", "a.b", json!({"secret": 1})).await;
    attempts(&rig, &message, 1).await;
    let path = format!("/api/v1/app/ann/msg/{message}/content");
    let tenant = rig.tenant(&application).await;
    tenant.delete(&path).await.expect(403);
    rig.client.delete(&path.replace(&message, "msg_000000000000000000000000000")).await.expect(404);
    rig.application("bob").await;
    rig.client.delete(&path.replace("ann", "bob")).await.expect(404);
    let shown = async |query: &str| {
        let path = format!("/api/v1/app/ann/msg/{message}{query}");
        rig.client.get(&path).await.expect(200).json()["payload"].clone()
    };
    assert_eq!(shown("").await, json!({"secret": 1}), "nothing of that removed it");

    assert_eq!(rig.client.delete(&path).await.expect(204).text(), "");
    assert_eq!(shown("").await, json!({"expired": true}));
    assert_eq!(shown("?with_content=false").await, json!({}));
    let listed = rig.client.get("/api/v1/app/ann/msg").await.expect(200).json();
    assert_eq!(listed["data"][0]["payload"], json!({"expired": true}));
    let resend = format!("/api/v1/app/ann/msg/{message}/endpoint/{endpoint}/resend");
    let refused = rig.client.post(&resend, &json!({})).await.expect(400);
    assert_eq!(refused.json()["code"], "missing_payload");
    assert_eq!(receiver.count(), 1);
    rig.client.delete(&path).await.expect(204);
}

#[tokio::test]
async fn a_payload_is_shown_as_expired_after_the_time_its_sender_gave_it() {
    let clock = Clock::manual(Timestamp::from_micros(1_700_000_000_000_000));
    let (rig, receiver) = (Rig::start_at(clock.clone()).await, Receiver::start().await);
    receiver.on("/", [Reply::status(200).body("an echo")]);
    rig.application("ann").await;
    let endpoint = rig.endpoint("ann", &receiver.url("/")).await;
    let mut messages = Vec::new();
    for (field, number) in [("payloadRetentionHours", 2), ("payloadRetentionPeriod", 1)] {
        let body = json!({"eventType": "a.b", "payload": {"n": number}, field: number});
        let sent = rig.client.post("/api/v1/app/ann/msg", &body).await.expect(202).json();
        messages.push(text(&sent["id"]));
    }
    let lasting = rig.send("ann", "a.b", json!({"n": 0})).await;
    for message in messages.iter().chain([&lasting]) {
        attempts(&rig, message, 1).await;
    }
    let shown = async |message: &str| {
        rig.client.get(&format!("/api/v1/app/ann/msg/{message}")).await.expect(200).json()["payload"].clone()
    };
    for (message, hours, number) in [(&messages[0], 2, 2), (&messages[1], 22, 1)] {
        assert_eq!(shown(message).await, json!({"n": number}));
        clock.advance(Duration::from_secs(hours * 3_600));
        eventually("a payload that has expired", async || {
            // More than the time between two rounds of what removes.
            clock.advance(Duration::from_secs(61));
            let payload = shown(message).await;
            if payload == json!({"expired": true}) { Ok(()) } else { Err(payload) }
        })
        .await;
        assert_eq!(attempts(&rig, message, 1).await[0]["response"], "EXPUNGED");
        let resend = format!("/api/v1/app/ann/msg/{message}/endpoint/{endpoint}/resend");
        let refused = rig.client.post(&resend, &json!({})).await.expect(400);
        assert_eq!(refused.json()["code"], "missing_payload");
    }
    assert_eq!(shown(&lasting).await, json!({"n": 0}));
}

#[tokio::test]
async fn a_delivery_whose_payload_was_removed_ends_and_says_why() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.on("/", [Reply::status(500)]);
    rig.application("ann").await;
    rig.endpoint("ann", &receiver.url("/")).await;
    let message = rig.send("ann", "a.b", json!({"secret": 1})).await;
    attempts(&rig, &message, 1).await;
    rig.client.delete(&format!("/api/v1/app/ann/msg/{message}/content")).await.expect(204);
    let last = attempts(&rig, &message, 2).await[0].clone();
    assert_eq!(last["response"], "the message's payload was removed before it could be sent");
    assert_eq!((&last["status"], &last["responseStatusCode"]), (&json!(2), &json!(0)));
    let path = format!("/api/v1/app/ann/msg/{message}/endpoint");
    let ended = rig.client.get(&path).await.expect(200).json()["data"][0].clone();
    assert_eq!((&ended["statusText"], &ended["nextAttempt"]), (&json!("fail"), &Value::Null));
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn what_an_endpoint_answered_is_shown_as_expunged() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.script([Reply::status(200).body("a secret"), Reply::close(Point::BeforeAnswer)]);
    let application = rig.application("ann").await;
    rig.endpoint("ann", &receiver.url("/")).await;
    // The first is answered; the connection of the second is closed, so that words of ours stand for the answer.
    for _ in 0..2 {
        let message = rig.send("ann", "a.b", json!({})).await;
        let before = attempts(&rig, &message, 1).await[0].clone();
        assert_ne!(before["response"], "EXPUNGED");
        let one = format!("/api/v1/app/ann/msg/{message}/attempt/{}", text(&before["id"]));
        let tenant = rig.tenant(&application).await;
        tenant.delete(&format!("{one}/content")).await.expect(403);
        rig.client.delete(&format!("{one}/content")).await.expect(204);
        let mut expected = before.clone();
        expected["response"] = json!("EXPUNGED");
        assert_eq!(rig.client.get(&one).await.expect(200).json(), expected);
        assert_eq!(attempts(&rig, &message, 1).await[0]["response"], "EXPUNGED");
        let other = one.replace(&text(&before["id"]), "atmpt_000000000000000000000000000");
        rig.client.delete(&format!("{other}/content")).await.expect(404);
    }
}
