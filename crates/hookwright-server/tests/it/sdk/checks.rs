//! Every operation that is there, called with each SDK. What is asserted stands in `tests/sdk/checks.*`.

use hookwright_testkit::http::Client;
use serde_json::Value;

use super::installed::Sdk;
use super::running::{server, succeeds};
use crate::live::{Live, TOKEN};

const DOCUMENT: &str = include_str!("../../../openapi.json");
/// What begins like these no SDK has a function for: some are ours alone, and some the hosted server has.
const IN_NO_SDK: [&str; 10] = [
    "v1.broadcast.create",
    "v1.health.ping",
    "v1.health.ready",
    "v1.authentication.whoami",
    "v1.management.authentication.",
    "v1.ingest.source.patch",
    "v1.ingest.log.",
    "v1.ingest.endpoint.recover",
    "v1.ingest.endpoint.replay-missing",
    "v1.ingest.endpoint.bulk-replay",
];

/// The operations of this server that SDKs have functions for, and that nobody has called with success.
async fn uncalled(server: &Live) -> Vec<String> {
    let metrics = Client::new(&server.url, TOKEN).get("/metrics").await.expect(200).text();
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let mut uncalled = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let method = format!("method=\"{}\"", method.to_uppercase());
            let (route, class) = (format!("route=\"{path}\""), "class=\"2xx\"");
            let is_called = metrics.lines().any(|line| {
                line.starts_with("hookwright_http_requests_total{")
                    && [route.as_str(), method.as_str(), class].iter().all(|label| line.contains(label))
                    && !line.ends_with(" 0")
            });
            if !is_called && !IN_NO_SDK.iter().any(|beginning| id.starts_with(beginning)) {
                uncalled.push(id.to_owned());
            }
        }
    }
    uncalled
}

async fn check(sdk: Sdk, extension: &str, resources: usize) {
    let Some(ready) = sdk.ready().await else { return };
    ready.scripts(extension);
    let server = server().await;
    let script = ready.directory.join(format!("checks.{extension}"));
    let said = succeeds(&ready.launch(&server, &script)).await;
    assert_eq!(uncalled(&server).await, [""; 0], "operations that the SDK was not asked for");
    assert_eq!(said.lines().filter(|line| line.ends_with(": good")).count(), resources, "{said}");
}

#[tokio::test]
async fn the_python_sdk_works_unchanged() {
    check(Sdk::Python, "py", 13).await;
}

#[tokio::test]
async fn version_1_of_the_javascript_sdk_works_unchanged() {
    check(Sdk::Node1, "mjs", 12).await;
}

#[tokio::test]
async fn version_2_of_the_javascript_sdk_works_unchanged() {
    check(Sdk::Node2, "mjs", 12).await;
}
