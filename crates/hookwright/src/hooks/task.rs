//! Calls about background tasks.

use crate::domain::endpoint::Endpoint;
use crate::domain::ids::{OrganisationId, TaskId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::selection::Selection;
use crate::domain::task::{Task, TaskKind};
use crate::error::{Error, Thing};
use crate::hooks::Hooks;
use crate::store::read::TaskFilter;

impl Hooks {
    /// Sends many messages to an endpoint once more, in the background: the answer is the task that does it.
    ///
    /// When this returns the task is on disk; it goes on at the next start if the engine ends before it does. It looks at messages
    /// that were accepted before it began. Fails with [`Error::EndpointDisabled`] if the endpoint is disabled: whatever was sent to it
    /// would end at once. What it misses meanwhile stays, for a [`TaskKind::Recover`] once it is enabled.
    pub async fn task_begin(
        &self,
        organisation: OrganisationId,
        endpoint: &Endpoint,
        kind: TaskKind,
        selection: Selection,
    ) -> Result<Task, Error> {
        self.inner.tasks.begin(organisation, endpoint, kind, selection).await
    }

    /// A background task of this organisation.
    pub async fn task_get(&self, organisation: OrganisationId, id: TaskId) -> Result<Task, Error> {
        self.inner.store.task_get(organisation, id).await?.ok_or(Error::NotFound(Thing::Task))
    }

    /// An organisation's background tasks, by id, which is the order they began in.
    pub async fn task_list(
        &self,
        organisation: OrganisationId,
        filter: TaskFilter,
        page: PageRequest<TaskId>,
    ) -> Result<Page<Task>, Error> {
        Ok(self.inner.store.task_list(organisation, filter, page).await?)
    }
}
