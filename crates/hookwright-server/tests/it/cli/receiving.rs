//! `receiver`: what it answers and shows.

use hookwright_signature::{Secret, sign};
use hookwright_testkit::Process;
use hookwright_testkit::http::{Client, Method};
use serde_json::Value;

use super::{SECRET, fails, hookwright};

/// A receiver that is listening, and a client of it.
async fn receiver(arguments: &str) -> (Process, Client) {
    let process = hookwright(&format!("receiver --listen 127.0.0.1:0 {arguments}")).start();
    let line = process.wait_for_line(|line| line.starts_with("listening: "), "the address").await;
    (process, Client::anonymous(line.trim_start_matches("listening: ")))
}

/// Posts a payload signed with a secret and returns the status of the answer.
async fn post(client: &Client, secret: &str, payload: &str) -> u16 {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let signature = sign(&Secret::parse(secret).unwrap(), "msg_1", seconds, payload.as_bytes()).unwrap();
    let timestamp = seconds.to_string();
    let headers = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    client.request(Method::POST, "/hooks?a=b", &headers, payload.to_owned()).await.status
}

#[tokio::test]
async fn a_genuine_webhook_is_verified_shown_and_answered_with_200() {
    let (receiver, client) = receiver(&format!("--secret {SECRET}")).await;
    assert_eq!(post(&client, SECRET, "{\"b\":1,\"a\":[2]}").await, 200);
    receiver.wait_for_line(|line| line.ends_with("POST /hooks?a=b  msg_1"), "the request").await;
    receiver.wait_for_line(|line| line == "  verified; answered 200 OK", "the verdict").await;
    receiver.wait_for_line(|line| line == "    \"b\": 1,", "the payload").await;
}

#[tokio::test]
async fn a_forged_webhook_is_answered_with_401() {
    let (receiver, client) = receiver(&format!("--secret {SECRET}")).await;
    assert_eq!(post(&client, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "{}").await, 401);
    receiver
        .wait_for_line(|line| line.starts_with("  NOT VERIFIED: no signature matches"), "the verdict")
        .await;
}

#[tokio::test]
async fn failures_come_first_and_as_often_as_asked() {
    let (_receiver, client) = receiver("--fail 2 --status 503").await;
    assert_eq!(post(&client, SECRET, "{}").await, 503);
    assert_eq!(post(&client, SECRET, "{}").await, 503);
    assert_eq!(post(&client, SECRET, "{}").await, 200);
}

#[tokio::test]
async fn a_status_alone_is_answered_always() {
    let (_receiver, client) = receiver("--status 410").await;
    assert_eq!(post(&client, SECRET, "{}").await, 410);
    assert_eq!(post(&client, SECRET, "{}").await, 410);
}

#[tokio::test]
async fn once_ends_it_and_the_exit_code_says_whether_the_webhook_was_genuine() {
    for (secret, code) in [(SECRET, 0), ("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1)] {
        let (mut receiver, client) = receiver(&format!("--once --secret {SECRET}")).await;
        post(&client, secret, "{}").await;
        assert_eq!(receiver.wait_exit().await.code(), Some(code), "{:?}", receiver.lines());
    }
}

#[tokio::test]
async fn nothing_that_a_terminal_would_obey_is_printed() {
    let (mut receiver, client) = receiver("--once").await;
    post(&client, SECRET, "\u{1b}]0;owned\u{7} \u{9b}31m \u{202e} \r").await;
    receiver.wait_exit().await;
    for line in receiver.lines() {
        assert!(!line.text.chars().any(|character| character.is_control()), "{line:?}");
        assert!(!line.text.contains('\u{202e}'), "{line:?}");
    }
    receiver
        .wait_for_line(|line| line.contains("\\u001b]0;owned\\u0007 \\u009b31m \\u202e"), "the payload")
        .await;
}

#[tokio::test]
async fn json_is_one_document_a_line_with_the_payload_as_it_was_sent() {
    let port = hookwright_testkit::free_port();
    let mut receiver = hookwright(&format!("receiver --json --once --listen 127.0.0.1:{port}")).start();
    let client = Client::anonymous(format!("http://127.0.0.1:{port}"));
    hookwright_testkit::eventually("the receiver listens", async || {
        client
            .try_request(Method::POST, "/x", &[], "{\n  \"n\": 12345678901234567890.10\n}")
            .await
            .map(|_| ())
    })
    .await;
    receiver.wait_exit().await;
    let lines = receiver.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].text.ends_with(r#""status":200,"payload":{"n":12345678901234567890.10}}"#), "{lines:?}");
    let document: Value = serde_json::from_str(&lines[0].text).unwrap();
    assert_eq!((&document["path"], &document["verified"]), (&"/x".into(), &Value::Null));
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let said = fails(&hookwright(&format!("receiver --listen {address}"))).await;
    assert!(said.starts_with(&format!("The receiver cannot listen on {address}: ")), "{said}");
    assert!(said.ends_with("Choose another address with --listen."), "{said}");
}
