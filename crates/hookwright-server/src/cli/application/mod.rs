//! `hookwright application`: the customers whose webhooks they are.

mod portal;
mod settings;

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::Path;
use super::confirm::Confirmation;
use super::connection::ConnectionArgs;
use super::console::{Amount, Column, Console};
use super::failure::Failure;
use super::output::Output;
use portal::PortalArgs;
use settings::{ChangeArgs, SettingArgs};

const COLUMNS: [Column; 7] = [
    Column::new("ID", "id"),
    Column::new("UID", "uid"),
    Column::new("NAME", "name"),
    Column::detail("THROTTLE RATE", "throttleRate"),
    Column::detail("METADATA", "metadata"),
    Column::new("CREATED", "createdAt"),
    Column::detail("UPDATED", "updatedAt"),
];

/// List, make, change and delete applications: your customers
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright application create acme --name 'Acme Books'
  hookwright application list
  hookwright application get acme
  hookwright application update acme --throttle-rate 50")]
pub(super) struct ApplicationArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: ApplicationCommand,
}

#[derive(Clone, Subcommand)]
enum ApplicationCommand {
    /// List the applications, oldest first
    #[command(
        after_help = "Examples:\n  hookwright application list\n  hookwright application list --all --json"
    )]
    List {
        #[command(flatten)]
        amount: Amount,
    },
    /// Show an application
    #[command(after_help = "Example:\n  hookwright application get acme")]
    Get {
        /// Its uid or id
        app: String,
    },
    /// Make an application
    #[command(after_help = "Examples:
  hookwright application create acme --name 'Acme Books'
  hookwright application create acme --if-missing --metadata plan=gold
  hookwright application create --name 'Known by its id alone'")]
    Create {
        /// Your own id for it, unique among your applications
        #[arg(required_unless_present = "name")]
        uid: Option<String>,
        /// Take the one that has this uid, if there is one
        #[arg(long)]
        if_missing: bool,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Change what is named of an application
    #[command(after_help = "Examples:
  hookwright application update acme --name 'Acme Books Ltd'
  hookwright application update acme --throttle-rate 0")]
    Update {
        /// Its uid or id
        app: String,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Put an application in the place of the one that is there, or make it
    #[command(after_help = "Example:\n  hookwright application upsert acme --name 'Acme Books'

What is not named is reset.")]
    Upsert {
        /// Its uid
        uid: String,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Delete an application with its endpoints and messages
    #[command(after_help = "Example:\n  hookwright application delete acme --yes")]
    Delete {
        /// Its uid or id
        app: String,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Make a token for an application's customer, and the address of the portal
    Portal(PortalArgs),
    /// End all tokens of an application's customers
    #[command(after_help = "Examples:
  hookwright application expire-tokens acme
  hookwright application expire-tokens acme --in 1h")]
    ExpireTokens {
        /// Its uid or id
        app: String,
        /// When they end; at once if left out
        #[arg(long = "in", value_name = "DURATION")]
        after: Option<String>,
    },
}

pub(super) async fn run(args: ApplicationArgs, output: Output) -> Result<(), Failure> {
    let console = Console::new(&args.connection, output)?;
    let client = &console.client;
    match args.command {
        ApplicationCommand::List { amount } => console.list(Path::applications(), amount, &COLUMNS).await,
        ApplicationCommand::Get { app } => {
            console.show(&client.get(&Path::application(&app)).await?, &COLUMNS)
        }
        ApplicationCommand::Create { uid, if_missing, settings } => {
            let path = Path::applications().ask_if("get_if_exists", if_missing.then_some("true"));
            console.show(&client.post(&path, &settings.document(uid.as_deref())?).await?, &COLUMNS)
        }
        ApplicationCommand::Update { app, change } => {
            console.show(&client.change(&Path::application(&app), &change.document()?).await?, &COLUMNS)
        }
        ApplicationCommand::Upsert { uid, settings } => console
            .show(&client.put(&Path::application(&uid), &settings.document(Some(&uid))?).await?, &COLUMNS),
        ApplicationCommand::Delete { app, confirmation } => {
            confirmation.ask(&format!("delete the application {app} with its endpoints and messages"))?;
            client.delete(&Path::application(&app)).await?;
            output.done(
                &format!("Deleted the application {app}."),
                &json!({ "application": app, "deleted": true }),
            )
        }
        ApplicationCommand::Portal(args) => portal::run(args, &console).await,
        ApplicationCommand::ExpireTokens { app, after } => {
            portal::expire(&app, after.as_deref(), &console).await
        }
    }
}
