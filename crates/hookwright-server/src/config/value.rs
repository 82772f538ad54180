//! Reads the text of each setting; what is wrong with it completes a sentence that begins with the value.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hookwright::config::{DatabaseUrl, MasterKeys, SignatureHeaders, UrlSchemes};
use hookwright::domain::retry::RetryPolicy;
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::duration::{format_duration, parse_duration};
use super::error::ValueError;
use super::settings::LogFormat;
use super::size::{format_size, parse_size};

/// A longer schedule is more likely a mistake; this one would already try 100 times.
const RETRIES_MAX: usize = 100;
const RETRY_WAIT_MAX: Duration = Duration::from_secs(30 * 86_400);
/// An attempt that takes longer blocks a slot of its endpoint for nothing.
const REQUEST_TIMEOUT_MAX: Duration = Duration::from_secs(10 * 60);
const SHUTDOWN_GRACE_MAX: Duration = Duration::from_secs(3_600);
/// Who keeps less sees nothing of what happened a moment ago.
const RETENTION_MIN: Duration = Duration::from_secs(60);
const INBOUND_RETENTION_MIN: Duration = Duration::from_secs(1);
const RETENTION_MAX: Duration = Duration::from_secs(36_500 * 86_400);
/// As many bytes as may wait in memory in all.
const PAYLOAD_LIMIT_MAX: usize = hookwright::config::RESIDENT_BYTES_DEFAULT;
/// What an empty list is written as, since an empty variable counts as not set.
const NOTHING: &str = "none";

pub(super) fn listen(text: &str) -> Result<SocketAddr, ValueError> {
    let literal = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    literal.as_deref().unwrap_or(text).parse().map_err(|_| ValueError::Address)
}

pub(super) fn database(text: &str) -> Result<DatabaseUrl, ValueError> {
    Ok(text.parse::<DatabaseUrl>()?)
}

pub(super) fn token(text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        return Err(ValueError::Empty);
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(()) } else { Err(ValueError::Token) }
}

pub(super) fn master_keys(text: &str) -> Result<MasterKeys, ValueError> {
    Ok(text.parse::<MasterKeys>()?)
}

/// A URL to put paths behind; its own path, if any, is where a proxy mounted this server.
pub(super) fn public_url(text: &str) -> Result<Url, ValueError> {
    let url = Url::parse(text).map_err(|_| ValueError::Url)?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain { Ok(url) } else { Err(ValueError::Url) }
}

pub(super) fn retry_schedule(text: &str) -> Result<RetryPolicy, ValueError> {
    let entries = entries(text);
    if entries.len() > RETRIES_MAX {
        return Err(ValueError::TooMany { found: entries.len(), max: RETRIES_MAX });
    }
    let waits = entries.into_iter().map(|entry| between(entry, Duration::from_millis(1), RETRY_WAIT_MAX));
    Ok(RetryPolicy { schedule: waits.collect::<Result<_, _>>()? })
}

pub(super) fn request_timeout(text: &str) -> Result<Duration, ValueError> {
    between(text, Duration::from_millis(1), REQUEST_TIMEOUT_MAX)
}

pub(super) fn retention(text: &str) -> Result<Duration, ValueError> {
    between(text, RETENTION_MIN, RETENTION_MAX)
}

pub(super) fn inbound_retention(text: &str) -> Result<Duration, ValueError> {
    between(text, INBOUND_RETENTION_MIN, RETENTION_MAX)
}

pub(super) fn shutdown_grace(text: &str) -> Result<Duration, ValueError> {
    between(text, Duration::ZERO, SHUTDOWN_GRACE_MAX)
}

pub(super) fn truth(text: &str) -> Result<bool, ValueError> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ValueError::Choice("true or false")),
    }
}

/// A program and its arguments, as a JSON array of texts: a command line would have to be taken apart by the rules of a shell.
pub(super) fn command(text: &str) -> Result<Vec<String>, ValueError> {
    let words: Vec<String> = serde_json::from_str(text).map_err(|_| ValueError::Command)?;
    match words.first() {
        Some(program) if !program.is_empty() => Ok(words),
        _ => Err(ValueError::Command),
    }
}

pub(super) fn schemes(text: &str) -> Result<UrlSchemes, ValueError> {
    Ok(if truth(text)? { UrlSchemes::HttpsOnly } else { UrlSchemes::HttpAndHttps })
}

pub(super) fn signature_headers(text: &str) -> Result<SignatureHeaders, ValueError> {
    match text {
        "webhook" => Ok(SignatureHeaders::Webhook),
        "svix" => Ok(SignatureHeaders::Svix),
        "both" => Ok(SignatureHeaders::Both),
        _ => Err(ValueError::Choice("webhook, svix or both")),
    }
}

/// Networks in CIDR notation; a bare address is the network of it alone.
pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, ValueError> {
    let network = |entry: &str| {
        let parsed = entry
            .parse::<IpNet>()
            .ok()
            .or_else(|| Some(IpNet::from(entry.parse::<std::net::IpAddr>().ok()?)));
        parsed.map(|network| network.trunc()).ok_or_else(|| ValueError::Network(entry.into()))
    };
    entries(text).into_iter().map(network).collect()
}

/// The file's path; whether it can be read is found out by [`certificates`].
pub(super) fn path(text: &str) -> Result<PathBuf, ValueError> {
    if text.is_empty() { Err(ValueError::Empty) } else { Ok(PathBuf::from(text)) }
}

/// Checks that a PEM file holds certificates and nothing damaged among them.
pub(super) fn certificates(pem: &[u8]) -> Result<(), ValueError> {
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        certificate.map_err(|_| ValueError::NoCertificate)?;
        found = true;
    }
    if found { Ok(()) } else { Err(ValueError::NoCertificate) }
}

pub(super) fn payload_limit(text: &str) -> Result<usize, ValueError> {
    let size = parse_size(text)?;
    if (1..=PAYLOAD_LIMIT_MAX).contains(&size) {
        return Ok(size);
    }
    Err(ValueError::Range { min: "1".into(), max: format_size(PAYLOAD_LIMIT_MAX).into() })
}

pub(super) fn log(text: &str) -> Result<String, ValueError> {
    EnvFilter::try_new(text).map_err(|_| ValueError::LogFilter)?;
    Ok(text.to_owned())
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, ValueError> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(ValueError::Choice("text or json")),
    }
}

fn entries(text: &str) -> Vec<&str> {
    if text == NOTHING { Vec::new() } else { text.split(',').map(str::trim).collect() }
}

fn between(text: &str, min: Duration, max: Duration) -> Result<Duration, ValueError> {
    let duration = parse_duration(text)?;
    if (min..=max).contains(&duration) {
        return Ok(duration);
    }
    Err(ValueError::Range { min: format_duration(min).into(), max: format_duration(max).into() })
}
