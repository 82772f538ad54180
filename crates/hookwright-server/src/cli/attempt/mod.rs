//! `hookwright attempt`: each request that was made, and what was answered.

mod status;

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::Path;
use super::confirm::Confirmation;
use super::connection::ConnectionArgs;
use super::console::{Amount, Column, Console};
use super::failure::Failure;
use super::message::FilterArgs;
use super::output::Output;
use status::Ended;
pub(super) use status::{Class, Status};

pub(super) const COLUMNS: [Column; 10] = [
    Column::new("ID", "id"),
    Column::new("MESSAGE", "msgId"),
    Column::new("ENDPOINT", "endpointId"),
    Column::detail("URL", "url"),
    Column::new("STATUS", "statusText"),
    Column::new("CODE", "responseStatusCode"),
    Column::new("MS", "responseDurationMs"),
    Column::detail("TRIGGER", "triggerType"),
    Column::new("STARTED", "timestamp"),
    Column::detail("RESPONSE", "response"),
];

/// List and show attempts: each request that was made, and what was answered
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright attempt list --app acme --endpoint main --status failed
  hookwright attempt list --app acme --message msg_2lbJh8YRbTq7vM3y0v1cPq4Zk1s")]
pub(super) struct AttemptArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: AttemptCommand,
}

/// One attempt.
#[derive(Debug, Clone, Args)]
struct AttemptName {
    /// The application: its uid or id
    #[arg(long, value_name = "APP")]
    app: String,
    /// The message that was sent: its id
    #[arg(long, value_name = "MESSAGE")]
    message: String,
    /// The attempt's id
    attempt: String,
}

#[derive(Clone, Subcommand)]
enum AttemptCommand {
    /// List the attempts at an endpoint or of a message, newest first
    #[command(after_help = "Examples:
  hookwright attempt list --app acme --endpoint main --status failed
  hookwright attempt list --app acme --endpoint main --class 5xx --after 1d --all")]
    List {
        /// The application: its uid or id
        #[arg(long, value_name = "APP")]
        app: String,
        /// Those at this endpoint: its uid or id
        #[arg(long, value_name = "ENDPOINT", required_unless_present = "message")]
        endpoint: Option<String>,
        /// Those of this message: its id
        #[arg(long, value_name = "MESSAGE")]
        message: Option<String>,
        /// Only those that ended like this
        #[arg(long, value_enum)]
        status: Option<Ended>,
        /// Only those with an answer of this class
        #[arg(long, value_enum)]
        class: Option<Class>,
        #[command(flatten)]
        filter: FilterArgs,
        #[command(flatten)]
        amount: Amount,
    },
    /// Show an attempt with what was answered
    #[command(after_help = "Example:
  hookwright attempt get --app acme --message msg_2lbJh8YRbTq7vM3y0v1cPq4Zk1s atmpt_2lbJh8YRbTq7vM3y0v1cPq4Zk1s")]
    Get(AttemptName),
    /// Remove for good what was answered
    #[command(after_help = "Example:
  hookwright attempt expunge --app acme --message msg_2lbJh8YRbTq7vM3y0v1cPq4Zk1s atmpt_2lbJh8YRbTq7vM3y0v1cPq4Zk1s")]
    Expunge {
        #[command(flatten)]
        name: AttemptName,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

pub(super) async fn run(args: AttemptArgs, output: Output) -> Result<(), Failure> {
    let console = Console::new(&args.connection, output)?;
    match args.command {
        AttemptCommand::List { app, endpoint, message, status, class, filter, amount } => {
            let path = match (message, endpoint) {
                (Some(message), endpoint) => {
                    Path::attempts_of_message(&app, &message).ask_if("endpoint_id", endpoint)
                }
                (None, endpoint) => Path::attempts_at_endpoint(&app, &endpoint.unwrap_or_default()),
            };
            let path = filter.ask(path)?.ask("with_content", "false");
            let path = path.ask_if("status", status.map(|status| status.code().to_string()));
            let path = path.ask_if("status_code_class", class.map(|class| class.code().to_string()));
            console.list(path, amount, &COLUMNS).await
        }
        AttemptCommand::Get(name) => console.show(&console.client.get(&name.path()).await?, &COLUMNS),
        AttemptCommand::Expunge { name, confirmation } => {
            let attempt = &name.attempt;
            confirmation.ask(&format!("remove for good what was answered to the attempt {attempt}"))?;
            console.client.delete(&name.path().then("content")).await?;
            output.done(
                &format!("Removed what was answered to the attempt {attempt}."),
                &json!({ "attempt": attempt, "expunged": true }),
            )
        }
    }
}

impl AttemptName {
    fn path(&self) -> Path {
        Path::attempt(&self.app, &self.message, &self.attempt)
    }
}
