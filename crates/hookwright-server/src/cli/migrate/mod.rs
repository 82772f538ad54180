//! `hookwright migrate`: brings the database to the newest schema, which a start does as well, or moves it to PostgreSQL.

mod moving; // to another database
mod progress; // and how far that is

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use self::moving::MovingArgs;
use super::database::DatabaseArgs;
use super::failure::Failure;
use super::output::Output;

/// Bring the database to the newest schema, or move it to PostgreSQL
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hookwright migrate --database-url sqlite:///var/lib/hookwright/hookwright.db
  hookwright migrate --from sqlite:///var/lib/hookwright/hookwright.db --to postgres://hookwright@db.example.com/hookwright

A start brings the database to the newest schema as well. Use the first to see whether a new version can read a copy of your
database, which needs the master key, or the copy of its key file, beside it. If no server runs, it also encrypts all secrets
with the first master key.

The second moves a whole installation while no server runs on it: messages, pending deliveries, secrets, tokens, everything.
The file is only read. Secrets are encrypted with the first key of HOOKWRIGHT_MASTER_KEY. Every row is read back and compared;
if anything differs the exit code is 1. A move that was broken off begins anew with the same command; until one has come to
its end no server starts on the new database.")]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    moving: MovingArgs,
}

pub(super) async fn run(args: MigrateArgs, config: Option<PathBuf>, output: Output) -> Result<(), Failure> {
    if let Some(asked) = args.moving.asked() {
        return moving::run(asked, config, output).await;
    }
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
