//! Configured things in memory, bounded; a change forgets them, and the next use reads them again.

#[cfg(feature = "postgres")]
use std::collections::HashSet;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hookwright_signature::Signer;
use http::Uri;
use quick_cache::sync::Cache as Bounded;

use crate::catalog::bytes::{ByBytes, in_one_piece};
use crate::catalog::event_type::EventTypes;
use crate::catalog::index::Index;
use crate::catalog::source::SourceEntry;
use crate::domain::application::Application;
use crate::domain::endpoint::Endpoint;
use crate::domain::event_type::EventType;
use crate::domain::ids::{ApplicationId, EndpointId, OrganisationId};
use crate::domain::names::{Channel, EventTypeName, Uid};
use crate::domain::short_ids::SourceId;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::error::Error;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::read::{ApplicationWithEndpoints, FoundSource};

/// Bytes of all applications in memory, with their endpoints: about 60,000 endpoints that are not large.
const APPLICATIONS_BYTES: u64 = 64 * 1024 * 1024;
/// Applications that are in memory, more or less.
const APPLICATIONS_USUAL: usize = 10_000;
/// Applications that are kept under their uid.
const UIDS_MAX: usize = 50_000;
/// Bytes of all event types in memory.
const EVENT_TYPES_BYTES: u64 = 64 * 1024 * 1024;
/// Organisations whose event types are in memory, more or less.
const ORGANISATIONS_USUAL: usize = 1_000;
/// Organisations of which it is known whether they have operational webhooks.
const OPERATIONAL_MAX: usize = 10_000;
/// Tokens that are kept.
const TOKENS_MAX: usize = 10_000;
/// Tokens of sources that are kept, each with its source.
const SOURCES_MAX: usize = 10_000;
/// A token is read again after this: another process may have revoked it.
const TOKEN_TTL: Duration = Duration::from_secs(2);

/// An application with its endpoints, as messages need them.
pub(crate) struct ApplicationEntry {
    pub(crate) application: Application,
    /// By id.
    endpoints: Vec<Arc<EndpointEntry>>,
    index: Index,
    /// About how many bytes the endpoints take.
    endpoint_bytes: usize,
}

/// An endpoint with what its attempts need.
pub(crate) struct EndpointEntry {
    pub(crate) endpoint: Endpoint,
    /// The organisation that its application belongs to.
    pub(crate) organisation: OrganisationId,
    /// Signs with the current secret alone: made once, since its set-up costs as much as a signature.
    pub(crate) signer: Signer,
    /// The URL as it is called, once that was worked out; `None` if it cannot be called.
    pub(crate) uri: OnceLock<Option<Uri>>,
}

impl ApplicationEntry {
    fn new(read: ApplicationWithEndpoints) -> ApplicationEntry {
        let organisation = read.application.organisation;
        let entry = |endpoint: Endpoint| {
            let signer = Signer::new(&endpoint.secret);
            Arc::new(EndpointEntry { endpoint, organisation, signer, uri: OnceLock::new() })
        };
        let endpoint_bytes = read.endpoints.iter().map(Endpoint::weight).sum();
        let endpoints: Vec<_> = read.endpoints.into_iter().map(entry).collect();
        let index = Index::new(endpoints.iter().map(|entry| &entry.endpoint));
        ApplicationEntry { application: read.application, endpoints, index, endpoint_bytes }
    }

    /// The endpoints that want a message of this event type and these channels, each once.
    pub(crate) fn route(&self, event_type: &EventTypeName, channels: &[Channel]) -> Vec<EndpointId> {
        let candidates = self.index.candidates(event_type).filter_map(|at| self.endpoints.get(at));
        candidates
            .filter(|entry| entry.endpoint.wants(event_type, channels))
            .map(|entry| entry.endpoint.id)
            .collect()
    }

    pub(crate) fn endpoint(&self, id: EndpointId) -> Option<&Arc<EndpointEntry>> {
        let at = self.endpoints.binary_search_by_key(&id, |entry| entry.endpoint.id).ok()?;
        self.endpoints.get(at)
    }

    pub(crate) fn endpoint_by_uid(&self, uid: &Uid) -> Option<&Arc<EndpointEntry>> {
        self.endpoints.iter().find(|entry| entry.endpoint.settings.uid.as_ref() == Some(uid))
    }

