//! One request as it arrived.

use std::{fmt, net::SocketAddr};

use bytes::Bytes;
use tokio::time::Instant;

/// A complete request that a receiver read.
#[derive(Clone, Debug)]
pub struct Received {
    /// The number of requests that this receiver got completely before this one.
    pub sequence: usize,
    /// The method as sent.
    pub method: String,
    /// The request target as sent: path and query.
    pub target: String,
    /// The headers in order, duplicates included, names in the case in which they were sent.
    ///
    /// A value that is not UTF-8 has replacement characters.
    pub headers: Vec<(String, String)>,
    /// The body, with any transfer coding taken off.
    pub body: Bytes,
    /// Where the request came from.
    pub peer: SocketAddr,
    /// The number of connections that this receiver accepted before the one it came on.
    pub connection: usize,
    /// When the last byte of it was read.
    pub at: Instant,
}

impl Received {
    /// The first value of a header; its name is compared without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_all(name).next()
    }

    /// All values of a header, in order.
    pub fn header_all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(given, _)| given.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// The `webhook-id` header (Standard Webhooks), or an empty string.
    #[must_use]
    pub fn id(&self) -> &str {
        self.header("webhook-id").unwrap_or_default()
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query without its question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is not JSON, with the body.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("body is not JSON ({error}): {}", self.text()))
    }

    /// The body as text, with replacement characters for what is not UTF-8.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One line for the message of a failed wait.
impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequence, method, target, body, .. } = self;
        write!(f, "#{sequence} {method} {target} with {} bytes, webhook-id {:?}", body.len(), self.id())
    }
}
