//! `hookwright endpoint secret` and `rotate-secret`: what an endpoint's webhooks are signed with.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use serde_json::{Map, json};

use super::EndpointName;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::{escape, given, secret};

/// Print the secret that an endpoint's webhooks are signed with
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  hookwright endpoint secret --app acme main")]
pub(super) struct SecretShowArgs {
    #[command(flatten)]
    name: EndpointName,
}

/// Give an endpoint a new secret; the old one signs beside it for a while
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hookwright endpoint rotate-secret --app acme main
  hookwright endpoint rotate-secret --app acme main --grace 7d --show")]
pub(super) struct RotateArgs {
    #[command(flatten)]
    name: EndpointName,
    /// How long the old secret goes on signing, at most 7d
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    grace: String,
    /// File with the new secret [default: a fresh one]
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,
    /// Print the new secret
    #[arg(long)]
    show: bool,
}

#[derive(Deserialize)]
struct SecretOut {
    key: String,
}

pub(super) async fn show(args: &SecretShowArgs, console: &Console) -> Result<(), Failure> {
    let answer = console.client.get(&args.name.path().then("secret")).await?;
    print(answer.read("a secret")?, console)
}

pub(super) async fn rotate(args: RotateArgs, console: &Console) -> Result<(), Failure> {
    let mut body = Map::new();
    body.insert("gracePeriodSeconds".to_owned(), given::seconds("grace", &args.grace)?.into());
    if let Some(path) = &args.secret_file {
        body.insert("key".to_owned(), secret::from_file(path)?.as_str().into());
    }
    let answer = console.client.post(&args.name.path().then("secret").then("rotate"), &body).await?;
    if args.show {
        return print(answer.read("a secret")?, console);
    }
    let EndpointName { endpoint, .. } = &args.name;
    console.output.done(
        &format!("The endpoint {endpoint} has a new secret; the old one signs beside it for {}.", args.grace),
        &json!({ "endpoint": endpoint, "rotated": true }),
    )
}

fn print(SecretOut { key }: SecretOut, console: &Console) -> Result<(), Failure> {
    if console.output.is_json() {
        return console.output.json(&json!({ "key": key }));
    }
    console.output.line(&escape::for_terminal(&key))
}