    /// About how many bytes of memory the endpoints take.
    pub(crate) fn endpoint_bytes(&self) -> usize {
        self.endpoint_bytes
    }

    /// All endpoints, by id.
    pub(crate) fn endpoints(&self) -> &[Arc<EndpointEntry>] {
        &self.endpoints
    }
}

/// What is kept in memory.
pub(super) struct Cache {
    applications: Bounded<ApplicationId, Arc<ApplicationEntry>, ByBytes>,
    uids: Bounded<(OrganisationId, Uid), ApplicationId>,
    event_types: Bounded<OrganisationId, Arc<EventTypes>, ByBytes>,
    tokens: Bounded<[u8; 32], CachedToken>,
    /// The applications that hold operational webhooks; `None` if an organisation has none.
    operational: Bounded<OrganisationId, Option<ApplicationId>>,
    /// By the hash of a token.
    sources: Bounded<[u8; 32], CachedSource>,
    /// Rises with each change: what was read before a change must not be kept after it.
    changes: AtomicU64,
}

#[derive(Clone)]
struct CachedToken {
    token: Arc<Token>,
    read_at: Timestamp,
}

#[derive(Clone)]
struct CachedSource {
    entry: Arc<SourceEntry>,
    /// When the token ends, if it was replaced.
    ends_at: Option<Timestamp>,
    read_at: Timestamp,
}

impl Cache {
    pub(super) fn new() -> Cache {
        Cache {
            applications: in_one_piece(APPLICATIONS_USUAL, APPLICATIONS_BYTES),
            uids: Bounded::new(UIDS_MAX),
            event_types: in_one_piece(ORGANISATIONS_USUAL, EVENT_TYPES_BYTES),
            tokens: Bounded::new(TOKENS_MAX),
            operational: Bounded::new(OPERATIONAL_MAX),
            sources: Bounded::new(SOURCES_MAX),
            changes: AtomicU64::new(0),
        }
    }

    pub(super) fn application_cached(&self, id: ApplicationId) -> Option<Arc<ApplicationEntry>> {
        self.applications.get(&id)
    }

    pub(super) async fn application(
        &self,
        store: &Store,
        id: ApplicationId,
    ) -> Result<Option<Arc<ApplicationEntry>>, Error> {
        if let Some(entry) = self.applications.get(&id) {
            return Ok(Some(entry));
        }
        self.read(
            || store.application_with_endpoints(id),
            |read| {
                let entry = Arc::new(ApplicationEntry::new(read));
                self.applications.insert(id, Arc::clone(&entry));
                entry
            },
            || {
                self.applications.remove(&id);
            },
        )
        .await
    }

    pub(super) async fn application_by_uid(
        &self,
        store: &Store,
        organisation: OrganisationId,
        uid: &Uid,
    ) -> Result<Option<ApplicationId>, Error> {
        let key = (organisation, uid.clone());
        if let Some(id) = self.uids.get(&key) {
            return Ok(Some(id));
        }
        self.read(
            || store.application_by_uid(organisation, uid.clone()),
            |id| {
                self.uids.insert(key.clone(), id);
                id
            },
            || {
                self.uids.remove(&key);
            },
        )
        .await
    }

    pub(super) async fn event_types(
        &self,
        store: &Store,
        organisation: OrganisationId,
    ) -> Result<Arc<EventTypes>, Error> {
        if let Some(all) = self.event_types.get(&organisation) {
            return Ok(all);
        }
        let read = || async { store.event_types(organisation).await.map(Some) };
        let keep = |all: Vec<EventType>| {
            let all = Arc::new(EventTypes::new(all));
            self.event_types.insert(organisation, Arc::clone(&all));
            all
        };
        let forget = || {
            self.event_types.remove(&organisation);
        };
        Ok(self.read(read, keep, forget).await?.unwrap_or_else(|| Arc::new(EventTypes::new(Vec::new()))))
    }

