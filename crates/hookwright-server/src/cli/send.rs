//! `hookwright send`: a message through a server, from a shell.

use clap::Args;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::client::Path;
use super::connection::ConnectionArgs;
use super::failure::Failure;
use super::output::Output;
use super::{escape, given};

/// Send a message through a server
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright send --app acme --create-app --event-type book.added --payload '{\"title\": \"Momo\"}'
  hookwright send --app acme --event-type book.added --payload @payload.json
  hookwright send --app acme --event-type book.added --payload '{}' --url https://hooks.example.com
  produce | hookwright send --app acme --event-type book.added --payload -")]
pub(super) struct SendArgs {
    /// The application: its uid or id
    #[arg(long, value_name = "APP")]
    app: String,
    /// Make the application if it is not there; --app is its uid then
    #[arg(long)]
    create_app: bool,
    /// What happened, such as book.added
    #[arg(long, value_name = "NAME")]
    event_type: String,
    /// The payload: JSON, @ and a file, or - for standard input
    #[arg(long, value_name = "JSON")]
    payload: String,
    /// Only for endpoints of this channel; may be repeated
    #[arg(long, value_name = "NAME")]
    channel: Vec<String>,
    /// Your own id of the message, so that it cannot be sent twice
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// Words to find it by; may be repeated
    #[arg(long, value_name = "WORD")]
    tag: Vec<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageIn<'a> {
    event_type: &'a str,
    payload: &'a RawValue,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    channels: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
}

#[derive(serde::Deserialize)]
struct MessageOut {
    id: String,
}

pub(super) async fn run(args: SendArgs, output: Output) -> Result<(), Failure> {
    let payload = given::json("payload", &args.payload)?;
    let message = MessageIn {
        event_type: &args.event_type,
        payload: &payload,
        channels: &args.channel,
        tags: &args.tag,
        event_id: args.event_id.as_deref(),
    };
    let client = args.connection.client()?;
    if args.create_app {
        let application = json!({ "name": args.app, "uid": args.app });
        client.post(&Path::applications().ask("get_if_exists", "true"), &application).await?;
    }
    let answer = client.post(&Path::messages(&args.app).ask("with_content", "false"), &message).await?;
    let sent: MessageOut = answer.read("a message")?;
    if output.is_json() {
        return output.json(&json!({ "id": sent.id }));
    }
    output.line(&escape::for_terminal(&sent.id))
}
