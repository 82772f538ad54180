//! A request as a provider sends it, and what is known of it once it is proven.

use super::error::Refused;

/// A request that came in, or one to [sign](super::SourceConfig::sign).
///
/// Only borrowed: nothing is copied to verify it. [`Inbound::POST`] has the defaults.
#[derive(Clone, Copy)]
pub struct Inbound<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path, as it came.
    pub path: &'a str,
    /// What follows the `?`, as it came; empty without one.
    pub query: &'a str,
    /// The whole URL that the provider calls, for schemes that sign it: `HubSpot`'s.
    pub url: Option<&'a str>,
    /// All headers.
    pub headers: &'a dyn Headers,
    /// The bytes of the body, never parsed and written again.
    pub body: &'a [u8],
}

impl Inbound<'_> {
    /// A `POST` to `/` with neither headers nor body: to be filled by `..Inbound::POST`.
    pub const POST: Inbound<'static> =
        Inbound { method: "POST", path: "/", query: "", url: None, headers: &NO_HEADERS, body: b"" };
}

const NO_HEADERS: [(&str, &str); 0] = [];

/// The longest header that is looked at, in bytes: no provider's has a tenth of it.
const HEADER_MAX_BYTES: usize = 8 * 1024;

impl<'a> Inbound<'a> {
    /// The header of this name, which must be there once.
    pub(super) fn header(&self, name: &str) -> Result<&'a [u8], Refused> {
        let place = || header(name);
        match (self.headers.nth(name, 0), self.headers.nth(name, 1)) {
            (Some(value), None) if value.len() <= HEADER_MAX_BYTES => Ok(value),
            (Some(_), None) => Err(Refused::Malformed { place: place() }),
            (Some(_), Some(_)) => Err(Refused::Twice { place: place() }),
            (None, _) => Err(Refused::Missing { place: place() }),
        }
    }

    /// The parameter of the query of this name as it is written, which must be there once.
    pub(super) fn parameter(&self, name: &str) -> Result<&'a str, Refused> {
        let place = || format!("query parameter {name}");
        let mut found =
            self.query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) if value.len() <= HEADER_MAX_BYTES => Ok(value),
            (Some(_), None) => Err(Refused::Malformed { place: place() }),
            (Some(_), Some(_)) => Err(Refused::Twice { place: place() }),
            (None, _) => Err(Refused::Missing { place: place() }),
        }
    }
}

/// What a refusal calls a header.
pub(super) fn header(name: &str) -> String {
    format!("header {name}")
}

/// The headers of a request. A header may occur several times, and for a signature that is refused.
pub trait Headers {
    /// The value number `index`, from 0, of the header of this name, whatever the case of its letters.
    fn nth(&self, name: &str, index: usize) -> Option<&[u8]>;
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for [(N, V)] {
    fn nth(&self, name: &str, index: usize) -> Option<&[u8]> {
        self.iter()
            .filter(|(found, _)| found.as_ref().eq_ignore_ascii_case(name))
            .nth(index)
            .map(|(_, value)| value.as_ref())
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>, const LEN: usize> Headers for [(N, V); LEN] {
    fn nth(&self, name: &str, index: usize) -> Option<&[u8]> {
        self.as_slice().nth(name, index)
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for Vec<(N, V)> {
    fn nth(&self, name: &str, index: usize) -> Option<&[u8]> {
        self.as_slice().nth(name, index)
    }
}

#[cfg(feature = "http")]
impl Headers for http::HeaderMap {
    fn nth(&self, name: &str, index: usize) -> Option<&[u8]> {
        self.get_all(name).iter().nth(index).map(http::HeaderValue::as_bytes)
    }
}

/// What is known of a request that is proven.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// The provider's id of the event or delivery: what to tell duplicates by. At most 256 bytes.
    pub id: Option<String>,
    /// What happened, in the provider's words. At most 256 bytes.
    pub event_type: Option<String>,
    /// Where something that changes per call is signed, the signature: what to tell duplicates by if there is
    /// no `id`. Two equal ones are the same call.
    pub freshness: Option<String>,
    /// The request is a handshake and no event: give this answer, and neither keep nor forward it.
    pub handshake: Option<Answer>,
    /// The request is an event, and its provider takes it for delivered only with this answer.
    pub reply: Option<Answer>,
}

/// The answer that a provider asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The value of `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// What to send with a body so that it verifies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signed {
    /// Headers, in lower case.
    pub headers: Vec<(String, String)>,
    /// Parameters of the query, for the one kind that signs there.
    pub query: Vec<(String, String)>,
}
