//! Endpoints: a URL that wants some event types of one application, and how its webhooks are signed.

use hookwright_signature::Secret;

use crate::domain::application::{Metadata, metadata_weight};
use crate::domain::event_filter::EventFilter;
use crate::domain::ids::{ApplicationId, EndpointId};
use crate::domain::names::{Channel, EventTypeName, HookIdentifier, Uid};
use crate::domain::payload_format::PayloadFormat;
use crate::domain::time::Timestamp;

/// At most so many replaced secrets sign beside the current one.
pub const OLD_SECRETS_MAX: usize = 10;
/// At most so many channels on a message or an endpoint.
pub const CHANNELS_MAX: usize = 10;

/// Bytes of an endpoint without its texts: its fields, its signer, its places in lists.
const BASE_WEIGHT: usize = 1_024;
/// Bytes that a name takes beside its text, or that a replaced secret takes.
const NAME_WEIGHT: usize = 128;
/// The most characters a header's name may have.
pub const HEADER_NAME_MAX: usize = 256;
/// The most characters a header's value may have.
pub const HEADER_VALUE_MAX: usize = 8_192;

/// A URL that wants some event types of one application.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its id, given by us.
    pub id: EndpointId,
    /// The application it belongs to.
    pub application: ApplicationId,
    /// What is set by the product or its customer.
    pub settings: EndpointSettings,
    /// Signs each attempt.
    pub secret: Secret,
    /// Sign beside it until they expire; newest first, at most [`OLD_SECRETS_MAX`].
    pub old_secrets: Vec<OldSecret>,
    /// Sent with each attempt, in this order and case.
    pub headers: Vec<Header>,
    /// Why it gets nothing, if so.
    pub disabled: Option<DisabledReason>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What is set on an endpoint by those who own it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointSettings {
    /// The product's own name for it, unique within the application.
    pub uid: Option<Uid>,
    /// Where its webhooks go: `http` or `https`.
    pub url: String,
    /// What it is for, for people.
    pub description: String,
    /// At most so many attempts a second.
    pub throttle_rate: Option<u16>,
    /// Only these event types; empty: all.
    pub event_types: Vec<EventFilter>,
    /// Only messages of one of these channels; empty: all.
    pub channels: Vec<Channel>,
    /// Free key-value pairs.
    pub metadata: Metadata,
    /// What it gets of a message.
    pub format: PayloadFormat,
    /// What the owner of a hook calls it; unique among the application's hooks for one event.
    pub identifier: Option<HookIdentifier>,
}

/// A secret that was replaced, and until when it still signs.
#[derive(Debug, Clone)]
pub struct OldSecret {
    /// The replaced secret.
    pub secret: Secret,
    /// Signs before this, not from then on.
    pub expires_at: Timestamp,
}

/// A header that an endpoint's owner adds to each attempt.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// The name, in the case it was given in.
    pub name: String,
    /// The value; may be a credential, so it is never shown by `Debug`.
    pub value: String,
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Header").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why an endpoint gets no deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledReason {
    /// Its owner, or the product, turned it off.
    ByRequest,
    /// It answered 410 Gone.
    Gone,
    /// It answered with the header `webhook-delivery: disable`.
    AskedTo,
    /// It failed for days without one success.
    Failing,
}

impl DisabledReason {
    /// The word it is stored as.
    pub fn as_str(self) -> &'static str {
        match self {
            DisabledReason::ByRequest => "by_request",
            DisabledReason::Gone => "gone",
            DisabledReason::AskedTo => "asked_to",
            DisabledReason::Failing => "failing",
        }
    }

    /// The reason stored as `word`, if it is one.
    pub fn from_word(word: &str) -> Option<DisabledReason> {
        [DisabledReason::ByRequest, DisabledReason::Gone, DisabledReason::AskedTo, DisabledReason::Failing]
            .into_iter()
            .find(|reason| reason.as_str() == word)
    }

    /// Why it gets nothing, in words for people.
    pub fn in_words(self) -> &'static str {
        match self {
            DisabledReason::ByRequest => "it was turned off",
            DisabledReason::Gone => "it answered 410 Gone",
            DisabledReason::AskedTo => "it answered with the header webhook-delivery: disable",
            DisabledReason::Failing => "it failed for five days without one success",
        }
    }
}

/// A header may not be set on an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name is not a header name (RFC 9110, section 5.1).
    #[error("has a name that cannot be sent: only letters, digits and any of !#$%&'*+-.^_`|~ are allowed")]
    Name,
    /// The name has more characters than are sent.
    #[error("has a name of more than {HEADER_NAME_MAX} characters")]
    NameTooLong,
    /// The value has a line break or another control character (RFC 9110, section 5.5).
    #[error(
        "has a control character in its value: only visible ASCII characters, spaces and tabs are allowed"
    )]
    Value,
    /// The value has a character that receivers read in different ways (RFC 9110, section 5.5).
    #[error(
        "has a character in its value that is not ASCII: only visible ASCII characters, spaces and tabs are allowed"
    )]
    NotAscii,
    /// The value has more characters than are sent.
    #[error("has a value of more than {HEADER_VALUE_MAX} characters")]
    ValueTooLong,
    /// The name belongs to the connection or to us.
    #[error("is set by the sender itself and cannot be chosen")]
    Reserved,
}

