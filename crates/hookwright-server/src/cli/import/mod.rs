//! `hookwright import`: what another server has is made here.

mod svix;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::client::Client;
use super::connection::ConnectionArgs;
use super::failure::Failure;
use super::output::Output;
use super::secret;

/// Bring what another server has over to this one
#[derive(Clone, Args)]
#[command(after_help = "Example:
  hookwright import svix --from https://api.eu.svix.com --from-token-file svix-token.txt --dry-run")]
pub(super) struct ImportArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: ImportCommand,
}

#[derive(Clone, Subcommand)]
enum ImportCommand {
    /// Event types, applications, and endpoints with their secrets and headers, over the Svix API
    #[command(after_help = "Examples:
  hookwright import svix --from https://api.eu.svix.com --from-token-file svix-token.txt --dry-run
  hookwright import svix --from http://127.0.0.1:8071 --from-token-file svix-token.txt

It may be run again: what is there is brought up to date, and nothing is made twice. What had no uid gets its old id for
one, so that old ids go on working. Messages are not brought over.")]
    Svix(SvixArgs),
}

/// Where to import from.
#[derive(Debug, Clone, Args)]
struct SvixArgs {
    /// The server to import from
    #[arg(long, value_name = "URL")]
    from: String,
    /// File with a token of that server that may see everything
    #[arg(long, value_name = "PATH")]
    from_token_file: PathBuf,
    /// Read everything, and only tell what would be brought over
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: ImportArgs, output: Output) -> Result<(), Failure> {
    let ImportCommand::Svix(svix) = args.command;
    let from = Client::new(&svix.from, secret::from_file(&svix.from_token_file)?)?;
    let to = args.connection.client()?;
    let import = svix::Import { from: &from, to: (!svix.dry_run).then_some(&to), output };
    import.run().await
}
