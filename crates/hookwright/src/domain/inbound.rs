//! Requests to sources as their log has them, and what of them is kept, shown and forwarded.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::domain::ids::{ApplicationId, MessageId};
use crate::domain::message::Message;
use crate::domain::names::EventTypeName;
use crate::domain::short_ids::{InboundId, SourceId};
use crate::domain::time::Timestamp;

/// How long the log keeps requests unless their source or the operator says otherwise: a week.
pub const INBOUND_RETENTION_DEFAULT: Duration = Duration::from_secs(7 * 24 * 3_600);
/// How long it keeps those without an effect, at most: refused ones, copies, handshakes. It is to find a wrong secret.
pub const REFUSED_RETENTION_MAX: Duration = Duration::from_secs(24 * 3_600);
/// So much of the body of a refused request is kept, in bytes.
pub const REFUSED_BODY_MAX: usize = 4 * 1024;
/// For so long at least a request that comes again is known as such: providers try for three days.
pub const KNOWN_FOR_MIN: Duration = Duration::from_secs(7 * 24 * 3_600);
/// What the log says of a copy whose body differs.
pub(crate) const ANOTHER_BODY: &str =
    "it has the id of an earlier request, but another body: if both were meant, see the source's dedupe";
/// What stands in the place of a header's value that may be a credential.
pub const REDACTED: &str = "[redacted]";

/// One request to a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The application of its source.
    pub application: ApplicationId,
    /// Its id.
    pub id: InboundId,
    /// When it came.
    pub received_at: Timestamp,
    /// From then on it is removed.
    pub expires_at: Timestamp,
    /// What became of it.
    pub verdict: Verdict,
    /// The status code it was answered with.
    pub status: u16,
    /// Why it was refused, or whatever else is to be known of it.
    pub reason: Option<String>,
    /// Its method.
    pub method: String,
    /// Its path, without the token.
    pub path: String,
    /// Its query; values of parameters that may be credentials are redacted.
    pub query: Option<String>,
    /// Its headers in their order, names in lower case; credentials are redacted.
    pub headers: Vec<(String, String)>,
    /// The message that was made of it.
    pub message: Option<MessageId>,
    /// The event type of that message, as it is read; the message has it when both are written.
    pub event_type: Option<EventTypeName>,
    /// The request that it is a copy of, if it is one and that is known; the log may have it no more.
    pub copy_of: Option<InboundId>,
    /// Its body as it came; of a refused one only the beginning, of a copy only one that is another than that of the first. Empty once
    /// it was removed.
    pub body: Bytes,
}

/// What a request came with that goes along with what is forwarded of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CameWith {
    /// Its headers as the log has them.
    pub headers: Vec<(String, String)>,
    /// Whether it had no body, so that the message is a description of it in JSON.
    pub is_described: bool,
}

/// A request that came to a source and was proven, for whoever says whether it is true.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The source.
    pub source: SourceId,
    /// The message that was made of it.
    pub message: MessageId,
    /// When it came.
    pub received_at: Timestamp,
    /// Its method.
    pub method: String,
    /// Its path, without the token.
    pub path: String,
    /// Its query; values of parameters that may be credentials are redacted. Of a request without a body they are whole in the `body`.
    pub query: Option<String>,
    /// Its headers in their order, names in lower case; credentials are redacted.
    pub headers: Vec<(String, String)>,
    /// Its body; a description of it in JSON if it had none.
    pub body: Bytes,
    /// What it says happened.
    pub event_type: EventTypeName,
}

impl ReceivedRequest {
    /// The request in this row of a source's log, of which this message was made.
    pub(crate) fn of(source: SourceId, message: &Message, row: &Inbound) -> ReceivedRequest {
        ReceivedRequest {
            source,
            message: message.id,
            received_at: row.received_at,
            method: row.method.clone(),
            path: row.path.clone(),
            query: row.query.clone(),
            headers: row.headers.clone(),
            body: message.payload.clone(),
            event_type: message.event_type.clone(),
        }
    }
}

/// What became of a request to a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was proven, and is forwarded.
    Verified,
    /// It was proven, its sender said that it is true, and it is forwarded.
    Confirmed,
    /// It was proven, and its sender has not said yet that it is true, or never did.
    Unconfirmed,
    /// It was proven, and had come before.
    Duplicate,
    /// It set something up between the provider and us, and was answered.
    Handshake,
    /// It was not taken, or its sender said that it is not true.
    Refused,
}

