//! `hookwright event-type`: the kinds of things that happen.

mod import;
mod settings;

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::Path;
use super::confirm::Confirmation;
use super::connection::ConnectionArgs;
use super::console::{Amount, Column, Console};
use super::failure::Failure;
use super::output::Output;
use import::ImportArgs;
use settings::{ChangeArgs, SettingArgs};

const COLUMNS: [Column; 10] = [
    Column::new("NAME", "name"),
    Column::new("DESCRIPTION", "description"),
    Column::new("GROUP", "groupName"),
    Column::new("ARCHIVED", "archived"),
    Column::new("DEPRECATED", "deprecated"),
    Column::detail("VALIDATED", "validatePayload"),
    Column::detail("FEATURE FLAGS", "featureFlags"),
    Column::detail("CREATED", "createdAt"),
    Column::detail("UPDATED", "updatedAt"),
    Column::payload("SCHEMAS", "schemas"),
];

/// List, make, change and archive event types: the kinds of things that happen
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright event-type create book.added --description 'A book was added'
  hookwright event-type list --archived
  hookwright event-type archive book.added")]
pub(super) struct EventTypeArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: EventTypeCommand,
}

#[derive(Clone, Subcommand)]
enum EventTypeCommand {
    /// List the event types by name
    #[command(after_help = "Example:\n  hookwright event-type list --archived")]
    List {
        /// Show those that are archived too
        #[arg(long)]
        archived: bool,
        #[command(flatten)]
        amount: Amount,
    },
    /// Show an event type with its schemas
    #[command(after_help = "Example:\n  hookwright event-type get book.added")]
    Get {
        /// Its name
        name: String,
    },
    /// Make an event type
    #[command(after_help = "Examples:
  hookwright event-type create book.added --description 'A book was added'
  hookwright event-type create book.added --schemas '{\"1\": {\"type\": \"object\"}}'
  hookwright event-type create book.added --schemas @schemas.json --validate")]
    Create {
        /// Its name
        name: String,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Change what is named of an event type
    #[command(after_help = "Example:\n  hookwright event-type update book.added --deprecated true")]
    Update {
        /// Its name
        name: String,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Put an event type in the place of the one that is there, or make it
    #[command(
        after_help = "Example:\n  hookwright event-type upsert book.added --description 'A book was added'

What is not named is reset."
    )]
    Upsert {
        /// Its name
        name: String,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Make and change event types as the webhooks of an OpenAPI document say
    #[command(after_help = "Examples:
  hookwright event-type import openapi.yaml --dry-run
  hookwright event-type import openapi.yaml --replace-all")]
    Import(ImportArgs),
    /// Stop offering an event type to subscribers; `update --archived false` offers it again
    #[command(after_help = "Example:\n  hookwright event-type archive book.added")]
    Archive {
        /// Its name
        name: String,
    },
    /// Remove an event type for good
    #[command(after_help = "Example:\n  hookwright event-type delete book.added --yes")]
    Delete {
        /// Its name
        name: String,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

pub(super) async fn run(args: EventTypeArgs, output: Output) -> Result<(), Failure> {
    let console = Console::new(&args.connection, output)?;
    let client = &console.client;
    match args.command {
        EventTypeCommand::List { archived, amount } => {
            let path = Path::event_types().ask_if("include_archived", archived.then_some("true"));
            console.list(path, amount, &COLUMNS).await
        }
        EventTypeCommand::Get { name } => {
            console.show(&client.get(&Path::event_type(&name)).await?, &COLUMNS)
        }
        EventTypeCommand::Create { name, settings } => {
            let mut document = settings.document()?;
            document.insert("name", json!(name).to_string())?;
            console.show(&client.post(&Path::event_types(), &document).await?, &COLUMNS)
        }
        EventTypeCommand::Update { name, change } => {
            console.show(&client.change(&Path::event_type(&name), &change.document()?).await?, &COLUMNS)
        }
        EventTypeCommand::Upsert { name, settings } => {
            console.show(&client.put(&Path::event_type(&name), &settings.document()?).await?, &COLUMNS)
        }
        EventTypeCommand::Import(args) => import::run(args, client, output).await,
        EventTypeCommand::Archive { name } => {
            client.delete(&Path::event_type(&name)).await?;
            output
                .done(&format!("Archived the event type {name}."), &json!({ "name": name, "archived": true }))
        }
        EventTypeCommand::Delete { name, confirmation } => {
            confirmation.ask(&format!("remove the event type {name} for good"))?;
            client.delete(&Path::event_type(&name).ask("expunge", "true")).await?;
            output.done(&format!("Deleted the event type {name}."), &json!({ "name": name, "deleted": true }))
        }
    }
}
