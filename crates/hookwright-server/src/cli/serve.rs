//! `hookwright serve`: the server, for real use.

use std::path::PathBuf;

use clap::Args;
use hookwright::config::UrlSchemes;
use serde_json::json;

use super::failure::Failure;
use super::instance::{Conduct, Instance};
use super::logging;
use super::output::Output;
use crate::config::{Profile, SettingFlags, Settings};

#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "Examples:
  hookwright serve --listen 0.0.0.0:8071 --database-url sqlite:///var/lib/hookwright/hookwright.db
  HOOKWRIGHT_HTTPS_ONLY=true HOOKWRIGHT_LOG_FORMAT=json hookwright serve

Without HOOKWRIGHT_API_TOKEN the first start makes an access token and prints it once.
SIGTERM and Ctrl-C let what is under way end; a second one ends the server at once.")]
pub(super) struct ServeArgs {
    /// Print a link that opens the page once, within 15 minutes
    #[arg(long)]
    print_login_link: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

pub(super) async fn run(args: ServeArgs, config: Option<PathBuf>, output: Output) -> Result<(), Failure> {
    let settings = Settings::load(&args.settings, config, Profile::Serve)?;
    logging::start(&settings)?;
    if settings.schemes == UrlSchemes::HttpAndHttps {
        tracing::warn!(
            "endpoints may have http URLs, whose webhooks anybody on the way can read; HOOKWRIGHT_HTTPS_ONLY=true refuses them"
        );
    }
    let instance = Instance::open(&settings, None).await?;
    let token = match settings.api_token {
        Some(_) => None,
        None => instance.first_token().await?,
    };
    let page = if args.print_login_link { Some(instance.login_link().await?) } else { None };
    let address = instance.address;
    if output.is_json() {
        let token = token.as_ref().map(|token| token.as_str());
        output.json(&json!({ "listening": format!("http://{address}"), "token": token, "page": page }))?;
    } else {
        if let Some(token) = &token {
            output.line(&format!("token: {}", token.as_str()))?;
            output.line(
                "This access token is shown only now. `hookwright token` makes others and revokes it.",
            )?;
        }
        if let Some(page) = &page {
            output.line(&format!("page: {page}"))?;
        }
        output.line(&format!("listening: http://{address}"))?;
    }
    drop(token);
    tracing::info!(listen.address = %address, version = env!("CARGO_PKG_VERSION"), "started");
    let api_token = settings.api_token.clone();
    instance.serve(settings, Conduct { api_token, for_development: false, sent: None }).await
}
