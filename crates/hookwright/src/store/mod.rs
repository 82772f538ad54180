//! The only place with SQL: what is kept, how it is written in batches, and how it is read.
//!
//! [`Store`] is a sealed choice of backend. Writes go through one [`Writer`] as batches of [`Write`]; a batch is one
//! transaction, durable when [`Writer::commit`] returns. Reads run beside it on connections of their own.

pub(crate) mod error; // what can go wrong
pub(crate) mod read; // what is asked
pub(crate) mod write; // what is written
mod append; // of that, the messages
mod catalog_write; // what is configured
mod health_change; // and what attempts say of endpoints
mod written; // and what that answers
pub(crate) mod slots; // places of limits that are shared
pub(crate) mod change; // what that makes old on other nodes
pub(crate) mod sealing; // what must not be read from a copy
mod sealed_columns; // and where that is
mod source_settings; // how those of a source are kept, in JSON

mod budget; // what a slice of removing may do, in every dialect
mod slice_time; // and what it took
mod effort; // how much a page of a list looks at
mod encoded; // what is kept as JSON in one column
#[cfg(feature = "postgres")]
pub(crate) mod moving; // from one back end to the other

#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

#[cfg(test)]
mod conformance;

use std::sync::Arc;
use std::time::Duration;

use crate::config::{DatabaseUrl, MasterKeys};
use crate::domain::ids::{MessageId, OrganisationId};
use crate::domain::lease::{Held, Hold, LeaseNumber};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::slice_time::SliceTime;
use crate::store::slots::Slots;
use crate::store::write::{DaysKept, Settled, Write, Written};

#[cfg(feature = "postgres")]
pub(crate) use postgres::{Beat, Heart};

#[cfg(feature = "postgres")]
pub use postgres::{Footprint, ScratchSchema, ServerSession};

/// Runs a read on whichever backend there is.
macro_rules! dispatch {
    ($store:expr, $backend:ident => $call:expr) => {
        match &$store.backend {
            Backend::Sqlite($backend) => $call,
            #[cfg(feature = "postgres")]
            Backend::Postgres($backend) => $call,
        }
    };
}
pub(crate) use dispatch;

/// An open database that has been migrated. Clones share it.
#[derive(Clone)]
pub(crate) struct Store {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<sqlite::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Arc<postgres::Postgres>),
}

/// A writer of a store; it blocks, so it lives on a thread of its own.
pub(crate) enum Writer {
    Sqlite(sqlite::Writer),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Writer),
}

/// Which schema a database had, and which it has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaReport {
    /// The number of the newest migration before; 0 for an empty database.
    pub before: u32,
    /// The number of the newest migration now.
    pub after: u32,
}

/// Who may open the database beside us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exclusivity {
    /// We deliver: no other process may do so from the same file. On a server all who do share what there is, each under a lease.
    OnlyDeliverer,
    /// We read or change what is configured, beside a process that may be delivering.
    Visitor,
    /// As a visitor, but a database that is not there is made.
    Maker,
}

impl Store {
    /// Opens the database at `url`, makes it if there is none (unless a visitor asks), and brings it to the newest schema.
    ///
    /// Secrets are encrypted with the first of `master_keys`; without any, with those of a file beside the database, if
    /// that is one.
    pub(crate) fn open(
        url: &DatabaseUrl,
        master_keys: Option<&MasterKeys>,
        exclusivity: Exclusivity,
    ) -> Result<(Store, Writer), StoreError> {
        match url {
            DatabaseUrl::Sqlite(path) => {
                let (sqlite, writer) = sqlite::open(path, master_keys, exclusivity)?;
                Ok((Store { backend: Backend::Sqlite(Arc::new(sqlite)) }, Writer::Sqlite(writer)))
            }
            DatabaseUrl::Memory(number) => {
                let (sqlite, writer) = sqlite::open_in_memory(*number, master_keys)?;
                Ok((Store { backend: Backend::Sqlite(Arc::new(sqlite)) }, Writer::Sqlite(writer)))
            }
            #[cfg(feature = "postgres")]
            DatabaseUrl::Postgres(url) => {
                let (postgres, writer) = postgres::open(url, master_keys, exclusivity)?;
                Ok((Store { backend: Backend::Postgres(Arc::new(postgres)) }, Writer::Postgres(writer)))
            }
        }
    }
}

impl Store {
    /// Whether messages go by whole days, by [`Store::keep_days`], but for what is pending.
    pub(crate) fn goes_by_days(&self) -> bool {
        !matches!(self.backend, Backend::Sqlite(_))
    }

    /// Makes room for the days to come, and drops the days below `before` in which nothing is pending; nothing, if another node
    /// is about it. It takes no part in batches.
    pub(crate) async fn keep_days(&self, now: Timestamp, before: MessageId) -> Result<DaysKept, StoreError> {
        #[cfg(not(feature = "postgres"))]
        let _ = (now, before);
        match &self.backend {
            Backend::Sqlite(_) => Ok(DaysKept::default()),
            #[cfg(feature = "postgres")]
            Backend::Postgres(postgres) => postgres.keep_days(now, before).await,
        }
    }

    /// The number of the last change of what is configured of which all is forgotten that it made old.
    pub(crate) fn catalog_known(&self) -> i64 {
        match &self.backend {
            // Nobody else changes anything.
            Backend::Sqlite(_) => 0,
            #[cfg(feature = "postgres")]
            Backend::Postgres(postgres) => postgres.catalog_known(),
        }
    }