    /// The token whose text has this hash; whether it is still good is for the caller to see.
    pub(super) async fn token(
        &self,
        store: &Store,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<Arc<Token>>, Error> {
        if let Some(cached) = self.tokens.get(&hash)
            && now.since(cached.read_at) < TOKEN_TTL
        {
            return Ok(Some(cached.token));
        }
        let keep = |token: Token| {
            let token = Arc::new(token);
            self.tokens.insert(hash, CachedToken { token: Arc::clone(&token), read_at: now });
            token
        };
        let forget = || {
            self.tokens.remove(&hash);
        };
        let token = self.read(|| store.token_by_hash(hash), keep, forget).await?;
        if token.is_none() {
            forget();
        }
        Ok(token)
    }

    /// The application that holds an organisation's operational webhooks.
    pub(super) async fn operational(
        &self,
        store: &Store,
        organisation: OrganisationId,
    ) -> Result<Option<ApplicationId>, Error> {
        if let Some(known) = self.operational.get(&organisation) {
            return Ok(known);
        }
        let read = || async { store.operational_application(organisation).await.map(Some) };
        let keep = |id: Option<ApplicationId>| {
            self.operational.insert(organisation, id);
            id
        };
        let forget = || {
            self.operational.remove(&organisation);
        };
        Ok(self.read(read, keep, forget).await?.flatten())
    }

    /// The source one of whose tokens has this hash, and when that token ends, if it does. What is not there is not kept: nobody fills
    /// memory by guessing.
    pub(super) async fn source(
        &self,
        store: &Store,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<(Arc<SourceEntry>, Option<Timestamp>)>, Error> {
        if let Some(cached) = self.sources.get(&hash)
            && now.since(cached.read_at) < TOKEN_TTL
        {
            return Ok(Some((cached.entry, cached.ends_at)));
        }
        let keep = |found: FoundSource| {
            let (entry, ends_at) = (Arc::new(SourceEntry::new(found.source)), found.ends_at);
            self.sources.insert(hash, CachedSource { entry: Arc::clone(&entry), ends_at, read_at: now });
            (entry, ends_at)
        };
        let forget = || {
            self.sources.remove(&hash);
        };
        let found = self.read(|| store.source_by_token(hash), keep, forget).await?;
        if found.is_none() {
            forget();
        }
        Ok(found)
    }

    pub(super) fn forget_source(&self, id: SourceId) {
        self.changed();
        self.sources.retain(|_, cached| cached.entry.source.id != id);
    }

    pub(super) fn forget_operational(&self, organisation: OrganisationId) {
        self.changed();
        self.operational.remove(&organisation);
    }

    pub(super) fn forget_application(&self, id: ApplicationId) {
        self.changed();
        self.applications.remove(&id);
    }

    /// Forgets them with whatever they are called.
    #[cfg(feature = "postgres")]
    pub(super) fn forget_applications(&self, ids: &HashSet<ApplicationId>) {
        self.changed();
        self.uids.retain(|_, id| !ids.contains(id));
        for id in ids {
            self.applications.remove(id);
        }
    }

    pub(super) fn forget_uid(&self, organisation: OrganisationId, uid: &Uid) {
        self.changed();
        self.uids.remove(&(organisation, uid.clone()));
    }

    pub(super) fn forget_event_types(&self, organisation: OrganisationId) {
        self.changed();
        self.event_types.remove(&organisation);
    }

    pub(super) fn forget_tokens(&self) {
        self.changed();
        self.tokens.clear();
    }

    #[cfg(feature = "postgres")]
    pub(super) fn forget_all(&self) {
        self.changed();
        self.applications.clear();
        self.uids.clear();
        self.event_types.clear();
        self.tokens.clear();
        self.operational.clear();
        self.sources.clear();
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// Reads something and keeps it, unless a change came between the two: then it is good for this one use.
    async fn read<R, T, F>(
        &self,
        read: impl Fn() -> F,
        keep: impl Fn(R) -> T,
        forget: impl Fn(),
    ) -> Result<Option<T>, Error>
    where
        F: Future<Output = Result<Option<R>, StoreError>>,
    {
        let before = self.changes.load(Ordering::SeqCst);
        let Some(found) = read().await? else { return Ok(None) };
        let kept = keep(found);
        if self.changes.load(Ordering::SeqCst) != before {
            // A change that forgot this just before it was kept would leave it here, old, for ever.
            forget();
        }
        Ok(Some(kept))
    }
}
