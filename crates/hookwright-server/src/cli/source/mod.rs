//! `hookwright source`: where messages come in from.

mod again;
mod handling;
mod kinds;
mod settings;
mod sign;

use clap::{Args, Subcommand};
use hookwright_signature::provider::SourceKind;
use serde::Deserialize;
use serde_json::json;

use super::client::Path;
use super::confirm::Confirmation;
use super::connection::ConnectionArgs;
use super::console::{Amount, Column, Console};
use super::failure::Failure;
use super::output::Output;
use super::{escape, given};
use again::{ForwardArgs, ReplayArgs, ResendArgs};
use settings::{ChangeArgs, SettingArgs};

pub(super) use sign::{Moment, SourceSignArgs};

const COLUMNS: [Column; 18] = [
    Column::new("ID", "id"),
    Column::new("UID", "uid"),
    Column::new("NAME", "name"),
    // The server calls kinds that only it has by another type.
    Column::new("KIND", "kind|type"),
    Column::detail("URL", "ingestUrl"),
    Column::detail("CONFIG", "config"),
    Column::detail("METHODS", "methods"),
    Column::detail("BODY", "body"),
    Column::detail("DEDUPE", "dedupe"),
    Column::detail("EVENT TYPE", "eventType"),
    Column::detail("REDACTED", "redact"),
    Column::detail("CONFIRM", "confirm"),
    Column::detail("ANSWER", "answer"),
    Column::detail("THROTTLE RATE", "throttleRate"),
    Column::detail("RETENTION", "retention"),
    Column::detail("METADATA", "metadata"),
    Column::new("CREATED", "createdAt"),
    Column::detail("UPDATED", "updatedAt"),
];

const LOG_COLUMNS: [Column; 7] = [
    Column::new("TIME", "created_at"),
    Column::new("ID", "id"),
    Column::new("METHOD", "method"),
    Column::new("VERDICT", "verdict"),
    Column::new("ANSWERED", "status_code"),
    Column::new("MESSAGE", "msg_id"),
    Column::new("REASON", "error_text"),
];

/// List, make, change and delete sources: where webhooks of providers come in
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright source create github --uid code --secret-file secret.txt
  hookwright source list
  hookwright source log code
  hookwright source kinds")]
pub(super) struct SourceArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: SourceCommand,
}

/// One source.
#[derive(Debug, Clone, Args)]
struct SourceName {
    /// The source: its uid or id
    source: String,
}

