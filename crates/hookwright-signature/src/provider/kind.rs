//! Which kinds of sources there are, and how sure we are of each.

use std::fmt;

use super::scheme::{Proof, Row};
use super::table::ROWS;

/// A kind of source: whose requests it takes. One row of a fixed table.
#[derive(Clone, Copy)]
pub struct SourceKind(pub(super) &'static Row);

/// What a kind's verification has been held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// An official library signed what we accept, or accepted what we sign: recorded in `tests/vectors`.
    Library,
    /// An example that the provider or the standard published.
    Vector,
    /// The text of the provider's documentation, which leaves no choice.
    Text,
    /// There is nothing to prove: requests of this kind are not signed.
    Unsigned,
    /// The scheme could not be established, so such a source cannot be made.
    None,
}

impl Evidence {
    /// The word for it in `hookwright source kinds` and in the documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Vector => "vector",
            Self::Text => "text",
            Self::Unsigned => "unsigned",
            Self::None => "not verifiable yet",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl SourceKind {
    /// The kind of this name, as it is written in a source's `type`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.as_str() == name)
    }

    /// All kinds: our own, those that prove nothing, then the providers by name.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(Self)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0.name
    }

    /// How sure we are.
    #[must_use]
    pub const fn evidence(self) -> Evidence {
        self.0.evidence
    }

    /// How it proves who called, in a few words.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        self.0.summary
    }

    /// The fields of its configuration, as they are written there.
    #[must_use]
    pub fn fields(self) -> &'static [&'static str] {
        match (&self.0.proof, self.as_str()) {
            (Proof::Unsigned | Proof::Unknown(_), _) => &[],
            (Proof::Cron, _) => &["schedule", "payload", "contentType"],
            (Proof::Mac(_), "meta") => &["secret", "verifyToken"],
            (Proof::Mac(_), "tailscale") => &["secret", "timestampGraceSeconds"],
            (Proof::Svix { .. } | Proof::Mac(_), _) => &["secret"],
            (Proof::Ed25519 { .. }, _) => &["publicKey"],
            (Proof::AdobeClientId, _) => &["clientId"],
            (Proof::OwnToken, _) => &["header", "token"],
            (Proof::OwnHmac, _) => &["header", "secret", "algorithm", "encoding", "prefix", "signed"],
            (Proof::BasicAuth, _) => &["username", "password"],
        }
    }

    /// Whether it is one of ours, which the clients of Svix do not know.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(
            self.0.proof,
            Proof::OwnToken | Proof::OwnHmac | Proof::BasicAuth | Proof::Svix { ours: true, .. }
        )
    }

    /// Whether the provider also sends `GET`, as for a handshake.
    #[must_use]
    pub fn uses_get(self) -> bool {
        matches!(self.as_str(), "meta" | "adobe-sign")
    }

    /// Whether what is signed includes the URL, so that the server must know its public one.
    #[must_use]
    pub fn signs_url(self) -> bool {
        matches!(self.0.proof, Proof::Mac(row) if row.signed.contains("{url}"))
    }
}

impl PartialEq for SourceKind {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for SourceKind {}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceKind({self})")
    }
}
