//! Access tokens: what they may do. Their text is shown once; only its hash is kept.

use crate::domain::ids::{ApplicationId, OrganisationId, TokenId};
use crate::domain::time::Timestamp;

/// An access token as it is kept: without the text that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id, by which it is listed and revoked.
    pub id: TokenId,
    /// What it is for, for people.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it is refused, if set.
    pub expires_at: Option<Timestamp>,
    /// Since when it is refused, if it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What the bearer of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything in one organisation.
    Organisation(OrganisationId),
    /// What the application's own customer may do: look after its endpoints and read its messages.
    Application(OrganisationId, ApplicationId),
}

impl Scope {
    /// The organisation that the bearer acts in.
    pub fn organisation(self) -> OrganisationId {
        match self {
            Scope::Organisation(organisation) | Scope::Application(organisation, _) => organisation,
        }
    }
}

impl Token {
    /// Whether it is good at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| now < expires)
    }
}
