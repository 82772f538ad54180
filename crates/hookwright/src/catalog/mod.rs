//! What is configured: read on every message from memory, changed rarely, and then forgotten and read again.

mod cache; // what is kept in memory
mod bytes; // and how much of it
mod index; // which endpoints want an event type
mod finder; // and which of them get it

mod application; // changes, a file for each kind of thing
mod endpoint;
mod event_type;
mod operational;
mod source;
mod token;
mod confirmers; // of requests to sources
#[cfg(feature = "postgres")]
mod heard; // what others have changed

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::catalog::cache::Cache;
use crate::catalog::confirmers::Confirmers;
use crate::clock::Clock;
use crate::config::{ENDPOINTS_BYTES_MAX_DEFAULT, ENDPOINTS_MAX_DEFAULT};
use crate::domain::application::{ApplicationRef, Purpose};
use crate::domain::endpoint_edit::EndpointRef;
use crate::domain::event_type::EventType;
use crate::domain::ids::{ApplicationId, IdGenerator, OrganisationId};
use crate::domain::names::EventTypeName;
use crate::domain::time::Timestamp;
use crate::error::{Error, Thing};
use crate::journal::Journal;
use crate::store::Store;
use crate::store::write::{Append, CatalogWrite, Changed};

pub(crate) use cache::{ApplicationEntry, EndpointEntry};
pub(crate) use confirmers::Confirmer;
pub(crate) use finder::Finder;
pub(crate) use source::SourceEntry;
pub(crate) use token::{hash, random_text};

/// How often a change is tried again that somebody else's change came in between of.
const TRIES: u32 = 5;

/// How much one application may have, since all of it is in memory at once.
pub(crate) struct EndpointLimits {
    /// How many endpoints.
    pub(crate) count: usize,
    /// How many bytes they may take.
    pub(crate) bytes: usize,
}

impl Default for EndpointLimits {
    fn default() -> EndpointLimits {
        EndpointLimits { count: ENDPOINTS_MAX_DEFAULT, bytes: ENDPOINTS_BYTES_MAX_DEFAULT }
    }
}

/// What is configured.
pub(crate) struct Catalog {
    store: Store,
    journal: Journal,
    clock: Clock,
    ids: Arc<IdGenerator>,
    limits: EndpointLimits,
    cache: Arc<Cache>,
    /// Changes of what is there are made one after the other: each begins with what the last one left.
    edits: tokio::sync::Mutex<()>,
    confirmers: Confirmers,
    /// A source was made, changed or deleted.
    sources_changed: Arc<Notify>,
}

impl Catalog {
    pub(crate) fn new(
        store: Store,
        journal: Journal,
        clock: Clock,
        ids: Arc<IdGenerator>,
        limits: EndpointLimits,
    ) -> Catalog {
        Catalog {
            limits,
            store,
            journal,
            clock,
            ids,
            cache: Arc::new(Cache::new()),
            edits: tokio::sync::Mutex::default(),
            confirmers: Confirmers::default(),
            sources_changed: Arc::default(),
        }
    }

    /// Waits until a source is made, changed or deleted.
    pub(crate) async fn sources_changed(&self) {
        self.sources_changed.notified().await;
    }

    /// The product's own ways to say whether requests to sources are true.
    pub(crate) fn confirmers(&self) -> &Confirmers {
        &self.confirmers
    }

    /// Waits for the turn to change something that was read before. Whoever has waited for others that are being told that
    /// nothing is written is told so too, and does not wait once more by itself.
    async fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, Error> {
        if let Ok(turn) = self.edits.try_lock() {
            return Ok(turn);
        }
        let turn = self.edits.lock().await;
        self.journal.is_writing()?;
        Ok(turn)
    }

    pub(crate) async fn organisation_ensure(&self, organisation: OrganisationId) -> Result<(), Error> {
        let write = CatalogWrite::OrganisationEnsure(organisation, self.clock.now());
        self.journal.change(write).await.map(|_| ())
    }

    /// An application with its endpoints, if it belongs to this organisation.
    pub(crate) async fn application(
        &self,
        organisation: OrganisationId,
        application: &ApplicationRef,
    ) -> Result<Arc<ApplicationEntry>, Error> {
        let with_id = async |id: ApplicationId| -> Result<_, Error> {
            let entry = self.cache.application(&self.store, id).await?;
            // What belongs to another organisation is answered like what does not exist, and so is what holds operational webhooks or a source's endpoints.
            Ok(entry.filter(|entry| {
                let application = &entry.application;
                application.organisation == organisation && application.purpose == Purpose::Customer
            }))
        };
        if let ApplicationRef::Id(id) = application
            && let Some(entry) = with_id(*id).await?
        {
            return Ok(entry);
        }
        let id = match application.as_uid() {
            Some(uid) => self.cache.application_by_uid(&self.store, organisation, &uid).await?,
            None => None,
        };
        let entry = match id {
            Some(id) => with_id(id).await?,
            None => None,
        };
        entry.ok_or(Error::NotFound(Thing::Application))
    }

