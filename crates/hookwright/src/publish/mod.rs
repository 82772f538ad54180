//! A message comes in: it is routed to the endpoints that want it and handed to the journal.

mod broadcast; // one event for all applications

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;

use crate::activity::{Activity, ActivityFeed};
use crate::catalog::{ApplicationEntry, Catalog, EndpointEntry, Finder};
use crate::clock::Clock;
use crate::cluster::Node;
use crate::domain::ids::{ApplicationId, EndpointId, IdGenerator, MessageId, OrganisationId};
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

/// So often a message is routed, each time because other nodes have changed its application meanwhile.
const ROUTED_MAX: u32 = 5;

/// What messages are taken with.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) ids: Arc<IdGenerator>,
    pub(crate) journal: Journal,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) node: Node,
    pub(crate) activity: ActivityFeed,
    pub(crate) measures: Arc<Measures>,
    /// How long messages are kept.
    pub(crate) retention: Duration,
    pub(crate) finder: Finder,
}

/// Takes messages until it is closed.
pub(crate) struct Publisher {
    parts: Parts,
    closed: AtomicBool,
}

impl Publisher {
    pub(crate) fn new(parts: Parts) -> Publisher {
        Publisher { parts, closed: AtomicBool::new(false) }
    }

    /// Takes no more messages.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Answers if it takes messages.
    pub(crate) fn is_open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::SeqCst) { Err(Error::ShuttingDown) } else { Ok(()) }
    }

    /// Sends a message to those of the application's endpoints that want it. The application comes with what was known of changes
    /// before it was looked up.
    pub(crate) async fn send(
        &self,
        (mut known, mut application): (i64, Arc<ApplicationEntry>),
        new: NewMessage,
        key: Option<RequestKey>,
    ) -> Result<Sent, Error> {
        let payload_expires_in = self.payload_expires_in(&new);
        let message = self.take(application.application.id, new)?;
        let payload_expires_at = payload_expires_in.map(|after| message.created_at.after(after));
        let organisation = application.application.organisation;
        for _ in 0..ROUTED_MAX {
            let endpoints = self.route(&application, &message);
            let message = Arc::clone(&message);
            let append = Append { key, payload_expires_at, ..Append::plain(message, endpoints) };
            if let Some(sent) = self.store(append.routed_by(known), organisation).await? {
                return Ok(sent);
            }
            known = self.parts.catalog.known();
            let again = self.parts.catalog.application_by_id(application.application.id).await?;
            application = again.ok_or(Error::NotFound(Thing::Application))?;
        }
        Err(Error::Busy(Thing::Application))
    }

    /// Those of the application's endpoints that get the message.
    fn route(&self, application: &ApplicationEntry, message: &Message) -> Vec<EndpointId> {
        let finder = &self.parts.finder;
        let mut endpoints = application.route(&message.event_type, &message.channels);
        if !finder.admits_all() {
            let is_admitted = |entry: &Arc<EndpointEntry>| finder.admits(message, &entry.endpoint);
            endpoints.retain(|id| application.endpoint(*id).is_some_and(is_admitted));
        }
        endpoints
    }

    /// Sends a message to this endpoint alone, whatever it and the others want.
    pub(crate) async fn send_to(&self, entry: &EndpointEntry, new: NewMessage) -> Result<Sent, Error> {
        let payload_expires_in = self.payload_expires_in(&new);
        let message = self.take(entry.endpoint.application, new)?;
        let payload_expires_at = payload_expires_in.map(|after| message.created_at.after(after));
        // Whether that is still there is found out by its first attempt.
        let append = Append::plain(message, vec![entry.endpoint.id]);
        let append = Append { payload_expires_at, ..append };
        let sent = self.store(append, entry.organisation).await?;
        sent.ok_or(Error::Busy(Thing::Application))
    }

    /// After how long the payload goes, if that is before the message itself does.
    fn payload_expires_in(&self, new: &NewMessage) -> Option<Duration> {
        new.payload_retention.filter(|kept| *kept < self.parts.retention)
    }

    fn take(&self, application: ApplicationId, new: NewMessage) -> Result<Arc<Message>, Error> {
        self.is_open()?;
        if new.payload.is_empty() {
            return Err(Error::PayloadEmpty);
        }
        let now = self.parts.clock.now();
        Ok(Arc::new(Message {
            id: self.parts.ids.next(now).into(),
            application,
            event_type: new.event_type,
            event_id: new.event_id,
            channels: new.channels,
            tags: new.tags,
            payload: new.payload,
            created_at: now,
        }))
    }

    /// Stores a message; `None` if what it was routed by has changed: that is forgotten by now.
    async fn store(&self, append: Append, organisation: OrganisationId) -> Result<Option<Sent>, Error> {
        let message = Arc::clone(&append.message);
        match self.parts.journal.append(append).await? {
            Appended::Stored => {
                self.parts.measures.messages.increment(1);
                self.parts.activity.publish(|| Activity::accepted(organisation, &message));
                Ok(Some(Sent::Accepted(message)))
            }
            Appended::Moved => {
                self.parts.node.catch_up().await?;
                Ok(None)
            }
            Appended::Replayed(id) => Ok(Some(Sent::Repeated(id))),
            Appended::EventIdTaken => Err(Error::Taken { thing: Thing::Message, field: "eventId" }),
            Appended::KeyReused => Err(Error::KeyReused),
        }
    }
}
