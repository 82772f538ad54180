//! The REST Hooks API, as users of a product call it.

mod authentication;
mod contract;
mod delivering;
mod verifying;

use hookwright_testkit::http::Client;
use serde_json::json;

use crate::api::rig::Rig;

/// A server with the event types `book.added` and `book.lent`, and the user `ann` with a token of hers.
async fn library() -> (Rig, Client) {
    let rig = Rig::start().await;
    let ann = furnish(&rig).await;
    (rig, ann)
}

async fn furnish(rig: &Rig) -> Client {
    for name in ["book.added", "book.lent"] {
        let body = json!({"name": name, "description": ""});
        rig.client.post("/api/v1/event-type", &body).await.expect(201);
    }
    rig.tenant(&rig.application("ann").await).await
}
