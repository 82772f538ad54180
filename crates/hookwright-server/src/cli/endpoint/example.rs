//! `hookwright endpoint send-example`: a message to try an endpoint with.

use clap::Args;
use serde_json::json;

use super::EndpointName;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::message;

/// Send an example of an event type to one endpoint
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  hookwright endpoint send-example --app acme main --event-type book.added

The example is one of the event type's schema, if that has any.")]
pub(super) struct ExampleArgs {
    #[command(flatten)]
    name: EndpointName,
    /// Whose example it is
    #[arg(long, value_name = "NAME")]
    event_type: String,
    /// Which of the schema's examples, from 0
    #[arg(long, value_name = "N")]
    example: Option<u32>,
}

pub(super) async fn run(args: ExampleArgs, console: &Console) -> Result<(), Failure> {
    let mut body = json!({ "eventType": args.event_type });
    if let Some(index) = args.example {
        body["exampleIndex"] = index.into();
    }
    let sent = console.client.post(&args.name.path().then("send-example"), &body).await?;
    console.show(&sent, &message::COLUMNS)
}
