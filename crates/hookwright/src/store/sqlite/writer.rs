//! The one connection that writes: each batch is one transaction, and one sync of the disk.

use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};

use crate::store::SchemaReport;
use crate::store::error::StoreError;
use crate::store::sealing::Sealing;
use crate::store::slice_time::{Begun, SliceTime};
use crate::store::sqlite::checkpoint::Checkpoints;
use crate::store::sqlite::file::{Lock, Presence};
use crate::store::sqlite::message_key::MessageKeys;
use crate::store::sqlite::retention::OldMessages;
use crate::store::sqlite::{
    application, broadcast, confirmation, delivery, endpoint, erasure, event_type, expunge, idempotency,
    inbound, master_key, message, remnant, retention, source, space, task, ticket, token,
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
    sealing: Arc<Sealing>,
    keys: MessageKeys,
    /// Whether SQLite overwrites what it deletes.
    overwrites: bool,
    old: OldMessages,
    /// Whether the log is to be emptied once what removes rows right now has come to its end.
    is_removing: bool,
    /// How long each slice of removing took that nobody has asked for yet.
    slices: Vec<SliceTime>,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        presence: Arc<Presence>,
        lock: Option<Lock>,
        report: SchemaReport,
        checkpoints: Checkpoints,
        sealing: Arc<Sealing>,
    ) -> Result<Writer, StoreError> {
        let keys = MessageKeys::load(&connection)?;
        Ok(Writer {
            connection,
            presence,
            lock,
            report,
            checkpoints,
            sealing,
            keys,
            overwrites: false,
            old: OldMessages::default(),
            is_removing: false,
            slices: Vec::new(),
        })
    }

    /// What opening the database changed about its schema.
    pub(crate) fn schema(&self) -> SchemaReport {
        self.report
    }

    /// How long the slices of removing took that were written since this was last asked.
    pub(crate) fn slices(&mut self) -> Vec<SliceTime> {
        std::mem::take(&mut self.slices)
    }

    pub(crate) fn commit(&mut self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        let written = self.write(batch);
        match written {
            Ok(ref written) => {
                self.keys.committed();
                self.checkpoints.committed();
                let has_removed = self.has_removed(batch, written);
                if has_removed || batch.iter().any(Write::expunges) {
                    self.checkpoints.truncate();
                }
            }
            Err(_) => {
                self.keys.rolled_back();
                self.old.rolled_back();
            }
        }
        written
    }

    /// Whether something that removes slice by slice, and of which nothing is to be found in the log, has come to its end.
    fn has_removed(&mut self, batch: &[Write], written: &[Written]) -> bool {
        let mut has_ended = false;
        for (write, written) in batch.iter().zip(written) {
            let removed = match (write, written) {
                (Write::Erase { .. }, Written::Erased(erased)) => erased.rows,
                (Write::ExpirePayloads { .. } | Write::ExpireInbound { .. }, Written::Swept(swept)) => {
                    swept.messages
                }
                // The log may have copies of pages with what was overwritten in them just now.
                (Write::Overwrite { .. }, Written::Overwritten(next)) => {
                    has_ended |= next.is_none();
                    continue;
                }
                (Write::GiveBack { .. }, Written::Removed(pages)) => *pages,
                _ => continue,
            };
            has_ended |= self.is_removing && removed == 0;
            self.is_removing = removed > 0;
        }
        has_ended
    }

    /// Has SQLite overwrite what this batch deletes, if that is called for: by itself it only forgets where it was.
    fn set_overwriting(&mut self, batch: &[Write]) -> Result<(), StoreError> {
        let overwrites = batch.iter().any(Write::overwrites);
        if overwrites != self.overwrites {
            self.connection.pragma_update_and_check(None, "secure_delete", overwrites, |_| Ok(()))?;
            self.overwrites = overwrites;
        }
        Ok(())
    }

    fn write(&mut self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        self.set_overwriting(batch)?;
        // Taken for writing from the start: a reader that turns writer in the middle could be refused.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut written = Vec::with_capacity(batch.len());
        for write in batch {
            let started = write.is_slice().then(Begun::now);
            written.push(apply(&transaction, &self.sealing, &mut self.keys, &mut self.old, write)?);
            self.slices.extend(started.map(Begun::end));
        }
        // Looked at last: what is answered to be written is then in the file that the next start will open.
        self.presence.check()?;
        if let Some(lock) = &mut self.lock {
            lock.keep()?;
        }
        transaction.commit()?;
        Ok(written)
    }
}

