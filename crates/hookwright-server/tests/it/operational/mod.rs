//! Operational webhooks: the product is told what becomes of its customers' webhooks.

mod access; // whose they are, and who may not see them
mod endpoints; // their own endpoints, over the API
mod events; // what is told, and when
mod notify; // the operator's command

use hookwright_testkit::Receiver;
use serde_json::{Value, json};

use crate::api::rig::Rig;

/// Where endpoints for operational webhooks are.
const PATH: &str = "/api/v1/operational-webhook/endpoint";
/// What those of these tests are signed with.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Has these event types sent to a receiver, all of them if there is none.
async fn listen(rig: &Rig, receiver: &Receiver, event_types: &[&str]) -> Value {
    let body = json!({"url": receiver.url("/ops"), "secret": SECRET, "eventTypes": event_types});
    rig.client.post(PATH, &body).await.expect(201).json()
}

/// The event types that a receiver got, in order.
fn types(receiver: &Receiver) -> Vec<String> {
    receiver.received().iter().map(|it| it.json()["type"].as_str().unwrap_or_default().to_owned()).collect()
}
