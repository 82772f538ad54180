//! The one connection that writes: each batch is one transaction, and one sync of the disk.

use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};

use crate::store::error::StoreError;
use crate::store::sqlite::checkpoint::Checkpoints;
use crate::store::sqlite::file::{Lock, Presence};
use crate::store::sqlite::message_key::MessageKeys;
use crate::store::sqlite::migrate::SchemaReport;
use crate::store::sqlite::{
    application, delivery, endpoint, event_type, expunge, idempotency, message, task, token,
};
use crate::store::write::{CatalogWrite, Changed, Write, Written};

/// Writes batches.
pub(crate) struct Writer {
    connection: Connection,
    presence: Arc<Presence>,
    /// Held until the writer goes: nobody else delivers from this file meanwhile.
    lock: Option<Lock>,
    report: SchemaReport,
    checkpoints: Checkpoints,
    keys: MessageKeys,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        presence: Arc<Presence>,
        lock: Option<Lock>,
        report: SchemaReport,
        checkpoints: Checkpoints,
    ) -> Result<Writer, StoreError> {
        let keys = MessageKeys::load(&connection)?;
        Ok(Writer { connection, presence, lock, report, checkpoints, keys })
    }

    /// What opening the database changed about its schema.
    pub(crate) fn schema(&self) -> SchemaReport {
        self.report
    }

    pub(crate) fn commit(&mut self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        let written = self.write(batch);
        match written {
            Ok(_) => {
                self.keys.committed();
                self.checkpoints.committed();
                if batch.iter().any(Write::expunges) {
                    self.checkpoints.truncate();
                }
            }
            Err(_) => self.keys.rolled_back(),
        }
        written
    }

    fn write(&mut self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        // Taken for writing from the start: a reader that turns writer in the middle could be refused.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut written = Vec::with_capacity(batch.len());
        for write in batch {
            written.push(apply(&transaction, &mut self.keys, write)?);
        }
        // Looked at last: what is answered to be written is then in the file that the next start will open.
        self.presence.check()?;
        if let Some(lock) = &self.lock {
            lock.keep()?;
        }
        transaction.commit()?;
        Ok(written)
    }
}

fn apply(connection: &Connection, keys: &mut MessageKeys, write: &Write) -> Result<Written, StoreError> {
    Ok(match write {
        Write::Append(append) => Written::Appended(message::append(connection, keys, append)?),
        Write::Outcome(outcome) => {
            delivery::outcome(connection, outcome)?;
            Written::Done
        }
        Write::Resend(key) => Written::Resent(delivery::resend(connection, key)?),
        Write::ClaimDue(claim) => Written::Claimed(delivery::claim_due(connection, claim)?),
        Write::ExpungeMessage { application, message, now } => {
            Written::Changed(expunge::message(connection, *application, *message, *now)?)
        }
        Write::ExpungeAttempt { application, message, attempt } => {
            Written::Changed(expunge::attempt(connection, *application, *message, *attempt)?)
        }
        Write::EndDeliveries { application, endpoint, up_to, limit } => {
            Written::Removed(delivery::end(connection, *application, *endpoint, *up_to, *limit)?)
        }
        Write::Flush => Written::Done,
        Write::Probe => {
            application::probe(connection)?;
            Written::Done
        }
        Write::Catalog(change) => Written::Changed(change_catalog(connection, change)?),
        Write::KeepAnswer(kept) => {
            idempotency::keep(connection, kept)?;
            Written::Done
        }
        Write::TaskBegin(task) => Written::Changed(task::begin(connection, task)?),
        Write::TaskStep(step) => Written::Stepped(task::step(connection, step)?),
        Write::Erase { now, limit } => Written::Removed(application::erase(connection, *now, *limit)?),
        Write::ExpireMessageKeys { now, limit } => Written::Removed(keys.expire(connection, *now, *limit)?),
        Write::ExpireKeys { first_byte, now } => {
            idempotency::expire(connection, *first_byte, *now)?;
            Written::Done
        }
    })
}

fn change_catalog(connection: &Connection, change: &CatalogWrite) -> Result<Changed, StoreError> {
    match change {
        CatalogWrite::OrganisationEnsure(id, now) => application::organisation_ensure(connection, *id, *now),
        CatalogWrite::ApplicationInsert(new) => application::insert(connection, new),
        CatalogWrite::ApplicationUpdate { application, unless_changed_since } => {
            application::update(connection, application, *unless_changed_since)
        }
        CatalogWrite::ApplicationDelete(id, now) => application::delete(connection, *id, *now),
        CatalogWrite::EventTypeInsert(new) => event_type::insert(connection, new),
        CatalogWrite::EventTypeUpdate { event_type, unless_changed_since } => {
            event_type::update(connection, event_type, *unless_changed_since)
        }
        CatalogWrite::EventTypeDelete(organisation, name) => {
            event_type::delete(connection, *organisation, name)
        }
        CatalogWrite::EndpointInsert(new) => endpoint::insert(connection, new),
        CatalogWrite::EndpointUpdate { endpoint, unless_changed_since } => {
            endpoint::update(connection, endpoint, *unless_changed_since)
        }
        CatalogWrite::EndpointDelete(application, id) => endpoint::delete(connection, *application, *id),
        CatalogWrite::EndpointDisable { application, endpoint, reason, now } => {
            endpoint::disable(connection, *application, *endpoint, *reason, *now)
        }
        CatalogWrite::TokenInsert { token, hash } => token::insert(connection, token, hash),
        CatalogWrite::TokenRevoke { organisation, id, now } => {
            token::revoke(connection, *organisation, *id, *now)
        }
        CatalogWrite::TokenUpdate { organisation, id, change } => {
            token::update(connection, *organisation, *id, change)
        }
        CatalogWrite::TokensExpire { organisation, ids, at } => {
            token::expire(connection, *organisation, ids, *at)
        }
    }
}
