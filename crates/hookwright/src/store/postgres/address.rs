//! Where the database is, and how it is reached: the URL's own words for TLS, and the bounds of each connection.
//!
//! The words of `sslmode` are those of PostgreSQL's own programs
//! (<https://www.postgresql.org/docs/15/libpq-ssl.html>): `prefer` and `require` encrypt without asking who answers,
//! `verify-ca` checks who signed the certificate, `verify-full` its name as well.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::PostgresUrl;
use crate::store::error::StoreError;
use crate::store::postgres::trust::Trust;

/// Servers that do not answer a connection within this, all of the URL together, are not there. Shorter than anybody waits for
/// a connection.
const CONNECT_WITHIN: Duration = Duration::from_millis(1_400);
/// A connection on which nothing comes for so long is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// What was sent and is not acknowledged for so long has met a dead connection.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(5);

/// What connecting takes.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

impl Address {
    /// Reads a URL. Errors name what is wrong in it, never the password.
    pub(super) fn read(url: &PostgresUrl) -> Result<Address, StoreError> {
        let (plain, mode, authorities) = split(url.expose());
        let mut config: Config = plain.parse().map_err(StoreError::Address)?;
        let (mode, trust) = match (mode.as_deref(), authorities) {
            (Some("disable"), _) => (SslMode::Disable, Trust::Anybody),
            (None | Some("prefer" | "allow"), None) => (SslMode::Prefer, Trust::Anybody),
            (Some("require"), None) => (SslMode::Require, Trust::Anybody),
            (None | Some("prefer" | "allow" | "require" | "verify-ca"), Some(authorities)) => {
                (SslMode::Require, Trust::Authorities(authorities))
            }
            // The operating system's authorities sign for everybody: only the name tells who it is.
            (Some("verify-ca" | "verify-full"), authorities) => (SslMode::Require, Trust::Host(authorities)),
            (Some(_), _) => return Err(StoreError::SslMode),
        };
        config.ssl_mode(mode).keepalives_idle(KEEPALIVE).tcp_user_timeout(UNACKNOWLEDGED_MAX);
        if config.get_connect_timeout().is_none() {
            // One that is gone must leave time for the others.
            let hosts = u32::try_from(config.get_hosts().len()).unwrap_or(u32::MAX).max(1);
            config.connect_timeout(CONNECT_WITHIN / hosts);
        }
        if config.get_application_name().is_none() {
            config.application_name("hookwright");
        }
        Ok(Address { config, tls: MakeRustlsConnect::new(trust.config()?) })
    }
}

/// The URL without what the driver does not know, and that: the TLS mode, and the file with the authorities.
fn split(url: &str) -> (String, Option<String>, Option<PathBuf>) {
    let Some((before, query)) = url.split_once('?') else { return (url.to_owned(), None, None) };
    let (mut mode, mut authorities, mut rest) = (None, None, Vec::new());
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", word)) => mode = Some(word.to_owned()),
            Some(("sslrootcert", path)) => authorities = Some(PathBuf::from(decoded(path))),
            _ => rest.push(pair),
        }
    }
    let plain = if rest.is_empty() { before.to_owned() } else { format!("{before}?{}", rest.join("&")) };
    (plain, mode, authorities)
}

fn decoded(path: &str) -> String {
    let pair = format!("path={path}");
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_says_of_tls_is_taken_out_of_it() {
        let (plain, mode, authorities) = split(
            "postgres://a:b@db/x?sslmode=verify-full&options=-csearch_path%3Dh&sslrootcert=%2Fetc%2Fca.pem",
        );
        assert_eq!(plain, "postgres://a:b@db/x?options=-csearch_path%3Dh");
        assert_eq!(mode.as_deref(), Some("verify-full"));
        assert_eq!(authorities, Some(PathBuf::from("/etc/ca.pem")));
        assert_eq!(split("postgres://db/x?sslmode=disable").0, "postgres://db/x");
    }

    #[test]
    fn wrong_urls_are_told_without_their_password() {
        for url in ["postgres://a:hidden@db:port/x", "postgres://a:hidden@db/x?sslmode=perhaps"] {
            let Err(error) = Address::read(&PostgresUrl::new(url)) else { panic!("{url} is taken") };
            assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
        }
    }
}
