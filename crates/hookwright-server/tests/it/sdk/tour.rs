//! The tour of the README, word for word: it works with each SDK, and a second time.

use std::fs;

use hookwright_testkit::Receiver;
use serde_json::json;

use super::installed::Sdk;
use super::running::{server, succeeds};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

/// The only block of the README in this language.
fn tour(language: &str) -> String {
    let readme = fs::read_to_string(README).unwrap();
    let start = format!("\n```{language}\n");
    let blocks: Vec<&str> =
        readme.split(&start).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect();
    let [block] = blocks[..] else { panic!("README.md has {} blocks in {language}", blocks.len()) };
    format!("{block}\n")
}

async fn walk(sdk: Sdk, script: &str, text: String) {
    let Some(ready) = sdk.ready().await else { return };
    let path = ready.script(script, &text);
    let (server, receiver) = (server().await, Receiver::start().await);
    let url = receiver.url("/webhooks");
    let launch = ready.launch(&server, &path).env("WEBHOOK_URL", &url);
    for times in 1..=2 {
        let said = succeeds(&launch).await;
        let received = receiver.wait_for(times).await;
        assert_eq!(received.len(), times);
        let id = received[times - 1].id();
        assert_eq!(said, format!("{id} {url} success 200\n"), "run {times}");
    }
    let endpoints = server.client.get("/api/v1/app/acme/endpoint").await.expect(200).json();
    let endpoints = endpoints["data"].as_array().unwrap();
    assert_eq!(endpoints.len(), 1, "{endpoints:?}");
    assert_eq!(endpoints[0]["eventTypes"], json!(["invoice.paid"]));
}

#[tokio::test]
async fn the_tour_in_python_works_as_it_is_printed() {
    walk(Sdk::Python, "tour.py", tour("python")).await;
}

#[tokio::test]
async fn the_tour_in_javascript_works_as_it_is_printed_with_version_1() {
    walk(Sdk::Node1, "tour.mjs", tour("js")).await;
}

#[tokio::test]
async fn the_tour_in_javascript_works_as_it_is_printed_with_version_2() {
    walk(Sdk::Node2, "tour.mjs", tour("js")).await;
}
