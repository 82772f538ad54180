//! Sources: where inbound webhooks come from, how they prove it, and how they are answered.

use std::fmt;
use std::time::Duration;

use hookwright_signature::provider::SourceKind;

use crate::domain::application::Metadata;
use crate::domain::confirmation::Confirm;
use crate::domain::event_type_place::EventTypePlace;
use crate::domain::ids::{ApplicationId, OrganisationId};
use crate::domain::json_pointer::JsonPointer;
use crate::domain::names::SourceUid;
use crate::domain::short_ids::SourceId;
use crate::domain::time::Timestamp;

/// What is answered to a request that was taken, unless the source says otherwise.
pub const ANSWER_DEFAULT: &str = "Message received okay.";
/// The most bytes that an answer of a source's own may have.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Where inbound webhooks come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its id, given by us.
    pub id: SourceId,
    /// The organisation it belongs to.
    pub organisation: OrganisationId,
    /// The application that holds its endpoints and what is forwarded to them. Nobody sees it.
    pub application: ApplicationId,
    /// What is set by the product.
    pub settings: SourceSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a product sets on a source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceSettings {
    /// The product's own name for it, unique within the organisation.
    pub uid: Option<SourceUid>,
    /// A name for people.
    pub name: String,
    /// How its requests prove where they come from: the word for it, such as `github`.
    pub kind: String,
    /// What that needs: the secret, mostly.
    pub config: ProofConfig,
    /// Free key-value pairs.
    pub metadata: Metadata,
    /// The methods that are taken, in capitals.
    pub methods: Vec<String>,
    /// What bodies are taken.
    pub body: BodyPolicy,
    /// How a request that comes again is known.
    pub dedupe: Dedupe,
    /// Where requests say what happened, if not where their kind has it.
    pub event_type: Option<EventTypePlace>,
    /// Parts of bodies that are neither kept nor forwarded.
    pub redact: Vec<JsonPointer>,
    /// How the sender is asked whether a request is true, before it is forwarded.
    pub confirm: Option<Confirm>,
    /// What is answered to a request that was taken.
    pub answer: SourceAnswer,
    /// At most so many requests a second.
    pub throttle_rate: Option<u16>,
    /// How long the log keeps its requests, if not as long as those of others.
    pub retention: Option<Duration>,
}

impl SourceSettings {
    /// Whether it takes requests without a body, of which the query is what is kept and forwarded.
    pub(crate) fn takes_get(&self) -> bool {
        self.methods.iter().any(|method| method == "GET")
    }

    /// A source of this kind with nothing set that need not be. It takes POST, and GET where its provider uses it too.
    pub fn new(
        name: impl Into<String>,
        kind: impl Into<String>,
        config: serde_json::Value,
    ) -> SourceSettings {
        let kind = kind.into();
        let mut methods = vec!["POST".to_owned()];
        if SourceKind::parse(&kind).is_some_and(SourceKind::uses_get) {
            methods.push("GET".to_owned());
        }
        SourceSettings {
            uid: None,
            name: name.into(),
            kind,
            config: ProofConfig(config),
            metadata: Metadata::new(),
            methods,
            body: BodyPolicy::Any,
            dedupe: Dedupe::Id,
            event_type: None,
            redact: Vec::new(),
            confirm: None,
            answer: SourceAnswer::default(),
            throttle_rate: None,
            retention: None,
        }
    }
}

/// What proving needs, as it was set. It holds secrets, so that it prints nothing.
#[derive(Clone, PartialEq)]
pub struct ProofConfig(pub serde_json::Value);

impl fmt::Debug for ProofConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofConfig(…)")
    }
}

/// The parts of a configuration that are no secrets.
const SHOWN: [&str; 11] = [
    "publicKey",
    "header",
    "algorithm",
    "encoding",
    "prefix",
    "signed",
    "username",
    "schedule",
    // What is sent on a schedule.
    "payload",
    "contentType",
    "timestampGraceSeconds",
];

