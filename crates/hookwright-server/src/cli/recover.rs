//! `hookwright recover`: what an endpoint should have and did not take, once more.

use clap::Args;
use serde_json::json;

use super::client::Path;
use super::connection::ConnectionArgs;
use super::console::Console;
use super::failure::Failure;
use super::given;
use super::output::Output;
use super::task::follow;

/// Send again what failed at an endpoint since a point in time
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright recover --app acme --endpoint main --since 12h
  hookwright recover --app acme --endpoint main --since 2026-11-24T12:00:00Z --until 2026-11-24T18:00:00Z --no-wait

What the endpoint missed while it was disabled is sent too.")]
pub(super) struct RecoverArgs {
    /// The application: its uid or id
    #[arg(long, value_name = "APP")]
    app: String,
    /// The endpoint: its uid or id
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: String,
    /// What was accepted then or later: RFC 3339, or how long ago, such as 12h; at most 14 days
    #[arg(long, value_name = "TIME")]
    since: String,
    /// What was accepted then or before [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Do not wait until all is sent
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) async fn run(args: RecoverArgs, output: Output) -> Result<(), Failure> {
    let body = json!({
        "since": given::time("since", &args.since)?,
        "until": given::time_if("until", args.until.as_deref())?,
    });
    let console = Console::new(&args.connection, output)?;
    let path = Path::endpoint(&args.app, &args.endpoint).then("recover");
    follow::begin(&path, &body, !args.no_wait, &console).await
}
