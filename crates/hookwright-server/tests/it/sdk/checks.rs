//! Every operation that is there, called with each SDK. What is asserted stands in `tests/sdk/checks.*`.

use super::installed::Sdk;
use super::running::{server, succeeds};

async fn check(sdk: Sdk, extension: &str, resources: usize) {
    let Some(ready) = sdk.ready().await else { return };
    ready.scripts(extension);
    let server = server().await;
    let script = ready.directory.join(format!("checks.{extension}"));
    let said = succeeds(&ready.launch(&server, &script)).await;
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
