//! What arrives at a hook's target.

use hookwright_signature::{Secret, Verifier};
use hookwright_testkit::{Receiver, Reply, eventually};
use serde_json::{Value, json};

use super::library;
use crate::api::rig::text;

#[tokio::test]
async fn a_webhook_has_the_hook_and_the_payload_and_is_signed_as_any_other() {
    let (rig, ann) = library().await;
    let receiver = Receiver::start().await;
    let target = receiver.url("/target.php");
    let made =
        ann.post("/api/hooks", &json!({"target": target, "event": "book.added"})).await.expect(201).json();
    rig.send("ann", "book.lent", json!({"title": "not for this hook"})).await;
    rig.send("ann", "book.added", json!({"title": "The Two Towers", "pages": 327, "fiction": true})).await;
    let got = receiver.wait_for(1).await.remove(0);
    let body: Value = serde_json::from_slice(&got.body).unwrap();
    assert_eq!(
        body,
        json!({
            "hook": {"id": made["id"], "event": "book.added", "target": target},
            "data": {"title": "The Two Towers", "pages": 327, "fiction": true},
        })
    );
    let secret = format!("/api/v1/app/ann/endpoint/{}/secret", text(&made["id"]));
    let secret: Secret = text(&rig.client.get(&secret).await.expect(200).json()["key"]).parse().unwrap();
    Verifier::new(&secret).verify(|name| got.header(name), &got.body).unwrap();
}

#[tokio::test]
async fn a_hook_is_resent_in_its_envelope_and_its_rate_holds() {
    let (rig, ann) = library().await;
    let receiver = Receiver::start().await;
    let hook = json!({"target": receiver.url("/"), "event": "book.added"});
    let made = ann.post("/api/hooks", &hook).await.expect(201).json();
    let id = text(&made["id"]);
    let message = rig.send("ann", "book.added", json!({"n": 1})).await;
    let first = receiver.wait_for(1).await.remove(0);
    let path = format!("/api/v1/app/ann/msg/{message}/endpoint/{id}/resend");
    rig.client.post(&path, &json!({})).await.expect(202);
    let again = receiver.wait_for(2).await.remove(1);
    assert_eq!((&again.body, again.id()), (&first.body, first.id()));

    let endpoint = format!("/api/v1/app/ann/endpoint/{id}");
    rig.client.patch(&endpoint, &json!({"throttleRate": 1})).await.expect(200);
    for number in 0..4 {
        rig.send("ann", "book.added", json!({"n": number})).await;
    }
    let started = std::time::Instant::now();
    receiver.wait_for(6).await;
    assert!(started.elapsed() >= std::time::Duration::from_secs(1), "four at once at one a second");
}

#[tokio::test]
async fn a_form_has_the_same_in_one_field() {
    let (rig, ann) = library().await;
    let receiver = Receiver::start().await;
    let hook = json!({"target": receiver.url("/"), "event": "book.added", "content_type": "form"});
    let made = ann.post("/api/hooks", &hook).await.expect(201).json();
    rig.send("ann", "book.added", json!({"title": "Momo & co"})).await;
    let got = receiver.wait_for(1).await.remove(0);
    assert_eq!(got.header("content-type"), Some("application/x-www-form-urlencoded"));
    let (name, value) = url::form_urlencoded::parse(&got.body).next().unwrap();
    let body: Value = serde_json::from_str(&value).unwrap();
    assert_eq!((name.as_ref(), &body["hook"]["id"]), ("payload", &made["id"]));
    assert_eq!(body["data"], json!({"title": "Momo & co"}));
}

#[tokio::test]
async fn a_target_that_answers_410_is_told_to_its_owner_and_a_new_target_is_called_again() {
    let (rig, ann) = library().await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(410)]);
    let hook = json!({"target": receiver.url("/gone"), "event": "book.added"});
    let made = ann.post("/api/hooks", &hook).await.expect(201).json();
    assert_eq!(made.get("disabled"), None);
    rig.send("ann", "book.added", json!({"n": 1})).await;
    let one = format!("/api/hooks/{}", text(&made["id"]));
    let disabled = eventually("the hook is disabled", async || {
        let hook = ann.get(&one).await.expect(200).json();
        hook.get("disabled").cloned().ok_or(hook)
    })
    .await;
    assert_eq!(disabled, "it answered 410 Gone");
    rig.send("ann", "book.added", json!({"n": 2})).await;
    let elsewhere = json!({"target": receiver.url("/there"), "event": "book.added"});
    assert_eq!(ann.put(&one, &elsewhere).await.expect(200).json().get("disabled"), None);
    rig.send("ann", "book.added", json!({"n": 3})).await;
    let got = receiver.wait_for(2).await;
    let bodies: Vec<Value> = got.iter().map(|got| serde_json::from_slice(&got.body).unwrap()).collect();
    assert_eq!((&bodies[0]["data"]["n"], &bodies[1]["data"]["n"]), (&json!(1), &json!(3)));
}
