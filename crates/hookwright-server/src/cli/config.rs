//! `hookwright config check`: what holds, who said so, and what we would do otherwise.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hookwright::config::UrlSchemes;
use serde_json::{Value, json};

use super::failure::Failure;
use super::instance::notify_program;
use super::output::Output;
use crate::config::{Place, Profile, SettingFlags, Settings};

/// A shorter secret can be guessed offline, or by trying.
const SECRET_CHARS_MIN: usize = 32;

/// Look at the configuration
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  hookwright config check")]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum ConfigCommand {
    /// Check the configuration; print each setting, where it comes from, and advice
    #[command(after_help = "Examples:
  hookwright config check
  hookwright --config /etc/hookwright.toml config check --json")]
    Check {
        #[command(flatten)]
        settings: SettingFlags,
    },
}

pub(super) fn run(args: ConfigArgs, config: Option<PathBuf>, output: Output) -> Result<(), Failure> {
    let ConfigCommand::Check { settings } = args.command;
    let settings = Settings::load(&settings, config, Profile::Serve)?;
    notify_program(&settings)?;
    let advice = advice(&settings);
    if output.is_json() {
        let shown: Vec<Value> = settings
            .effective
            .iter()
            .map(|setting| {
                json!({ "key": setting.key.name(), "value": setting.value, "source": source(&setting.place) })
            })
            .collect();
        return output.json(&json!({ "settings": shown, "recommendations": advice }));
    }
    let row = |setting: &crate::config::Effective| {
        let value = setting.value.clone().unwrap_or_else(|| "-".to_owned());
        vec![setting.key.name().to_owned(), value, source(&setting.place)]
    };
    let rows: Vec<Vec<String>> = settings.effective.iter().map(row).collect();
    output.table(&["SETTING", "VALUE", "SOURCE"], &rows)?;
    output.line("")?;
    if advice.is_empty() {
        return output.line("The configuration is good.");
    }
    output.line("The configuration can be used. For real use we recommend:")?;
    for sentence in advice {
        output.line(&format!("- {sentence}"))?;
    }
    Ok(())
}

fn source(place: &Place) -> String {
    match place {
        Place::Default => "default".to_owned(),
        place => format!("{}: {place}", place.layer()),
    }
}

fn advice(settings: &Settings) -> Vec<&'static str> {
    let mut advice = Vec::new();
    let mut recommend = |wanted: bool, sentence: &'static str| {
        if wanted {
            advice.push(sentence);
        }
    };
    recommend(
        settings.schemes == UrlSchemes::HttpAndHttps,
        "HOOKWRIGHT_HTTPS_ONLY=true: anybody on the way can read a webhook that is sent to an http URL.",
    );
    let is_short = |secret: &Option<zeroize::Zeroizing<String>>| {
        secret.as_ref().is_some_and(|secret| secret.chars().count() < SECRET_CHARS_MIN)
    };
    recommend(
        is_short(&settings.api_token),
        "An API token of at least 32 random characters, for example from `openssl rand -base64 32`.",
    );
    recommend(
        is_short(&settings.jwt_secret),
        "A JWT secret of at least 32 random characters, since it can be guessed offline from any token.",
    );
    recommend(
        settings.master_keys.is_none(),
        "HOOKWRIGHT_MASTER_KEY, kept apart from the database: the key in the file beside it is copied by whoever copies both.",
    );
    recommend(
        settings.public_url.as_ref().is_none_or(|url| url.scheme() != "https"),
        "HOOKWRIGHT_PUBLIC_URL=https://…, with a proxy in front that ends TLS: access tokens travel in every request.",
    );
    recommend(
        settings.allow_target_networks.iter().any(|network| network.prefix_len() == 0),
        "Narrower networks in HOOKWRIGHT_ALLOW_TARGET_NETWORKS: now your customers can reach every address you can.",
    );
    advice
}
