//! Sets an engine up and starts it.

mod seams; // what a product sets of its own

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::activity::ActivityFeed;
use crate::catalog::{Catalog, Confirmer, EndpointLimits, Finder};
use crate::cluster::{self, Node};
use crate::config::{Config, ConfigError, MasterKeys};
use crate::deliver::address_policy::AddressPolicy;
use crate::deliver::{Custom, Deliverer, TlsSetupError};
use crate::dispatch::{Dispatch, Parts};
use crate::domain::event::HookEvent;
use crate::domain::event_registry::{EventRegistry, RegistryError};
use crate::domain::ids::IdGenerator;
use crate::domain::names::SourceUid;
use crate::domain::source::SourceRef;
use crate::error::Error;
use crate::hooks::{Hooks, Inner};
use crate::journal::{Committed, Journal};
use crate::maintenance::{self, Maintenance};
use crate::measures::Measures;
use crate::publish::{self, BroadcastParts, Broadcasts, Publisher};
use crate::receive::{self, Receiver, schedule};
use crate::store::error::StoreError;
use crate::store::{DEFAULT_ORGANISATION, Exclusivity, Store};
use crate::tasks::{self, Tasks};
use crate::tell::{Callbacks, Tell};

/// An engine that is not running yet.
#[derive(Debug, Clone)]
pub struct Builder {
    config: Config,
    callbacks: Callbacks,
    /// What is declared, or what is wrong with it.
    events: Result<EventRegistry, RegistryError>,
    finder: Finder,
    custom: Custom,
    owner_field: Option<String>,
    /// What says of sources' requests whether they are true, by the sources' uids.
    pub(crate) confirmers: Vec<(SourceUid, Confirmer)>,
    #[cfg(feature = "testing")]
    pub(crate) capture: Option<Arc<crate::testing::Capture>>,
}