#[derive(Clone, Subcommand)]
enum SourceCommand {
    /// List the sources, oldest first
    #[command(after_help = "Example:\n  hookwright source list")]
    List {
        #[command(flatten)]
        amount: Amount,
    },
    /// Show a source with its URL, without its secrets
    #[command(after_help = "Example:\n  hookwright source get code")]
    Get(SourceName),
    /// Make a source; its URL is where its provider sends
    #[command(after_help = "Examples:
  hookwright source create github --uid code --secret-file secret.txt
  hookwright source create hmac --uid shop --secret-file secret.txt --field header=x-signature
  hookwright source create token --uid door --secret-file token.txt --field header=x-token --method GET
  hookwright source create token --uid pay --secret-file token.txt --field header=x-token --event-type /kind \
    --redact /card/number --confirm-url 'https://api.pay.example/orders/{body:/order}' \
    --confirm-headers-file headers.txt --confirm-pointer /paid --confirm-equals true
  hookwright source create cron --uid nightly --schedule '0 3 * * *' --payload @backup.json")]
    Create(SettingArgs),
    /// Change what is named of a source
    #[command(after_help = "Examples:
  hookwright source update code --throttle-rate 50 --retention 30d
  hookwright source update code --secret-file secret.txt
  hookwright source update code --answer-status 202 --answer-body '' --event-type x-github-event

What proves a request is changed as a whole: give all fields of the kind. So are the answer, and who confirms.")]
    Update {
        #[command(flatten)]
        name: SourceName,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Delete a source with its endpoints and its log
    #[command(after_help = "Example:\n  hookwright source delete code --yes")]
    Delete {
        #[command(flatten)]
        name: SourceName,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// List what came to a source, newest first, and why it was refused if it was
    #[command(after_help = "Examples:
  hookwright source log code
  hookwright source log code --limit 5 --json")]
    Log {
        #[command(flatten)]
        name: SourceName,
        #[command(flatten)]
        amount: Amount,
    },
    /// Forward what comes to a source there too
    #[command(after_help = "Examples:
  hookwright source forward code https://acme.example.com/hooks --uid main
  hookwright source forward code https://acme.example.com/pushes --event-type push")]
    Forward(ForwardArgs),
    /// Forward one request of a source's log once more; one that nobody has confirmed is asked about again
    #[command(after_help = "Examples:
  hookwright source resend code log2lbJh8YRbTq7vM3y0v1cPq
  hookwright source resend code log2lbJh8YRbTq7vM3y0v1cPq --endpoint main")]
    Resend(ResendArgs),
    /// Forward a range of what came to a source to an endpoint once more
    #[command(after_help = "Examples:
  hookwright source replay code --endpoint main --since 2h
  hookwright source replay code --endpoint main --since 3d --until 1d --event-type push --status failed
  hookwright source replay code --endpoint main --since 7d --missing

Without filters all of the range is forwarded, whatever came of it.")]
    Replay(ReplayArgs),
    /// Give a source another URL; the old one is good for a while
    #[command(after_help = "Example:\n  hookwright source rotate code --grace 12h")]
    Rotate {
        #[command(flatten)]
        name: SourceName,
        /// How long the old URL is good, at most 7d
        #[arg(long, value_name = "DURATION", default_value = "48h")]
        grace: String,
    },
    /// List the kinds of sources, what each verifies, and how sure that is
    #[command(after_help = "Example:\n  hookwright source kinds

Evidence is what the verification is held against: an official library, a published vector, or the provider's text.")]
    Kinds,
}

/// What a source's kind is called.
#[derive(Deserialize)]
struct KindOut {
    #[serde(rename = "type")]
    type_: String,
    /// There if the server calls it by another type.
    #[serde(default)]
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UrlOut {
    ingest_url: String,
}

pub(super) async fn run(args: SourceArgs, output: Output) -> Result<(), Failure> {
    if let SourceCommand::Kinds = args.command {
        return kinds::run(output);
    }
    let console = Console::new(&args.connection, output)?;
    let client = &console.client;
    match args.command {
        SourceCommand::List { amount } => console.list(Path::sources(), amount, &COLUMNS).await,
        SourceCommand::Get(name) => console.show(&client.get(&name.path()).await?, &COLUMNS),
        SourceCommand::Create(settings) => {
            console.show(&client.post(&Path::sources(), &settings.document()?).await?, &COLUMNS)
        }
        SourceCommand::Update { name, change } => {
            let kind = match change.changes_proof() {
                true => {
                    let found: KindOut = client.get(&name.path()).await?.read("a source")?;
                    found.kind.unwrap_or(found.type_)
                }
                false => String::new(),
            };
            console.show(&client.change(&name.path(), &change.document(&kind)?).await?, &COLUMNS)
        }
        SourceCommand::Delete { name, confirmation } => {
            let SourceName { source } = &name;
            confirmation.ask(&format!("delete the source {source} with its endpoints and its log"))?;
            client.delete(&name.path()).await?;
            output
                .done(&format!("Deleted the source {source}."), &json!({ "source": source, "deleted": true }))
        }
        SourceCommand::Log { name, amount } => {
            console.list(name.path().then("log"), amount, &LOG_COLUMNS).await
        }
        SourceCommand::Forward(forward) => forward.run(&console).await,
        SourceCommand::Resend(resend) => resend.run(&console, output).await,
        SourceCommand::Replay(replay) => replay.run(&console).await,
        SourceCommand::Rotate { name, grace } => {
            let body = json!({ "gracePeriodSeconds": given::seconds("grace", &grace)? });
            let answer = client.post(&name.path().then("token").then("rotate"), &body).await?;
            let UrlOut { ingest_url } = answer.read("a URL of a source")?;
            if output.is_json() {
                return output.json(&json!({ "ingestUrl": ingest_url }));
            }
            output.line(&escape::for_terminal(&ingest_url))
        }
        SourceCommand::Kinds => kinds::run(output),
    }
}

impl SourceName {
    fn path(&self) -> Path {
        Path::source(&self.source)
    }
}

/// The field of a kind that its secret goes into.
fn secret_field(kind: SourceKind) -> &'static str {
    match kind.fields() {
        [.., "token"] => "token",
        [.., "password"] => "password",
        ["clientId"] => "clientId",
        ["publicKey"] => "publicKey",
        _ => "secret",
    }
}
