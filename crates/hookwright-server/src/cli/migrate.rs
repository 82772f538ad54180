//! `hookwright migrate`: brings the database to the newest schema, which a start does as well.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::database::DatabaseArgs;
use super::failure::Failure;
use super::output::Output;

/// Bring the database to the newest schema
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  hookwright migrate --database-url sqlite:///var/lib/hookwright/hookwright.db

A start does the same. Use it to see whether a new version can read a copy of your database, which needs the master key,
or the copy of its key file, beside it. If no server runs, it also encrypts all secrets with the first master key.")]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(args: MigrateArgs, config: Option<PathBuf>, output: Output) -> Result<(), Failure> {
    let admin = args.database.open_or_make(config).await?;
    let schema = admin.schema();
    admin.close().await;
    if output.is_json() {
        return output.json(&json!({ "from": schema.before, "to": schema.after }));
    }
    output.line(&if schema.before == schema.after {
        format!("The database has schema {}, which is the newest.", schema.after)
    } else {
        format!("Migrated the database from schema {} to {}.", schema.before, schema.after)
    })
}
