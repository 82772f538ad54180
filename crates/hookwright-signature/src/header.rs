//! The three headers: their names, and the list of signatures in one of them.

use crate::encoding;
use crate::standard::{V1_BYTES, V1A_BYTES, Version};

/// How many entries of a signature header are looked at.
///
/// A sender signs with its current secret and those it is rotating away from; Svix keeps at most ten of these.
/// A hostile header of any length costs at most this many checks for each key.
pub const MAX_SIGNATURES: usize = 16;

/// What a sender calls the three headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderNames {
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`: Standard Webhooks 1.0.0, "Webhook headers".
    Standard,
    /// `svix-id`, `svix-timestamp`, `svix-signature`: the same scheme under the names Svix gave it before.
    Svix,
}

impl HeaderNames {
    /// All of them, in the order in which a verifier tries them.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Svix];

    /// The header with the message id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Standard => "webhook-id",
            Self::Svix => "svix-id",
        }
    }

    /// The header with the time of signing, in seconds since 1970.
    #[must_use]
    pub const fn timestamp(self) -> &'static str {
        match self {
            Self::Standard => "webhook-timestamp",
            Self::Svix => "svix-timestamp",
        }
    }

    /// The header with the list of signatures.
    #[must_use]
    pub const fn signature(self) -> &'static str {
        match self {
            Self::Standard => "webhook-signature",
            Self::Svix => "svix-signature",
        }
    }
}

/// The well formed signatures among the first [`MAX_SIGNATURES`] entries of a header.
#[derive(Default)]
pub(crate) struct Candidates {
    pub(crate) v1: Vec<[u8; V1_BYTES]>,
    pub(crate) v1a: Vec<[u8; V1A_BYTES]>,
    /// Whether entries follow that were not looked at.
    pub(crate) more: bool,
}

impl Candidates {
    /// Reads `version,base64` entries separated by spaces. Entries of other versions and damaged ones are
    /// skipped, so that a sender can add a new version without breaking anyone.
    pub(crate) fn parse(header: &[u8]) -> Self {
        let mut found = Self::default();
        let mut entries = header.split(|byte| *byte == b' ').filter(|entry| !entry.is_empty());
        for entry in entries.by_ref().take(MAX_SIGNATURES) {
            if let Some(encoded) = strip_version(entry, Version::V1) {
                found.v1.extend(encoding::decode_signature(encoded));
            } else if let Some(encoded) = strip_version(entry, Version::V1a) {
                found.v1a.extend(encoding::decode_signature(encoded));
            }
        }
        found.more = entries.next().is_some();
        found
    }
}

/// What follows `version,` in an entry of this version.
fn strip_version(entry: &[u8], version: Version) -> Option<&[u8]> {
    entry.strip_prefix(version.as_str().as_bytes())?.strip_prefix(b",")
}