/// Set by us, or meaning for one connection only: a tenant who could set them could break framing or pose as us.
const RESERVED_HEADERS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
const RESERVED_PREFIXES: &[&str] = &["svix-", "webhook-"];

impl Header {
    /// About how many bytes of memory it takes.
    pub fn weight(&self) -> usize {
        size_of::<Header>() + self.name.len() + self.value.len()
    }

    /// Checks a header that an endpoint's owner wants to send.
    pub fn parse(name: &str, value: &str) -> Result<Header, HeaderError> {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(HeaderError::Name);
        }
        if name.len() > HEADER_NAME_MAX {
            return Err(HeaderError::NameTooLong);
        }
        let lower = name.to_ascii_lowercase();
        if RESERVED_HEADERS.contains(&lower.as_str())
            || RESERVED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix))
        {
            return Err(HeaderError::Reserved);
        }
        match value.chars().find(|&c| c != '\t' && !(' '..='~').contains(&c)) {
            Some(control) if control.is_control() => return Err(HeaderError::Value),
            Some(_) => return Err(HeaderError::NotAscii),
            None if value.len() > HEADER_VALUE_MAX => return Err(HeaderError::ValueTooLong),
            None => {}
        }
        Ok(Header { name: name.to_owned(), value: value.to_owned() })
    }

    /// Whether the value is to be hidden from those who read the endpoint.
    pub fn is_sensitive(&self) -> bool {
        let lower = self.name.to_ascii_lowercase();
        ["authorization", "cookie", "set-cookie"].contains(&lower.as_str())
            || ["token", "secret", "key", "password", "auth"].iter().any(|word| lower.contains(word))
    }
}

impl Endpoint {
    /// About how many bytes of memory it takes, with what its attempts need.
    pub fn weight(&self) -> usize {
        let settings = &self.settings;
        let texts = settings.url.len() + settings.description.len() + metadata_weight(&settings.metadata);
        // A name's text is shared by all that hold it, here and in the index of those who want it; each holds a pointer.
        let event_types: usize =
            settings.event_types.iter().map(|filter| filter.as_str().len() + NAME_WEIGHT).sum();
        let channels: usize = settings.channels.iter().map(|name| name.as_str().len() + NAME_WEIGHT).sum();
        let headers: usize = self.headers.iter().map(Header::weight).sum();
        BASE_WEIGHT + texts + event_types + channels + headers + self.old_secrets.len() * NAME_WEIGHT
    }

    /// The secrets that sign at `now`: the current one, then those still in their grace period.
    pub fn signing_secrets(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        let old = self.old_secrets.iter().filter(move |old| old.expires_at > now).map(|old| &old.secret);
        std::iter::once(&self.secret).chain(old)
    }

    /// Puts `secret` in the current one's place; the replaced one signs until `expires_at`.
    pub fn rotate(&mut self, secret: Secret, now: Timestamp, expires_at: Timestamp) {
        let replaced = std::mem::replace(&mut self.secret, secret);
        self.old_secrets.retain(|old| old.expires_at > now);
        self.old_secrets.insert(0, OldSecret { secret: replaced, expires_at });
        self.old_secrets.truncate(OLD_SECRETS_MAX);
    }

    /// Whether a message of this event type and these channels is for this endpoint.
    pub fn wants(&self, event_type: &EventTypeName, channels: &[Channel]) -> bool {
        let filter = &self.settings;
        (filter.event_types.is_empty() || filter.event_types.iter().any(|one| one.matches(event_type)))
            && (filter.channels.is_empty() || filter.channels.iter().any(|c| channels.contains(c)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_are_ours_or_break_framing_are_refused() {
        for name in ["Content-Length", "webhook-id", "SVIX-anything", "Transfer-Encoding", "User-Agent"] {
            assert_eq!(Header::parse(name, "x"), Err(HeaderError::Reserved), "{name}");
        }
        assert_eq!(Header::parse("X Y", "x"), Err(HeaderError::Name));
        assert_eq!(Header::parse("X-Y", "a\r\nB: c"), Err(HeaderError::Value));
        assert_eq!(Header::parse("X-Y", "caf\u{e9}"), Err(HeaderError::NotAscii));
        assert_eq!(Header::parse("X-Y", &"x".repeat(8_193)), Err(HeaderError::ValueTooLong));
        assert_eq!(Header::parse(&"x".repeat(257), "x"), Err(HeaderError::NameTooLong));
        assert!(Header::parse("X-Tenant", "a b\tc").is_ok());
    }

    #[test]
    fn header_values_do_not_reach_debug_output() {
        let header = Header::parse("Authorization", "Bearer hunter2").unwrap();
        assert!(header.is_sensitive());
        assert!(!format!("{header:?}").contains("hunter2"));
    }

    #[test]
    fn a_stored_reason_is_read_back_and_an_unknown_word_is_not() {
        assert_eq!(DisabledReason::from_word("gone"), Some(DisabledReason::Gone));
        assert_eq!(DisabledReason::from_word("tired"), None);
    }
}
