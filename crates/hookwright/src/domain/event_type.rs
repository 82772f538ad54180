//! Event types: the kinds of things that happen.

use crate::domain::ids::OrganisationId;
use crate::domain::names::{EventTypeName, FeatureFlag};
use crate::domain::time::Timestamp;

/// A kind of thing that happens; its name is unique within the organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventType {
    /// The organisation it belongs to.
    pub organisation: OrganisationId,
    /// Its name, such as `book.added`.
    pub name: EventTypeName,
    /// What is set by the product.
    pub settings: EventTypeSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How many times the bytes of its text a compiled schema takes, more or less.
const COMPILED_WEIGHT: usize = 8;

impl EventType {
    /// About how many bytes of memory it takes.
    pub fn weight(&self) -> usize {
        let settings = &self.settings;
        let texts = self.name.as_str().len() + settings.description.len();
        let flags: usize = settings.feature_flags.iter().map(|flag| flag.as_str().len() + 32).sum();
        // What payloads are checked against is compiled, which takes several times what its text does.
        let copies = if settings.validated { 1 + COMPILED_WEIGHT } else { 1 };
        let schemas = settings.schemas.as_ref().map_or(0, String::len) * copies;
        size_of::<EventType>() + texts + flags + schemas
    }
}

/// What a product sets on an event type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventTypeSettings {
    /// What happens, for people.
    pub description: String,
    /// No longer offered to subscribers; what subscribes to it keeps working.
    pub archived: bool,
    /// Still offered, with a warning.
    pub deprecated: bool,
    /// JSON Schemas by version, as the JSON object that was given.
    pub schemas: Option<String>,
    /// Payloads are checked against the newest of the schemas when they are sent.
    pub validated: bool,
    /// An application must hold one of these flags to see it; empty: all see it.
    pub feature_flags: Vec<FeatureFlag>,
    /// The group it is shown in.
    pub group_name: Option<EventTypeName>,
}
