//! The settings as values that were checked, and how they are gathered.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hookwright::config::{Config, DatabaseUrl, MasterKeys, SignatureHeaders, UrlSchemes};
use hookwright::domain::event_registry::EventRegistry;
use hookwright::domain::retry::RetryPolicy;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::Url;
use zeroize::Zeroizing;

use super::effective::{Effective, shown};
use super::error::{ConfigError, ValueError};
use super::file::{self, Named};
use super::flags::SettingFlags;
use super::key::{Key, Profile};
use super::layers::{self, Given};
use super::place::Place;
use super::{value, variables};

/// Everything that an operator sets.
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the data is.
    pub database: DatabaseUrl,
    /// An access token fixed by the operator.
    pub api_token: Option<Zeroizing<String>>,
    /// What Svix-style tokens are signed with.
    pub jwt_secret: Option<Zeroizing<String>>,
    /// What secrets in the database are encrypted with; without them, a key in a file beside it.
    pub master_keys: Option<MasterKeys>,
    /// What browsers reach the server at, if it was set; see [`Settings::public_url_at`].
    pub public_url: Option<Url>,
    /// When failed attempts are made again.
    pub retry: RetryPolicy,
    /// How long one attempt may take.
    pub request_timeout: Duration,
    /// Which URLs endpoints may have.
    pub schemes: UrlSchemes,
    /// Under which names signatures are sent.
    pub signature_headers: SignatureHeaders,
    /// Networks that may be called though they are private, local or special.
    pub allow_target_networks: Vec<IpNet>,
    /// Certificates (PEM) to trust beside those of the operating system.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// The largest payload of a message, in bytes.
    pub payload_limit: usize,
    /// The largest body of a request to a source, in bytes.
    pub inbound_body_limit: usize,
    /// How long requests to sources are kept.
    pub inbound_retention: Duration,
    /// How long messages are kept.
    pub retention: Duration,
    /// Whether messages of event types that are not registered are refused.
    pub refuse_unregistered: bool,
    /// Where the product says which of its users a key of the REST Hooks API belongs to.
    pub rest_hooks_verify_url: Option<Url>,
    /// What is run to tell the operator of operational events: a program and its arguments.
    pub notify: Option<Vec<String>>,
    /// The events that the file declares.
    pub events: EventRegistry,
    /// How long what is under way may take to end when the server stops.
    pub shutdown_grace: Duration,
    /// What is logged, as the filter's directives.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    /// Each setting as people look at it.
    pub effective: Vec<Effective>,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// Reads flags, environment and file of this process. `config` is the file that a flag names.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first thing that is wrong.
    pub fn load(
        flags: &SettingFlags,
        config: Option<PathBuf>,
        profile: Profile,
    ) -> Result<Settings, ConfigError> {
        let by_variable = std::env::var_os("HOOKWRIGHT_CONFIG").filter(|path| !path.is_empty());
        let named = match (config, by_variable) {
            (Some(path), _) => Some(Named { path, by: "--config" }),
            (None, Some(path)) => Some(Named { path: path.into(), by: "HOOKWRIGHT_CONFIG" }),
            (None, None) => None,
        };
        Settings::gather(flags, std::env::vars_os(), named, profile)
    }

    pub(super) fn gather(
        flags: &SettingFlags,
        variables: impl Iterator<Item = (OsString, OsString)>,
        named: Option<Named>,
        profile: Profile,
    ) -> Result<Settings, ConfigError> {
        let (file, from_file, events) = file::read(named)?;
        let given = layers::merge([flags.layer()?, variables::read(variables)?, from_file])?;
        let texts = Texts { given, profile };
        let listen = texts.needed(Key::Listen, value::listen)?;
        let mut allow_target_networks = texts.needed(Key::AllowTargetNetworks, value::networks)?;
        if profile == Profile::Dev {
            if !listen.ip().is_loopback() {
                return Err(ConfigError::DevAddress { place: texts.place(Key::Listen), address: listen });
            }
            allow_target_networks.extend(loopback());
        }
        Ok(Settings {
            listen,
            database: texts.needed(Key::DatabaseUrl, value::database)?,
            api_token: texts.secret(Key::ApiToken, |text| value::token(text).map(|()| hidden(text)))?,
            jwt_secret: texts.secret(Key::JwtSecret, |text| Ok(hidden(text)))?,
            master_keys: texts.secret(Key::MasterKey, value::master_keys)?,
            public_url: texts.optional(Key::PublicUrl, value::public_url)?,
            retry: texts.needed(Key::RetrySchedule, value::retry_schedule)?,
            request_timeout: texts.needed(Key::RequestTimeout, value::request_timeout)?,
            schemes: texts.needed(Key::HttpsOnly, value::schemes)?,
            signature_headers: texts.needed(Key::SignatureHeaders, value::signature_headers)?,
            extra_ca_pem: texts.certificates()?,
            payload_limit: texts.needed(Key::PayloadLimit, value::payload_limit)?,
            inbound_body_limit: texts.needed(Key::InboundBodyLimit, value::payload_limit)?,
            inbound_retention: texts.needed(Key::InboundRetention, value::inbound_retention)?,
            retention: texts.needed(Key::Retention, value::retention)?,
            refuse_unregistered: texts.needed(Key::RefuseUnregistered, value::truth)?,
            rest_hooks_verify_url: texts.optional(Key::RestHooksVerifyUrl, value::public_url)?,
            notify: texts.optional(Key::NotifyCommand, value::command)?,
            events,
            shutdown_grace: texts.needed(Key::ShutdownGrace, value::shutdown_grace)?,
            log: texts.needed(Key::Log, value::log)?,
            log_format: texts.needed(Key::LogFormat, value::log_format)?,
            effective: Effective::all(&texts.given, profile, &allow_target_networks),
            allow_target_networks,
            file,
        })
    }

    /// What the engine is started with.
    pub fn engine(&self) -> Config {
        let mut config = Config::new(self.database.clone());
        config.master_keys.clone_from(&self.master_keys);
        config.retry = self.retry.clone();
        config.request_timeout = self.request_timeout;
        config.schemes = self.schemes;
        config.signature_headers = self.signature_headers;
        config.allow_target_networks.clone_from(&self.allow_target_networks);
        config.retention = self.retention;
        config.inbound_retention = self.inbound_retention;
        config.extra_ca_pem.clone_from(&self.extra_ca_pem);
        config
    }

    /// What browsers reach the server at: what was set, or else the address it came to listen on. One that listens
    /// everywhere is reached at least from its own machine.
    ///
    /// # Errors
    ///
    /// None in practice: an address and a port are a URL. An IPv6 scope would not be one.
    pub fn public_url_at(&self, listening: SocketAddr) -> Result<Url, url::ParseError> {
        let reached = match listening.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => {
                SocketAddr::from((Ipv4Addr::LOCALHOST, listening.port()))
            }
            IpAddr::V6(ip) if ip.is_unspecified() => {
                SocketAddr::from((Ipv6Addr::LOCALHOST, listening.port()))
            }
            ip => SocketAddr::new(ip, listening.port()),
        };
        match &self.public_url {
            Some(url) => Ok(url.clone()),
            None => Url::parse(&format!("http://{reached}")),
        }
    }
}

