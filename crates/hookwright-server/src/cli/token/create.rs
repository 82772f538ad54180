//! `hookwright token create`.

use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use hookwright::Admin;
use hookwright::domain::capability::{Capabilities, Capability};
use hookwright::domain::names::FeatureFlag;
use hookwright::domain::token::{Scope, TokenSettings};
use serde_json::Value;

use super::super::database::DatabaseArgs;
use super::super::failure::Failure;
use super::super::output::Output;
use super::{application, document};
use crate::config::parse_duration;

/// Make an access token and print it, once
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hookwright token create --name shop
  hookwright token create --name dashboard --read-only
  hookwright token create --name 'Acme, until new year' --app acme --expires 90d --feature-flag beta
  hookwright token create --name 'on call' --capability ViewBase --capability CreateAttempts

Without --read-only or --capability it may do everything: in the organisation, or with --app what the application's customer
may do. ManageEndpoint includes the secrets of endpoints, ManageEndpointSecret includes ViewEndpointSecret.")]
pub(super) struct CreateArgs {
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// Only for this application (id or uid) and what its customer may do
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// Only reads, without the secrets of endpoints
    #[arg(long, conflicts_with = "capability")]
    read_only: bool,
    /// Something it may do; may be repeated, and ViewBase is always among them
    #[arg(long, value_name = "CAPABILITY", value_parser = words())]
    capability: Vec<String>,
    /// A feature flag whose event types it sees; may be repeated
    #[arg(long, value_name = "FLAG", requires = "app")]
    feature_flag: Vec<String>,
    /// How long it is good, such as 90d [default: until it is revoked]
    #[arg(long, value_name = "DURATION")]
    expires: Option<String>,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

/// The token to be made.
pub(super) struct Wanted {
    name: String,
    app: Option<String>,
    /// Everything if `None`.
    capabilities: Option<Capabilities>,
    feature_flags: Vec<FeatureFlag>,
    lifetime: Option<Duration>,
}

impl CreateArgs {
    pub(super) fn checked(self) -> Result<Wanted, Failure> {
        let named = self.capability.iter().filter_map(|word| Capability::from_word(word));
        let capabilities = match (self.read_only, self.capability.is_empty()) {
            (true, _) => Some(Capabilities::READ_ONLY),
            (false, true) => None,
            (false, false) => Some(named.collect()),
        };
        Ok(Wanted {
            name: self.name,
            app: self.app,
            capabilities,
            feature_flags: self.feature_flag.iter().map(|text| flag(text)).collect::<Result<_, _>>()?,
            lifetime: self.expires.map(|text| lifetime(&text)).transpose()?,
        })
    }
}

pub(super) async fn run(admin: &Admin, wanted: Wanted, output: Output) -> Result<(), Failure> {
    let organisation = admin.default_organisation();
    let scope = match &wanted.app {
        None => Scope::Organisation(organisation),
        Some(app) => Scope::Application(organisation, application(admin, app).await?),
    };
    let settings = TokenSettings {
        capabilities: wanted.capabilities.unwrap_or(scope.capabilities()),
        feature_flags: wanted.feature_flags,
        expires_at: wanted.lifetime.map(|lifetime| admin.clock().now().after(lifetime)),
        ..TokenSettings::new(wanted.name, scope)
    };
    let made = admin
        .token_create(settings)
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

fn words() -> PossibleValuesParser {
    PossibleValuesParser::new(Capability::OF_APPLICATION.map(Capability::word))
}

fn flag(text: &str) -> Result<FeatureFlag, Failure> {
    FeatureFlag::parse(text)
        .map_err(|error| Failure::because(&format!("--feature-flag {text:?} cannot be used"), &error))
}

fn lifetime(text: &str) -> Result<Duration, Failure> {
    parse_duration(text).map_err(|problem| {
        Failure::new(format!("--expires is {text:?}, which {problem}.")).advise("An example is 90d.")
    })
}
