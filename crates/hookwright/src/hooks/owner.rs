//! Calls about one owner: what it subscribes to, and what is sent to it.

use std::future::Future;

use serde::Serialize;

use crate::domain::application::ApplicationRef;
use crate::domain::endpoint::Endpoint;
use crate::domain::endpoint_edit::EndpointRef;
use crate::domain::ids::{ApplicationId, EndpointId};
use crate::domain::names::EventTypeName;
use crate::domain::owner::{AsOwner, OwnerError, OwnerId};
use crate::domain::page::{From as PageFrom, LIMIT_MAX, Order, PageRequest};
use crate::error::{Error, Thing};
use crate::hooks::published::{NothingSent, Published};
use crate::hooks::subscription::Subscribe;
use crate::hooks::{Hooks, owner_field};
use crate::publish::{NewMessage, Sent};

/// One owner: the application of the default organisation whose uid is the owner's name.
///
/// The application is made at the owner's first subscription. If there is no owner, because what named it was `None` or cannot be a
/// uid, each call fails with [`Error::Owner`] before anything is done.
#[derive(Clone)]
pub struct Owner {
    pub(super) hooks: Hooks,
    pub(super) id: Result<OwnerId, OwnerError>,
}

impl Hooks {
    /// The owner with this name: an integer, a UUID, a text that can be a uid, or an option of one of them.
    pub fn owner(&self, owner: impl AsOwner) -> Owner {
        Owner { hooks: self.clone(), id: owner.as_owner() }
    }
}

impl Owner {
    /// Subscribes `url` to an event, or to all under a name (`book.*`).
    ///
    /// What this gives is waited for, once more has been set on it if that is wanted:
    ///
    /// ```
    /// # async fn example(hooks: hookwright::Hooks) -> Result<(), hookwright::Error> {
    /// let endpoint = hooks
    ///     .owner(42)
    ///     .subscribe("book.added", "https://example.com/hook")
    ///     .metadata("shelf", "fantasy")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Fails with [`Error::UndeclaredEvent`] if there is no such event and with [`Error::Url`] if the URL may not be called.
    pub fn subscribe(&self, event: &str, url: impl Into<String>) -> Subscribe {
        Subscribe::new(self.clone(), event, url.into())
    }

    /// The owner's endpoints, oldest first; none if it never subscribed to anything.
    pub async fn subscriptions(&self) -> Result<Vec<Endpoint>, Error> {
        let mut endpoints = Vec::new();
        let Some(application) = self.application().await? else { return Ok(endpoints) };
        let mut request = PageRequest::first(LIMIT_MAX, Order::Ascending);
        loop {
            let page = self.hooks.endpoint_list(application, request).await?;
            let Some(last) = page.items.last().map(|endpoint| endpoint.id) else { return Ok(endpoints) };
            endpoints.extend(page.items);
            if page.done {
                return Ok(endpoints);
            }
            let from = Some(PageFrom::After(last));
            request = PageRequest { limit: LIMIT_MAX, order: Order::Ascending, from };
        }
    }

    /// Ends a subscription: what was on its way there ends. Fails with [`Error::NotFound`] if it is none of the owner's.
    pub async fn unsubscribe(&self, endpoint: EndpointId) -> Result<(), Error> {
        let application = self.application().await?.ok_or(Error::NotFound(Thing::Endpoint))?;
        self.hooks.endpoint_delete(application, &EndpointRef::Id(endpoint)).await
    }

    /// Sends an event with this payload to the owner's endpoints that want it: when this returns it is on disk.
    ///
    /// The payload is serialised before this is first waited for. If the owner never subscribed to anything nothing is stored,
    /// and the answer says so. Fails with [`Error::UndeclaredEvent`] if there is no such event and with [`Error::Payload`] if
    /// the payload cannot be serialised, before anything is done; and as [`Hooks::send`] does.
    pub fn send<P: Serialize + ?Sized>(
        &self,
        event: &str,
        payload: &P,
    ) -> impl Future<Output = Result<Published, Error>> + Send + use<'_, P> {
        let prepared = self.prepare(event, payload);
        async move {
            let (owner, event, payload) = prepared?;
            self.hooks.send_to_owner(owner, event, payload).await
        }
    }

    fn prepare<P: Serialize + ?Sized>(
        &self,
        event: &str,
        payload: &P,
    ) -> Result<(&OwnerId, EventTypeName, Vec<u8>), Error> {
        let owner = self.known()?;
        let event = self.hooks.declared(event)?;
        let payload = serde_json::to_vec(payload).map_err(Error::Payload)?;
        Ok((owner, event, owner_field(&self.hooks.inner, payload, owner)))
    }

    pub(super) fn known(&self) -> Result<&OwnerId, Error> {
        self.id.as_ref().map_err(|error| Error::Owner(error.clone()))
    }

    /// The owner's application, if it is there.
    pub(super) async fn application(&self) -> Result<Option<ApplicationId>, Error> {
        let uid = ApplicationRef::Uid(self.known()?.uid().clone());
        match self.hooks.application_get(self.hooks.default_organisation(), &uid).await {
            Ok(application) => Ok(Some(application.id)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Hooks {
    /// The event type of a declared event.
    pub(super) fn declared(&self, event: &str) -> Result<EventTypeName, Error> {
        match self.inner.events.get(event) {
            Some(declared) => Ok(declared.name.clone()),
            None => Err(Error::UndeclaredEvent { event: event.to_owned() }),
        }
    }

    pub(super) async fn send_to_owner(
        &self,
        owner: &OwnerId,
        event_type: EventTypeName,
        payload: Vec<u8>,
    ) -> Result<Published, Error> {
        self.inner.publisher.is_open()?;
        let application = ApplicationRef::Uid(owner.uid().clone());
        match self.send(self.default_organisation(), &application, message(event_type, payload), None).await {
            Ok(Sent::Accepted(message)) => Ok(Published::Sent(message)),
            // Only a request with a key can be a repeated one.
            Ok(Sent::Repeated(_)) => Err(Error::KeyReused),
            Err(Error::NotFound(Thing::Application)) => Ok(Published::Nothing(NothingSent::NeverSubscribed)),
            Err(error) => Err(error),
        }
    }

    /// Sends an event with this payload to every application with an endpoint that wants it, whoever owns it: when this returns
    /// it is on disk, and becomes a message of each of them.
    ///
    /// Fails as [`Owner::send`] does.
    pub fn send_to_all<P: Serialize + ?Sized>(
        &self,
        event: &str,
        payload: &P,
    ) -> impl Future<Output = Result<Published, Error>> + Send + use<'_, P> {
        let declared = self.declared(event);
        let payload = serde_json::to_vec(payload).map_err(Error::Payload);
        async move { self.tell_all(declared?, payload?).await }
    }

    pub(super) async fn tell_all(
        &self,
        event_type: EventTypeName,
        payload: Vec<u8>,
    ) -> Result<Published, Error> {
        let id = self.broadcast(self.default_organisation(), message(event_type, payload)).await?;
        Ok(Published::ToAll(id))
    }
}

fn message(event_type: EventTypeName, payload: Vec<u8>) -> NewMessage {
    NewMessage {
        event_type,
        event_id: None,
        channels: Vec::new(),
        tags: Vec::new(),
        payload: payload.into(),
        payload_retention: None,
    }
}