impl ProofConfig {
    /// What of it may not be shown: also what was set before, while a secret is replaced.
    pub fn secrets(&self) -> Vec<&str> {
        let all = match &self.0 {
            serde_json::Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        let pairs = all.iter().filter_map(serde_json::Value::as_object).flatten();
        let hidden = pairs.filter(|(name, _)| !SHOWN.contains(&name.as_str()));
        hidden.filter_map(|(_, value)| value.as_str().filter(|text| !text.is_empty())).collect()
    }

    /// What of it may be shown: whatever is not known to be harmless is not.
    pub fn shown(&self) -> serde_json::Value {
        let pairs = self.0.as_object().into_iter().flatten();
        let shown = pairs.filter(|(name, _)| SHOWN.contains(&name.as_str()));
        serde_json::Value::Object(shown.map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

/// What bodies a source takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyPolicy {
    /// Any.
    Any,
    /// Only JSON; what is not is refused with 400.
    Json,
}

/// How a request that comes again is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dedupe {
    /// By the provider's id of the event; where there is none, by a signature that differs with each call.
    Id,
    /// So, and also by the body: another with the same one is a copy, whatever its id.
    Body,
    /// It is not: each counts.
    Nothing,
}

macro_rules! words {
    ($name:ident, $($variant:ident = $word:literal),+) => {
        impl $name {
            /// All of its words.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word that it is written as.
            pub fn word(self) -> &'static str {
                match self {
                    $($name::$variant => $word),+
                }
            }

            /// What a word stands for.
            pub fn from_word(word: &str) -> Option<$name> {
                match word {
                    $($word => Some($name::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words!(BodyPolicy, Any = "any", Json = "json");
words!(Dedupe, Id = "id", Body = "body", Nothing = "none");

/// What is answered to a request that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceAnswer {
    /// The status code, from 200 to 299.
    pub status: u16,
    /// The body.
    pub body: String,
    /// The header `content-type`.
    pub content_type: String,
}

impl Default for SourceAnswer {
    fn default() -> SourceAnswer {
        SourceAnswer {
            status: 200,
            body: ANSWER_DEFAULT.to_owned(),
            content_type: "text/plain; charset=utf-8".to_owned(),
        }
    }
}

/// How callers name a source: by our id or by their uid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceRef {
    /// Our id.
    Id(SourceId),
    /// The product's own name for it.
    Uid(SourceUid),
}

impl SourceRef {
    /// Reads an id or a uid; a text that can be neither is `None`. What begins as our ids do is no uid.
    pub fn parse(text: &str) -> Option<SourceRef> {
        if text.starts_with(SourceId::PREFIX) {
            return text.parse().ok().map(SourceRef::Id);
        }
        SourceUid::parse(text).ok().map(SourceRef::Uid)
    }
}

/// What stands in a source's URL, as text. Whoever has it may send there, so that it prints nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceToken(String);

impl SourceToken {
    /// The token with this text.
    pub fn new(text: impl Into<String>) -> SourceToken {
        SourceToken(text.into())
    }

    /// Its text, for the source's URL.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SourceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceToken(…)")
    }
}

/// A source with the token of its URL.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceWithToken {
    /// The source.
    pub source: Source,
    /// The token that is current.
    pub token: SourceToken,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_reach_neither_debug_output_nor_what_is_shown() {
        let config =
            ProofConfig(serde_json::json!({"header": "x-a", "token": "hunter2", "newer": "hunter2"}));
        assert_eq!(config.shown(), serde_json::json!({"header": "x-a"}));
        assert_eq!(config.secrets(), ["hunter2", "hunter2"]);
        let replaced = ProofConfig(
            serde_json::json!([{"secret": "new", "header": "x"}, {"secret": "old", "token": ""}]),
        );
        assert_eq!(replaced.secrets(), ["new", "old"]);
        assert!(!format!("{config:?}{:?}", SourceToken::new("hunter2")).contains("hunter2"));
    }

    #[test]
    fn what_begins_as_an_id_is_no_uid() {
        assert!(matches!(SourceRef::parse("shop"), Some(SourceRef::Uid(_))));
        assert_eq!(SourceRef::parse("src_shop"), None);
        assert_eq!(SourceRef::parse(&SourceId::MAX.to_string()), Some(SourceRef::Id(SourceId::MAX)));
    }
}
