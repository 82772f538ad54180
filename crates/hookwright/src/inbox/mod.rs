//! What others send to a product, and the product's own code for it: proven, on disk before it is answered, and handled until it is
//! done. Feature `receive`.
//!
//! ```
//! use std::time::Duration;
//!
//! use hookwright::{Bytes, InboundEvent, Inbox, Source, http::Request};
//!
//! # #[derive(serde::Deserialize)]
//! # struct Charge { id: String }
//! async fn charged(event: InboundEvent) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//!     let charge: Charge = event.json()?;
//!     // Your work, in a transaction of yours that also notes `event.id`: what is there already was done before.
//!     println!("{}: {}", event.id, charge.id);
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # std::env::set_current_dir(&directory)?;
//! let inbox = Inbox::open("sqlite://inbox.db")?
//!     .source("payments", Source::stripe("whsec_of_stripe"))
//!     .on("charge.succeeded", charged)
//!     .start()
//!     .await?;
//!
//! // For each request, however it came in; `hookwright-axum` has a router for it.
//! let request = Request::post("/webhooks/stripe").body(Bytes::from("{}"))?;
//! let response = inbox.receive("payments", request).await;
//! assert_eq!(response.status(), 401);
//!
//! inbox.shutdown(Duration::from_secs(10)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! When a request is answered with success it is on disk, and its event is given to every handler that wants it, also if the program
//! is killed right then. A handler that fails, panics or takes too long is called again on the engine's schedule; after the last time
//! the event is a [dead letter](Inbox::dead_letters), which is listed and can be [run again](Inbox::run_again) for as long as the
//! source's log is kept.
//!
//! **At least once.** A handler that returned `Ok` is not called with the same event again: neither if the provider sends it again, nor
//! after a restart. That holds from the moment on that its outcome is written, which is in the engine's next commit, at most some
//! 20 ms after it returned: a program that is killed in between calls the handler once more, with the same
//! [`id`](InboundEvent::id). A handler that must not act twice notes the id in the transaction that it acts in.

mod declared; // what a product sets
mod event_type;
mod settling; // what is made of it in the database
mod entrance; // a request comes
mod dead_letters; // what no handler took

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::builder::Builder;
use crate::catalog::SourceEntry;
use crate::config::DatabaseUrlError;
use crate::domain::inbound::Inbound;
use crate::domain::names::{NameError, SourceUid};
use crate::domain::page::{Page, PageRequest};
use crate::domain::short_ids::InboundId;
use crate::domain::source::SourceRef;
use crate::error::{Error, Thing};
use crate::hooks::{Hooks, ShutdownReport};
use crate::journal::Unwritten;
use crate::receive::ReadEventType;

pub use dead_letters::DeadLetter;
pub use declared::InboxBuilder;
pub use entrance::Entrance;
pub use event_type::EventTypeFrom;

/// A running inbox. Clones are cheap and share it; it ends with [`Inbox::shutdown`].
#[derive(Clone)]
pub struct Inbox {
    hooks: Hooks,
    shared: Arc<Shared>,
}

struct Shared {
    sources: BTreeMap<String, Settled>,
    body_limit: usize,
    public_url: Option<String>,
}

/// A source as it is in the database.
struct Settled {
    uid: SourceUid,
    entry: Arc<SourceEntry>,
    event_type: Option<ReadEventType>,
}

/// An inbox cannot start as it is declared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InboxError {
    /// A handler, or a setting, was given before any source.
    #[error("{what} belongs to a source: call `.source(…)` before it")]
    NoSource {
        /// What was given.
        what: &'static str,
    },
    /// A source has a name that cannot be one.
    #[error("the source {name:?} {error}")]
    SourceName {
        /// The name.
        name: String,
        /// What is wrong with it.
        error: NameError,
    },
    /// Two sources have the same name.
    #[error("two sources are called {name:?}")]
    SourceTwice {
        /// The name.
        name: String,
    },
    /// A source takes requests of several kinds.
    #[error(
        "the source {name:?} is of one kind, and what it takes as well is of another: make two sources of it"
    )]
    Kinds {
        /// The name.
        name: String,
    },
    /// Two handlers of a source have the same name.
    #[error(
        "two handlers of the source {source_name:?} are called {handler:?}: give one a name of its own with `.on_as(…)`"
    )]
    HandlerTwice {
        /// The source's name.
        source_name: String,
        /// The handlers' name.
        handler: String,
    },
    /// A handler has a name that cannot be one.
    #[error(
        "a handler of the source {source_name:?} has no name, or one of more than 200 characters or with control characters in it"
    )]
    HandlerName {
        /// The source's name.
        source_name: String,
    },
    /// A handler is for events that cannot be called so.
    #[error("a handler of the source {source_name:?} is for the event {event:?}, which {error}")]
    Event {
        /// The source's name.
        source_name: String,
        /// The event.
        event: String,
        /// What is wrong with it.
        error: NameError,
    },
    /// The type of a source's events cannot be read there.
    #[error("the event type of the source {source_name:?} cannot be read from {why}")]
    EventType {
        /// The source's name.
        source_name: String,
        /// Where, and why not.
        why: String,
    },
    /// A source cannot be made, or what is known of it cannot be read.
    #[error("the source {name:?} cannot be set up: {error}")]
    Source {
        /// The source's name.
        name: String,
        /// Why not.
        #[source]
        error: Error,
    },
}

impl Inbox {
    /// An inbox with an engine of its own, over the database at `url`, such as `sqlite://inbox.db`: a file of its own, never the
    /// product's.
    pub fn open(url: &str) -> Result<InboxBuilder, DatabaseUrlError> {
        Ok(Inbox::within(Hooks::open(url)?))
    }

    /// An inbox within an engine that also sends: both are over one database, and [`Inbox::hooks`] sends.
    pub fn within(engine: Builder) -> InboxBuilder {
        InboxBuilder::new(engine)
    }

    /// The engine that it is in.
    pub fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// What came to a source, by id: also what was refused, and why.
    pub async fn log(&self, source: &str, page: PageRequest<InboundId>) -> Result<Page<Inbound>, Error> {
        let named = SourceRef::Uid(self.settled(source)?.uid.clone());
        self.hooks.source_log(self.hooks.default_organisation(), &named, page).await
    }

    /// Ends the inbox and its engine: takes no more requests, lets handlers that run end for at most `grace`, and keeps the rest for
    /// the next start. As [`Hooks::shutdown`].
    pub async fn shutdown(&self, grace: Duration) -> Result<ShutdownReport, Unwritten> {
        self.hooks.shutdown(grace).await
    }

    fn settled(&self, source: &str) -> Result<&Settled, Error> {
        self.shared.sources.get(source).ok_or(Error::NotFound(Thing::Source))
    }
}
