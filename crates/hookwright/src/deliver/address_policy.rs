//! Which URLs and addresses may be called, so that tenants cannot reach the operator's network through us.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::{Host, Url};

use crate::config::{Config, UrlSchemes};

/// The longest URL an endpoint may have, in bytes; longer ones break proxies and servers on the way.
const URL_MAX: usize = 4_096;

/// An endpoint may not have this URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It cannot be read as a URL.
    #[error("the URL cannot be read; an example is https://example.com/webhooks")]
    Syntax,
    /// It is too long to be sent reliably.
    #[error("the URL is longer than {URL_MAX} bytes")]
    TooLong,
    /// Its scheme is neither `http` nor `https`.
    #[error("the URL does not begin with http:// or https://")]
    Scheme,
    /// It is `http`, and this engine calls only `https`.
    #[error("the URL does not begin with https://, and unencrypted webhooks are not sent from here")]
    HttpsOnly,
    /// It holds a user name or password, which would be shown wherever the URL is.
    #[error("the URL has a user name or password in it; set an authorization header on the endpoint instead")]
    Credentials,
    /// It has port 0, which nothing listens on.
    #[error("the URL has the port 0, which cannot be called")]
    Port,
    /// It points into a network that tenants must not reach.
    #[error("the URL points at {}, which is refused so that tenants cannot reach your network", .0.in_words())]
    Address(AddressKind),
}

/// Kinds of addresses that are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressKind {
    /// This machine itself.
    Loopback,
    /// A private network (RFC 1918, RFC 4193).
    Private,
    /// The network segment (RFC 3927, RFC 4291), which cloud providers serve credentials on.
    LinkLocal,
    /// A provider's own network (RFC 6598).
    Shared,
    /// Many machines at once.
    Multicast,
    /// Anything else that is not a public address (RFC 6890).
    Special,
}

impl AddressKind {
    /// What such an address is, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            AddressKind::Loopback => "this machine",
            AddressKind::Private => "a private network",
            AddressKind::LinkLocal => "a link-local address, where machines find their metadata",
            AddressKind::Shared => "an internet provider's own network",
            AddressKind::Multicast => "a multicast address",
            AddressKind::Special => "an address that is not public",
        }
    }

    /// A network to allow, if an operator wants such addresses called.
    pub fn example_network(self) -> &'static str {
        match self {
            AddressKind::Loopback => "127.0.0.0/8",
            AddressKind::Private => "10.0.0.0/8",
            AddressKind::LinkLocal => "169.254.0.0/16",
            AddressKind::Shared => "100.64.0.0/10",
            AddressKind::Multicast => "224.0.0.0/4",
            AddressKind::Special => "192.0.2.0/24",
        }
    }
}

/// Decides where webhooks may go.
#[derive(Debug, Clone)]
pub(crate) struct AddressPolicy {
    allowed: Vec<IpNet>,
    schemes: UrlSchemes,
}

impl AddressPolicy {
    pub(crate) fn new(config: &Config) -> AddressPolicy {
        AddressPolicy { allowed: config.allow_target_networks.clone(), schemes: config.schemes }
    }

