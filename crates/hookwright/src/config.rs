//! What can be set on an engine, as values that were checked when they were made.

mod master_keys;
#[cfg(feature = "postgres")]
mod postgres_url;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use crate::clock::Clock;
pub(crate) use crate::config::master_keys::MASTER_KEY_BYTES;
pub use crate::config::master_keys::{MasterKeys, MasterKeysError};
#[cfg(feature = "postgres")]
pub use crate::config::postgres_url::PostgresUrl;
use crate::domain::inbound::INBOUND_RETENTION_DEFAULT;
use crate::domain::retry::RetryPolicy;

/// A whole request: connecting, TLS, sending, the answer and its body.
pub const REQUEST_TIMEOUT_DEFAULT: Duration = Duration::from_secs(15);
/// Looking up a name and connecting; a packet that got lost is sent again after 1 s and 3 s.
pub const CONNECT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// The TLS handshake.
pub const TLS_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// An attempt that takes longer is no longer waited for by anybody.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);
/// A retry that comes later than this says nothing of use.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// Messages with their attempts, and background tasks that are over.
pub const RETENTION_DEFAULT: Duration = Duration::from_secs(90 * 24 * 3600);
/// Nothing is kept longer than a hundred years.
const RETENTION_MAX: Duration = Duration::from_secs(36_500 * 24 * 3600);

/// Attempts under way to one endpoint.
pub const LANE_CONCURRENCY_DEFAULT: u32 = 32;
/// Attempts under way in all.
pub const CONCURRENCY_DEFAULT: usize = 2_048;
/// Deliveries that wait in memory for one endpoint; the rest waits on disk.
pub const LANE_RESIDENT_DEFAULT: usize = 1_000;
/// Payload bytes that wait in memory in all; the rest waits on disk.
pub const RESIDENT_BYTES_DEFAULT: usize = 64 * 1024 * 1024;

/// Outcomes of attempts that wait to be written, as while the database is gone: with what their endpoints answered they take up to
/// 9 KiB each.
pub(crate) const OUTCOMES_MAX: usize = 20_000;

/// Endpoints of one application.
pub const ENDPOINTS_MAX_DEFAULT: usize = 10_000;
/// Bytes of one application's endpoints, with all that is set on them: they are in memory together.
pub const ENDPOINTS_BYTES_MAX_DEFAULT: usize = 32 * 1024 * 1024;

/// Everything that can be set on an engine.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the engine keeps what it knows.
    pub database: DatabaseUrl,
    /// What secrets in the database are encrypted with. Without it a key is made, in a file beside the database: its name with `.key`
    /// behind it. The keys in that file, if it is there, decrypt in any case.
    pub master_keys: Option<MasterKeys>,
    /// When failed attempts are made again.
    pub retry: RetryPolicy,
    /// How long one attempt may take, in all.
    pub request_timeout: Duration,
    /// How long looking up a name and connecting may take.
    pub connect_timeout: Duration,
    /// How long the TLS handshake may take.
    pub tls_timeout: Duration,
    /// Networks that may be called though they are private, local or special.
    pub allow_target_networks: Vec<IpNet>,
    /// Which URL schemes an endpoint may have.
    pub schemes: UrlSchemes,
    /// Under which names the signature headers are sent.
    pub signature_headers: SignatureHeaders,
    /// Certificates (PEM) to trust beside those of the operating system.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// How long messages and their attempts are kept, and background tasks that are over. A message stays longer while
    /// something of it is pending.
    pub retention: Duration,
    /// How long requests to sources are kept, and what was forwarded of them, unless the source says otherwise; not longer than
    /// messages are.
    pub inbound_retention: Duration,
    /// Attempts under way to one endpoint, at most.
    pub lane_concurrency: u32,
    /// Attempts under way in all, at most.
    pub concurrency: usize,
    /// Deliveries in memory for one endpoint, at most.
    pub lane_resident: usize,
    /// Payload bytes in memory in all, at most.
    pub resident_bytes: usize,
    /// Outcomes that may wait to be written before no further attempts are started. Those under way then end, so that there are up to
    /// `concurrency` more. Nobody sets it but our own tests.
    pub(crate) outcomes_max: usize,
    /// Endpoints of one application, at most; a few more if they are made at the same time.
    pub endpoints_max: usize,
    /// Bytes of one application's endpoints with all that is set on them, at most, as [`Endpoint::weight`] counts them.
    ///
    /// [`Endpoint::weight`]: crate::domain::endpoint::Endpoint::weight
    pub endpoints_bytes_max: usize,
    /// Tells the time.
    pub clock: Clock,
}

