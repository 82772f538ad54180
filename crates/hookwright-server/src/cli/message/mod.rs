//! `hookwright message`: what was sent, and what came of it.

mod filter;

use clap::{Args, Subcommand};
use serde_json::json;

use super::attempt;
use super::client::{Pages, Path};
use super::confirm::Confirmation;
use super::connection::ConnectionArgs;
use super::console::{Amount, Column, Console};
use super::failure::Failure;
use super::output::Output;
pub(super) use filter::FilterArgs;

pub(super) const COLUMNS: [Column; 7] = [
    Column::new("ID", "id"),
    Column::new("EVENT TYPE", "eventType"),
    Column::new("EVENT ID", "eventId"),
    Column::new("CHANNELS", "channels"),
    Column::new("TAGS", "tags"),
    Column::new("SENT", "timestamp"),
    Column::payload("PAYLOAD", "payload"),
];

const DESTINATIONS: [Column; 5] = [
    Column::new("ENDPOINT", "id"),
    Column::new("UID", "uid"),
    Column::new("URL", "url"),
    Column::new("STATUS", "statusText"),
    Column::new("NEXT ATTEMPT", "nextAttempt"),
];

/// With payloads a page is as large as they are, so it holds fewer messages.
const PAGE_OF_PAYLOADS: u64 = 20;

/// List and show messages, their attempts, and where they went; `hookwright send` sends one
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright message list --app acme --event-type book.added --after 2h
  hookwright message get --app acme msg_2lbJh8YRbTq7vM3y0v1cPq4Zk1s
  hookwright message attempts --app acme msg_2lbJh8YRbTq7vM3y0v1cPq4Zk1s")]
pub(super) struct MessageArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: MessageCommand,
}

/// One message.
#[derive(Debug, Clone, Args)]
struct MessageName {
    /// The application: its uid or id
    #[arg(long, value_name = "APP")]
    app: String,
    /// The message: its id or eventId
    message: String,
}

#[derive(Clone, Subcommand)]
enum MessageCommand {
    /// List an application's messages, newest first
    #[command(after_help = "Examples:
  hookwright message list --app acme --limit 10
  hookwright message list --app acme --event-type book.added --after 2h --all --json")]
    List {
        /// The application: its uid or id
        #[arg(long, value_name = "APP")]
        app: String,
        #[command(flatten)]
        filter: FilterArgs,
        /// Show the payloads too
        #[arg(long)]
        payload: bool,
        #[command(flatten)]
        amount: Amount,
    },
    /// Show a message with its payload
    #[command(after_help = "Example:\n  hookwright message get --app acme msg_2lbJh8YRbTq7vM3y0v1cPq4Zk1s")]
    Get(MessageName),
    /// List a message's attempts, newest first
    #[command(
        after_help = "Example:\n  hookwright message attempts --app acme msg_2lbJh8YRbTq7vM3y0v1cPq4Zk1s"
    )]
    Attempts {
        #[command(flatten)]
        name: MessageName,
        /// Only those at this endpoint: its uid or id
        #[arg(long, value_name = "ENDPOINT")]
        endpoint: Option<String>,
        #[command(flatten)]
        amount: Amount,
    },
    /// List the endpoints that a message was meant for, and how far it has come there
    #[command(
        after_help = "Example:\n  hookwright message endpoints --app acme msg_2lbJh8YRbTq7vM3y0v1cPq4Zk1s"
    )]
    Endpoints {
        #[command(flatten)]
        name: MessageName,
        #[command(flatten)]
        amount: Amount,
    },
    /// Remove a message's payload for good
    #[command(
        after_help = "Example:\n  hookwright message expunge --app acme msg_2lbJh8YRbTq7vM3y0v1cPq4Zk1s --yes"
    )]
    Expunge {
        #[command(flatten)]
        name: MessageName,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

pub(super) async fn run(args: MessageArgs, output: Output) -> Result<(), Failure> {
    let console = Console::new(&args.connection, output)?;
    let client = &console.client;
    match args.command {
        MessageCommand::List { app, filter, payload, amount } => {
            let path =
                filter.ask(Path::messages(&app))?.ask("with_content", if payload { "true" } else { "false" });
            let pages = Pages::new(client, path, amount.wanted());
            if !payload {
                return console.show_pages(pages, &COLUMNS).await;
            }
            let columns = COLUMNS.map(Column::everywhere);
            console.show_pages(pages.at_most(PAGE_OF_PAYLOADS), &columns).await
        }
        MessageCommand::Get(name) => {
            console.show(&client.get(&name.path().ask("with_content", "true")).await?, &COLUMNS)
        }
        MessageCommand::Attempts { name, endpoint, amount } => {
            let path = Path::attempts_of_message(&name.app, &name.message);
            let path = path.ask_if("endpoint_id", endpoint).ask("with_content", "false");
            console.list(path, amount, &attempt::COLUMNS).await
        }
        MessageCommand::Endpoints { name, amount } => {
            console.list(name.path().then("endpoint"), amount, &DESTINATIONS).await
        }
        MessageCommand::Expunge { name, confirmation } => {
            let message = &name.message;
            confirmation.ask(&format!("remove the payload of the message {message} for good"))?;
            client.delete(&name.path().then("content")).await?;
            output.done(
                &format!("Removed the payload of the message {message}."),
                &json!({ "message": message, "expunged": true }),
            )
        }
    }
}

impl MessageName {
    fn path(&self) -> Path {
        Path::message(&self.app, &self.message)
    }
}
