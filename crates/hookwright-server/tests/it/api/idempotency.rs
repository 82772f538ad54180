//! Idempotency keys: the same request is done once, whoever repeats it, and answered alike.

use hookwright_testkit::Receiver;
use hookwright_testkit::http::{Answer, Client, Method};
use serde_json::{Value, json};

use super::rig::{Rig, column, wrong_place};

async fn post(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    client.request(Method::POST, path, &[("idempotency-key", key)], body.to_string()).await
}

#[tokio::test]
async fn a_repeated_message_is_stored_and_delivered_once() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    rig.application("ann").await;
    rig.endpoint("ann", &receiver.url("/")).await;
    let (path, body) = ("/api/v1/app/ann/msg", json!({"eventType": "a.b", "payload": {"x": 1}}));
    let first = post(&rig.client, path, "auto_1", &body).await.expect(202);
    let again = post(&rig.client, path, "auto_1", &body).await.expect(202);
    assert_eq!(first.body, again.body);
    let other = post(&rig.client, path, "auto_2", &body).await.expect(202);
    assert_ne!(first.body, other.body);
    receiver.wait_for(2).await;
    assert_eq!(column(&rig.client.get(path).await.expect(200), "id").len(), 2);
}

#[tokio::test]
async fn requests_at_the_same_time_with_one_key_are_done_once() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let at_once = async |path: &'static str, body: Value| {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (client, body) = (rig.client.clone(), body.clone());
                tokio::spawn(async move { post(&client, path, "same", &body).await })
            })
            .collect();
        let mut bodies = Vec::new();
        for task in tasks {
            let answer = task.await.unwrap();
            assert!(answer.status < 300, "{}", answer.text());
            bodies.push(answer.body);
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{path}");
    };
    at_once("/api/v1/app/ann/msg", json!({"eventType": "a.b", "payload": {}})).await;
    at_once("/api/v1/app", json!({"name": "Bob"})).await;
    at_once("/api/v1/app/ann/endpoint", json!({"url": "http://127.0.0.1:9/"})).await;
    assert_eq!(column(&rig.client.get("/api/v1/app/ann/msg").await, "id").len(), 1);
    assert_eq!(column(&rig.client.get("/api/v1/app").await, "id").len(), 2);
    assert_eq!(column(&rig.client.get("/api/v1/app/ann/endpoint").await, "id").len(), 1);
}

#[tokio::test]
async fn a_repeated_creation_is_answered_as_the_first_one_was() {
    let rig = Rig::start().await;
    let body = json!({"name": "Ann", "uid": "ann"});
    let first = post(&rig.client, "/api/v1/app", "key-1", &body).await.expect(201);
    let again = post(&rig.client, "/api/v1/app", "key-1", &body).await.expect(201);
    assert_eq!(first.body, again.body);
    assert_eq!(again.header("content-type"), Some("application/json"));
    let conflict = post(&rig.client, "/api/v1/app", "key-2", &body).await.expect(409);
    rig.client.delete("/api/v1/app/ann").await.expect(204);
    assert_eq!(post(&rig.client, "/api/v1/app", "key-2", &body).await.expect(409).body, conflict.body);
    assert_eq!(post(&rig.client, "/api/v1/app", "key-1", &body).await.expect(201).body, first.body);
    rig.client.get("/api/v1/app/ann").await.expect(404);
}

#[tokio::test]
async fn a_key_with_another_body_is_refused() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    for (path, one, two) in [
        ("/api/v1/app", json!({"name": "A"}), json!({"name": "B"})),
        (
            "/api/v1/app/ann/msg",
            json!({"eventType": "a", "payload": 1}),
            json!({"eventType": "a", "payload": 2}),
        ),
    ] {
        assert!(post(&rig.client, path, "k", &one).await.status < 300);
        let refused = post(&rig.client, path, "k", &two).await.expect(409);
        assert_eq!(refused.json()["code"], "idempotency_key_reused", "{path}");
    }
}

#[tokio::test]
async fn keys_of_different_callers_and_paths_do_not_meet() {
    let rig = Rig::start().await;
    let (ann, bob) = (rig.application("ann").await, rig.application("bob").await);
    let body = json!({"url": "http://127.0.0.1:9/"});
    let mut ids = Vec::new();
    for (client, application) in
        [(rig.client.clone(), &ann), (rig.client.clone(), &bob), (rig.tenant(&ann).await, &ann)]
    {
        let made =
            post(&client, &format!("/api/v1/app/{application}/endpoint"), "k", &body).await.expect(201);
        ids.push(made.json()["id"].to_string());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    // What is not let in is not answered from memory either.
    let anonymous = Client::anonymous(&rig.base);
    post(&anonymous, &format!("/api/v1/app/{ann}/endpoint"), "k", &body).await.expect(401);
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let message = json!({"eventType": "a", "payload": 1});
    let application = json!({"name": "A"});
    for key in ["", "two words", &"k".repeat(257)] {
        for (path, body) in [("/api/v1/app", &application), ("/api/v1/app/ann/msg", &message)] {
            let refused = post(&rig.client, path, key, body).await.expect(422);
            assert_eq!(wrong_place(&refused), "header.idempotency-key", "{path} {key:?}");
        }
    }
    post(&rig.client, "/api/v1/app", &"k".repeat(256), &application).await.expect(201);
}
