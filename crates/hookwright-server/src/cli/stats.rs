//! `hookwright stats`: how an application's endpoints have been doing.

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, Document, Pages, Path};
use super::connection::ConnectionArgs;
use super::console::{Column, cells};
use super::failure::Failure;
use super::given;
use super::output::Output;

const HEADINGS: [&str; 8] = ["ENDPOINT", "UID", "URL", "SUCCESS", "FAIL", "PENDING", "SENDING", "PARTIAL"];

const COUNTS: [Column; 5] = [
    Column::new("SUCCESS", "success"),
    Column::new("FAIL", "fail"),
    Column::new("PENDING", "pending"),
    Column::new("SENDING", "sending"),
    Column::new("PARTIAL", "isPartial"),
];

/// Show how an application's endpoints have been doing
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright stats --app acme
  hookwright stats --app acme --endpoint main --since 7d

SUCCESS and FAIL count attempts, PENDING and SENDING messages; PARTIAL says that there are more than were counted.")]
pub(super) struct StatsArgs {
    /// The application: its uid or id
    #[arg(long, value_name = "APP")]
    app: String,
    /// Only this endpoint: its uid or id
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// Counts from then on: RFC 3339, or how long ago, such as 7d [default: four weeks before the end]
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Counts up to then [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What of an endpoint stands beside its counts.
#[derive(Deserialize)]
struct EndpointOut {
    id: String,
    uid: Option<String>,
    url: String,
}

pub(super) async fn run(args: StatsArgs, output: Output) -> Result<(), Failure> {
    let since = given::time_if("since", args.since.as_deref())?;
    let until = given::time_if("until", args.until.as_deref())?;
    let client = args.connection.client()?;
    let endpoints = endpoints(&client, &args.app, args.endpoint.as_deref()).await?;
    let (mut rows, mut documents) = (Vec::new(), Vec::new());
    for endpoint in &endpoints {
        let EndpointOut { id, uid, url } = endpoint.read("an endpoint")?;
        let path = Path::endpoint(&args.app, &id).then("stats");
        let path = path.ask_if("since", since.as_deref()).ask_if("until", until.as_deref());
        let counts = client.get(&path).await?;
        let document: Value = counts.read("an endpoint's statistics")?;
        documents.push(json!({ "endpoint": id, "uid": uid, "url": url, "stats": document }));
        let mut row = vec![id, uid.unwrap_or_default(), url];
        row.extend(cells(&counts, &COUNTS));
        rows.push(row);
    }
    if output.is_json() { output.json(&documents) } else { output.table(&HEADINGS, &rows) }
}

/// The endpoint that is meant, or all of the application's.
async fn endpoints(client: &Client, app: &str, only: Option<&str>) -> Result<Vec<Document>, Failure> {
    if let Some(endpoint) = only {
        return Ok(vec![client.get(&Path::endpoint(app, endpoint)).await?]);
    }
    Pages::new(client, Path::endpoints(app), None).rest().await
}
