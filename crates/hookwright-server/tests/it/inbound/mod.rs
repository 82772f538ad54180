//! Inbound webhooks: sources over the API, what comes at their URLs, and what is forwarded.

mod api; // sources, over the API
mod order; // what is looked at first
mod providers; // from end to end
mod kinds; // every one
mod duplicates;
mod telling; // who is told what
mod limits;
mod browsers; // what they send along by themselves
mod retention;
mod crash;
mod event_types;
mod confirming;
mod redacting;
mod queries; // and what is not shown of them
mod schedules;
mod replaying;
mod unread;

use hookwright::Hooks;
use hookwright_signature::provider::{Inbound, SourceConfig, SourceKind};
use hookwright_testkit::Receiver;
use hookwright_testkit::http::{Answer, Client, Method};
use serde_json::{Value, json};

use crate::api::rig::{Rig, text};

/// Where sources are.
pub(crate) const PATH: &str = "/ingest/api/v1/source";
/// The secret of most sources of these tests.
const SECRET: &str = "It's a Secret to Everybody";

/// What the endpoints of these tests sign with.
const SIGNS: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Plays a provider: signs requests for a source, and sends them.
pub(crate) struct Provider {
    pub(crate) id: String,
    /// Path of the source's URL.
    pub(crate) path: String,
    config: SourceConfig,
    pub(crate) client: Client,
    hooks: Option<Hooks>,
}

impl Provider {
    /// Makes a source of this description.
    async fn of(rig: &Rig, source: Value) -> Provider {
        let made = rig.client.post(PATH, &source).await.expect(201).json();
        Provider::made(&rig.base, &made, &source, Some(rig.hooks.clone()))
    }

    /// That of a source that was made so.
    pub(crate) fn made(base: &str, made: &Value, source: &Value, hooks: Option<Hooks>) -> Provider {
        let fields = source["config"].as_object().into_iter().flatten();
        let fields = fields.map(|(name, value)| (name.clone(), text(value)));
        let kind = SourceKind::parse(source["type"].as_str().unwrap()).unwrap();
        Provider {
            id: text(&made["id"]),
            path: text(&made["ingestUrl"]).strip_prefix(base).unwrap().to_owned(),
            config: SourceConfig::parse(kind, fields).unwrap(),
            client: Client::anonymous(base),
            hooks,
        }
    }

    /// The headers that prove a request with this body; the provider calls the event so.
    pub(crate) fn headers(&self, id: &str, body: &[u8]) -> Vec<(String, String)> {
        let now = match &self.hooks {
            Some(hooks) => hooks.clock().now(),
            None => hookwright::Clock::system().now(),
        };
        self.config.sign(&Inbound { body, ..Inbound::POST }, now.as_seconds(), id).unwrap().headers
    }

    /// Sends an event as the provider does.
    pub(crate) async fn send(&self, id: &str, body: &str) -> Answer {
        self.post(&self.headers(id, body.as_bytes()), body).await
    }

    /// Sends a body with these headers.
    async fn post(&self, headers: &[(String, String)], body: &str) -> Answer {
        let mut headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        headers.push(("content-type", "application/json"));
        self.client.request(Method::POST, &self.path, &headers, body.to_owned()).await
    }
}

/// A source of GitHub.
pub(crate) fn github() -> Value {
    json!({"name": "GitHub", "type": "github", "config": {"secret": SECRET}})
}

/// Makes an endpoint of a source, for these event types, and gives its id.
async fn forward(rig: &Rig, source: &str, receiver: &Receiver, event_types: &[&str]) -> String {
    let body = json!({"url": receiver.url("/hook"), "secret": SIGNS, "eventTypes": event_types});
    text(&rig.client.post(&format!("{PATH}/{source}/endpoint"), &body).await.expect(201).json()["id"])
}

/// What the log of a source has, newest first: verdict and status.
async fn log(rig: &Rig, source: &str) -> Vec<Value> {
    let log = rig.client.get(&format!("{PATH}/{source}/log")).await.expect(200).json();
    log["data"].as_array().unwrap().clone()
}

/// The verdicts of a log, newest first.
async fn verdicts(rig: &Rig, source: &str) -> Vec<String> {
    log(rig, source).await.iter().map(|row| text(&row["verdict"])).collect()
}
