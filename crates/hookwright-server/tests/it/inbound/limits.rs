//! How large a body may be, to the byte, however it is sent.

use hookwright_testkit::http::{Method, raw};
use serde_json::json;

use super::{PATH, Provider, verdicts};
use crate::api::rig::Rig;
use crate::live::{Live, launch};

const MAX: usize = 100_000;

async fn rig() -> (Rig, Provider) {
    let rig = Rig::start_set_up(|_| {}, |options| options.inbound_body_limit = MAX).await;
    let provider = Provider::of(&rig, json!({"name": "Any", "type": "generic-webhook"})).await;
    (rig, provider)
}

#[tokio::test]
async fn exactly_the_limit_is_taken_and_a_byte_more_is_not() {
    let (rig, provider) = rig().await;
    for (length, status) in [(MAX, 200), (MAX + 1, 413), (MAX - 1, 200)] {
        provider.client.request(Method::POST, &provider.path, &[], "x".repeat(length)).await.expect(status);
    }
    assert_eq!(verdicts(&rig, &provider.id).await, ["verified", "refused", "verified"]);
}

#[tokio::test]
async fn chunks_count_as_much() {
    let (rig, provider) = rig().await;
    let address = rig.base.trim_start_matches("http://").parse().unwrap();
    for (length, status) in [(MAX, "200"), (MAX + 1, "413")] {
        let mut request = format!(
            "POST {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n",
            provider.path
        );
        let (first, rest) = (10, length - 10);
        for chunk in [first, rest] {
            request.push_str(&format!("{chunk:x}\r\n{}\r\n", "x".repeat(chunk)));
        }
        request.push_str("0\r\n\r\n");
        let answer = String::from_utf8(raw(address, request.as_bytes()).await).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{length}: {answer}");
    }
}

#[tokio::test]
async fn the_setting_says_how_large() {
    let launch = launch("1s").env("HOOKWRIGHT_INBOUND_BODY_LIMIT", "1KiB");
    let mut server = Live::start(&launch).await;
    let source = json!({"name": "Any", "type": "generic-webhook"});
    let made = server.client.post(PATH, &source).await.expect(201).json();
    let provider = Provider::made(&server.url, &made, &source, None);
    for (length, status) in [(1_024, 200), (1_025, 413)] {
        provider.client.request(Method::POST, &provider.path, &[], "x".repeat(length)).await.expect(status);
    }
    server.process.kill9().await;
}

#[tokio::test]
async fn of_very_many_refused_requests_a_few_are_kept_and_only_their_beginning() {
    let rig = Rig::start_at(hookwright::Clock::manual(hookwright::domain::time::Timestamp::from_micros(
        1_700_000_000_000_000,
    )))
    .await;
    let provider = Provider::of(&rig, super::github()).await;
    let body = "y".repeat(50_000);
    let long = "z".repeat(20_000);
    for _ in 0..30 {
        let headers = [("x-long", long.as_str())];
        provider.client.request(Method::POST, &provider.path, &headers, body.clone()).await.expect(401);
    }
    let rows = super::log(&rig, &provider.id).await;
    assert_eq!(rows.len(), 10);
    assert!(rows.iter().all(|row| row["headers"]["x-long"].as_str().unwrap().len() < 2_000));
    assert!(rows.iter().all(|row| row["payload"].as_str().unwrap().len() == 4_096));
}

#[tokio::test]
async fn as_many_as_the_rate_says_may_come_at_once() {
    let start = hookwright::domain::time::Timestamp::from_micros(1_700_000_000_000_000);
    let rig = Rig::start_at(hookwright::Clock::manual(start)).await;
    let source = json!({"name": "Any", "type": "generic-webhook", "throttleRate": 5});
    let provider = Provider::of(&rig, source).await;
    let send = async || provider.client.request(Method::POST, &provider.path, &[], "{}").await.status;
    for _ in 0..2 {
        for _ in 0..5 {
            assert_eq!(send().await, 200);
        }
        assert_eq!(send().await, 429);
        rig.hooks.clock().advance(std::time::Duration::from_secs(1));
    }
}

#[tokio::test]
async fn what_is_no_json_is_refused_where_json_is_asked_for() {
    let rig = Rig::start().await;
    let source = json!({"name": "Any", "type": "generic-webhook", "body": "json"});
    let provider = Provider::of(&rig, source).await;
    let send = async |body: &[u8]| {
        provider.client.request(Method::POST, &provider.path, &[], body.to_vec()).await.status
    };
    for body in [&b"{}x"[..], b"NaN", b"a=1", b"\xef\xbb\xbf{}", b"{\"a\":\"\xff\xfe\"}", b"{"] {
        assert_eq!(send(body).await, 400, "{body:?}");
    }
    assert_eq!(send("{\"a\": \"\u{e4}\"}".as_bytes()).await, 200);
}
