//! Requests that come again have no second effect, and nobody can make another's request one of them.

use hookwright_testkit::Receiver;
use serde_json::json;

use super::{PATH, Provider, github, verdicts};
use crate::api::rig::Rig;

async fn forwarding(rig: &Rig, receiver: &Receiver, source: serde_json::Value) -> Provider {
    let provider = Provider::of(rig, source).await;
    let body = json!({"url": receiver.url("/")});
    rig.client.post(&format!("{PATH}/{}/endpoint", provider.id), &body).await.expect(201);
    provider
}

#[tokio::test]
async fn a_forged_request_with_a_guessed_id_does_not_make_the_real_one_a_duplicate() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let provider = forwarding(&rig, &receiver, github()).await;
    let mut forged = provider.headers("guessed", b"another body");
    provider.post(&forged, "{}").await.expect(401);
    forged.retain(|(name, _)| name != "x-hub-signature-256");
    provider.post(&forged, "{}").await.expect(401);
    provider.send("guessed", "{\"real\":1}").await.expect(200);
    assert_eq!(receiver.wait_for(1).await[0].text(), "{\"real\":1}");
    assert_eq!(verdicts(&rig, &provider.id).await, ["verified", "refused", "refused"]);
}

#[tokio::test]
async fn of_copies_that_come_at_once_one_has_an_effect() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let provider = forwarding(&rig, &receiver, github()).await;
    let copies = (0..8).map(|_| provider.send("same", "{}"));
    for answer in futures_util::future::join_all(copies).await {
        assert_eq!(answer.expect(200).text(), "Message received okay.");
    }
    // Another one, after which nothing of the copies can follow.
    provider.send("other", "{\"last\":1}").await.expect(200);
    let received =
        receiver.wait_until(|all| all.iter().any(|it| it.text() == "{\"last\":1}"), "the last").await;
    assert!(received.len() <= 2, "{received:?}");
    let mut all = verdicts(&rig, &provider.id).await;
    all.sort();
    assert_eq!(all.iter().filter(|verdict| *verdict == "duplicate").count(), 7);
    receiver.wait_for(2).await;
}

#[tokio::test]
async fn how_a_copy_is_known_is_the_sources_choice() {
    let rig = Rig::start().await;
    for (dedupe, expected) in [
        ("id", ["verified", "verified", "duplicate", "verified"]),
        ("body", ["verified", "verified", "duplicate", "verified"]),
        ("none", ["verified", "verified", "verified", "verified"]),
    ] {
        let mut source = github();
        source["dedupe"] = json!(dedupe);
        let provider = Provider::of(&rig, source).await;
        for (id, body) in [("1", "{}"), ("1", "{}"), ("2", "{}"), ("3", "{\"a\":1}")] {
            provider.send(id, body).await.expect(200);
        }
        let mut seen = verdicts(&rig, &provider.id).await;
        seen.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(seen, expected, "{dedupe}");
    }
    // Where the provider has no id, the body is one only if it is asked for.
    for (dedupe, expected) in [("id", "verified"), ("body", "duplicate")] {
        let source = json!({"name": "Any", "type": "generic-webhook", "dedupe": dedupe});
        let provider = Provider::of(&rig, source).await;
        for _ in 0..2 {
            provider.send("", "{}").await.expect(200);
        }
        assert_eq!(verdicts(&rig, &provider.id).await[0], expected, "{dedupe}");
    }
}
