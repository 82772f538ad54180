//! The handle on a running engine: what a product, or a server over it, calls.

mod application; // what is configured
mod endpoint;
mod event_type;
mod operational;
mod source;
mod source_log;
mod ticket;
mod token;

mod resource; // what a product tells in its own words
mod change;
mod owner;
mod subscription;
mod published;
pub mod returning;

mod attempt; // what happens
mod idempotency;
mod message;
mod task;

#[cfg(feature = "postgres")]
#[cfg(test)]
mod outcome_tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::activity::{Activity, ActivityFeed};
use crate::builder::Builder;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::cluster::Node;
use crate::config::{Config, DatabaseUrl, DatabaseUrlError};
use crate::deliver::address_policy::AddressPolicy;
#[cfg(feature = "testing")]
use crate::deliver::handler::is_handling;
use crate::dispatch::Dispatch;
pub use crate::dispatch::ShutdownReport;
use crate::domain::event_registry::EventRegistry;
use crate::domain::ids::OrganisationId;
use crate::domain::owner::OwnerId;
use crate::domain::owner_field::with_owner;
use crate::error::Error;
use crate::journal::Journal;
use crate::maintenance::Maintenance;
use crate::measures::Snapshot;
use crate::publish::{Broadcasts, Publisher};
use crate::receive::Receiver;
use crate::store::{DEFAULT_ORGANISATION, Store};
use crate::tasks::Tasks;
use crate::tell::Tell;

pub use crate::domain::application::ApplicationRef;
pub use crate::domain::endpoint_edit::{EndpointEdit, EndpointRef, NewEndpoint};
pub use crate::journal::Unwritten;
pub use idempotency::{IdempotencyKey, KeptAnswer};
pub use owner::Owner;
pub use published::{NothingSent, Published};
pub use resource::Resource;
pub use source_log::SourceResent;
pub use subscription::Subscribe;
pub use token::NewToken;

/// Callbacks have at least so long to be told of what happened until the end.
const CALLBACKS_GRACE_MIN: Duration = Duration::from_secs(1);

/// A running engine. Clones are cheap and share it; it ends with [`Hooks::shutdown`].
#[derive(Clone)]
pub struct Hooks {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: Config,
    /// The declared events.
    pub(crate) events: EventRegistry,
    /// Where payloads are to say whose they are.
    pub(crate) owner_field: Option<String>,
    #[cfg(feature = "testing")]
    pub(crate) capture: Option<Arc<crate::testing::Capture>>,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) journal: Journal,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) publisher: Publisher,
    pub(crate) broadcasts: Broadcasts,
    pub(crate) receiver: Receiver,
    pub(crate) dispatch: Dispatch,
    pub(crate) tasks: Tasks,
    pub(crate) maintenance: Maintenance,
    pub(crate) policy: Arc<AddressPolicy>,
    pub(crate) activity: ActivityFeed,
    pub(crate) tell: Arc<Tell>,
    /// Ends the maintenance.
    pub(crate) stop: CancellationToken,
    pub(crate) node: Node,
}

impl Hooks {
    /// An engine over the database at `url`, such as `sqlite://hooks.db`: a file of its own, never the product's.
    pub fn open(url: &str) -> Result<Builder, DatabaseUrlError> {
        Ok(Hooks::builder(url.parse()?))
    }

    /// An engine over the database at `database`, to be set up and started.
    pub fn builder(database: DatabaseUrl) -> Builder {
        Builder::new(Config::new(database))
    }

    /// The organisation that the operator's own token belongs to.
    pub fn default_organisation(&self) -> OrganisationId {
        DEFAULT_ORGANISATION
    }

    /// The time on the engine's clock.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The declared events.
    pub fn events(&self) -> &EventRegistry {
        &self.inner.events
    }

    /// What the engine was started with.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Whether other nodes may be on the database, as on PostgreSQL: what they do is not told by [`Hooks::activity`].
    pub fn is_shared(&self) -> bool {
        self.inner.store.is_shared()
    }

    /// Makes the organisation, empty, unless it is there.
    pub async fn organisation_ensure(&self, organisation: OrganisationId) -> Result<(), Error> {
        self.inner.catalog.organisation_ensure(organisation).await
    }

    /// Answers if messages are taken, and the database can be read and written.
    pub async fn ready(&self) -> Result<(), Error> {
        self.inner.publisher.is_open()?;
        self.inner.store.ping().await?;
        self.inner.journal.is_writing()
    }

    /// What happens from now on, as it happens. A receiver that falls behind misses some and is told so.
    pub fn activity(&self) -> broadcast::Receiver<Activity> {
        self.inner.activity.subscribe()
    }

    /// What is under way right now, in numbers.
    pub fn snapshot(&self) -> Snapshot {
        let journal = &self.inner.journal;
        Snapshot {
            outcomes_waiting: journal.outcomes(),
            is_writing: journal.is_writing().is_ok(),
            ..self.inner.dispatch.snapshot()
        }
    }

    /// In a test: waits until what was just sent has been delivered.
    #[cfg(feature = "testing")]
    pub(crate) async fn settled(&self) {
        if !is_handling() {
            self.settle().await;
        }
    }

    /// Outside of tests nobody waits for deliveries.
    #[cfg(not(feature = "testing"))]
    pub(crate) async fn settled(&self) {}

    /// Ends the engine: takes no more messages, lets attempts under way end for at most `grace`, writes what came of them.
    ///
    /// Deliveries that did not end stay in the database and go on at the next start. Callbacks are told of what happened until then,
    /// for what is left of `grace`, but for at least a second. Fails if what came of the last attempts could not be written: those are
    /// made again at the next start. Either way the engine has ended, and nothing of it runs any more, but a callback that never
    /// returns.
    pub async fn shutdown(&self, grace: Duration) -> Result<ShutdownReport, Unwritten> {
        let begun = Instant::now();
        self.inner.publisher.close();
        self.inner.tasks.shutdown().await;
        self.inner.broadcasts.shutdown().await;
        let report = self.inner.dispatch.shutdown(grace).await;
        self.inner.stop.cancel();
        let written = self.inner.journal.shutdown().await;
        self.inner.node.shutdown().await;
        let left = grace.saturating_sub(begun.elapsed());
        self.inner.tell.shutdown(left.max(CALLBACKS_GRACE_MIN)).await;
        written.map(|()| report)
    }
}

/// The payload, with the owner in it if that is asked for.
fn owner_field(inner: &Inner, payload: Vec<u8>, owner: &OwnerId) -> Vec<u8> {
    match &inner.owner_field {
        Some(field) => with_owner(payload, field, owner),
        None => payload,
    }
}
