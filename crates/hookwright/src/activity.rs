//! What happens, as it happens, for those who look on.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::domain::attempt::Attempt;
use crate::domain::ids::{ApplicationId, MessageId, OrganisationId};
use crate::domain::message::Message;

/// So many happenings are kept for an onlooker that reads slowly; then it misses the oldest.
const BACKLOG: usize = 1_024;

/// Something that happened to a message.
#[derive(Debug, Clone)]
pub struct Activity {
    /// The organisation whose message it is.
    pub organisation: OrganisationId,
    /// The application whose message it is.
    pub application: ApplicationId,
    /// The message.
    pub message: MessageId,
    /// What happened to it.
    pub event: ActivityEvent,
}

/// What happened to a message.
#[derive(Debug, Clone)]
pub enum ActivityEvent {
    /// It is on disk.
    Accepted(Arc<Message>),
    /// An attempt ended.
    Attempted(Arc<Attempt>),
}

/// Where happenings are told; telling costs nothing while nobody looks on.
#[derive(Debug, Clone)]
pub(crate) struct ActivityFeed(broadcast::Sender<Activity>);

impl ActivityFeed {
    pub(crate) fn new() -> ActivityFeed {
        ActivityFeed(broadcast::Sender::new(BACKLOG))
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Activity> {
        self.0.subscribe()
    }

    pub(crate) fn publish(&self, activity: impl FnOnce() -> Activity) {
        if self.0.receiver_count() > 0 {
            // An error says that the last onlooker has just gone.
            let _ = self.0.send(activity());
        }
    }
}

impl Activity {
    pub(crate) fn accepted(organisation: OrganisationId, message: &Arc<Message>) -> Activity {
        Activity {
            organisation,
            application: message.application,
            message: message.id,
            event: ActivityEvent::Accepted(Arc::clone(message)),
        }
    }

    pub(crate) fn attempted(organisation: OrganisationId, attempt: &Attempt) -> Activity {
        Activity {
            organisation,
            application: attempt.application,
            message: attempt.message,
            event: ActivityEvent::Attempted(Arc::new(attempt.clone())),
        }
    }
}
