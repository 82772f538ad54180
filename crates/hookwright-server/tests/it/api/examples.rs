//! Examples of event types, sent to one endpoint.

use hookwright_testkit::Receiver;
use hookwright_testkit::http::Answer;
use serde_json::{Value, json};

use super::rig::{Rig, text, wrong_place};

const PATH: &str = "/api/v1/app/ann/endpoint/tried/send-example";

/// A server with an endpoint `tried` and another one, both of which filter by another event type than the example's.
async fn rig(receiver: &Receiver) -> Rig {
    let rig = Rig::start().await;
    rig.application("ann").await;
    event_type(&rig, "other", &Value::Null).await;
    for uid in ["tried", "another"] {
        let url = receiver.url(&format!("/{uid}"));
        let body = json!({"url": url, "uid": uid, "eventTypes": ["other"]});
        rig.client.post("/api/v1/app/ann/endpoint", &body).await.expect(201);
    }
    rig
}

async fn event_type(rig: &Rig, name: &str, schemas: &Value) {
    let body = json!({"name": name, "description": "", "schemas": schemas});
    rig.client.post("/api/v1/event-type", &body).await.expect(201);
}

async fn send(rig: &Rig, body: Value) -> Answer {
    rig.client.post(PATH, &body).await
}

#[tokio::test]
async fn an_example_of_the_newest_schema_goes_to_the_endpoint_alone() {
    let receiver = Receiver::start().await;
    let rig = rig(&receiver).await;
    let schemas = json!({
        "2": {"examples": [{"n": 2}]},
        "10": {"examples": [{"n": 1.50}, {"n": "second"}], "example": {"n": "not this"}},
    });
    event_type(&rig, "a.b", &schemas).await;
    let sent = send(&rig, json!({"eventType": "a.b"})).await.expect(202).json();
    assert_eq!((&sent["eventType"], &sent["payload"]), (&json!("a.b"), &json!({"n": 1.5})));
    let received = receiver.wait_for(1).await;
    assert_eq!(received[0].path(), "/tried");
    assert_eq!(received[0].body, "{\"n\":1.5}");
    let read = rig.client.get(&format!("/api/v1/app/ann/msg/{}", text(&sent["id"]))).await.expect(200).json();
    assert_eq!(read, sent, "it is a message like any other");

    let second = json!({"eventType": "a.b", "exampleIndex": 1});
    assert_eq!(send(&rig, second).await.expect(202).json()["payload"], json!({"n": "second"}));
    let third = send(&rig, json!({"eventType": "a.b", "exampleIndex": 2})).await.expect(422);
    assert_eq!(wrong_place(&third), "body.exampleIndex");
    receiver.wait_for(2).await;
    assert!(receiver.received().iter().all(|received| received.path() == "/tried"));
}

#[tokio::test]
async fn an_event_type_without_a_list_of_examples_has_one_all_the_same() {
    let receiver = Receiver::start().await;
    let rig = rig(&receiver).await;
    let made_up = |name: &str| json!({"type": name, "example": true});
    for (name, schemas, payload) in [
        ("none", Value::Null, made_up("none")),
        ("plain", json!({"1": {"type": "object"}}), made_up("plain")),
        ("boolean", json!({"1": true}), made_up("boolean")),
        ("empty", json!({"1": {"examples": []}}), made_up("empty")),
        ("single", json!({"1": {"example": [1]}}), json!([1])),
        ("no-list", json!({"1": {"examples": "x", "example": {"y": 1}}}), json!({"y": 1})),
    ] {
        event_type(&rig, name, &schemas).await;
        let sent = send(&rig, json!({"eventType": name, "exampleIndex": 7})).await.expect(202).json();
        assert_eq!(sent["payload"], payload, "{name}");
    }
    receiver.wait_for(6).await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused() {
    let receiver = Receiver::start().await;
    let rig = rig(&receiver).await;
    for (body, place) in [
        (json!({"eventType": "unknown"}), "body.eventType"),
        (json!({"eventType": "no no"}), "body.eventType"),
        (json!({}), "body.eventType"),
        (json!({"eventType": "other", "exampleIndex": -1}), "body.exampleIndex"),
    ] {
        assert_eq!(wrong_place(&send(&rig, body.clone()).await.expect(422)), place, "{body}");
    }
    let other = json!({"eventType": "other"});
    rig.client.post(&PATH.replace("tried", "nobody"), &other).await.expect(404);
    rig.client.post(&PATH.replace("ann", "nobody"), &other).await.expect(404);
    assert_eq!(receiver.count(), 0);
}
