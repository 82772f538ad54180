//! `hookwright endpoint messages`: what was meant for an endpoint, and how far it has come.

use clap::Args;

use super::EndpointName;
use crate::cli::attempt::Status;
use crate::cli::console::{Amount, Column, Console};
use crate::cli::failure::Failure;
use crate::cli::message::FilterArgs;

const COLUMNS: [Column; 6] = [
    Column::new("ID", "id"),
    Column::new("EVENT TYPE", "eventType"),
    Column::new("EVENT ID", "eventId"),
    Column::new("SENT", "timestamp"),
    Column::new("STATUS", "statusText"),
    Column::new("NEXT ATTEMPT", "nextAttempt"),
];

/// List the messages that were meant for an endpoint, and how far they have come
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hookwright endpoint messages --app acme main --status failed
  hookwright endpoint messages --app acme main --after 1d --all")]
pub(super) struct MessagesArgs {
    #[command(flatten)]
    name: EndpointName,
    /// Only those that have come so far
    #[arg(long, value_enum)]
    status: Option<Status>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    amount: Amount,
}

pub(super) async fn run(args: MessagesArgs, console: &Console) -> Result<(), Failure> {
    let path = args.filter.ask(args.name.path().then("msg"))?.ask("with_content", "false");
    let path = path.ask_if("status", args.status.map(|status| status.code().to_string()));
    console.list(path, args.amount, &COLUMNS).await
}