impl Verdict {
    /// The word that it is written as.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Verified => "verified",
            Verdict::Confirmed => "confirmed",
            Verdict::Unconfirmed => "unconfirmed",
            Verdict::Duplicate => "duplicate",
            Verdict::Handshake => "handshake",
            Verdict::Refused => "refused",
        }
    }

    /// What a word stands for.
    pub fn from_word(word: &str) -> Option<Verdict> {
        [
            Verdict::Verified,
            Verdict::Confirmed,
            Verdict::Unconfirmed,
            Verdict::Duplicate,
            Verdict::Handshake,
            Verdict::Refused,
        ]
        .into_iter()
        .find(|verdict| verdict.word() == word)
    }
}

/// Headers that credentials stand in, whatever the source.
const CREDENTIALS: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"];

/// How names of headers end that credentials stand in.
const CREDENTIAL_ENDINGS: [&str; 4] = ["-token", "-secret", "-api-key", "-password"];

/// Whether a header of this name, in lower case, holds a credential, whatever the source.
pub fn holds_credential(name: &str) -> bool {
    CREDENTIALS.contains(&name) || CREDENTIAL_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The token of a source whose callers show one, and the header they show it in.
#[derive(Clone, Copy)]
pub struct OwnToken<'a> {
    /// The header's name, in whatever case.
    pub header: &'a str,
    /// What it must have in it.
    pub token: &'a str,
}

/// A header as the log has it, its name in lower case. The source's `own` token is not kept, whichever header it comes in: the header
/// may have had another name a moment ago.
pub fn logged(name: &str, value: &[u8], own: Option<OwnToken<'_>>) -> (String, String) {
    let is_own =
        own.is_some_and(|own| own.header.eq_ignore_ascii_case(name) || is_same(own.token.as_bytes(), value));
    let value = match is_own || holds_credential(name) {
        true => REDACTED.to_owned(),
        false => String::from_utf8_lossy(value).into_owned(),
    };
    (name.to_owned(), value)
}

/// Whether a value is this secret. How long it takes says nothing of where the two differ.
pub fn is_same(secret: &[u8], value: &[u8]) -> bool {
    secret.len() == value.len() && Sha256::digest(secret) == Sha256::digest(value)
}

/// Headers about one connection, or the way to us, which say nothing to a receiver behind us; and those that we set ourselves.
const NOT_FORWARDED: [&str; 37] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "proxy-connection",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
    // What servers in front of a receiver say of the caller, or are steered by.
    "cf-connecting-ip",
    "fastly-client-ip",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
    "x-remote-user",
];

/// Whether a header is sent on with what is forwarded. The content type is too, in its own way.
pub fn is_forwarded(name: &str, value: &str) -> bool {
    let of_the_way = name.starts_with("x-forwarded-") || name.starts_with("sec-") || name == "x-real-ip";
    // What looks like ours must be ours.
    let is_ours = ["webhook-", "svix-", "hookwright-"].iter().any(|prefix| name.starts_with(prefix));
    // A value that was made readable for the log is not what came.
    let is_readable = value != REDACTED && !value.contains(char::REPLACEMENT_CHARACTER);
    !of_the_way && !is_ours && is_readable && !NOT_FORWARDED.contains(&name)
}

/// What is forwarded of a request without a body: JSON that says how it came.
pub fn described(method: &str, path: &str, query: Option<&str>) -> String {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let value = Value::from(value.into_owned());
        match parameters.get_mut(name.as_ref()) {
            None => {
                parameters.insert(name.into_owned(), value);
            }
            Some(Value::Array(several)) => several.push(value),
            Some(one) => *one = Value::from(vec![one.take(), value]),
        }
    }
    serde_json::json!({"method": method, "path": path, "query": parameters}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_neither_kept_nor_sent_on() {
        let (name, value) = logged("authorization", b"Basic hunter2", None);
        assert_eq!(value, REDACTED);
        assert!(!is_forwarded(&name, &value));
        let own = Some(OwnToken { header: "X-Shop", token: "hunter2" });
        assert_eq!(logged("x-shop", b"hunter3", own).1, REDACTED);
        assert_eq!(logged("x-old", b"hunter2", own).1, REDACTED);
        assert_eq!(logged("x-gitlab-token", b"hunter2", None).1, REDACTED);
        assert_eq!(logged("x-github-event", b"push", own).1, "push");
        assert!(!is_forwarded("x-latin", &logged("x-latin", b"caf\xe9", None).1));
    }

    #[test]
    fn what_the_provider_says_is_sent_on_and_our_own_headers_are_not_taken() {
        assert!(is_forwarded("x-github-event", "push"));
        assert!(is_forwarded("stripe-signature", "t=1,v1=00"));
        for name in [
            "webhook-id",
            "webhook-attempt",
            "svix-id",
            "hookwright-id",
            "range",
            "host",
            "x-forwarded-for",
            "sec-fetch-site",
            "content-length",
        ] {
            assert!(!is_forwarded(name, "x"), "{name}");
        }
    }
}