    /// Reserves places of limits that nodes share; says how long it is until the first of each.
    pub(crate) async fn slots_reserve(&self, wanted: Vec<Slots>) -> Result<Vec<Duration>, StoreError> {
        match &self.backend {
            // Nobody shares them.
            Backend::Sqlite(_) => Ok(wanted.iter().map(|_| Duration::ZERO).collect()),
            #[cfg(feature = "postgres")]
            Backend::Postgres(postgres) => postgres.slots_reserve(wanted).await,
        }
    }

    /// Whether other nodes may be on the database.
    pub(crate) fn is_shared(&self) -> bool {
        match &self.backend {
            Backend::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Backend::Postgres(_) => true,
        }
    }
}

impl Store {
    /// The leases by which this node holds deliveries right now.
    pub(crate) fn held(&self) -> Held {
        match &self.backend {
            Backend::Sqlite(_) => Held::alone(),
            #[cfg(feature = "postgres")]
            Backend::Postgres(postgres) => postgres.held(),
        }
    }

    /// Whether a delivery has been this node's without a gap since it was held so.
    pub(crate) fn still_holds(&self, hold: Hold) -> bool {
        #[cfg(not(feature = "postgres"))]
        let _ = hold;
        match &self.backend {
            Backend::Sqlite(_) => true,
            #[cfg(feature = "postgres")]
            Backend::Postgres(postgres) => postgres.still_holds(hold),
        }
    }

    /// How many deliveries of each endpoint are ready under these leases, which this node has adopted.
    pub(crate) async fn delivery_ready_counts_of(
        &self,
        leases: &[LeaseNumber],
    ) -> Result<Vec<read::ReadyCount>, StoreError> {
        #[cfg(not(feature = "postgres"))]
        let _ = leases;
        match &self.backend {
            Backend::Sqlite(_) => Ok(Vec::new()),
            #[cfg(feature = "postgres")]
            Backend::Postgres(postgres) => postgres.delivery_ready_counts_of(leases).await,
        }
    }

    /// Deletes leases that this node took over and that nothing stands under any more.
    #[cfg(feature = "postgres")]
    pub(crate) async fn tidy_leases(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(_) => Ok(()),
            Backend::Postgres(postgres) => postgres.tidy_leases().await,
        }
    }

    /// A session for heartbeats, if other nodes may be on the database.
    #[cfg(feature = "postgres")]
    pub(crate) async fn heart(&self) -> Result<Option<Heart>, StoreError> {
        match &self.backend {
            Backend::Sqlite(_) => Ok(None),
            Backend::Postgres(postgres) => postgres.heart().await.map(Some),
        }
    }

    /// All is forgotten that changes up to this one made old.
    #[cfg(feature = "postgres")]
    pub(crate) fn catalog_is_known(&self, up_to: i64) {
        if let Backend::Postgres(postgres) = &self.backend {
            postgres.catalog_is_known(up_to);
        }
    }
}

impl Writer {
    /// What opening the database changed about its schema.
    pub(crate) fn schema(&self) -> SchemaReport {
        match self {
            Writer::Sqlite(writer) => writer.schema(),
            #[cfg(feature = "postgres")]
            Writer::Postgres(writer) => writer.schema(),
        }
    }

    /// Others that may write new messages beside it, and nothing else; none where one writer is all that the database takes.
    pub(crate) fn beside(&self) -> Vec<Writer> {
        match self {
            Writer::Sqlite(_) => Vec::new(),
            #[cfg(feature = "postgres")]
            Writer::Postgres(writer) => writer.beside().into_iter().map(Writer::Postgres).collect(),
        }
    }

    /// How long the slices of removing took that were written since this was last asked, the commit left out.
    pub(crate) fn slices(&mut self) -> Vec<SliceTime> {
        match self {
            Writer::Sqlite(writer) => writer.slices(),
            #[cfg(feature = "postgres")]
            Writer::Postgres(writer) => writer.slices(),
        }
    }

    /// Writes all of `batch` in one transaction that is durable when this returns.
    ///
    /// Answers come in the batch's order. One write that conflicts with what is there gets its answer; it does not fail the others.
    /// On an error nothing of the batch was written.
    pub(crate) fn commit(&mut self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        match self {
            Writer::Sqlite(writer) => writer.commit(batch),
            #[cfg(feature = "postgres")]
            Writer::Postgres(writer) => writer.commit(batch),
        }
    }

    /// The lease under which the last batch was written.
    pub(crate) fn lease(&self) -> LeaseNumber {
        match self {
            Writer::Sqlite(_) => LeaseNumber::NONE,
            #[cfg(feature = "postgres")]
            Writer::Postgres(writer) => writer.lease(),
        }
    }

    /// Whether it is not known of the last batch whether it is committed. Nothing more is written until [`Writer::settle`] says it.
    pub(crate) fn is_unsettled(&self) -> bool {
        match self {
            // What commits is in this process.
            Writer::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Writer::Postgres(writer) => writer.is_unsettled(),
        }
    }

    /// Finds out how the last batch ended, if that is not known; fails as long as that cannot be asked.
    pub(crate) fn settle(&mut self) -> Result<Option<Settled>, StoreError> {
        match self {
            Writer::Sqlite(_) => Ok(None),
            #[cfg(feature = "postgres")]
            Writer::Postgres(writer) => writer.settle(),
        }
    }
}

/// The organisation that the admin token and the configuration file belong to.
pub(crate) const DEFAULT_ORGANISATION: OrganisationId = OrganisationId::from_bytes([0; 20]);