    /// What is known of changes by now: to be asked before the look-up that a message is routed by.
    pub(crate) fn known(&self) -> i64 {
        self.store.catalog_known()
    }

    /// An application by its id, whoever asks: for deliveries.
    pub(crate) async fn application_by_id(
        &self,
        id: ApplicationId,
    ) -> Result<Option<Arc<ApplicationEntry>>, Error> {
        self.cache.application(&self.store, id).await
    }

    /// An application that is in memory already.
    pub(crate) fn application_cached(&self, id: ApplicationId) -> Option<Arc<ApplicationEntry>> {
        self.cache.application_cached(id)
    }

    /// An endpoint of an application.
    pub(crate) async fn endpoint(
        &self,
        application: ApplicationId,
        endpoint: &EndpointRef,
    ) -> Result<Arc<EndpointEntry>, Error> {
        const MISSING: Error = Error::NotFound(Thing::Endpoint);
        let in_memory = async || -> Result<_, Error> {
            let entry = self.cache.application(&self.store, application).await?;
            let found = entry.as_ref().and_then(|entry| match endpoint {
                // An id of another server may have been taken over as the uid.
                EndpointRef::Id(id) => {
                    entry.endpoint(*id).or_else(|| entry.endpoint_by_uid(&endpoint.as_uid()?))
                }
                EndpointRef::Uid(uid) => entry.endpoint_by_uid(uid),
            });
            Ok(found.map(Arc::clone))
        };
        if let Some(found) = in_memory().await? {
            return Ok(found);
        }
        // Another node may have made it a moment ago. Only then is the application read again: whoever asks for what is not there
        // costs its messages nothing.
        if !self.store.is_shared() || !self.store.endpoint_is_there(application, endpoint.clone()).await? {
            return Err(MISSING);
        }
        self.cache.forget_application(application);
        in_memory().await?.ok_or(MISSING)
    }

    /// An organisation's event types, by name.
    pub(crate) async fn event_types(
        &self,
        organisation: OrganisationId,
    ) -> Result<Arc<BTreeMap<EventTypeName, EventType>>, Error> {
        Ok(Arc::clone(&self.cache.event_types(&self.store, organisation).await?.by_name))
    }

    /// The same, read again if one of `names` is not there: another node may have made it a moment ago.
    pub(crate) async fn event_types_with(
        &self,
        organisation: OrganisationId,
        names: impl Iterator<Item = &EventTypeName>,
    ) -> Result<Arc<BTreeMap<EventTypeName, EventType>>, Error> {
        let known = self.event_types(organisation).await?;
        if !self.store.is_shared() {
            return Ok(known);
        }
        let missing: Vec<EventTypeName> = names.filter(|name| !known.contains_key(*name)).cloned().collect();
        if missing.is_empty() || !self.store.event_type_is_there(organisation, missing).await? {
            return Ok(known);
        }
        self.cache.forget_event_types(organisation);
        self.event_types(organisation).await
    }

    /// Writes a change and forgets what it made old; in a task of its own, so that it does also if the caller goes away.
    async fn change(
        &self,
        write: CatalogWrite,
        forget: impl FnOnce(&Cache) + Send + 'static,
    ) -> Result<Changed, Error> {
        self.change_telling(write, Vec::new(), forget).await
    }

    /// Does that, and in the same commit stores messages that tell of the change, if there was one.
    async fn change_telling(
        &self,
        write: CatalogWrite,
        told: Vec<Append>,
        forget: impl FnOnce(&Cache) + Send + 'static,
    ) -> Result<Changed, Error> {
        let (journal, cache) = (self.journal.clone(), Arc::clone(&self.cache));
        let task = tokio::spawn(async move {
            let changed = journal.change_telling(write, told).await;
            forget(&cache);
            changed
        });
        task.await.unwrap_or(Err(Error::ShuttingDown))
    }

    /// A time to note for a change of something last changed at `last`: it must differ, since changes are told apart by it.
    fn change_time(&self, last: Timestamp) -> Timestamp {
        self.clock.now().max(last.after(std::time::Duration::from_micros(1)))
    }
}
