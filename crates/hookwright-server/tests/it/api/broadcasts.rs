//! Events for every application that wants them, and event types that must be registered.

use hookwright_testkit::Receiver;
use hookwright_testkit::http::Method;
use serde_json::{Value, json};

use super::rig::{Rig, text, wrong_place};

const PATH: &str = "/api/v1/broadcast";

#[tokio::test]
async fn every_application_that_wants_it_gets_a_message_with_the_payload_byte_for_byte() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    for name in ["ann", "bob"] {
        rig.application(name).await;
        let body = json!({"url": receiver.url(&format!("/{name}")), "eventTypes": ["book.*"]});
        rig.client.post(&format!("/api/v1/app/{name}/endpoint"), &body).await.expect(201);
    }
    rig.application("eve").await;
    let body = r#"{"eventType":"book.changed","payload": {"b": 1.0,  "a":1}, "tags":["t"]}"#;
    let headers = [("content-type", "application/json"), ("idempotency-key", "once")];
    let post = async || rig.client.request(Method::POST, PATH, &headers, body).await.expect(202).json();
    let sent = post().await;
    assert!(text(&sent["id"]).starts_with("bcast_"));
    assert_eq!(post().await, sent, "the same key again");
    let got = receiver.wait_for(2).await;
    let mut targets: Vec<&str> = got.iter().map(|got| got.target.as_str()).collect();
    targets.sort_unstable();
    assert_eq!(targets, ["/ann", "/bob"]);
    assert!(got.iter().all(|got| got.body == r#"{"b": 1.0,  "a":1}"#.as_bytes()));
    rig.hooks.broadcasts_settled().await;
    for (name, count) in [("ann", 1), ("bob", 1), ("eve", 0)] {
        let messages = rig.client.get(&format!("/api/v1/app/{name}/msg?tag=t&with_content=true")).await;
        let messages = messages.expect(200).json();
        let messages = messages["data"].as_array().unwrap();
        assert_eq!(messages.len(), count, "{name}");
        assert!(messages.iter().all(|message| message["payload"] == json!({"b": 1.0, "a": 1})));
    }
}

#[tokio::test]
async fn what_is_of_one_message_is_refused_and_tenants_may_not_send_to_others() {
    let rig = Rig::start().await;
    let ann = rig.application("ann").await;
    for (field, value) in [
        ("eventId", json!("e")),
        ("application", json!({"name": "a"})),
        ("payloadRetentionPeriod", json!(1)),
        ("deliverAt", json!("2026-01-01T00:00:00Z")),
    ] {
        let mut body = json!({"eventType": "a.b", "payload": {}});
        body[field] = value;
        let refused = rig.client.post(PATH, &body).await.expect(422);
        assert_eq!(wrong_place(&refused), format!("body.{field}"));
    }
    let body = json!({"eventType": "a.b", "payload": {}});
    rig.tenant(&ann).await.post(PATH, &body).await.expect(403);
}

#[tokio::test]
async fn messages_of_unregistered_event_types_are_taken_unless_the_operator_refuses_them() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    rig.send("ann", "book.burned", json!({})).await;
    let strict = Rig::start_set_up(|_| {}, |options| options.refuse_unregistered = true).await;
    strict.application("ann").await;
    let body = |name: &str| json!({"eventType": name, "payload": {}});
    strict
        .client
        .post("/api/v1/event-type", &json!({"name": "book.added", "description": ""}))
        .await
        .expect(201);
    for path in ["/api/v1/app/ann/msg", PATH] {
        strict.client.post(path, &body("book.added")).await.expect(202);
        let refused = strict.client.post(path, &body("book.burned")).await.expect(422);
        assert_eq!(wrong_place(&refused), "body.eventType");
        let told: Value = refused.json();
        assert_eq!(told["detail"][0]["type"], "event_type_not_registered");
    }
}