impl Config {
    /// The defaults, on this database.
    pub fn new(database: DatabaseUrl) -> Config {
        Config {
            database,
            master_keys: None,
            retry: RetryPolicy::default(),
            request_timeout: REQUEST_TIMEOUT_DEFAULT,
            connect_timeout: CONNECT_TIMEOUT_DEFAULT,
            tls_timeout: TLS_TIMEOUT_DEFAULT,
            allow_target_networks: Vec::new(),
            schemes: UrlSchemes::HttpAndHttps,
            signature_headers: SignatureHeaders::Webhook,
            extra_ca_pem: None,
            retention: RETENTION_DEFAULT,
            inbound_retention: INBOUND_RETENTION_DEFAULT,
            lane_concurrency: LANE_CONCURRENCY_DEFAULT,
            concurrency: CONCURRENCY_DEFAULT,
            lane_resident: LANE_RESIDENT_DEFAULT,
            resident_bytes: RESIDENT_BYTES_DEFAULT,
            outcomes_max: OUTCOMES_MAX,
            endpoints_max: ENDPOINTS_MAX_DEFAULT,
            endpoints_bytes_max: ENDPOINTS_BYTES_MAX_DEFAULT,
            clock: Clock::system(),
        }
    }
}

/// A configuration cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number or a duration is zero.
    #[error("{setting} must be more than zero")]
    Zero {
        /// The field of [`Config`].
        setting: &'static str,
    },
    /// A duration is longer than anybody can mean.
    #[error("{setting} must be at most {} days", max.as_secs() / 86_400)]
    TooLong {
        /// The field of [`Config`].
        setting: &'static str,
        /// The longest that is taken.
        max: Duration,
    },
}

impl Config {
    /// Whether an engine can run with it.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let counts = [
            ("lane_concurrency", u64::from(self.lane_concurrency)),
            ("concurrency", self.concurrency as u64),
            ("lane_resident", self.lane_resident as u64),
        ];
        if let Some((setting, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(ConfigError::Zero { setting });
        }
        for (setting, duration, max) in [
            ("request_timeout", self.request_timeout, TIMEOUT_MAX),
            ("connect_timeout", self.connect_timeout, TIMEOUT_MAX),
            ("tls_timeout", self.tls_timeout, TIMEOUT_MAX),
            ("retention", self.retention, RETENTION_MAX),
            ("inbound_retention", self.inbound_retention, RETENTION_MAX),
        ] {
            if duration.is_zero() {
                return Err(ConfigError::Zero { setting });
            }
            if duration > max {
                return Err(ConfigError::TooLong { setting, max });
            }
        }
        if self.retry.schedule.iter().any(|wait| *wait > RETRY_WAIT_MAX) {
            return Err(ConfigError::TooLong { setting: "retry", max: RETRY_WAIT_MAX });
        }
        Ok(())
    }
}

/// Which URL schemes an endpoint may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlSchemes {
    /// `http` and `https`.
    HttpAndHttps,
    /// `https` alone.
    HttpsOnly,
}

/// Under which names the signature headers are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureHeaders {
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature` (Standard Webhooks).
    Webhook,
    /// `svix-id`, `svix-timestamp`, `svix-signature`.
    Svix,
    /// Both.
    Both,
}

/// Where the engine keeps what it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file, made if it is not there: `sqlite://hookwright.db`, `sqlite:///var/lib/hookwright.db`.
    Sqlite(PathBuf),
    /// A SQLite database in this process's memory, gone with its engine: for tests. The number tells several apart.
    Memory(u64),
    /// A PostgreSQL database, which several nodes may share: `postgres://user:password@host:5432/database`.
    #[cfg(feature = "postgres")]
    Postgres(PostgresUrl),
}

impl DatabaseUrl {
    /// The file that the database is in, if it is in one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            DatabaseUrl::Sqlite(path) => Some(path),
            DatabaseUrl::Memory(_) => None,
            #[cfg(feature = "postgres")]
            DatabaseUrl::Postgres(_) => None,
        }
    }
}

impl fmt::Display for DatabaseUrl {
    /// Writes where the database is, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseUrl::Sqlite(path) => path.display().fmt(f),
            DatabaseUrl::Memory(_) => f.write_str("in memory"),
            #[cfg(feature = "postgres")]
            DatabaseUrl::Postgres(url) => url.fmt(f),
        }
    }
}

/// A text is not the URL of a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseUrlError {
    /// The scheme is none that is known.
    #[error("begins with neither sqlite:// nor postgres://; an example is sqlite://hookwright.db")]
    Scheme,
    /// There is no path behind the scheme.
    #[error("names no file; an example is sqlite://hookwright.db")]
    NoPath,
    /// The program was built without the feature `postgres`.
    #[error(
        "names a PostgreSQL database, which this program was built without (feature postgres); use sqlite://hookwright.db"
    )]
    NoPostgres,
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            #[cfg(feature = "postgres")]
            return Ok(DatabaseUrl::Postgres(PostgresUrl::new(text)));
            #[cfg(not(feature = "postgres"))]
            return Err(DatabaseUrlError::NoPostgres);
        }
        let path = text.strip_prefix("sqlite://").ok_or(DatabaseUrlError::Scheme)?;
        if path.is_empty() || path.contains('\0') {
            return Err(DatabaseUrlError::NoPath);
        }
        Ok(DatabaseUrl::Sqlite(PathBuf::from(path)))
    }
}
