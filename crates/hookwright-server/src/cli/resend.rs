//! `hookwright resend`: one message to one endpoint, once more.

use clap::Args;
use serde_json::json;

use super::client::Path;
use super::connection::ConnectionArgs;
use super::failure::Failure;
use super::output::Output;

/// Send one message to one endpoint once more
#[derive(Clone, Args)]
#[command(after_help = "Example:
  hookwright resend --app acme --endpoint main msg_2lbJh8YRbTq7vM3y0v1cPq4Zk1s")]
pub(super) struct ResendArgs {
    /// The application: its uid or id
    #[arg(long, value_name = "APP")]
    app: String,
    /// The endpoint: its uid or id
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: String,
    /// The message: its id or eventId
    message: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) async fn run(args: ResendArgs, output: Output) -> Result<(), Failure> {
    let ResendArgs { app, endpoint, message, connection } = args;
    let path = Path::resend(&app, &message, &endpoint);
    connection.client()?.tell(&path, &json!({})).await?;
    output.done(
        &format!("The message {message} is on its way to the endpoint {endpoint}."),
        &json!({ "message": message, "endpoint": endpoint, "resent": true }),
    )
}
