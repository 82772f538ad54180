//! Access tokens: what they may do. Their text is shown once; only its hash is kept.

use crate::domain::capability::Capabilities;
use crate::domain::ids::{ApplicationId, OrganisationId, TokenId};
use crate::domain::names::{FeatureFlag, SessionId};
use crate::domain::time::Timestamp;

/// What a token's text begins with, so that scanners for leaked secrets can find it.
pub(crate) const TEXT_PREFIX: &str = "hw_";
/// Random bytes in a token: so many that a fast hash is enough to keep it (there is nothing to guess).
pub(crate) const RANDOM_BYTES: usize = 32;

/// Whether a text is of the form that tokens made here have, be it good or not.
pub fn has_token_form(text: &str) -> bool {
    let random = text.strip_prefix(TEXT_PREFIX).unwrap_or_default();
    random.len() == 2 * RANDOM_BYTES && random.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An access token as it is kept: without the text that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id, by which it is listed and revoked.
    pub id: TokenId,
    /// What it was made with, and what was changed since.
    pub settings: TokenSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is refused, if it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What a token is for and what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSettings {
    /// What it is for, for people.
    pub name: String,
    /// Where it may do something.
    pub scope: Scope,
    /// What it may do there.
    pub capabilities: Capabilities,
    /// The flags it holds: event types with a flag are shown to an application's token only if it holds one of them.
    pub feature_flags: Vec<FeatureFlag>,
    /// The session it was made for, by which tokens of an application are ended together.
    pub session: Option<SessionId>,
    /// From then on it is refused, if set.
    pub expires_at: Option<Timestamp>,
}

/// Where the bearer of a token may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In one organisation, as a whole.
    Organisation(OrganisationId),
    /// In one application, as its own customer: looking after its endpoints and reading its messages.
    Application(OrganisationId, ApplicationId),
}

/// Which tokens a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFilter {
    /// All of the organisation, those of its applications too.
    All,
    /// Those for the organisation as a whole.
    Organisation,
    /// Those for this application.
    Application(ApplicationId),
}

/// What to change about a token; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenChange {
    /// What it is for, for people.
    pub name: Option<String>,
    /// What it may do.
    pub capabilities: Option<Capabilities>,
}

impl Scope {
    /// The organisation that the bearer acts in.
    pub fn organisation(self) -> OrganisationId {
        match self {
            Scope::Organisation(organisation) | Scope::Application(organisation, _) => organisation,
        }
    }

    /// All that a token of this scope can be allowed to do.
    pub fn capabilities(self) -> Capabilities {
        match self {
            Scope::Organisation(_) => Capabilities::organisation(),
            Scope::Application(..) => Capabilities::application(),
        }
    }
}

impl TokenSettings {
    /// A token that may do everything within `scope`, holds no flags and does not expire.
    pub fn new(name: impl Into<String>, scope: Scope) -> TokenSettings {
        TokenSettings {
            name: name.into(),
            scope,
            capabilities: scope.capabilities(),
            feature_flags: Vec::new(),
            session: None,
            expires_at: None,
        }
    }
}

impl Token {
    /// Whether it is good at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.settings.expires_at.is_none_or(|expires| now < expires)
    }

    /// From when on it is refused: when it expires or since it was revoked, whichever is earlier.
    pub fn ends_at(&self) -> Option<Timestamp> {
        match (self.settings.expires_at, self.revoked_at) {
            (Some(expires), Some(revoked)) => Some(expires.min(revoked)),
            (expires, revoked) => expires.or(revoked),
        }
    }
}
