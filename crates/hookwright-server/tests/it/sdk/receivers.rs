//! The receivers of the page about other languages, as they are printed there: what a server sends them is genuine, and nothing else is.

use std::fs;

use hookwright_testkit::http::{Client, Method};
use serde_json::json;

use super::installed::Sdk;
use super::running::server;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/verifying-in-other-languages.md");
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The only block of the page in this language.
fn program(language: &str) -> String {
    let page = fs::read_to_string(PAGE).unwrap();
    let start = format!("\n```{language}\n");
    let blocks: Vec<&str> =
        page.split(&start).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect();
    let [block] = blocks[..] else { panic!("{PAGE} has {} blocks in {language}", blocks.len()) };
    format!("{block}\n")
}

async fn verifies(sdk: Sdk, script: &str, language: &str) {
    let Some(ready) = sdk.ready().await else { return };
    let path = ready.script(script, &program(language));
    let server = server().await;
    let launch = ready.launch(&server, &path).env("WEBHOOK_SECRET", SECRET).env("PORT", "0");
    let receiver = launch.start();
    let line = receiver.wait_for_line(|line| line.starts_with("listening: "), "the address").await;
    let url = line.trim_start_matches("listening: ");

    server.set_up(&[]).await;
    let endpoint = json!({"uid": "receiver", "url": format!("{url}/hook"), "secret": SECRET});
    server.client.post("/api/v1/app/app/endpoint", &endpoint).await.expect(201);
    let id = server.send(&json!({"invoice": 42, "text": "caf\u{e9}"})).await;
    receiver.wait_for_line(|line| line == format!("genuine: {id} 42"), "the webhook").await;

    let forger = Client::anonymous(url);
    let body = r#"{"invoice": 43}"#;
    forger.request(Method::POST, "/hook", &[], body).await.expect(401);
    let now = hookwright::Clock::system().now().as_seconds();
    let signed_by = |secret: &str, at: i64| {
        let secret = hookwright_signature::Secret::parse(secret).unwrap();
        let signature =
            hookwright_signature::sign(&secret, "msg_1", at.unsigned_abs(), body.as_bytes()).unwrap();
        (at.to_string(), signature)
    };
    for (secret, at, status) in
        [(SECRET, now, 204), (SECRET, now - 3_600, 401), ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", now, 401)]
    {
        let (timestamp, signature) = signed_by(secret, at);
        let headers =
            [("webhook-id", "msg_1"), ("webhook-timestamp", &timestamp), ("webhook-signature", &signature)];
        forger.request(Method::POST, "/hook", &headers, body).await.expect(status);
    }
}

#[tokio::test]
async fn the_receiver_in_python_verifies_what_is_sent() {
    verifies(Sdk::Python, "receiver.py", "python").await;
}

#[tokio::test]
async fn the_receiver_in_javascript_verifies_what_is_sent() {
    verifies(Sdk::Node2, "receiver.mjs", "js").await;
}
