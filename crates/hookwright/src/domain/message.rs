//! Messages: one thing that happened, with its payload as opaque bytes.

use bytes::Bytes;

use crate::domain::ids::{ApplicationId, MessageId};
use crate::domain::names::{Channel, EventId, EventTypeName, Tag};
use crate::domain::time::Timestamp;

/// At most so many tags on a message.
pub const TAGS_MAX: usize = 5;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id, given by us; rises with time on one node.
    pub id: MessageId,
    /// Whose it is.
    pub application: ApplicationId,
    /// What happened.
    pub event_type: EventTypeName,
    /// The sender's own id for it, unique within the application.
    pub event_id: Option<EventId>,
    /// Its audience; empty: those who filter by no channel.
    pub channels: Vec<Channel>,
    /// Words to find it by.
    pub tags: Vec<Tag>,
    /// The payload: stored and sent byte for byte as it came. Shared, never copied. Empty once it was removed.
    pub payload: Bytes,
    /// When it was accepted.
    pub created_at: Timestamp,
}
