//! The receivers of the examples, run as a reader would and called over real connections.

use std::time::{SystemTime, UNIX_EPOCH};

use hookwright_signature::provider::{Inbound, Source};
use hookwright_signature::{Secret, sign};
use hookwright_testkit::http::{Client, Method};
use hookwright_testkit::{Launch, Process};

const GITHUB: &str = "It's a Secret to Everybody";

/// An example, as Cargo has built it beside these tests, with the arguments behind the address.
async fn start(name: &str, arguments: &[&str]) -> (Process, Client) {
    let tests = std::env::current_exe().unwrap();
    let built = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(built.exists(), "{} is not built: run `cargo build --release --examples`", built.display());
    let process = Launch::new(built).arg("127.0.0.1:0").args(arguments).start();
    let line = process.wait_for_line(|line| line.starts_with("listening: "), "the address").await;
    let client = Client::anonymous(line.trim_start_matches("listening: "));
    (process, client)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A genuine order is taken, and whatever else is not.
async fn takes_what_is_signed(process: &Process, client: &Client, path: &str, secret: &Secret) {
    let body = r#"{"order": 1}"#;
    let post = async |id: &str, secret: &Secret, body: &'static str, sent: &'static str| {
        let timestamp = now();
        let signature = sign(secret, id, timestamp, body.as_bytes()).unwrap();
        let timestamp = timestamp.to_string();
        let headers =
            [("webhook-id", id), ("webhook-timestamp", &timestamp), ("webhook-signature", &signature)];
        client.request(Method::POST, path, &headers, sent).await.status
    };
    assert_eq!(post("msg_1", secret, body, body).await, 204);
    process.wait_for_line(|line| line == format!("order msg_1: {body}"), "the order").await;
    assert_eq!(post("msg_2", secret, body, r#"{"order": 2}"#).await, 401, "another body");
    assert_eq!(post("msg_3", &Secret::generate().unwrap(), body, body).await, 401, "another secret");
    assert_eq!(client.request(Method::POST, path, &[], body).await.status, 401, "no signature");
    assert_eq!(client.get(path).await.status, 405);
}

#[tokio::test]
async fn the_receiver_on_axum_takes_what_is_signed_and_nothing_else() {
    let secret = Secret::generate().unwrap();
    let (process, client) = start("receive_with_axum", &[&secret.expose(), GITHUB]).await;
    takes_what_is_signed(&process, &client, "/orders", &secret).await;

    let body = b"{}";
    let config = Source::github(GITHUB).config().unwrap();
    let signed = config.sign(&Inbound { body, ..Inbound::POST }, 0, "7").unwrap();
    let mut headers: Vec<(&str, &str)> =
        signed.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    headers.push(("x-github-event", "push"));
    client.request(Method::POST, "/github", &headers, &body[..]).await.expect(204);
    process.wait_for_line(|line| line == "github push", "what GitHub sent").await;
    client.request(Method::POST, "/github", &headers, "{ }").await.expect(401);
}

#[tokio::test]
async fn the_receiver_on_hyper_takes_what_is_signed_and_nothing_else() {
    let secret = Secret::generate().unwrap();
    let (process, client) = start("receive_with_hyper", &[&secret.expose()]).await;
    takes_what_is_signed(&process, &client, "/", &secret).await;
    let large = vec![b' '; 1024 * 1024 + 1];
    client.request(Method::POST, "/", &[], large).await.expect(413);
}