    /// Whether an endpoint may have this URL. What its host name resolves to is checked at each connect.
    pub(crate) fn check_url(&self, text: &str) -> Result<(), UrlError> {
        if text.len() > URL_MAX {
            return Err(UrlError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| UrlError::Syntax)?;
        if !is_written_out(text, &url) {
            return Err(UrlError::Syntax);
        }
        match url.scheme() {
            "https" => {}
            "http" if self.schemes == UrlSchemes::HttpAndHttps => {}
            "http" => return Err(UrlError::HttpsOnly),
            _ => return Err(UrlError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        if url.port() == Some(0) {
            return Err(UrlError::Port);
        }
        if super::callable(text).is_none() {
            return Err(UrlError::Syntax);
        }
        match url.host() {
            None => Err(UrlError::Syntax),
            Some(Host::Ipv4(address)) => self.check(address.into()).map_err(UrlError::Address),
            Some(Host::Ipv6(address)) => self.check(address.into()).map_err(UrlError::Address),
            Some(Host::Domain(name)) => self.check_name(name),
        }
    }

    /// Whether this address may be called.
    pub(crate) fn check(&self, address: IpAddr) -> Result<(), AddressKind> {
        let reached = reached(address);
        if self.allowed.iter().any(|network| network.contains(&reached) || network.contains(&address)) {
            return Ok(());
        }
        let kind = match reached {
            IpAddr::V4(address) => kind_of_v4(address),
            IpAddr::V6(address) => kind_of_v6(address),
        };
        kind.map_or(Ok(()), Err)
    }

    fn check_name(&self, name: &str) -> Result<(), UrlError> {
        let name = name.strip_suffix('.').unwrap_or(name);
        // RFC 6761, section 6.3: these never leave the machine, whatever a resolver says.
        let local = name == "localhost" || name.ends_with(".localhost");
        if local
            && self.check(Ipv4Addr::LOCALHOST.into()).is_err()
            && self.check(Ipv6Addr::LOCALHOST.into()).is_err()
        {
            return Err(UrlError::Address(AddressKind::Loopback));
        }
        Ok(())
    }
}

/// The IPv4 address that an IPv6 address stands for, if it does: it is that one that is reached in the end.
fn reached(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let octets = v6.octets();
    let v4_at = |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    let starts_with = |prefix: &[u8]| octets.starts_with(prefix);
    let is_compatible = starts_with(&[0; 12]) && !v6.is_loopback() && !v6.is_unspecified();
    let embedded = if v6.to_ipv4_mapped().is_some() // RFC 4291, section 2.5.5.2
        || is_compatible // RFC 4291, section 2.5.5.1: deprecated, and still understood by some
        || starts_with(&[0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0])
    // RFC 6052: NAT64
    {
        Some(v4_at(12))
    } else if starts_with(&[0x20, 0x02]) {
        Some(v4_at(2)) // RFC 3056: 6to4
    } else {
        None
    };
    embedded.map_or(address, IpAddr::V4)
}

/// Where machines at Azure ask for their metadata and credentials, in the middle of public addresses.
const AZURE_METADATA: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

fn kind_of_v4(address: Ipv4Addr) -> Option<AddressKind> {
    if address == AZURE_METADATA {
        return Some(AddressKind::Special);
    }
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (127, ..) => Some(AddressKind::Loopback),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Some(AddressKind::Private),
        (169, 254, _) => Some(AddressKind::LinkLocal),
        (100, 64..=127, _) => Some(AddressKind::Shared),
        (224..=239, ..) => Some(AddressKind::Multicast),
        // This network, protocol assignments, documentation, 6to4 relays, benchmarks, reserved, broadcast.
        (0, ..)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113)
        | (240..=255, ..) => Some(AddressKind::Special),
        _ => None,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Option<AddressKind> {
    if address.is_loopback() || address.is_unspecified() {
        return Some(AddressKind::Loopback);
    }
    let segments = address.segments();
    match segments[0] {
        0xff00..=0xffff => Some(AddressKind::Multicast),
        0xfe80..=0xfebf => Some(AddressKind::LinkLocal),
        0xfc00..=0xfdff | 0xfec0..=0xfeff => Some(AddressKind::Private),
        // Protocol assignments with Teredo and ORCHID (2001::/23), and documentation.
        0x2001 if segments[1] < 0x0200 || segments[1] == 0x0db8 => Some(AddressKind::Special),
        0x3fff if segments[1] < 0x1000 => Some(AddressKind::Special),
        0x2000..=0x3fff => None,
        // Nothing else is handed out to the public internet (RFC 4291, section 2.4).
        _ => Some(AddressKind::Special),
    }
}

/// Whether a URL says what it is read as. The parser repairs what nobody means: it drops control characters and the space
/// around, and takes `https:///path` and `https:path` for a host called `path` (WHATWG URL, section 4.4).
fn is_written_out(text: &str, url: &Url) -> bool {
    let rest = text.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://"));
    let is_special = matches!(url.scheme(), "http" | "https");
    let has_host = rest.is_some_and(|rest| !rest.starts_with(['/', '\\']));
    text.trim() == text && !text.contains(char::is_control) && (has_host || !is_special)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DatabaseUrl;

    fn policy(allowed: &[&str], schemes: UrlSchemes) -> AddressPolicy {
        let mut config = Config::new(DatabaseUrl::Sqlite("x".into()));
        config.allow_target_networks = allowed.iter().map(|network| network.parse().unwrap()).collect();
        config.schemes = schemes;
        AddressPolicy::new(&config)
    }

    #[track_caller]
    fn check(url: &str, expected: Result<(), UrlError>) {
        assert_eq!(policy(&[], UrlSchemes::HttpAndHttps).check_url(url), expected, "{url}");
    }

    #[test]
    fn public_targets_are_let_through() {
        for url in [
            "https://example.com/hook?a=b",
            "http://93.184.216.34:8080/",
            "https://[2606:2800:220:1:248:1893:25c8:1946]/",
            "https://bücher.example/ä",
            "https://172.32.0.1/",
        ] {
            check(url, Ok(()));
        }
    }

    #[test]
    fn every_way_to_write_an_internal_address_is_refused() {
        use AddressKind::{LinkLocal, Loopback, Multicast, Private, Shared, Special};
        for (host, kind) in [
            ("localhost", Loopback),
            ("LOCALHOST.", Loopback),
            ("a.localhost", Loopback),
            ("127.0.0.1", Loopback),
            ("127.1", Loopback),
            ("2130706433", Loopback),
            ("0x7f.0.0.1", Loopback),
            ("0177.0.0.1", Loopback),
            ("[::1]", Loopback),
            ("[::]", Loopback),
            ("[::ffff:127.0.0.1]", Loopback),
            ("[::127.0.0.1]", Loopback),
            ("[64:ff9b::7f00:1]", Loopback),
            ("[2002:7f00:1::]", Loopback),
            ("10.1.2.3", Private),
            ("172.31.255.255", Private),
            ("192.168.0.1", Private),
            ("[fd00::1]", Private),
            ("[fec0::1]", Private),
            ("169.254.169.254", LinkLocal),
            ("[fe80::1]", LinkLocal),
            ("[::ffff:169.254.169.254]", LinkLocal),
            ("100.64.0.1", Shared),
            ("224.0.0.1", Multicast),
            ("[ff02::1]", Multicast),
            ("0.0.0.0", Special),
            ("255.255.255.255", Special),
            ("192.0.2.1", Special),
            ("168.63.129.16", Special),
            ("198.18.0.1", Special),
            ("[2001:db8::1]", Special),
            ("[2001::1]", Special),
            ("[100::1]", Special),
            ("[64:ff9b:1::1]", Special),
        ] {
            check(&format!("http://{host}/"), Err(UrlError::Address(kind)));
        }
    }

    #[test]
    fn what_is_no_web_address_is_told_apart() {
        check("example.com", Err(UrlError::Syntax));
        check("http://", Err(UrlError::Syntax));
        check("http:///example.com/", Err(UrlError::Syntax));
        check("http:/example.com/", Err(UrlError::Syntax));
        check("http:\\\\example.com/", Err(UrlError::Syntax));
        check(" https://example.com/", Err(UrlError::Syntax));
        check("https://exam\nple.com/", Err(UrlError::Syntax));
        check("HTTPS://example.com/a b", Ok(()));
        check("ftp://example.com/", Err(UrlError::Scheme));
        check("file:///etc/passwd", Err(UrlError::Scheme));
        check("https://user:pass@example.com/", Err(UrlError::Credentials));
        check("https://example.com:0/", Err(UrlError::Port));
        check(&format!("https://example.com/{}", "a".repeat(5_000)), Err(UrlError::TooLong));
        let https = policy(&[], UrlSchemes::HttpsOnly);
        assert_eq!(https.check_url("http://example.com/"), Err(UrlError::HttpsOnly));
    }

    #[test]
    fn allowed_networks_are_let_through_and_no_more() {
        let policy = policy(&["127.0.0.0/8", "fd00::/8"], UrlSchemes::HttpAndHttps);
        for url in
            ["http://localhost:9000/", "http://127.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://[fd00::1]/"]
        {
            assert_eq!(policy.check_url(url), Ok(()), "{url}");
        }
        assert!(policy.check_url("http://10.0.0.1/").is_err());
        assert!(policy.check_url("http://[::1]/").is_err());
    }
}
