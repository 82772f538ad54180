//! What became of something that a product told.

use std::sync::Arc;

use crate::domain::ids::BroadcastId;
use crate::domain::message::Message;

/// What became of something that was to be sent to those who subscribed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The message is on disk, and on its way to those of the owner's endpoints that want it.
    Sent(Arc<Message>),
    /// The event is on disk, and becomes a message of each application with an enabled endpoint that wants it.
    ToAll(BroadcastId),
    /// Nothing was stored, since nobody can want it.
    Nothing(NothingSent),
}

/// Why nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NothingSent {
    /// No declared event is this change.
    NoEvent,
    /// The owner has never subscribed to anything.
    NeverSubscribed,
}

impl Published {
    /// The message, if one was sent to an owner.
    pub fn message(&self) -> Option<&Arc<Message>> {
        match self {
            Published::Sent(message) => Some(message),
            Published::ToAll(_) | Published::Nothing(_) => None,
        }
    }

    /// Whether something was stored to be sent.
    pub fn is_sent(&self) -> bool {
        !matches!(self, Published::Nothing(_))
    }
}
