//! Payloads that were removed while their messages wait in memory, or are on their way into it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::dispatch::lane::Waiting;
use crate::dispatch::lanes::Lanes;
use crate::domain::ids::{EndpointId, MessageId};
use crate::domain::message::Message;
use crate::domain::time::Timestamp;

/// What was read or committed before a payload was removed has come into a lane by then.
const ON_THE_WAY: Duration = Duration::from_secs(600);

/// Messages whose payload was removed a short while ago.
#[derive(Debug, Default)]
pub(super) struct Expunged {
    removed_at: HashMap<MessageId, Timestamp>,
}

impl Expunged {
    /// What comes into a lane, without its payload if that was removed.
    pub(super) fn emptied(&self, waiting: Waiting) -> Waiting {
        if self.removed_at.is_empty() || !self.removed_at.contains_key(&waiting.message.id) {
            return waiting;
        }
        without_payload(waiting)
    }
}

impl Lanes {
    /// A message's payload was removed on disk: nobody here sends it any more, but for attempts that are under way.
    ///
    /// What waits for `endpoints`, which are those of its application, stays, and is found to be empty when its turn comes.
    pub(super) fn expunge(
        &mut self,
        message: MessageId,
        endpoints: impl Iterator<Item = EndpointId>,
        now: Timestamp,
    ) {
        self.expunged.removed_at.retain(|_, removed_at| now.since(*removed_at) < ON_THE_WAY);
        self.expunged.removed_at.insert(message, now);
        for endpoint in endpoints {
            let Some(lane) = self.lanes.get_mut(&endpoint) else { continue };
            if !lane.resident.contains(&message) {
                continue;
            }
            for waiting in lane.queue.iter_mut().filter(|waiting| waiting.message.id == message) {
                let before = waiting.bytes();
                *waiting = without_payload(waiting.clone());
                self.resident_bytes = self.resident_bytes - before + waiting.bytes();
            }
        }
    }
}

fn without_payload(waiting: Waiting) -> Waiting {
    let message = Message { payload: Bytes::new(), ..(*waiting.message).clone() };
    Waiting { message: Arc::new(message), ..waiting }
}
