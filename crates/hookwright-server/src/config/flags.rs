//! Settings from the command line. Secrets have no flag, since everybody on a machine can read its command lines.

use clap::Args;
use zeroize::Zeroizing;

use super::error::ConfigError;
use super::key::{Key, Meaning};
use super::layers::{Layer, Written};
use super::place::Place;

/// One flag for each setting; see [`Key`].
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings (each can also be set as HOOKWRIGHT_… or in hookwright.toml)")]
pub struct SettingFlags {
    /// Address and port to listen on [default: 127.0.0.1:8071]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Database [default: sqlite://hookwright.db; dev: sqlite://hookwright-dev.db]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// What browsers reach this server at [default: http:// and the address listened on]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// File with an access token of your own choice
    #[arg(long, value_name = "PATH")]
    api_token_file: Option<String>,
    /// File with the secret that Svix-style tokens are signed with
    #[arg(long, value_name = "PATH")]
    jwt_secret_file: Option<String>,
    /// File with the keys that secrets in the database are encrypted with [default: the database's path and .key]
    #[arg(long, value_name = "PATH")]
    master_key_file: Option<String>,
    /// Waits before each retry [default: 5s,5m,30m,2h,5h,10h,10h; dev: 500ms,1s,2s,5s,10s]
    #[arg(long, value_name = "DURATIONS")]
    retry_schedule: Option<String>,
    /// How long one attempt may take [default: 15s]
    #[arg(long, value_name = "DURATION")]
    request_timeout: Option<String>,
    /// Refuse endpoints without TLS [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    https_only: Option<String>,
    /// Names of the signature headers: webhook, svix or both [default: webhook]
    #[arg(long, value_name = "NAMES")]
    signature_headers: Option<String>,
    /// Private networks that endpoints may be in [default: none; dev: loopback]
    #[arg(long, value_name = "CIDRS")]
    allow_target_networks: Option<String>,
    /// Certificates (PEM) to trust beside those of the operating system
    #[arg(long, value_name = "PATH")]
    ca_file: Option<String>,
    /// Largest payload of a message [default: 1MiB]
    #[arg(long, value_name = "SIZE")]
    payload_limit: Option<String>,
    /// Largest body of a request to a source [default: 1MiB]
    #[arg(long, value_name = "SIZE")]
    inbound_body_limit: Option<String>,
    /// How long messages and attempts are kept [default: 90d]
    #[arg(long, value_name = "DURATION")]
    retention: Option<String>,
    /// How long requests to sources are kept [default: 7d]
    #[arg(long, value_name = "DURATION")]
    inbound_retention: Option<String>,
    /// Refuse messages of event types that are not registered [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    refuse_unregistered: Option<String>,
    /// Where the product says which of its users a key of the REST Hooks API belongs to
    #[arg(long, value_name = "URL")]
    rest_hooks_verify_url: Option<String>,
    /// Command, as a JSON array, that tells the operator of operational events
    #[arg(long, value_name = "JSON")]
    notify_command: Option<String>,
    /// How long attempts under way may take to end when the server stops [default: 17s; dev: 2s]
    #[arg(long, value_name = "DURATION")]
    shutdown_grace: Option<String>,
    /// What to log, such as info or info,hookwright=debug [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl SettingFlags {
    /// No flag but the one for the database, for commands that need nothing else.
    pub fn database(url: Option<String>) -> SettingFlags {
        SettingFlags { database_url: url, ..SettingFlags::default() }
    }

    pub(super) fn layer(&self) -> Result<Layer, ConfigError> {
        let flags = [
            (Meaning::Value(Key::Listen), &self.listen),
            (Meaning::Value(Key::DatabaseUrl), &self.database_url),
            (Meaning::Value(Key::PublicUrl), &self.public_url),
            (Meaning::File(Key::ApiToken), &self.api_token_file),
            (Meaning::File(Key::JwtSecret), &self.jwt_secret_file),
            (Meaning::File(Key::MasterKey), &self.master_key_file),
            (Meaning::Value(Key::RetrySchedule), &self.retry_schedule),
            (Meaning::Value(Key::RequestTimeout), &self.request_timeout),
            (Meaning::Value(Key::HttpsOnly), &self.https_only),
            (Meaning::Value(Key::SignatureHeaders), &self.signature_headers),
            (Meaning::Value(Key::AllowTargetNetworks), &self.allow_target_networks),
            (Meaning::Value(Key::CaFile), &self.ca_file),
            (Meaning::Value(Key::PayloadLimit), &self.payload_limit),
            (Meaning::Value(Key::InboundBodyLimit), &self.inbound_body_limit),
            (Meaning::Value(Key::Retention), &self.retention),
            (Meaning::Value(Key::InboundRetention), &self.inbound_retention),
            (Meaning::Value(Key::RefuseUnregistered), &self.refuse_unregistered),
            (Meaning::Value(Key::RestHooksVerifyUrl), &self.rest_hooks_verify_url),
            (Meaning::Value(Key::NotifyCommand), &self.notify_command),
            (Meaning::Value(Key::ShutdownGrace), &self.shutdown_grace),
            (Meaning::Value(Key::Log), &self.log),
            (Meaning::Value(Key::LogFormat), &self.log_format),
        ];
        let mut layer = Layer::default();
        for (meaning, text) in flags {
            let Some(text) = text else { continue };
            let flag = match meaning {
                Meaning::File(key) => format!("--{}-file", key.name().replace('_', "-")),
                Meaning::Value(key) => format!("--{}", key.name().replace('_', "-")),
                Meaning::Later => continue,
            };
            let place = Place::Flag { flag: flag.into() };
            layer.put(meaning, Written { text: Zeroizing::new(text.clone()), place })?;
        }
        Ok(layer)
    }
}
