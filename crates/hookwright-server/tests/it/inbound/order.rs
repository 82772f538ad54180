//! What is looked at first: who has shown less learns less.

use std::time::Duration;

use hookwright::Clock;
use hookwright::domain::time::Timestamp;
use hookwright_testkit::http::{Answer, Client, Method};
use serde_json::json;

use super::{PATH, Provider, github, log, verdicts};
use crate::api::rig::{Rig, text};

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const MAX: usize = 2_000;

#[tokio::test]
async fn each_check_is_made_before_those_that_follow() {
    let rig = Rig::start_set_up(
        |config| config.clock = Clock::manual(START),
        |options| options.inbound_body_limit = MAX,
    )
    .await;
    let mut source = github();
    source["throttleRate"] = json!(1);
    let provider = Provider::of(&rig, source).await;
    let (long, client) = ("x".repeat(MAX + 1), &provider.client);
    // All of it wrong: the token decides.
    let wrong_token = format!("{}x", provider.path);
    let nowhere = "/in/src_0000000000000000000000/0000000000000000000000";
    // What was there and is gone is as little there.
    let gone = Provider::of(&rig, github()).await;
    rig.client.delete(&format!("{PATH}/{}", gone.id)).await.expect(204);
    let mut said = Vec::new();
    let one = provider.path.rsplit_once('/').unwrap().0.to_owned();
    let odd = [
        format!("{one}/%FF"),
        format!("{one}/"),
        format!("{}/x", provider.path),
        one.clone(),
        "/in/%ff/%ff".to_owned(),
    ];
    // Nor does a token that is good elsewhere, or in other letters.
    let other = Provider::of(&rig, github()).await;
    let (source, token) = provider.path.rsplit_once('/').unwrap();
    let others = format!("{source}/{}", other.path.rsplit('/').next().unwrap());
    let shouted = format!("{source}/{}", token.to_uppercase());
    let shorter = &provider.path[..provider.path.len() - 1];
    let all = [&*wrong_token, nowhere, "/in/nothing/at-all", "/in/x", &gone.path, &others, &shouted, shorter];
    for path in all.into_iter().chain(odd.iter().map(String::as_str)) {
        let answer = client.request(Method::DELETE, path, &[], long.clone()).await.expect(404);
        said.push(whole(&answer));
    }
    assert!(said.iter().all(|answer| *answer == said[0]), "all are like no source: {said:?}");
    // The method, whatever the body; and no request of another method counts against the rate.
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = client.request(method, &provider.path, &[], long.clone()).await.expect(405);
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    // The size, before the signature.
    client.request(Method::POST, &provider.path, &[], long.clone()).await.expect(413);
    // The rate, before the size.
    let throttled = client.request(Method::POST, &provider.path, &[], long.clone()).await.expect(429);
    assert_eq!(throttled.header("retry-after"), Some("1"));
    rig.hooks.clock().advance(Duration::from_secs(1));
    // The signature.
    let refused = client.request(Method::POST, &provider.path, &[], "{}").await.expect(401);
    assert!(!refused.text().contains("hub"), "whoever called learns nothing: {}", refused.text());
    rig.hooks.clock().advance(Duration::from_secs(1));
    let taken = provider.send("1", "{}").await.expect(200);
    assert_eq!(taken.text(), "Message received okay.");
    assert_eq!(taken.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(
        verdicts(&rig, &provider.id).await,
        ["verified", "refused", "refused", "refused", "refused", "refused", "refused"]
    );
    let rows = log(&rig, &provider.id).await;
    let codes: Vec<_> = rows.iter().map(|row| row["status_code"].clone()).collect();
    assert_eq!(codes, [200, 401, 429, 413, 405, 405, 405].map(|code| json!(code)));
    assert!(text(&rows[1]["error_text"]).contains("x-hub-signature-256"), "its owner finds out: {}", rows[1]);
}

/// The status, the body and all headers, but those that differ from one answer to the next.
fn whole(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "date" && *name != "x-request-id");
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
    headers.sort();
    (answer.status, answer.text(), headers)
}

#[tokio::test]
async fn urls_cannot_be_guessed() {
    let rig = Rig::start().await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..50 {
        let made = rig.client.post(PATH, &github()).await.expect(201).json();
        let token = text(&made["ingestUrl"]).rsplit('/').next().unwrap().to_owned();
        // 32 random bytes, each as two digits: none of it is alike from one to the next.
        assert!(token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
        for part in token.as_bytes().chunks(16) {
            assert!(seen.insert(part.to_vec()), "{token}");
        }
    }
}

#[tokio::test]
async fn a_timestamp_that_is_off_is_refused_either_way() {
    let rig = Rig::start_at(Clock::manual(START)).await;
    let stripe = json!({"name": "Stripe", "type": "stripe", "config": {"secret": "whsec_stripe"}});
    let provider = Provider::of(&rig, stripe).await;
    let body = r#"{"id":"evt_1","type":"invoice.paid"}"#;
    let early = provider.headers("evt_1", body.as_bytes());
    rig.hooks.clock().advance(Duration::from_secs(299));
    provider.post(&early, body).await.expect(200);
    rig.hooks.clock().advance(Duration::from_secs(2));
    provider.post(&early, body).await.expect(401);
    let rows = log(&rig, &provider.id).await;
    assert!(text(&rows[0]["error_text"]).contains("301 s old"), "{}", rows[0]);
}

#[tokio::test]
async fn a_wrong_token_in_a_header_is_403_and_says_which() {
    let rig = Rig::start().await;
    let config = json!({"header": "Acme-Webhook-Token", "token": "abcdefghijklmnop"});
    let provider = Provider::of(&rig, json!({"name": "Acme", "type": "token", "config": config})).await;
    for headers in [&[][..], &[("acme-webhook-token", "wrong")]] {
        let answer = provider.client.request(Method::POST, &provider.path, headers, "{}").await.expect(403);
        assert_eq!(answer.text(), "Incorrect token in Acme-Webhook-Token header.");
    }
    provider.send("1", "{}").await.expect(200);
    let rows = log(&rig, &provider.id).await;
    assert_eq!(rows[0]["headers"]["acme-webhook-token"], "[redacted]");
    assert!(!rig.client.get(&format!("{PATH}/{}/log", provider.id)).await.text().contains("abcdefghij"));
}

#[tokio::test]
async fn credentials_alone_decide() {
    let rig = Rig::start().await;
    let provider = Provider::of(&rig, github()).await;
    let foreign = [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("cookie", "hookwright_session=x"),
    ];
    let mut headers = provider.headers("1", b"{}");
    headers.extend(foreign.map(|(name, value)| (name.to_owned(), value.to_owned())));
    provider.post(&headers, "{}").await.expect(200);
    provider.client.request(Method::POST, &provider.path, &foreign, "{}").await.expect(401);
    let signed_in = [("authorization", format!("Bearer {}", crate::api::rig::TOKEN))];
    let signed_in = signed_in.each_ref().map(|(name, value)| (*name, value.as_str()));
    provider.client.request(Method::POST, &provider.path, &signed_in, "{}").await.expect(401);
    // So it is with the API: a token alone is good, and a session of the page is none, wherever it comes from.
    let mut of_api = foreign.to_vec();
    Client::anonymous(&rig.base).request(Method::GET, PATH, &of_api, "").await.expect(401);
    of_api.extend(signed_in);
    Client::anonymous(&rig.base).request(Method::GET, PATH, &of_api, "").await.expect(200);
    let rows = log(&rig, &provider.id).await;
    assert!(rows.iter().all(|row| !row.to_string().contains(crate::api::rig::TOKEN)), "{rows:?}");
}
