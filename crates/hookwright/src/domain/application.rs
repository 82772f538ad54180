//! Applications: one customer of the product each, whose webhooks they are.

use std::collections::BTreeMap;

use crate::domain::ids::{ApplicationId, OrganisationId};
use crate::domain::names::{NameError, Uid};
use crate::domain::time::Timestamp;

/// Free key-value pairs that a product keeps on an object.
pub type Metadata = BTreeMap<String, String>;

/// One customer of the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its id, given by us.
    pub id: ApplicationId,
    /// The organisation it belongs to.
    pub organisation: OrganisationId,
    /// Whose webhooks it holds.
    pub purpose: Purpose,
    /// What is set by the product.
    pub settings: ApplicationSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Whose webhooks an application holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Those of a customer of the product.
    Customer,
    /// Operational webhooks, which go to the product itself. An organisation has one such application at most, and nobody sees
    /// it: its endpoints are asked for by the organisation.
    Operational,
    /// What a source of inbound webhooks forwards. Each source has one such application, and nobody sees it: its endpoints are
    /// asked for by the source.
    Source,
}

/// What a product sets on an application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplicationSettings {
    /// The product's own name for it, unique within the organisation.
    pub uid: Option<Uid>,
    /// A name for people.
    pub name: String,
    /// At most so many attempts a second, over all its endpoints.
    pub throttle_rate: Option<u16>,
    /// Free key-value pairs.
    pub metadata: Metadata,
}

impl Application {
    /// About how many bytes of memory it takes.
    pub fn weight(&self) -> usize {
        size_of::<Application>() + self.settings.name.len() + metadata_weight(&self.settings.metadata)
    }
}

/// The most pairs of metadata on one object.
pub const METADATA_PAIRS_MAX: usize = 100;
/// The most characters a key of metadata may have.
pub const METADATA_KEY_MAX: usize = 256;
/// The most bytes that the keys and values of one object's metadata may have together.
pub const METADATA_BYTES_MAX: usize = 16 * 1024;

/// Metadata is more than is kept on one object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// There are too many pairs.
    #[error("must have at most {METADATA_PAIRS_MAX} pairs, and has {found}")]
    Pairs {
        /// How many there are.
        found: usize,
    },
    /// A key is too long.
    #[error("must have no key of more than {METADATA_KEY_MAX} characters")]
    Key,
    /// All of it is too long.
    #[error("must have at most {METADATA_BYTES_MAX} bytes in its keys and values, and has {found}")]
    Bytes {
        /// How many there are.
        found: usize,
    },
}

/// All that is wrong with metadata that somebody wants to keep on an object.
pub fn metadata_errors(metadata: &Metadata) -> Vec<MetadataError> {
    let mut errors = Vec::new();
    if metadata.len() > METADATA_PAIRS_MAX {
        errors.push(MetadataError::Pairs { found: metadata.len() });
    }
    if metadata.keys().any(|key| key.chars().count() > METADATA_KEY_MAX) {
        errors.push(MetadataError::Key);
    }
    let found = metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
    if found > METADATA_BYTES_MAX {
        errors.push(MetadataError::Bytes { found });
    }
    errors
}

/// About how many bytes of memory these pairs take.
pub(super) fn metadata_weight(metadata: &Metadata) -> usize {
    metadata.iter().map(|(key, value)| key.len() + value.len() + 2 * size_of::<String>()).sum()
}

/// How callers name an application: by our id or by their uid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationRef {
    /// Our id.
    Id(ApplicationId),
    /// The product's own name for it.
    Uid(Uid),
}

impl ApplicationRef {
    /// Reads an id or a uid; a text that can be neither is an error.
    pub fn parse(text: &str) -> Result<ApplicationRef, NameError> {
        match text.parse() {
            Ok(id) => Ok(ApplicationRef::Id(id)),
            Err(_) => Uid::parse(text).map(ApplicationRef::Uid),
        }
    }

    /// The uid that this names if it is no id of ours: an id of another server may have been taken over as one.
    pub fn as_uid(&self) -> Option<Uid> {
        match self {
            ApplicationRef::Id(id) => Uid::parse(&id.to_string()).ok(),
            ApplicationRef::Uid(uid) => Some(uid.clone()),
        }
    }
}