fn apply(
    connection: &Connection,
    sealing: &Sealing,
    keys: &mut MessageKeys,
    old: &mut OldMessages,
    write: &Write,
) -> Result<Written, StoreError> {
    Ok(match write {
        Write::Append(append) => Written::Appended(message::append(connection, keys, append)?),
        Write::Receive(receive) => Written::Received(inbound::receive(connection, keys, receive)?),
        Write::Copied(copied) => {
            inbound::copied(connection, copied)?;
            Written::Done
        }
        Write::Outcome(outcome) => {
            delivery::outcome(connection, outcome)?;
            for told in &outcome.told {
                message::append(connection, keys, told)?;
            }
            Written::Done
        }
        Write::Confirm(step) => Written::Changed(confirmation::step(connection, step)?),
        Write::Told(write, messages) => {
            let written = apply(connection, sealing, keys, old, write)?;
            if written.took_effect() {
                for told in messages {
                    message::append(connection, keys, told)?;
                }
            }
            written
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
        Write::Catalog(change) => Written::Changed(change_catalog(connection, sealing, change)?),
        Write::KeepAnswer(kept) => {
            idempotency::keep(connection, kept)?;
            Written::Done
        }
        Write::TicketIssue(new) => Written::Changed(ticket::issue(connection, new)?),
        Write::TicketEnd(ended) => Written::Changed(ticket::end(connection, *ended)?),
        Write::TaskBegin(task) => Written::Changed(task::begin(connection, task)?),
        Write::TaskStep(step) => Written::Stepped(task::step(connection, step)?),
        Write::Broadcast(new) => {
            broadcast::begin(connection, new)?;
            Written::Done
        }
        Write::BroadcastStep(step) => Written::Broadcast(broadcast::step(connection, keys, step)?),
        Write::ExpireMessages { before, beyond, slice } => {
            Written::Swept(old.remove(connection, *before, *beyond, *slice)?)
        }
        Write::ExpirePayloads { now, slice } => {
            Written::Swept(retention::payloads(connection, *now, *slice)?)
        }
        Write::ExpireInbound { now, slice } => Written::Swept(inbound::expire(connection, *now, *slice)?),
        Write::ExpireInboundKeys { now, slice } => {
            Written::Removed(inbound::expire_keys(connection, *now, *slice)?)
        }
        Write::ExpireTasks { below, before, slice } => {
            Written::Removed(retention::tasks(connection, *below, *before, *slice)?)
        }
        Write::Erase { now, from, slice } => {
            Written::Erased(erasure::erase(connection, *now, *from, *slice)?)
        }
        Write::ForgetKeys { beyond, slice } => {
            Written::LookedAt(keys.forget_orphans(connection, *beyond, *slice)?)
        }
        Write::ExpireMessageKeys { now, slice } => Written::Removed(keys.expire(connection, *now, *slice)?),
        Write::ExpireKeys { first_byte, now } => {
            idempotency::expire(connection, *first_byte, *now)?;
            Written::Done
        }
        Write::ExpireTickets { now } => {
            ticket::expire(connection, *now)?;
            Written::Done
        }
        Write::Overwrite { from, slice } => {
            let next = remnant::overwrite(connection, *from, *slice)?;
            if next.is_none() {
                master_key::overwritten(connection)?;
            }
            Written::Overwritten(next)
        }
        Write::GiveBack { slice } => Written::Removed(space::give_back(connection, *slice)?),
    })
}

fn change_catalog(
    connection: &Connection,
    sealing: &Sealing,
    change: &CatalogWrite,
) -> Result<Changed, StoreError> {
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
        CatalogWrite::EndpointInsert(new) => endpoint::insert(connection, sealing, new),
        CatalogWrite::EndpointUpdate { endpoint, unless_changed_since } => {
            endpoint::update(connection, sealing, endpoint, *unless_changed_since)
        }
        CatalogWrite::EndpointDelete(application, id) => endpoint::delete(connection, *application, *id),
        CatalogWrite::EndpointDisable { application, endpoint, reason, failing_since, now } => {
            endpoint::disable(connection, *application, *endpoint, *reason, *failing_since, *now)
        }
        CatalogWrite::SourceInsert(new) => source::insert(connection, sealing, new),
        CatalogWrite::SourceUpdate { source, unless_changed_since } => {
            source::update(connection, sealing, source, *unless_changed_since)
        }
        CatalogWrite::SourceDelete(id, now) => source::delete(connection, *id, *now),
        CatalogWrite::SourceTokenRotate { new, now, old_ends_at } => {
            source::rotate(connection, sealing, new, *now, *old_ends_at)
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