/// A secret that is a text.
fn hidden(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

/// What `dev` lets through: this machine.
fn loopback() -> [IpNet; 2] {
    let v4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
    let v6 = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128);
    [v4.into(), v6.into()]
}

/// The texts that hold, and how each becomes a value.
struct Texts {
    given: BTreeMap<Key, Given>,
    profile: Profile,
}

impl Texts {
    fn place(&self, key: Key) -> Place {
        self.given.get(&key).map_or(Place::Default, |given| given.place.clone())
    }

    /// A setting that has a default.
    fn needed<T>(&self, key: Key, read: impl Fn(&str) -> Result<T, ValueError>) -> Result<T, ConfigError> {
        let default = key.default_text(self.profile).unwrap_or_default();
        let text = self.given.get(&key).map_or(default, |given| given.text.trim());
        read(text).map_err(|problem| self.refuse(key, text, problem))
    }

    fn optional<T>(
        &self,
        key: Key,
        read: impl Fn(&str) -> Result<T, ValueError>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(given) = self.given.get(&key) else { return Ok(None) };
        let text = given.text.trim();
        read(text).map(Some).map_err(|problem| self.refuse(key, text, problem))
    }

    fn secret<T>(
        &self,
        key: Key,
        read: impl Fn(&str) -> Result<T, ValueError>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(given) = self.given.get(&key) else { return Ok(None) };
        let text = given.text.trim();
        let read = if text.is_empty() { Err(ValueError::Empty) } else { read(text) };
        let example = key.example();
        read.map(Some).map_err(|problem| ConfigError::Secret { place: given.place.clone(), problem, example })
    }

