//! Every operation that is there, called with each SDK. What is asserted stands in `tests/sdk/checks.*`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::answerable::{ANSWERABLE, DONE_TWICE, IN_NO_SDK, NOT_DONE_TWICE, WITHOUT_ORDER};
use super::installed::Sdk;
use super::running::{server, succeeds};

const DOCUMENT: &str = include_str!("../../../openapi.json");

/// An operation of this server that SDKs have functions for.
struct Operation {
    id: String,
    /// Its method and path, as scripts tell them.
    call: String,
    /// Whether it is a list.
    has_pages: bool,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let call = format!("{} {path}", method.to_uppercase());
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let has_pages = parameters.into_iter().any(|parameter| parameter["name"] == "iterator");
            if !IN_NO_SDK.iter().any(|beginning| id.starts_with(beginning)) {
                operations.push(Operation { id, call, has_pages });
            }
        }
    }
    operations
}

/// What a script tells of each check: `<check>: <what>`.
fn told(said: &str, check: &str, what: &str) -> bool {
    said.lines().any(|line| line.strip_prefix(check).and_then(|rest| rest.strip_prefix(": ")) == Some(what))
}

/// What a script should have done and has not.
fn missing(said: &str) -> Vec<String> {
    let operations = operations();
    let call = |id: &str| operations.iter().find(|operation| operation.id == id).map(|it| it.call.clone());
    let mut missing = Vec::new();
    for (check, ids) in ANSWERABLE.iter().chain([&DONE_TWICE]) {
        if !told(said, check, "good") {
            missing.push(format!("the check {check}"));
        }
        for id in *ids {
            let call = call(id).unwrap_or_else(|| panic!("there is no operation {id}"));
            if !told(said, check, &format!("called {call}")) {
                missing.push(format!("{id} in the check {check}"));
            }
        }
    }
    for Operation { id, .. } in operations.iter().filter(|operation| operation.has_pages) {
        let walked = if WITHOUT_ORDER.contains(&id.as_str()) { "walked" } else { "walked in both orders" };
        if !told(said, id, walked) {
            missing.push(format!("{id}, {walked} to its end and back"));
        }
    }
    missing
}

async fn check(sdk: Sdk, extension: &str) {
    let Some(ready) = sdk.ready().await else { return };
    ready.scripts(extension);
    let server = server().await;
    let script = ready.directory.join(format!("checks.{extension}"));
    let said = succeeds(&ready.launch(&server, &script)).await;
    assert_eq!(missing(&said), [""; 0], "{said}");
}

#[test]
fn every_operation_that_sdks_have_is_answered_for_by_a_check() {
    let answered: BTreeSet<&str> = ANSWERABLE.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    let twice: BTreeSet<&str> = DONE_TWICE.1.iter().chain(NOT_DONE_TWICE).copied().collect();
    let operations = operations();
    for Operation { id, call, .. } in &operations {
        assert!(answered.contains(id.as_str()), "no check answers for {id}");
        let is_post = call.starts_with("POST ");
        assert_eq!(twice.contains(id.as_str()), is_post, "{id} is repeated with its key if it is a POST");
    }
    let known: BTreeSet<&str> = operations.iter().map(|operation| operation.id.as_str()).collect();
    let lists = WITHOUT_ORDER.iter().copied().collect();
    for named in [answered, twice, lists] {
        assert_eq!(named.difference(&known).collect::<Vec<_>>(), [&""; 0], "there are no such operations");
    }
}

#[test]
fn a_script_that_leaves_something_out_is_told_so() {
    let all: Vec<String> = missing("").into_iter().collect();
    let list = "v1.message-attempt.list-by-msg";
    assert!(all.contains(&format!("{list}, walked to its end and back")), "{all:?}");
    assert!(all.contains(&format!("{list} in the check lists_of_what_was_sent")), "{all:?}");
    let said = format!(
        "{list}: walked\nlists_of_what_was_sent: called GET /api/v1/app/{{app_id}}/attempt/msg/{{msg_id}}\n\
         lists_of_what_was_sent: good\n"
    );
    assert_eq!(missing(&said).len(), all.len() - 3);
}

#[tokio::test]
async fn the_python_sdk_works_unchanged() {
    check(Sdk::Python, "py").await;
}

#[tokio::test]
async fn version_1_of_the_javascript_sdk_works_unchanged() {
    check(Sdk::Node1, "mjs").await;
}

#[tokio::test]
async fn version_2_of_the_javascript_sdk_works_unchanged() {
    check(Sdk::Node2, "mjs").await;
}
