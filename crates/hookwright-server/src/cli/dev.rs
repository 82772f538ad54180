//! `hookwright dev`: a server to develop against, which must never be reachable from elsewhere.

use std::path::PathBuf;

use clap::Args;
use hookwright_signature::Secret;
use serde_json::json;
use zeroize::Zeroizing;

use super::failure::Failure;
use super::instance::{Conduct, Instance};
use super::logging;
use super::output::Output;
use crate::config::{Profile, SettingFlags, Settings};
use crate::server::SentWebhooks;

/// Known to everybody who reads this, and so named after what it must not be used for.
pub(super) const DEV_TOKEN: &str = "dev_token_not_for_production";

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hookwright dev
  hookwright dev --listen 127.0.0.1:9999 --retry-schedule 100ms,100ms
  hookwright dev --capture-only

It listens on this machine alone, lets endpoints be on this machine, retries soon, and keeps its data in
hookwright-dev.db. Its token is dev_token_not_for_production unless HOOKWRIGHT_API_TOKEN is set.")]
pub(super) struct DevArgs {
    /// Catch webhooks instead of sending them, for tests: GET /api/dev/sent lists them
    #[arg(long)]
    capture_only: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

pub(super) async fn run(args: DevArgs, config: Option<PathBuf>, output: Output) -> Result<(), Failure> {
    let settings = Settings::load(&args.settings, config, Profile::Dev)?;
    logging::start(&settings)?;
    let sent = args.capture_only.then(SentWebhooks::default);
    let instance = Instance::open(&settings, sent.as_ref()).await?;
    let page = instance.login_link().await?;
    let url = format!("http://{}", instance.address);
    // A token of the operator's own is a secret, and is not printed.
    let shown = if settings.api_token.is_some() { "$HOOKWRIGHT_API_TOKEN" } else { DEV_TOKEN };
    if output.is_json() {
        output.json(&json!({ "listening": url, "token": shown, "page": page }))?;
    } else {
        let secret = Secret::generate()
            .map_err(|error| Failure::because("No secret can be made for the example", &error))?;
        for line in welcome(&url, shown, &page, &secret.expose()).lines() {
            output.line(line)?;
        }
        output.line(&format!("listening: {url}"))?;
    }
    let fixed = || Zeroizing::new(DEV_TOKEN.to_owned());
    let api_token = Some(settings.api_token.clone().unwrap_or_else(fixed));
    instance.serve(settings, Conduct { api_token, for_development: true, sent }).await
}

fn welcome(url: &str, token: &str, page: &str, secret: &str) -> String {
    format!(
        r#"token: {token}
page: {page}

Try it. In a second terminal, run something that receives webhooks:

  hookwright receiver --secret {secret}

In a third one, make an application and an endpoint, and send a message:

  post() {{ curl -sS -H "authorization: Bearer {token}" -H 'content-type: application/json' {url}/api/v1/app$1 -d "$2"; echo; }}
  post / '{{"name": "Acme", "uid": "acme"}}'
  post /acme/endpoint/ '{{"url": "http://127.0.0.1:9000/", "secret": "{secret}"}}'
  post /acme/msg/ '{{"eventType": "book.added", "payload": {{"title": "Momo"}}}}'
"#
    )
}