    fn certificates(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        let Some(path) = self.optional(Key::CaFile, value::path)? else { return Ok(None) };
        let place = self.place(Key::CaFile);
        let pem = match std::fs::read(&path) {
            Ok(pem) => pem,
            Err(source) => return Err(ConfigError::NamedFile { place, path, source }),
        };
        let shown = path.display().to_string();
        value::certificates(&pem).map_err(|problem| self.refuse(Key::CaFile, &shown, problem))?;
        Ok(Some(pem))
    }

    fn refuse(&self, key: Key, text: &str, problem: ValueError) -> ConfigError {
        let place = self.place(key);
        ConfigError::Value { place, value: shown(text).into(), problem, example: key.example() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(profile: Profile) -> Settings {
        Settings::gather(&SettingFlags::default(), std::iter::empty(), None, profile).unwrap()
    }

    #[test]
    fn the_defaults_are_those_of_the_engine_and_the_server() {
        let settings = gathered(Profile::Serve);
        let (ours, engine) = (settings.engine(), Config::new(settings.database.clone()));
        assert_eq!(ours.retry, engine.retry);
        assert_eq!(ours.request_timeout, engine.request_timeout);
        assert_eq!(ours.schemes, engine.schemes);
        assert_eq!(ours.signature_headers, engine.signature_headers);
        assert_eq!(ours.allow_target_networks, engine.allow_target_networks);
        assert_eq!(ours.retention, engine.retention);
        assert_eq!(ours.inbound_retention, engine.inbound_retention);
        assert_eq!(ours.extra_ca_pem, engine.extra_ca_pem);
        assert_eq!(settings.inbound_body_limit, crate::server::INBOUND_BODY_LIMIT_DEFAULT);
        assert_eq!(settings.payload_limit, crate::server::PAYLOAD_LIMIT_DEFAULT);
    }

    #[test]
    fn dev_lets_loopback_through_and_keeps_its_data_apart() {
        let settings = gathered(Profile::Dev);
        let networks: Vec<String> = settings.allow_target_networks.iter().map(IpNet::to_string).collect();
        assert_eq!(networks, ["127.0.0.0/8", "::1/128"]);
        assert_eq!(settings.database, DatabaseUrl::Sqlite("hookwright-dev.db".into()));
    }

    #[test]
    fn a_server_that_listens_everywhere_is_reached_on_its_own_machine() {
        let settings = gathered(Profile::Serve);
        for (listening, url) in [
            ("0.0.0.0:80", "http://127.0.0.1/"),
            ("[::]:8071", "http://[::1]:8071/"),
            ("10.1.2.3:8071", "http://10.1.2.3:8071/"),
        ] {
            assert_eq!(settings.public_url_at(listening.parse().unwrap()).unwrap().as_str(), url);
        }
    }
}
