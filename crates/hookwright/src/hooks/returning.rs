//! What functions with `#[hook(event = "…")]` call: what they return is sent.

use serde::Serialize;

use crate::domain::names::EventTypeName;
use crate::domain::owner::{AsOwner, OwnerError, OwnerId};
use crate::error::Error;
use crate::hooks::published::Published;
use crate::hooks::{Hooks, owner_field};

pub use serde_json::Error as JsonError;

/// What `payload` makes of a resource, as JSON.
pub fn json_of<'a, T: ?Sized, P: Serialize>(
    resource: &'a T,
    payload: impl FnOnce(&'a T) -> P,
) -> Result<Vec<u8>, JsonError> {
    serde_json::to_vec(&payload(resource))
}

/// What a function returns whose value cannot be sent.
pub fn failed<T, E: From<Error>>(error: Error) -> Result<T, E> {
    Err(E::from(error))
}

/// A function that is running, and whose value is to be sent.
pub struct Returning<O> {
    hooks: Hooks,
    event: EventTypeName,
    owner: O,
}

/// The owner is told by what the function returns.
pub struct ToBeSeen;

impl Returning<OwnerId> {
    /// Looks, before the function runs, whether what it returns can be sent at all.
    pub fn to_owner(
        hooks: &Hooks,
        event: &'static str,
        owner: Result<OwnerId, OwnerError>,
    ) -> Result<Returning<OwnerId>, Error> {
        Ok(Returning { hooks: hooks.clone(), event: hooks.declared(event)?, owner: owner? })
    }

    /// Sends what the function returned.
    pub async fn send<T: Serialize>(self, value: &T) -> Result<Published, Error> {
        let payload = serde_json::to_vec(value).map_err(Error::Payload)?;
        let payload = owner_field(&self.hooks.inner, payload, &self.owner);
        self.hooks.send_to_owner(&self.owner, self.event, payload).await
    }
}

impl Returning<ToBeSeen> {
    /// Looks, before the function runs, whether what it returns can be sent at all.
    pub fn to_be_seen(hooks: &Hooks, event: &'static str) -> Result<Returning<ToBeSeen>, Error> {
        Ok(Returning { hooks: hooks.clone(), event: hooks.declared(event)?, owner: ToBeSeen })
    }

    /// Sends what the function returned to the owner that is seen in it.
    pub async fn send_for<'a, T: Serialize, O: AsOwner>(
        self,
        value: &'a T,
        owner: impl FnOnce(&'a T) -> O,
    ) -> Result<Published, Error> {
        let owner = owner(value).as_owner()?;
        Returning { hooks: self.hooks, event: self.event, owner }.send(value).await
    }
}
