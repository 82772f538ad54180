//! Calls that tell of changes of resources: the declared event of a change is sent to the resource's owner.

use std::future::Future;

use crate::domain::event_registry::Audience;
use crate::domain::names::EventTypeName;
use crate::error::Error;
use crate::hooks::published::{NothingSent, Published};
use crate::hooks::resource::Resource;
use crate::hooks::{Hooks, owner_field};

/// A change that a declared event is, with all that is sent of it.
enum Change {
    /// No event is this change.
    Nothing,
    /// It is for the owner.
    ToOwner(crate::domain::owner::OwnerId, EventTypeName, Vec<u8>),
    /// It is for all applications.
    ToAll(EventTypeName, Vec<u8>),
}

impl Hooks {
    /// Tells that a resource was made. As [`Hooks::action`] with `created`.
    pub fn created<R: Resource>(
        &self,
        resource: &R,
    ) -> impl Future<Output = Result<Published, Error>> + Send + use<'_, R> {
        self.tell(self.change("created", resource))
    }

    /// Tells that a resource was changed. As [`Hooks::action`] with `updated`.
    pub fn updated<R: Resource>(
        &self,
        resource: &R,
    ) -> impl Future<Output = Result<Published, Error>> + Send + use<'_, R> {
        self.tell(self.change("updated", resource))
    }

    /// Tells that a resource was deleted. As [`Hooks::action`] with `deleted`.
    pub fn deleted<R: Resource>(
        &self,
        resource: &R,
    ) -> impl Future<Output = Result<Published, Error>> + Send + use<'_, R> {
        self.tell(self.change("deleted", resource))
    }

    /// Tells of an action on a resource: the event that is declared for it is sent to the resource's owner, or to all if it is
    /// declared so.
    ///
    /// When this returns the message is on disk, or the answer says that nothing was sent: because no event is declared for
    /// the action, or because the owner never subscribed to anything. The resource is read before this is first waited for.
    /// Fails with [`Error::Owner`] if the resource has no owner and with [`Error::Payload`] if it cannot be serialised, before
    /// anything is done; and as [`Hooks::send`] does.
    pub fn action<R: Resource>(
        &self,
        action: &str,
        resource: &R,
    ) -> impl Future<Output = Result<Published, Error>> + Send + use<'_, R> {
        self.tell(self.change(action, resource))
    }

    fn change<R: Resource>(&self, action: &str, resource: &R) -> Result<Change, Error> {
        let Some(event) = self.inner.events.event_of(R::NAME, action) else { return Ok(Change::Nothing) };
        let payload = || resource.payload().map_err(Error::Payload);
        Ok(match event.audience() {
            Audience::Owner => {
                let owner = resource.owner()?;
                let payload = owner_field(&self.inner, payload()?, &owner);
                Change::ToOwner(owner, event.name.clone(), payload)
            }
            Audience::All => Change::ToAll(event.name.clone(), payload()?),
        })
    }

    async fn tell(&self, change: Result<Change, Error>) -> Result<Published, Error> {
        match change? {
            Change::Nothing => Ok(Published::Nothing(NothingSent::NoEvent)),
            Change::ToOwner(owner, event, payload) => self.send_to_owner(&owner, event, payload).await,
            Change::ToAll(event, payload) => self.tell_all(event, payload).await,
        }
    }
}
