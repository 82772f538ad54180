//! Requests that come again have no second effect, and nobody can make another's request one of them.

use std::time::Duration;

use hookwright::Clock;
use hookwright::domain::time::Timestamp;
use hookwright_testkit::Receiver;
use serde_json::json;

use super::{PATH, Provider, SECRET, github, log, verdicts};
use crate::api::rig::Rig;
use crate::live::{Live, launch};

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
async fn very_many_copies_are_answered_alike_and_a_few_of_them_are_kept_without_their_body() {
    let start = Timestamp::from_micros(1_700_000_000_000_000);
    let rig = Rig::start_at(Clock::manual(start)).await;
    let provider = Provider::of(&rig, github()).await;
    let body = format!("{{\"a\":\"{}\"}}", "y".repeat(50_000));
    for _ in 0..31 {
        assert_eq!(provider.send("same", &body).await.expect(200).text(), "Message received okay.");
    }
    let rows = log(&rig, &provider.id).await;
    let (first, copies) = rows.split_last().unwrap();
    assert_eq!((&first["verdict"], &first["payload"]), (&json!("verified"), &json!(body)));
    assert_eq!(copies.len(), 10);
    for copy in copies {
        assert_eq!(copy["verdict"], "duplicate");
        assert_eq!((&copy["copy_of"], &copy["payload"]), (&first["id"], &json!("")));
        assert_eq!((&copy["msg_id"], &copy["status_code"]), (&json!(null), &json!(200)));
        assert_eq!(copy["headers"]["x-github-delivery"], "same");
    }
    rig.hooks.clock().advance(Duration::from_secs(1));
    // What has the id of another request and is none of its copies is not lost.
    provider.send("same", "{\"another\":1}").await.expect(200);
    let rows = log(&rig, &provider.id).await;
    assert_eq!(rows.len(), 12, "in another second a few more are kept");
    assert_eq!((&rows[0]["copy_of"], &rows[0]["payload"]), (&first["id"], &json!("{\"another\":1}")));
    assert!(rows[0]["error_text"].as_str().unwrap().contains("another body"), "{}", rows[0]);
}

#[tokio::test]
async fn copies_that_are_not_kept_are_counted_and_told() {
    let mut server = Live::start(&launch("1s")).await;
    let made = server.client.post(PATH, &github()).await.expect(201).json();
    let provider = Provider::made(&server.url, &made, &github(), None);
    provider.send("same", "{}").await.expect(200);
    for answer in futures_util::future::join_all((0..300).map(|_| provider.send("same", "{}"))).await {
        answer.expect(200);
    }
    let metrics = server.client.get("/metrics").await.expect(200).text();
    let counted = "hookwright_inbound_total{verdict=\"duplicate\"} 300";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    let told = format!("source {} gets more copies than its log keeps", provider.id);
    server.process.wait_for_line(|line| line.contains(&told), "that some are left out").await;
    server.process.kill9().await;
}

#[tokio::test]
async fn of_very_many_handshakes_a_few_are_kept() {
    let rig = Rig::start_at(Clock::manual(Timestamp::from_micros(1_700_000_000_000_000))).await;
    let slack = json!({"name": "Slack", "type": "slack", "config": {"secret": SECRET}});
    let provider = Provider::of(&rig, slack).await;
    for _ in 0..30 {
        let answer = provider.send("", r#"{"type": "url_verification", "challenge": "c"}"#).await;
        assert_eq!(answer.expect(200).text(), "c");
    }
    assert_eq!(verdicts(&rig, &provider.id).await, ["handshake"; 10]);
}

#[tokio::test]
async fn how_a_copy_is_known_is_the_sources_choice() {
    let rig = Rig::start().await;
    for (dedupe, expected) in [
        ("id", ["verified", "verified", "duplicate", "verified"]),
        ("body", ["verified", "duplicate", "duplicate", "verified"]),
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

#[tokio::test]
async fn where_there_is_no_id_a_signature_over_something_that_changes_tells_copies() {
    let start = Timestamp::from_micros(1_700_000_000_000_000);
    let (rig, receiver) = (Rig::start_at(Clock::manual(start)).await, Receiver::start().await);
    let zoom = json!({"name": "Zoom", "type": "zoom", "config": {"secret": SECRET}});
    let provider = forwarding(&rig, &receiver, zoom).await;
    let body = r#"{"event": "meeting.ended", "payload": {}}"#;
    let first = provider.headers("", body.as_bytes());
    provider.post(&first, body).await.expect(200);
    provider.post(&first, body).await.expect(200);
    // Two events that are equal to the byte are two, if each was signed for itself.
    rig.hooks.clock().advance(Duration::from_secs(1));
    provider.post(&provider.headers("", body.as_bytes()), body).await.expect(200);
    let mut seen = verdicts(&rig, &provider.id).await;
    seen.sort();
    assert_eq!(seen, ["duplicate", "verified", "verified"]);
    assert_eq!(receiver.wait_for(2).await.len(), 2);
}

#[tokio::test]
async fn a_template_says_what_is_signed_and_what_in_it_tells_copies() {
    let rig = Rig::start().await;
    let config = json!({"header": "X-Sig", "secret": "naïve secret", "signed": "{header:x-stamp}.{body}"});
    let provider = Provider::of(&rig, json!({"name": "Shop", "type": "hmac", "config": config})).await;
    // `printf '%s' '17.{"a":1}' | openssl dgst -sha256 -hmac 'naïve secret'`, and the same of 18.
    let signed = [
        ("17", "9a266e353b1a48dc0397fedc14fa222c52d14b8abc43824404b0a71725419dc3"),
        ("18", "2771f54db387a54f73d557eb29a9d0b2d20fee1d5f14268cdbb0fe9d989a72e5"),
    ];
    let send = async |stamp: &str, signature: &str| {
        let headers = [("x-stamp".to_owned(), stamp.to_owned()), ("x-sig".to_owned(), signature.to_owned())];
        provider.post(&headers, r#"{"a":1}"#).await.status
    };
    for (stamp, signature) in [signed[0], signed[0], signed[1]] {
        assert_eq!(send(stamp, signature).await, 200);
    }
    for (stamp, signature) in [("17", signed[1].1), ("19", signed[0].1), ("17", "")] {
        assert_eq!(send(stamp, signature).await, 401);
    }
    let mut seen = verdicts(&rig, &provider.id).await;
    seen.sort();
    assert_eq!(seen, ["duplicate", "refused", "refused", "refused", "verified", "verified"]);
}
