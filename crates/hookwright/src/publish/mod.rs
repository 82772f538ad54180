//! A message comes in: it is routed to the endpoints that want it and handed to the journal.

mod broadcast; // one event for all applications

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;

use crate::activity::{Activity, ActivityFeed};
use crate::catalog::{ApplicationEntry, EndpointEntry, Finder};
use crate::clock::Clock;
use crate::domain::ids::{ApplicationId, IdGenerator, MessageId, OrganisationId};
use crate::domain::message::Message;
use crate::domain::names::{Channel, EventId, EventTypeName, Tag};
use crate::error::{Error, Thing};
use crate::journal::Journal;
use crate::measures::Measures;
use crate::store::write::{Append, Appended, RequestKey};

pub(crate) use broadcast::{BroadcastParts, Broadcasts};

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// What happened.
    pub event_type: EventTypeName,
    /// The sender's own id for it, so that sending it twice is noticed.
    pub event_id: Option<EventId>,
    /// Its audience.
    pub channels: Vec<Channel>,
    /// Words to find it by.
    pub tags: Vec<Tag>,
    /// The payload, sent byte for byte; not empty.
    pub payload: Bytes,
    /// How long its payload is kept, if not as long as the message itself.
    pub payload_retention: Option<Duration>,
}

/// What became of a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// It is on disk and on its way.
    Accepted(Arc<Message>),
    /// The same request had come before and made this message.
    Repeated(MessageId),
}

/// Takes messages until it is closed.
pub(crate) struct Publisher {
    clock: Clock,
    ids: Arc<IdGenerator>,
    journal: Journal,
    activity: ActivityFeed,
    measures: Arc<Measures>,
    /// How long messages are kept.
    retention: Duration,
    finder: Finder,
    closed: AtomicBool,
}

impl Publisher {
    pub(crate) fn new(
        clock: Clock,
        ids: Arc<IdGenerator>,
        journal: Journal,
        activity: ActivityFeed,
        measures: Arc<Measures>,
        retention: Duration,
        finder: Finder,
    ) -> Publisher {
        let closed = AtomicBool::new(false);
        Publisher { clock, ids, journal, activity, measures, retention, finder, closed }
    }

    /// Takes no more messages.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Answers if it takes messages.
    pub(crate) fn is_open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::SeqCst) { Err(Error::ShuttingDown) } else { Ok(()) }
    }

    /// Sends a message to those of the application's endpoints that want it.
    pub(crate) async fn send(
        &self,
        application: &ApplicationEntry,
        new: NewMessage,
        key: Option<RequestKey>,
    ) -> Result<Sent, Error> {
        let payload_expires_in = self.payload_expires_in(&new);
        let message = self.take(application.application.id, new)?;
        let mut endpoints = application.route(&message.event_type, &message.channels);
        if !self.finder.admits_all() {
            let is_admitted = |entry: &Arc<EndpointEntry>| self.finder.admits(&message, &entry.endpoint);
            endpoints.retain(|id| application.endpoint(*id).is_some_and(is_admitted));
        }
        let payload_expires_at = payload_expires_in.map(|after| message.created_at.after(after));
        let append = Append { message, endpoints, key, payload_expires_at, broadcast: None };
        self.store(append, application.application.organisation).await
    }

    /// Sends a message to this endpoint alone, whatever it and the others want.
    pub(crate) async fn send_to(&self, entry: &EndpointEntry, new: NewMessage) -> Result<Sent, Error> {
        let payload_expires_in = self.payload_expires_in(&new);
        let message = self.take(entry.endpoint.application, new)?;
        let payload_expires_at = payload_expires_in.map(|after| message.created_at.after(after));
        let endpoints = vec![entry.endpoint.id];
        let append = Append { payload_expires_at, ..Append::plain(message, endpoints) };
        self.store(append, entry.organisation).await
    }

    /// After how long the payload goes, if that is before the message itself does.
    fn payload_expires_in(&self, new: &NewMessage) -> Option<Duration> {
        new.payload_retention.filter(|kept| *kept < self.retention)
    }

    fn take(&self, application: ApplicationId, new: NewMessage) -> Result<Arc<Message>, Error> {
        self.is_open()?;
        if new.payload.is_empty() {
            return Err(Error::PayloadEmpty);
        }
        let now = self.clock.now();
        Ok(Arc::new(Message {
            id: self.ids.next(now).into(),
            application,
            event_type: new.event_type,
            event_id: new.event_id,
            channels: new.channels,
            tags: new.tags,
            payload: new.payload,
            created_at: now,
        }))
    }

    async fn store(&self, append: Append, organisation: OrganisationId) -> Result<Sent, Error> {
        let message = Arc::clone(&append.message);
        match self.journal.append(append).await? {
            Appended::Stored => {
                self.measures.messages.increment(1);
                self.activity.publish(|| Activity::accepted(organisation, &message));
                Ok(Sent::Accepted(message))
            }
            Appended::Replayed(id) => Ok(Sent::Repeated(id)),
            Appended::EventIdTaken => Err(Error::Taken { thing: Thing::Message, field: "eventId" }),
            Appended::KeyReused => Err(Error::KeyReused),
        }
    }
}
