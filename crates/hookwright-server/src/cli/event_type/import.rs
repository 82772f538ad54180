//! `hookwright event-type import`: event types from the webhooks of an OpenAPI document.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::client::{Client, Path};
use crate::cli::failure::Failure;
use crate::cli::input;
use crate::cli::output::Output;

/// The document, and what becomes of the event types that are not in it.
#[derive(Debug, Clone, Args)]
pub(super) struct ImportArgs {
    /// The OpenAPI document, YAML or JSON; - for standard input
    file: PathBuf,
    /// Only tell what would change
    #[arg(long)]
    dry_run: bool,
    /// Archive the event types that are not in the document
    #[arg(long)]
    replace_all: bool,
}

pub(super) async fn run(args: ImportArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let document = String::from_utf8(input::read(&args.file)?)
        .map_err(|error| Failure::because(&format!("The file {} is no text", args.file.display()), &error))?;
    let body = json!({ "specRaw": document, "dryRun": args.dry_run, "replaceAll": args.replace_all });
    let answer = client.post(&Path::event_types().then("import/openapi"), &body).await?;
    let told: Value = serde_json::from_str(answer.text())
        .map_err(|error| Failure::because("The server's answer is not JSON", &error))?;
    let mut names: Vec<&str> =
        told["data"]["modified"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    names.sort_unstable();
    if output.is_json() {
        return output.json(&json!({ "modified": names, "dryRun": args.dry_run }));
    }
    for name in &names {
        output.row(&[(*name).to_owned()])?;
    }
    output.line(&match (names.len(), args.dry_run) {
        (0, _) => "Nothing to change: the event types are as the document says.".to_owned(),
        (changed, true) => format!("{changed} would change. Nothing was changed."),
        (changed, false) => format!("{changed} changed."),
    })
}
