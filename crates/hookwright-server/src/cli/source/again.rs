//! Where what comes to a source is forwarded, and what is forwarded once more.

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::SourceName;
use crate::cli::attempt::{Class, Status};
use crate::cli::client::Path;
use crate::cli::console::{Column, Console};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::task::follow;
use crate::cli::{escape, given};

const ENDPOINT_COLUMNS: [Column; 5] = [
    Column::new("ID", "id"),
    Column::new("UID", "uid"),
    Column::new("URL", "url"),
    Column::new("EVENT TYPES", "eventTypes"),
    Column::new("CREATED", "createdAt"),
];

/// An endpoint of a source.
#[derive(Debug, Clone, Args)]
pub(super) struct ForwardArgs {
    #[command(flatten)]
    name: SourceName,
    /// Where to forward
    #[arg(value_name = "URL")]
    target: String,
    /// Your own id for it, unique within the source
    #[arg(long, value_name = "TEXT")]
    uid: Option<String>,
    /// Only this event type, in the provider's words, or order.* for all under a name; may be repeated
    #[arg(long, value_name = "NAME")]
    event_type: Vec<String>,
}

/// One request of a source's log.
#[derive(Debug, Clone, Args)]
pub(super) struct ResendArgs {
    #[command(flatten)]
    name: SourceName,
    /// The request's id in the log
    request: String,
    /// To this endpoint of the source alone: its uid or id
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<String>,
}

/// Many requests of a source's log.
#[derive(Debug, Clone, Args)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    name: SourceName,
    /// The endpoint of the source: its uid or id
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: String,
    /// What came then or later: RFC 3339, or how long ago, such as 12h; at most 14 days
    #[arg(long, value_name = "TIME")]
    since: String,
    /// What came then or before [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only what the endpoint wants and was never sent, also from before it was made
    #[arg(long, conflicts_with_all = ["event_type", "status", "class"])]
    missing: bool,
    /// Only this event type; may be repeated
    #[arg(long, value_name = "NAME")]
    event_type: Vec<String>,
    /// Only what has come so far
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// Only what was last answered like this
    #[arg(long, value_enum)]
    class: Option<Class>,
    /// Do not wait until all is sent
    #[arg(long)]
    no_wait: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResentOut {
    endpoint_ids: Vec<String>,
    asking_again: bool,
}

impl ForwardArgs {
    pub(super) async fn run(self, console: &Console) -> Result<(), Failure> {
        let mut body = json!({ "url": self.target });
        if let Some(uid) = self.uid {
            body["uid"] = Value::from(uid);
        }
        if !self.event_type.is_empty() {
            body["eventTypes"] = json!(self.event_type);
        }
        let made = console.client.post(&self.name.path().then("endpoint"), &body).await?;
        console.show(&made, &ENDPOINT_COLUMNS)
    }
}

impl ResendArgs {
    pub(super) async fn run(self, console: &Console, output: Output) -> Result<(), Failure> {
        let path = self.name.path().then("log").named("request", &self.request).then("resend");
        let body = self.endpoint.map_or_else(|| json!({}), |endpoint| json!({ "endpointId": endpoint }));
        let answer = console.client.post(&path, &body).await?;
        let resent: ResentOut = answer.read("what follows")?;
        if output.is_json() {
            let ResentOut { endpoint_ids, asking_again } = resent;
            return output.json(&json!({ "endpointIds": endpoint_ids, "askingAgain": asking_again }));
        }
        let request = &self.request;
        let said = match (&resent.endpoint_ids[..], resent.asking_again) {
            (_, true) => format!("It is asked again whether the request {request} is true."),
            ([], false) => format!("No endpoint of the source wants the request {request}."),
            (endpoints, false) => format!("The request {request} is on its way to {}.", endpoints.join(", ")),
        };
        output.line(&escape::for_terminal(&said))
    }
}

impl ReplayArgs {
    pub(super) async fn run(self, console: &Console) -> Result<(), Failure> {
        let mut body = json!({
            "since": given::time("since", &self.since)?,
            "until": given::time_if("until", self.until.as_deref())?,
        });
        if !self.missing {
            body["eventTypes"] = json!(self.event_type);
            body["status"] = json!(self.status.map(Status::code));
            body["statusCodeClass"] = json!(self.class.map(Class::code));
        }
        let endpoint: Path = self.name.path().then("endpoint").named("endpoint", &self.endpoint);
        let path = endpoint.then(if self.missing { "replay-missing" } else { "bulk-replay" });
        follow::begin(&path, &body, !self.no_wait, console).await
    }
}
