//! `hookwright replay`: a range of messages to an endpoint once more.

use clap::Args;
use serde_json::json;

use super::attempt::{Class, Status};
use super::client::Path;
use super::connection::ConnectionArgs;
use super::console::Console;
use super::failure::Failure;
use super::given;
use super::output::Output;
use super::task::follow;

/// Send a range of messages to an endpoint once more
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright replay --app acme --endpoint main --since 2h
  hookwright replay --app acme --endpoint main --since 3d --until 1d --event-type book.added --status failed
  hookwright replay --app acme --endpoint main --since 7d --missing

Without filters all messages of the range are sent, whatever came of them.")]
pub(super) struct ReplayArgs {
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
    /// Only what the endpoint wants and was never sent, also from before it was made
    #[arg(long, conflicts_with_all = ["event_type", "channel", "tag", "status", "class"])]
    missing: bool,
    /// Only this event type; may be repeated
    #[arg(long, value_name = "NAME")]
    event_type: Vec<String>,
    /// Only in this channel
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// Only with this tag
    #[arg(long, value_name = "WORD")]
    tag: Option<String>,
    /// Only what has come so far
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// Only what was last answered like this
    #[arg(long, value_enum)]
    class: Option<Class>,
    /// Do not wait until all is sent
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) async fn run(args: ReplayArgs, output: Output) -> Result<(), Failure> {
    let mut body = json!({
        "since": given::time("since", &args.since)?,
        "until": given::time_if("until", args.until.as_deref())?,
    });
    if !args.missing {
        body["eventTypes"] = json!(args.event_type);
        body["channel"] = json!(args.channel);
        body["tag"] = json!(args.tag);
        body["status"] = json!(args.status.map(Status::code));
        body["statusCodeClass"] = json!(args.class.map(Class::code));
    }
    let console = Console::new(&args.connection, output)?;
    let endpoint = Path::endpoint(&args.app, &args.endpoint);
    let path = endpoint.then(if args.missing { "replay-missing" } else { "bulk-replay" });
    follow::begin(&path, &body, !args.no_wait, &console).await
}
