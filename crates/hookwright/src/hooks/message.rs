//! Calls that send messages and read them.

use std::sync::Arc;

use crate::domain::application::ApplicationRef;
use crate::domain::endpoint::Endpoint;
use crate::domain::endpoint_edit::EndpointRef;
use crate::domain::ids::{ApplicationId, BroadcastId, EndpointId, MessageId, OrganisationId};
use crate::domain::message::Message;
use crate::domain::names::EventId;
use crate::domain::page::{Page, PageRequest, Searched};
use crate::error::{Error, Thing};
use crate::hooks::Hooks;
use crate::publish::{NewMessage, Sent};
use crate::store::read::{AttemptFilter, Destination, MessageFilter, RecentMessage, SentMessage};
use crate::store::write::{Changed, RequestKey};

impl Hooks {
    /// Sends a message: when this returns it is on disk, and on its way.
    ///
    /// Its event type need be neither declared nor registered; [`Owner::send`](crate::Owner::send) checks that.
    ///
    /// With a `key`, the same request sent again is answered with the message that the first one made. Fails with
    /// [`Error::Taken`] if another message of the application has its `eventId`, with [`Error::KeyReused`] if the key came
    /// before with another request, with [`Error::PayloadEmpty`] if there is nothing to send, with [`Error::PayloadRefused`] if
    /// payloads of its event type are checked and this one does not fit.
    pub async fn send(
        &self,
        organisation: OrganisationId,
        application: &ApplicationRef,
        message: NewMessage,
        key: Option<RequestKey>,
    ) -> Result<Sent, Error> {
        let known = self.inner.catalog.known();
        let application = self.inner.catalog.application(organisation, application).await?;
        self.inner.catalog.check_payload(organisation, &message.event_type, &message.payload).await?;
        let sent = self.inner.publisher.send((known, application), message, key).await;
        self.settled().await;
        sent
    }

    /// Sends a message to one endpoint of an application alone, whatever it and the others want.
    ///
    /// A disabled endpoint gets nothing. Fails as [`Hooks::send`] does.
    pub async fn send_to(
        &self,
        application: ApplicationId,
        endpoint: &EndpointRef,
        message: NewMessage,
    ) -> Result<Sent, Error> {
        let entry = self.inner.catalog.endpoint(application, endpoint).await?;
        let sent = self.inner.publisher.send_to(&entry, message).await;
        self.settled().await;
        sent
    }

    /// Sends an event to every application of the organisation that has an enabled endpoint which wants it: when this returns it is on
    /// disk, and becomes a message of each of them, soon.
    ///
    /// Its event type need be neither declared nor registered; [`Hooks::send_to_all`] checks that.
    ///
    /// Its payload is stored once. It has no `eventId` and no payload retention of its own: what is set of either is passed over.
    /// Fails with [`Error::PayloadEmpty`] and [`Error::PayloadRefused`] as [`Hooks::send`] does.
    pub async fn broadcast(
        &self,
        organisation: OrganisationId,
        message: NewMessage,
    ) -> Result<BroadcastId, Error> {
        self.inner.publisher.is_open()?;
        self.inner.catalog.check_payload(organisation, &message.event_type, &message.payload).await?;
        let begun = self.inner.broadcasts.begin(organisation, message).await;
        self.settled().await;
        begun
    }

    /// Waits until all events for all that were sent by now have become messages.
    pub async fn broadcasts_settled(&self) {
        self.inner.broadcasts.settled().await;
    }

    /// A message with its payload.
    pub async fn message_get(&self, application: ApplicationId, id: MessageId) -> Result<Message, Error> {
        self.inner.store.message_get(application, id).await?.ok_or(Error::NotFound(Thing::Message))
    }

    /// A message without its payload, which is empty here.
    pub async fn message_head(&self, application: ApplicationId, id: MessageId) -> Result<Message, Error> {
        self.inner.store.message_head(application, id).await?.ok_or(Error::NotFound(Thing::Message))
    }

    /// The id of the application's message that has this `eventId`.
    pub async fn message_by_event_id(
        &self,
        application: ApplicationId,
        event_id: EventId,
    ) -> Result<MessageId, Error> {
        let found = self.inner.store.message_by_event_id(application, event_id).await?;
        found.ok_or(Error::NotFound(Thing::Message))
    }

    /// An application's messages, by id; their payloads are empty unless `with_payload`.
    pub async fn message_list(
        &self,
        application: ApplicationId,
        filter: MessageFilter,
        with_payload: bool,
        page: PageRequest<MessageId>,
    ) -> Result<Searched<Message, MessageId>, Error> {
        Ok(self.inner.store.message_list(application, filter, with_payload, page).await?)
    }

    /// The newest messages of an organisation with their attempts, newest first, without their payloads.
    pub async fn message_recent(
        &self,
        organisation: OrganisationId,
        limit: u32,
    ) -> Result<Vec<RecentMessage>, Error> {
        Ok(self.inner.store.message_recent(organisation, limit).await?)
    }

    /// The messages that were meant for an endpoint, by id, each with how far it has come there.
    pub async fn message_list_by_endpoint(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        filter: AttemptFilter,
        page: PageRequest<MessageId>,
    ) -> Result<Searched<SentMessage, MessageId>, Error> {
        Ok(self.inner.store.message_list_by_endpoint(application, endpoint, filter, page).await?)
    }

    /// The endpoints that a message was meant for, by id, each with how far it has come there.
    pub async fn destination_list(
        &self,
        application: ApplicationId,
        message: MessageId,
        page: PageRequest<EndpointId>,
    ) -> Result<Page<Destination>, Error> {
        Ok(self.inner.store.destination_list(application, message, page).await?)
    }

    /// Removes a message's payload for good: nobody can read it any more, and nothing sends it again.
    ///
    /// An attempt that is under way ends as it will. What else is pending ends soon, as failed, with a reason that says so.
    pub async fn message_expunge(&self, application: ApplicationId, id: MessageId) -> Result<(), Error> {
        match self.inner.dispatch.expunge(application, id).await? {
            Changed::Yes => Ok(()),
            _ => Err(Error::NotFound(Thing::Message)),
        }
    }

    /// Sends a message to one endpoint once more, with all the retries of a new delivery.
    ///
    /// It does so whatever came of earlier attempts. If a delivery is pending already, that one is made to go at once.
    /// A disabled endpoint gets nothing: that is [`Error::EndpointDisabled`].
    pub async fn resend(&self, message: Message, endpoint: &Endpoint) -> Result<(), Error> {
        if message.payload.is_empty() {
            return Err(Error::PayloadGone);
        }
        if endpoint.disabled.is_some() {
            return Err(Error::EndpointDisabled);
        }
        let resent = self.inner.dispatch.resend(Arc::new(message), endpoint.id).await;
        self.settled().await;
        resent
    }
}
