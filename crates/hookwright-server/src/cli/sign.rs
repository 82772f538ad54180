//! `hookwright sign`: the headers that prove a payload.

use std::path::PathBuf;

use clap::Args;
use hookwright::Clock;
use hookwright_signature::{HeaderNames, Secret};
use serde_json::Map;

use super::failure::Failure;
use super::input;
use super::output::Output;
use super::secret::SecretArgs;
use super::source::{Moment, SourceSignArgs};

/// Sign a payload, as a server does, or as a provider with --source
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hookwright sign --secret-file secret.txt payload.json
  echo -n '{\"title\": \"Momo\"}' | hookwright sign --secret-file secret.txt --id msg_1
  hookwright sign --source stripe --secret-file secret.txt payload.json

It prints webhook-id, webhook-timestamp and webhook-signature, as `hookwright verify --headers` reads them;
with --source, the headers of that provider.")]
pub(super) struct SignArgs {
    /// File with the payload; - is standard input
    #[arg(default_value = "-", value_name = "FILE")]
    payload: PathBuf,
    #[command(flatten)]
    secret: SecretArgs,
    /// The message's id [default: a new one]
    #[arg(long)]
    id: Option<String>,
    /// When it is signed, in seconds since 1970 [default: now]
    #[arg(long, value_name = "SECONDS")]
    timestamp: Option<u64>,
    /// Names of the headers
    #[arg(long, value_enum, default_value = "webhook")]
    header_names: Names,
    #[command(flatten)]
    provider: SourceSignArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Names {
    Webhook,
    Svix,
}

pub(super) fn run(args: &SignArgs, output: Output) -> Result<(), Failure> {
    let text = args.secret.needed()?;
    let payload = input::read(&args.payload)?;
    let now = Clock::system().now();
    let timestamp = args.timestamp.unwrap_or_else(|| u64::try_from(now.as_seconds()).unwrap_or(0));
    let id = match &args.id {
        Some(id) => id.clone(),
        None => new_id()?,
    };
    if let Some(kind) = &args.provider.source {
        let moment = Moment { seconds: timestamp, id: &id, payload: &payload };
        return args.provider.run(kind, &text, &moment, output);
    }
    let secret =
        Secret::parse(&text).map_err(|error| Failure::because("The secret cannot be used", &error))?;
    let signature = hookwright_signature::sign(&secret, &id, timestamp, &payload)
        .map_err(|error| Failure::because("The payload cannot be signed", &error))?;
    let names = match args.header_names {
        Names::Webhook => HeaderNames::Standard,
        Names::Svix => HeaderNames::Svix,
    };
    let headers =
        [(names.id(), id), (names.timestamp(), timestamp.to_string()), (names.signature(), signature)];
    if output.is_json() {
        let document: Map<_, _> =
            headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        return output.json(&document);
    }
    headers.iter().try_for_each(|(name, value)| output.line(&format!("{name}: {value}")))
}

/// An id like those of a server's messages.
fn new_id() -> Result<String, Failure> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed)
        .map_err(|error| Failure::because("The operating system gave no random bytes", &error))?;
    let ids = hookwright::domain::ids::IdGenerator::new(u64::from_ne_bytes(seed));
    let id = hookwright::domain::ids::MessageId::from(ids.next(Clock::system().now()));
    Ok(id.to_string())
}
