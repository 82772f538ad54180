//! Users who have keys of the product's own, which the product verifies.

use std::time::Duration;

use hookwright::Clock;
use hookwright::domain::time::Timestamp;
use hookwright_server::server::ServerOptions;
use hookwright_testkit::http::Client;
use hookwright_testkit::{Receiver, Reply};
use serde_json::{Value, json};

use super::furnish;
use crate::api::rig::{Rig, text};
use crate::cli::hookwright;

/// A server that shows keys to this product.
async fn verified_by(product: &Receiver) -> Rig {
    let url = product.url("/internal/verify").parse().unwrap();
    let rig = Rig::start_set_up(|_| {}, |options| options.rest_hooks_verify_url = Some(url)).await;
    furnish(&rig).await;
    rig
}

const MINE: &str = "/api/hooks?username=jrrtolkien&api_key=abcdef";

#[tokio::test]
async fn the_products_own_user_is_admitted_and_asked_for_once_a_minute() {
    let product = Receiver::start().await;
    product.script([Reply::status(200).body(r#"{"uid": 42}"#)]);
    let rig = verified_by(&product).await;
    let user = Client::anonymous(&rig.base);
    assert_eq!(user.get(MINE).await.expect(200).json(), json!([]));
    rig.client.get("/api/v1/app/42").await.expect(404);
    let hook = json!({"target": "http://127.0.0.1:9/", "event": "book.added"});
    let made = user.post(MINE, &hook).await.expect(201).json();
    assert_eq!(made["user"], "42");
    assert_eq!(user.get(MINE).await.expect(200).json(), json!([made]));
    let endpoints = rig.client.get("/api/v1/app/42/endpoint").await.expect(200).json();
    assert_eq!(endpoints["data"][0]["id"], made["id"]);

    let asked = product.received();
    assert_eq!(asked.len(), 1, "the second and third request were admitted without asking");
    assert_eq!((asked[0].method.as_str(), asked[0].target.as_str()), ("POST", "/internal/verify"));
    let question: Value = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!(question, json!({"username": "jrrtolkien", "api_key": "abcdef"}));
}

#[tokio::test]
async fn a_key_that_the_product_refuses_is_refused_and_what_it_cannot_say_is_no_refusal() {
    let product = Receiver::start().await;
    let rig = verified_by(&product).await;
    let user = Client::anonymous(&rig.base);
    let mut key = 0;
    let mut get = async |reply: Reply| {
        product.script([reply]);
        key += 1;
        user.get(&format!("/api/hooks?username=ann&api_key=key-{key}")).await
    };
    for status in [400, 401, 403, 404] {
        get(Reply::status(status)).await.expect(401);
    }
    let odd = ["", "{}", r#"{"uid": null}"#, r#"{"uid": 1.5}"#, r#"{"uid": "a b"}"#, "[]"];
    let silent = [429, 500, 302].map(Reply::status);
    for reply in odd.map(|body| Reply::status(200).body(body)).into_iter().chain(silent) {
        let answer = get(reply).await.expect(503);
        assert!(text(&answer.json()["detail"]).contains("Try again"), "{}", answer.text());
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    get(Reply::status(200).body(r#"{"uid": "ann"}"#)).await.expect(200);
}

#[tokio::test]
async fn an_admission_ends_after_a_minute_and_a_refusal_after_five_seconds() {
    let product = Receiver::start().await;
    let url = product.url("/internal/verify").parse().unwrap();
    let clock = Clock::manual(Timestamp::from_micros(1_700_000_000_000_000));
    let slow = clock.clone();
    let set_up = |options: &mut ServerOptions| options.rest_hooks_verify_url = Some(url);
    let rig = Rig::start_set_up(|config| config.clock = slow, set_up).await;
    let user = Client::anonymous(&rig.base);
    let admitted = || Reply::status(200).body(r#"{"uid": "ann"}"#);
    product.script([admitted(), Reply::status(403), admitted(), Reply::status(403)]);
    for (wait, status, asked) in
        [(0, 200, 1), (59, 200, 1), (2, 401, 2), (4, 401, 2), (2, 200, 3), (61, 401, 4)]
    {
        clock.advance(Duration::from_secs(wait));
        user.get(MINE).await.expect(status);
        assert_eq!(product.received().len(), asked, "after {wait} s");
    }
}

#[tokio::test]
async fn an_answer_that_repeats_the_key_does_not_bring_it_into_the_log() {
    let product = Receiver::start().await;
    product.script([Reply::status(200).body("\"a-key-of-a-user\"")]);
    let launch = hookwright("serve --listen 127.0.0.1:0 --log trace")
        .env("HOOKWRIGHT_REST_HOOKS_VERIFY_URL", product.url("/verify"));
    let server = launch.start();
    let line = server.wait_for_line(|line| line.starts_with("listening: "), "listening").await;
    let user = Client::anonymous(&line["listening: ".len()..]);
    user.get("/api/hooks?username=ann&api_key=a-key-of-a-user").await.expect(503);
    server.wait_for_line(|line| line.contains("could not be verified with the product"), "the error").await;
    for line in server.lines() {
        assert!(!line.text.contains("a-key-of-a-user"), "{line:?}");
    }
}

#[tokio::test]
async fn tokens_made_here_are_not_shown_to_the_product() {
    let product = Receiver::start().await;
    let rig = verified_by(&product).await;
    let access = rig.client.post("/api/v1/auth/app-portal-access/ann", &json!({})).await.expect(200).json();
    let path = format!("/api/hooks?username=ann&api_key={}", text(&access["token"]));
    Client::anonymous(&rig.base).get(&path).await.expect(200);
    rig.client.delete("/api/v1/app/ann").await.expect(204);
    Client::anonymous(&rig.base).get(&path).await.expect(401);
    assert!(product.received().is_empty());
}
