//! Broadcasts: one event for every application that wants it, which becomes a message of each.

use bytes::Bytes;

use crate::domain::ids::{ApplicationId, BroadcastId, OrganisationId};
use crate::domain::names::{Channel, EventTypeName, Tag};
use crate::domain::time::Timestamp;

/// One event for every application of an organisation that has an enabled endpoint which wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// Its id.
    pub id: BroadcastId,
    /// The organisation whose applications it is for.
    pub organisation: OrganisationId,
    /// What happened.
    pub event_type: EventTypeName,
    /// Its audience within each application; empty: those who filter by no channel.
    pub channels: Vec<Channel>,
    /// Words to find its messages by.
    pub tags: Vec<Tag>,
    /// The payload, shared by all its messages.
    pub payload: Bytes,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// The last application that has its message: those that follow it are still to get theirs.
    pub cursor: ApplicationId,
}