/// An engine cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It cannot run with this configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An event cannot be declared so.
    #[error(transparent)]
    Events(#[from] RegistryError),
    /// An inbox cannot be as it is declared.
    #[cfg(feature = "receive")]
    #[error(transparent)]
    Inbox(#[from] crate::inbox::InboxError),
    /// Its database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Outbound TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// The operating system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    /// The operating system gives no randomness.
    #[error("the operating system gave no random bytes")]
    Randomness,
    /// The first read failed.
    #[error("cannot read from the database")]
    FirstRead(#[source] Error),
    /// The first write failed.
    #[error("cannot write to the database")]
    FirstWrite(#[source] Error),
}

impl Builder {
    /// An engine with this configuration.
    pub fn new(config: Config) -> Builder {
        Builder {
            config,
            callbacks: Callbacks::default(),
            events: Ok(EventRegistry::default()),
            finder: Finder::default(),
            custom: Custom::default(),
            owner_field: None,
            confirmers: Vec::new(),
            #[cfg(feature = "testing")]
            capture: None,
        }
    }

    /// The configuration, to be changed before the start.
    pub fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    /// Encrypts secrets in the database with the first of these keys; the others still decrypt. Without it a key is made, in a file
    /// beside the database, which is needed whenever the database is opened.
    pub fn master_keys(mut self, keys: MasterKeys) -> Builder {
        self.config.master_keys = Some(keys);
        self
    }

    /// Has `callback` called for each attempt that ends and for whatever else a product may want to know: messages that fail or
    /// recover, endpoints that are made, changed, disabled or deleted, background tasks that are over. More callbacks are called
    /// in the order they were added.
    ///
    /// They are called one event after the other on a thread of their own, never while anything is held that delivery needs. A
    /// callback should not block all the same: up to 10,000 events wait for slow ones, then those of single attempts are left out,
    /// with a warning in the log that says how many; the others are left out, each with an error in the log, beyond 100,000. What a
    /// callback is told of an attempt is on its way to the disk, and may be read there a moment later. A panic in it is logged.
    pub fn on_event(mut self, callback: impl Fn(&HookEvent) + Send + Sync + 'static) -> Builder {
        self.callbacks.add(callback);
        self
    }

    /// Opens and migrates the database, takes up what an earlier run left, and delivers.
    ///
    /// Runs on the tokio runtime that it is called on.
    pub async fn start(self) -> Result<Hooks, StartError> {
        let config = self.config;
        config.check()?;
        let events = self.events?;
        let (url, keys) = (config.database.clone(), config.master_keys.clone());
        let open = move || Store::open(&url, keys.as_ref(), Exclusivity::OnlyDeliverer);
        let opened = tokio::task::spawn_blocking(open).await;
        let (store, writer) = opened.unwrap_or(Err(StoreError::Locked))?;
        let policy = Arc::new(AddressPolicy::new(&config));
        let deliverer = Deliverer::new(&config, Arc::clone(&policy), self.custom)?;
        let ids = Arc::new(IdGenerator::new(seed()?));
        let measures = Arc::new(Measures::new());
        let (committed, fresh) = mpsc::unbounded_channel();
        let journal = Journal::start(writer, config.outcomes_max, committed, Arc::clone(&measures));
        let journal = journal.map_err(StartError::Thread)?;
        let limits = EndpointLimits { count: config.endpoints_max, bytes: config.endpoints_bytes_max };
        let clock = config.clock.clone();
        let catalog = Catalog::new(store.clone(), journal.clone(), clock.clone(), Arc::clone(&ids), limits);
        let catalog = Arc::new(catalog);
        let parts = cluster::Parts { clock, store: store.clone(), catalog: Arc::clone(&catalog) };
        let (node, news) = match Node::start(parts).await {
            Ok(started) => started,
            Err(error) => {
                let _ = journal.shutdown().await;
                return Err(error.into());
            }
        };
        let foundation = Foundation {
            config,
            callbacks: self.callbacks,
            events,
            finder: self.finder,
            owner_field: self.owner_field,
            confirmers: self.confirmers,
            #[cfg(feature = "testing")]
            capture: self.capture,
            store,
            journal: journal.clone(),
            deliverer,
            policy,
            ids,
            measures,
            catalog,
            node: node.clone(),
        };
        let started = foundation.build(fresh, news).await;
        if started.is_err() {
            // Nobody else ends the writer's thread, which holds the database.
            let _ = journal.shutdown().await;
            node.shutdown().await;
        }
        started
    }
}

/// What stands before the database was written to.
struct Foundation {
    config: Config,
    events: EventRegistry,
    finder: Finder,
    owner_field: Option<String>,
    confirmers: Vec<(SourceUid, Confirmer)>,
    #[cfg(feature = "testing")]
    capture: Option<Arc<crate::testing::Capture>>,
    store: Store,
    journal: Journal,
    deliverer: Deliverer,
    policy: Arc<AddressPolicy>,
    ids: Arc<IdGenerator>,
    measures: Arc<Measures>,
    callbacks: Callbacks,
    catalog: Arc<Catalog>,
    node: Node,
}

impl Foundation {
    async fn build(
        self,
        fresh: mpsc::UnboundedReceiver<Vec<Committed>>,
        news: mpsc::UnboundedReceiver<cluster::News>,
    ) -> Result<Hooks, StartError> {
        let Foundation { config, store, journal, deliverer, policy, ids, measures, catalog, node, .. } = self;
        let clock = config.clock.clone();
        let activity = ActivityFeed::new();
        catalog.organisation_ensure(DEFAULT_ORGANISATION).await.map_err(StartError::FirstWrite)?;
        // Before anything is delivered: what an earlier run left may wait for one of them.
        for (uid, confirm) in self.confirmers {
            match catalog.source_get(DEFAULT_ORGANISATION, &SourceRef::Uid(uid)).await {
                Ok(found) => catalog.confirmers().set(found.source.id, confirm),
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(StartError::FirstRead(error)),
            }
        }
        let tell = Tell::start(clock.clone(), Arc::clone(&ids), Arc::clone(&catalog), self.callbacks);
        let tell = Arc::new(tell.map_err(StartError::Thread)?);
        let names = self.events.iter().map(|event| event.name.clone()).collect();
        catalog.event_types_ensure(DEFAULT_ORGANISATION, names).await.map_err(StartError::FirstWrite)?;
        let parts = Parts {
            config: config.clone(),
            ids: Arc::clone(&ids),
            store: store.clone(),
            journal: journal.clone(),
            catalog: Arc::clone(&catalog),
            deliverer,
            activity: activity.clone(),
            tell: Arc::clone(&tell),
            measures: Arc::clone(&measures),
            node: node.clone(),
        };
        let dispatch = Dispatch::start(parts, fresh, news).await?;
        let stop = CancellationToken::new();
        let maintenance = Maintenance::start(maintenance::Parts {
            store: store.clone(),
            journal: journal.clone(),
            clock: clock.clone(),
            measures: Arc::clone(&measures),
            retention: config.retention,
            stop: stop.clone(),
        });
        let tasks = Tasks::start(tasks::Parts {
            clock: clock.clone(),
            ids: Arc::clone(&ids),
            store: store.clone(),
            journal: journal.clone(),
            catalog: Arc::clone(&catalog),
            dispatch: dispatch.clone(),
            tell: Arc::clone(&tell),
            finder: self.finder.clone(),
        });
        let broadcasts = Broadcasts::start(BroadcastParts {
            finder: self.finder.clone(),
            clock: clock.clone(),
            ids: Arc::clone(&ids),
            store: store.clone(),
            journal: journal.clone(),
            catalog: Arc::clone(&catalog),
            node: node.clone(),
            activity: activity.clone(),
            measures: Arc::clone(&measures),
        });
        let publisher = Publisher::new(publish::Parts {
            clock: clock.clone(),
            ids: Arc::clone(&ids),
            journal: journal.clone(),
            catalog: Arc::clone(&catalog),
            node: node.clone(),
            activity: activity.clone(),
            measures: Arc::clone(&measures),
            retention: config.retention,
            finder: self.finder,
        });
        let receiver = Receiver::new(receive::Parts {
            clock: clock.clone(),
            ids: Arc::clone(&ids),
            journal: journal.clone(),
            catalog: Arc::clone(&catalog),
            node: node.clone(),
            measures: Arc::clone(&measures),
            tell: Arc::clone(&tell),
            retention: config.inbound_retention,
            message_retention: config.retention,
        });
        tokio::spawn(schedule::run(schedule::Parts {
            clock: clock.clone(),
            ids: Arc::clone(&ids),
            store: store.clone(),
            journal: journal.clone(),
            catalog: Arc::clone(&catalog),
            node: node.clone(),
            retention: config.inbound_retention,
            message_retention: config.retention,
            stop: stop.clone(),
        }));
        let inner = Inner {
            config,
            events: self.events,
            owner_field: self.owner_field,
            #[cfg(feature = "testing")]
            capture: self.capture,
            clock,
            store,
            journal,
            catalog,
            publisher,
            broadcasts,
            receiver,
            dispatch,
            tasks,
            maintenance,
            policy,
            activity,
            tell,
            stop,
            node,
        };
        Ok(Hooks { inner: Arc::new(inner) })
    }
}

/// Where this node's ids start from.
pub(crate) fn seed() -> Result<u64, StartError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| StartError::Randomness)?;
    Ok(u64::from_le_bytes(bytes))
}
