//! Calls that read attempts.

use crate::domain::attempt::Attempt;
use crate::domain::ids::{ApplicationId, AttemptId, EndpointId, MessageId};
use crate::domain::page::{PageRequest, Searched};
use crate::error::{Error, Thing};
use crate::hooks::Hooks;
use crate::store::read::AttemptFilter;
use crate::store::write::{Changed, Write};

impl Hooks {
    /// An attempt of a message.
    pub async fn attempt_get(
        &self,
        application: ApplicationId,
        message: MessageId,
        id: AttemptId,
    ) -> Result<Attempt, Error> {
        self.inner.store.attempt_get(application, message, id).await?.ok_or(Error::NotFound(Thing::Attempt))
    }

    /// Removes what an endpoint answered to an attempt for good; [`EXPUNGED`](crate::domain::attempt::EXPUNGED) takes its place.
    pub async fn attempt_expunge(
        &self,
        application: ApplicationId,
        message: MessageId,
        attempt: AttemptId,
    ) -> Result<(), Error> {
        let write = Write::ExpungeAttempt { application, message, attempt };
        match self.inner.journal.change_message(write).await? {
            Changed::Yes => Ok(()),
            _ => Err(Error::NotFound(Thing::Attempt)),
        }
    }

    /// A message's attempts at all endpoints, by id.
    pub async fn attempt_list_by_message(
        &self,
        application: ApplicationId,
        message: MessageId,
        filter: AttemptFilter,
        page: PageRequest<AttemptId>,
    ) -> Result<Searched<Attempt, AttemptId>, Error> {
        Ok(self.inner.store.attempt_list_by_message(application, message, filter, page).await?)
    }

    /// The attempts of all messages at an endpoint, by id.
    pub async fn attempt_list_by_endpoint(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        filter: AttemptFilter,
        page: PageRequest<AttemptId>,
    ) -> Result<Searched<Attempt, AttemptId>, Error> {
        Ok(self.inner.store.attempt_list_by_endpoint(application, endpoint, filter, page).await?)
    }
}
