//! `hookwright token`: access tokens, straight from the database.

mod create;
mod list;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hookwright::Admin;
use hookwright::domain::application::ApplicationRef;
use hookwright::domain::capability::Capability;
use hookwright::domain::ids::{ApplicationId, TokenId};
use hookwright::domain::time::Timestamp;
use hookwright::domain::token::{Scope, Token};
use serde_json::{Value, json};

use super::database::DatabaseArgs;
use super::failure::Failure;
use super::output::Output;

/// Make, list and revoke access tokens
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hookwright token create --name shop
  hookwright token create --name dashboard --read-only
  hookwright token list
  hookwright token revoke tok_2lbJh8YRbTq7vM3y0v1cPq4Zk1s

They work on the database itself, with or without a server running; a running server knows within seconds.")]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum TokenCommand {
    /// Make an access token and print it, once
    Create(create::CreateArgs),
    /// List access tokens, also those that have ended
    List(list::ListArgs),
    /// Make an access token good for nothing
    #[command(after_help = "Example:\n  hookwright token revoke tok_2lbJh8YRbTq7vM3y0v1cPq4Zk1s")]
    Revoke {
        /// The token's id, as `token list` prints it
        id: String,
        #[command(flatten)]
        database: DatabaseArgs,
    },
}

pub(super) async fn run(args: TokenArgs, config: Option<PathBuf>, output: Output) -> Result<(), Failure> {
    // What can be wrong with the arguments is found before the database is touched.
    let (database, task) = match args.command {
        TokenCommand::Create(args) => (args.database.clone(), Task::Create(args.checked()?)),
        TokenCommand::List(args) => (args.database.clone(), Task::List(args)),
        TokenCommand::Revoke { id, database } => (database, Task::Revoke(token_id(&id)?)),
    };
    let admin = database.open(config).await?;
    let done = match task {
        Task::Create(wanted) => create::run(&admin, wanted, output).await,
        Task::List(args) => list::run(&admin, &args, output).await,
        Task::Revoke(id) => revoke(&admin, id, output).await,
    };
    admin.close().await;
    done
}

enum Task {
    Create(create::Wanted),
    List(list::ListArgs),
    Revoke(TokenId),
}

async fn revoke(admin: &Admin, id: TokenId, output: Output) -> Result<(), Failure> {
    let revoked = admin.token_revoke(admin.default_organisation(), id).await;
    revoked.map_err(|error| Failure::because(&format!("The token {id} was not revoked"), &error))?;
    if output.is_json() {
        return output.json(&json!({ "id": id.to_string(), "revoked": true }));
    }
    output.line(&format!("Revoked {id}."))
}

fn token_id(text: &str) -> Result<TokenId, Failure> {
    text.parse().map_err(|error| {
        // It may be the token itself, which is not repeated.
        Failure::because("The argument is no token's id", &error)
            .advise("`hookwright token list` prints the ids.")
    })
}

/// The application of this id or uid.
async fn application(admin: &Admin, app: &str) -> Result<ApplicationId, Failure> {
    let named = ApplicationRef::parse(app).map_err(|error| {
        Failure::because(&format!("{app:?} cannot be an application's id or uid"), &error)
    })?;
    let found = admin
        .application_get(admin.default_organisation(), &named)
        .await
        .map_err(|error| Failure::because(&format!("The application {app} cannot be used"), &error))?;
    Ok(found.id)
}

/// A token as JSON, without what proves it.
fn document(token: &Token) -> Value {
    let settings = &token.settings;
    let capabilities: Vec<&str> = settings.capabilities.iter().map(Capability::word).collect();
    let flags: Vec<&str> = settings.feature_flags.iter().map(|flag| flag.as_str()).collect();
    json!({
        "id": token.id.to_string(),
        "name": settings.name,
        "application": application_of(token).map(|id| id.to_string()),
        "capabilities": capabilities,
        "featureFlags": flags,
        "sessionId": settings.session.as_ref().map(|session| session.as_str()),
        "createdAt": time(token.created_at),
        "expiresAt": settings.expires_at.map(time),
        "revokedAt": token.revoked_at.map(time),
    })
}

fn application_of(token: &Token) -> Option<ApplicationId> {
    match token.settings.scope {
        Scope::Organisation(_) => None,
        Scope::Application(_, application) => Some(application),
    }
}

/// RFC 3339 to the second, in UTC.
fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_seconds()).map_or_else(|_| "?".to_owned(), |time| time.to_string())
}
