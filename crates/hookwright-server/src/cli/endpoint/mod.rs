//! `hookwright endpoint`: the URLs that want an application's webhooks.

mod example;
mod headers;
mod messages;
mod secret;
mod settings;

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::Path;
use super::confirm::Confirmation;
use super::connection::ConnectionArgs;
use super::console::{Amount, Column, Console};
use super::failure::Failure;
use super::output::Output;
use example::ExampleArgs;
use headers::HeadersArgs;
use messages::MessagesArgs;
use secret::{RotateArgs, SecretShowArgs};
use settings::{ChangeArgs, SettingArgs};

pub(super) const COLUMNS: [Column; 11] = [
    Column::new("ID", "id"),
    Column::new("UID", "uid"),
    Column::new("URL", "url"),
    Column::new("EVENT TYPES", "eventTypes"),
    Column::new("CHANNELS", "channels"),
    Column::new("DISABLED", "disabled"),
    Column::detail("DESCRIPTION", "description"),
    Column::detail("THROTTLE RATE", "throttleRate"),
    Column::detail("METADATA", "metadata"),
    Column::detail("CREATED", "createdAt"),
    Column::detail("UPDATED", "updatedAt"),
];

/// List, make, change and delete endpoints: the URLs that want an application's webhooks
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright endpoint create --app acme --uid main https://acme.example.com/hooks --event-type book.added
  hookwright endpoint list --app acme
  hookwright endpoint disable --app acme main
  hookwright endpoint secret --app acme main")]
pub(super) struct EndpointArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: EndpointCommand,
}

/// One endpoint.
#[derive(Debug, Clone, Args)]
pub(super) struct EndpointName {
    /// The application: its uid or id
    #[arg(long, value_name = "APP")]
    pub(super) app: String,
    /// The endpoint: its uid or id
    pub(super) endpoint: String,
}

#[derive(Clone, Subcommand)]
enum EndpointCommand {
    /// List an application's endpoints, oldest first
    #[command(after_help = "Example:\n  hookwright endpoint list --app acme")]
    List {
        /// The application: its uid or id
        #[arg(long, value_name = "APP")]
        app: String,
        #[command(flatten)]
        amount: Amount,
    },
    /// Show an endpoint, without its secret
    #[command(after_help = "Example:\n  hookwright endpoint get --app acme main")]
    Get(EndpointName),
    /// Make an endpoint
    #[command(after_help = "Examples:
  hookwright endpoint create --app acme --uid main https://acme.example.com/hooks --event-type book.added
  hookwright endpoint create --app acme https://acme.example.com/hooks --header 'Authorization: @token.txt'")]
    Create {
        /// The application: its uid or id
        #[arg(long, value_name = "APP")]
        app: String,
        /// Your own id for it, unique in its application
        #[arg(long, value_name = "TEXT")]
        uid: Option<String>,
        #[command(flatten)]
        settings: SettingArgs,
        /// File with the secret that its webhooks are signed with [default: a fresh one]
        #[arg(long, value_name = "PATH")]
        secret_file: Option<std::path::PathBuf>,
        /// A header that is sent with each attempt, such as 'X-Team: books'; a value of @ and a file is read from there
        #[arg(long, value_name = "NAME: VALUE")]
        header: Vec<String>,
    },
    /// Change what is named of an endpoint
    #[command(after_help = "Examples:
  hookwright endpoint update --app acme main --target https://acme.example.com/new
  hookwright endpoint update --app acme main --event-type book.added --event-type book.read")]
    Update {
        #[command(flatten)]
        name: EndpointName,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Put an endpoint in the place of the one that is there, or make it
    #[command(
        after_help = "Example:\n  hookwright endpoint upsert --app acme main https://acme.example.com/hooks

What is not named is reset, but not the secret."
    )]
    Upsert {
        #[command(flatten)]
        name: EndpointName,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Delete an endpoint
    #[command(after_help = "Example:\n  hookwright endpoint delete --app acme main --yes")]
    Delete {
        #[command(flatten)]
        name: EndpointName,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Let an endpoint get webhooks again
    #[command(after_help = "Example:\n  hookwright endpoint enable --app acme main

What it missed meanwhile is sent by `hookwright recover`.")]
    Enable(EndpointName),
    /// Let an endpoint get no more webhooks
    #[command(after_help = "Example:\n  hookwright endpoint disable --app acme main")]
    Disable(EndpointName),
    /// Print the secret that an endpoint's webhooks are signed with
    Secret(SecretShowArgs),
    /// Give an endpoint a new secret; the old one signs beside it for a while
    RotateSecret(RotateArgs),
    /// Show or change the headers that are sent with each attempt
    Headers(HeadersArgs),
    /// List the messages that were meant for an endpoint, and how far they have come
    Messages(MessagesArgs),
    /// Send an example of an event type to one endpoint
    SendExample(ExampleArgs),
}

pub(super) async fn run(args: EndpointArgs, output: Output) -> Result<(), Failure> {
    let console = Console::new(&args.connection, output)?;
    let client = &console.client;
    match args.command {
        EndpointCommand::List { app, amount } => console.list(Path::endpoints(&app), amount, &COLUMNS).await,
        EndpointCommand::Get(name) => console.show(&client.get(&name.path()).await?, &COLUMNS),
        EndpointCommand::Create { app, uid, settings, secret_file, header } => {
            let document = settings.document()?;
            let document = document.with_uid(uid)?.with_secret(secret_file)?.with_headers(&header)?;
            console.show(&client.post(&Path::endpoints(&app), &document).await?, &COLUMNS)
        }
        EndpointCommand::Update { name, change } => {
            console.show(&client.change(&name.path(), &change.document()?).await?, &COLUMNS)
        }
        EndpointCommand::Upsert { name, settings } => {
            let path = name.path();
            let document = settings.document()?.with_uid(Some(name.endpoint))?;
            console.show(&client.put(&path, &document).await?, &COLUMNS)
        }
        EndpointCommand::Delete { name, confirmation } => {
            let EndpointName { app, endpoint } = &name;
            confirmation.ask(&format!("delete the endpoint {endpoint} of the application {app}"))?;
            client.delete(&name.path()).await?;
            output.done(
                &format!("Deleted the endpoint {endpoint}."),
                &json!({ "endpoint": endpoint, "deleted": true }),
            )
        }
        EndpointCommand::Enable(name) => switch(&console, &name, false).await,
        EndpointCommand::Disable(name) => switch(&console, &name, true).await,
        EndpointCommand::Secret(args) => secret::show(&args, &console).await,
        EndpointCommand::RotateSecret(args) => secret::rotate(args, &console).await,
        EndpointCommand::Headers(args) => headers::run(args, &console).await,
        EndpointCommand::Messages(args) => messages::run(args, &console).await,
        EndpointCommand::SendExample(args) => example::run(args, &console).await,
    }
}

async fn switch(console: &Console, name: &EndpointName, disabled: bool) -> Result<(), Failure> {
    let body = json!({ "disabled": disabled });
    console.show(&console.client.change(&name.path(), &body).await?, &COLUMNS)
}

impl EndpointName {
    pub(super) fn path(&self) -> Path {
        Path::endpoint(&self.app, &self.endpoint)
    }
}
