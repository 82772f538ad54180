//! `hookwright token`: access tokens, straight from the database.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use hookwright::Admin;
use hookwright::domain::application::ApplicationRef;
use hookwright::domain::ids::TokenId;
use hookwright::domain::time::Timestamp;
use hookwright::domain::token::{Scope, Token};
use serde_json::{Value, json};

use super::database::DatabaseArgs;
use super::failure::Failure;
use super::output::Output;
use crate::config::parse_duration;

/// Make, list and revoke access tokens
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hookwright token create --name shop
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
    #[command(after_help = "Examples:
  hookwright token create --name shop
  hookwright token create --name 'Acme, until new year' --app acme --expires 90d")]
    Create {
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// Only for this application (id or uid) and what its customer may do
        #[arg(long, value_name = "APP")]
        app: Option<String>,
        /// How long it is good, such as 90d [default: until it is revoked]
        #[arg(long, value_name = "DURATION")]
        expires: Option<String>,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// List all access tokens, the revoked ones too
    #[command(after_help = "Example:\n  hookwright token list --json")]
    List {
        #[command(flatten)]
        database: DatabaseArgs,
    },
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
        TokenCommand::Create { name, app, expires, database } => {
            let lifetime = expires.map(|text| lifetime(&text)).transpose()?;
            (database, Task::Create { name, app, lifetime })
        }
        TokenCommand::List { database } => (database, Task::List),
        TokenCommand::Revoke { id, database } => (database, Task::Revoke(token_id(&id)?)),
    };
    let admin = database.open(config).await?;
    let done = match task {
        Task::Create { name, app, lifetime } => create(&admin, &name, app.as_deref(), lifetime, output).await,
        Task::List => list(&admin, output).await,
        Task::Revoke(id) => revoke(&admin, id, output).await,
    };
    admin.close().await;
    done
}

enum Task {
    Create { name: String, app: Option<String>, lifetime: Option<Duration> },
    List,
    Revoke(TokenId),
}

async fn create(
    admin: &Admin,
    name: &str,
    app: Option<&str>,
    lifetime: Option<Duration>,
    output: Output,
) -> Result<(), Failure> {
    let scope = scope(admin, app).await?;
    let expires_at = lifetime.map(|lifetime| admin.clock().now().after(lifetime));
    let made = admin
        .token_create(name, scope, expires_at)
        .await
        .map_err(|error| Failure::because("The token was not made", &error))?;
    if output.is_json() {
        let mut document = document(&made.token);
        document["token"] = Value::from(made.text.as_str());
        return output.json(&document);
    }
    output.line(&format!("id: {}", made.token.id))?;
    output.line(&format!("token: {}", made.text.as_str()))?;
    output.line("The token is shown only now.")
}

async fn list(admin: &Admin, output: Output) -> Result<(), Failure> {
    let tokens = admin
        .token_list(admin.default_organisation())
        .await
        .map_err(|error| Failure::because("The tokens cannot be listed", &error))?;
    if output.is_json() {
        return output.json(&tokens.iter().map(document).collect::<Vec<Value>>());
    }
    let now = admin.clock().now();
    let row = |token: &Token| {
        vec![
            token.id.to_string(),
            token.name.clone(),
            scope_text(token.scope),
            time(token.created_at),
            token.expires_at.map_or_else(|| "never".to_owned(), time),
            state(token, now).to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = tokens.iter().map(row).collect();
    output.table(&["ID", "NAME", "MAY", "CREATED", "EXPIRES", "STATE"], &rows)
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

fn lifetime(text: &str) -> Result<Duration, Failure> {
    parse_duration(text).map_err(|problem| {
        Failure::new(format!("--expires is {text:?}, which {problem}.")).advise("An example is 90d.")
    })
}

async fn scope(admin: &Admin, app: Option<&str>) -> Result<Scope, Failure> {
    let organisation = admin.default_organisation();
    let Some(app) = app else { return Ok(Scope::Organisation(organisation)) };
    let named = ApplicationRef::parse(app).map_err(|error| {
        Failure::because(&format!("{app:?} cannot be an application's id or uid"), &error)
    })?;
    let found = admin
        .application_get(organisation, &named)
        .await
        .map_err(|error| Failure::because(&format!("The application {app} cannot be used"), &error))?;
    Ok(Scope::Application(organisation, found.id))
}

fn document(token: &Token) -> Value {
    let application = match token.scope {
        Scope::Organisation(_) => None,
        Scope::Application(_, application) => Some(application.to_string()),
    };
    json!({
        "id": token.id.to_string(),
        "name": token.name,
        "application": application,
        "createdAt": time(token.created_at),
        "expiresAt": token.expires_at.map(time),
        "revokedAt": token.revoked_at.map(time),
    })
}

fn scope_text(scope: Scope) -> String {
    match scope {
        Scope::Organisation(_) => "everything".to_owned(),
        Scope::Application(_, application) => application.to_string(),
    }
}

fn state(token: &Token, now: Timestamp) -> &'static str {
    match (token.revoked_at, token.is_good(now)) {
        (Some(_), _) => "revoked",
        (None, true) => "good",
        (None, false) => "expired",
    }
}

/// RFC 3339 to the second, in UTC.
fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_seconds()).map_or_else(|_| "?".to_owned(), |time| time.to_string())
}
