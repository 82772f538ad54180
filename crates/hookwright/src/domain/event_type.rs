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
