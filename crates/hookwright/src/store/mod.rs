//! The only place with SQL: what is kept, how it is written in batches, and how it is read.
//!
//! [`Store`] is a sealed choice of backend. Writes go through one [`Writer`] as batches of [`Write`]; a batch is one
//! transaction, durable when [`Writer::commit`] returns. Reads run beside it on connections of their own.

pub(crate) mod error; // what can go wrong
pub(crate) mod read; // what is asked
pub(crate) mod write; // what is written
mod written; // and what that answers
pub(crate) mod sealing; // what must not be read from a copy
mod source_settings; // how those of a source are kept, in JSON

mod sqlite;

pub use sqlite::SchemaReport;

#[cfg(test)]
mod conformance;

use std::sync::Arc;
use std::time::Duration;

use crate::config::{DatabaseUrl, MasterKeys};
use crate::domain::ids::OrganisationId;
use crate::store::error::StoreError;
use crate::store::write::{Write, Written};

/// Runs a read on whichever backend there is.
macro_rules! dispatch {
    ($store:expr, $backend:ident => $call:expr) => {
        match &$store.backend {
            Backend::Sqlite($backend) => $call,
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
}

/// The one writer of a store; it blocks, so it lives on a thread of its own.
pub(crate) enum Writer {
    Sqlite(sqlite::Writer),
}

/// Who may open the database beside us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exclusivity {
    /// We deliver: no other process may do so from the same database.
    OnlyDeliverer,
    /// We read or change what is configured, beside a process that may be delivering.
    Visitor,
    /// As a visitor, but a database that is not there is made.
    Maker,
}

impl Store {
    /// Opens the database at `url`, makes it if there is none (unless a visitor asks), and brings it to the newest schema.
    ///
    /// Secrets are encrypted with the first of `master_keys`; without any, with those of a file beside the database.
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
        }
    }
}

impl Writer {
    /// What opening the database changed about its schema.
    pub(crate) fn schema(&self) -> SchemaReport {
        match self {
            Writer::Sqlite(writer) => writer.schema(),
        }
    }

    /// How long the slices of removing took that were written since this was last asked, the commit left out.
    pub(crate) fn slices(&mut self) -> Vec<Duration> {
        match self {
            Writer::Sqlite(writer) => writer.slices(),
        }
    }

    /// Writes all of `batch` in one transaction that is durable when this returns.
    ///
    /// Answers come in the batch's order. One write that conflicts with what is there gets its answer; it does not fail the others.
    /// On an error nothing of the batch was written.
    pub(crate) fn commit(&mut self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        match self {
            Writer::Sqlite(writer) => writer.commit(batch),
        }
    }
}

/// The organisation that the admin token and the configuration file belong to.
pub(crate) const DEFAULT_ORGANISATION: OrganisationId = OrganisationId::from_bytes([0; 20]);
