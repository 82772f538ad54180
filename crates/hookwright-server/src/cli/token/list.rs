//! `hookwright token list`.

use clap::Args;
use hookwright::Admin;
use hookwright::domain::capability::{Capabilities, Capability};
use hookwright::domain::page::{From, LIMIT_MAX, Order, PageRequest};
use hookwright::domain::time::Timestamp;
use hookwright::domain::token::{Token, TokenFilter};
use serde_json::Value;

use super::super::database::DatabaseArgs;
use super::super::failure::Failure;
use super::super::output::Output;
use super::{application, application_of, document, time};

/// List access tokens, also those that have ended
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hookwright token list
  hookwright token list --app acme --json")]
pub(super) struct ListArgs {
    /// Those for this application (id or uid) instead of those for the whole organisation
    #[arg(long, value_name = "APP", conflicts_with = "all")]
    app: Option<String>,
    /// Those of all applications too, which may be many
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

pub(super) async fn run(admin: &Admin, args: &ListArgs, output: Output) -> Result<(), Failure> {
    let filter = match &args.app {
        Some(app) => TokenFilter::Application(application(admin, app).await?),
        None if args.all => TokenFilter::All,
        None => TokenFilter::Organisation,
    };
    let tokens = walk(admin, filter).await?;
    if output.is_json() {
        return output.json(&tokens.iter().map(document).collect::<Vec<Value>>());
    }
    let now = admin.clock().now();
    let rows: Vec<Vec<String>> = tokens.iter().map(|token| row(token, now)).collect();
    output.table(&["ID", "NAME", "APPLICATION", "MAY", "FLAGS", "CREATED", "EXPIRES", "STATE"], &rows)
}

async fn walk(admin: &Admin, filter: TokenFilter) -> Result<Vec<Token>, Failure> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut request = PageRequest::first(LIMIT_MAX, Order::Ascending);
    loop {
        let page = admin
            .token_list(admin.default_organisation(), filter, request.clone())
            .await
            .map_err(|error| Failure::because("The tokens cannot be listed", &error))?;
        tokens.extend(page.items);
        request.from = tokens.last().map(|token| From::After(token.id));
        if page.done {
            return Ok(tokens);
        }
    }
}

fn row(token: &Token, now: Timestamp) -> Vec<String> {
    let settings = &token.settings;
    let flags: Vec<&str> = settings.feature_flags.iter().map(|flag| flag.as_str()).collect();
    vec![
        token.id.to_string(),
        settings.name.clone(),
        application_of(token).map_or_else(|| "all".to_owned(), |id| id.to_string()),
        may(settings.capabilities, settings.scope.capabilities()),
        if flags.is_empty() { "none".to_owned() } else { flags.join(",") },
        time(token.created_at),
        settings.expires_at.map_or_else(|| "never".to_owned(), time),
        state(token, now).to_owned(),
    ]
}

fn may(capabilities: Capabilities, all: Capabilities) -> String {
    if capabilities == all {
        "everything".to_owned()
    } else {
        capabilities.iter().map(Capability::word).collect::<Vec<_>>().join(",")
    }
}

fn state(token: &Token, now: Timestamp) -> &'static str {
    match (token.revoked_at, token.is_good(now)) {
        (Some(_), _) => "revoked",
        (None, true) => "good",
        (None, false) => "expired",
    }
}
