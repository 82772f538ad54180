//! Writes batches: each is one transaction, and what every message makes goes out as arrays.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::store::SchemaReport;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::hot::{Frame, Hot};
use crate::store::postgres::pool::Pool;
use crate::store::postgres::retention::{self, OldMessages};
use crate::store::postgres::{
    application, broadcast, delivery, endpoint, erasure, event_type, expunge, idempotency, inbound,
    message_key, source, task, token,
};
use crate::store::write::{Append, Appended, CatalogWrite, Changed, Outcome, Received, Write, Written};

/// So often a batch that lost a race against another transaction is written anew before its callers are told.
const TRIES: u32 = 5;
/// The number of the lock that the only node which delivers holds: "hook" in ASCII.
const DELIVERER: i32 = 0x68_6f6f_6b;
/// So long a start waits for the lock of a node that was just killed.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Writes batches on a connection of its own.
pub(crate) struct Writer {
    pool: Arc<Pool>,
    /// Opened when it is needed, and again after it broke.
    connection: Option<Connection>,
    report: SchemaReport,
    /// Whether no other node may deliver from the database.
    is_alone: bool,
    old: OldMessages,
}

impl Writer {
    /// A writer; if it is to be `alone`, it is only if no other is.
    pub(super) async fn open(
        pool: Arc<Pool>,
        report: SchemaReport,
        is_alone: bool,
    ) -> Result<Writer, StoreError> {
        let mut writer = Writer { pool, connection: None, report, is_alone, old: OldMessages::default() };
        let asked_since = Instant::now();
        loop {
            match writer.connect().await {
                // One that was killed a moment ago is gone once the server has noticed.
                Err(StoreError::InUseElsewhere) if asked_since.elapsed() < TAKEN_WITHIN => {
                    tokio::time::sleep(ASK_EVERY).await;
                }
                connected => {
                    writer.connection = Some(connected?);
                    return Ok(writer);
                }
            }
        }
    }

    /// What opening the database changed about its schema.
    pub(crate) fn schema(&self) -> SchemaReport {
        self.report
    }

    pub(crate) fn commit(&mut self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        let pool = Arc::clone(&self.pool);
        pool.wait(async {
            let mut tries = 1;
            loop {
                match self.try_commit(batch).await {
                    Err(StoreError::Raced) if tries < TRIES => tries += 1,
                    result => return result,
                }
            }
        })
    }

    /// A new connection. Its session holds the lock of the only deliverer, if this is it: a session that lost it cannot write.
    async fn connect(&self) -> Result<Connection, StoreError> {
        let connection = self.pool.connect_to_write().await?;
        if self.is_alone {
            let sql = format!("SELECT pg_try_advisory_lock({DELIVERER}, hashtext(current_schema()))");
            let row = connection.first(&sql, &[]).await?;
            if !row.is_some_and(|row| row.get(0)) {
                return Err(StoreError::InUseElsewhere);
            }
        }
        Ok(connection)
    }

    async fn try_commit(&mut self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        let connection = match self.connection.take().filter(Connection::is_good) {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let written = Batch::new(&connection, &mut self.old, batch.len()).write(batch).await;
        if written.is_err() {
            self.old.rolled_back();
            // Whether there is a transaction is not known; without one this does nothing.
            if connection.is_good() && connection.batch("ROLLBACK").await.is_err() {
                connection.suspect();
            }
        }
        self.connection = Some(connection);
        written
    }
}

/// A batch that is being written.
struct Batch<'b, 'w> {
    connection: &'b Connection,
    old: &'b mut OldMessages,
    hot: Hot<'w>,
    /// Which item of the batch each collected message answers, if it answers any.
    asked: Vec<Option<Asked>>,
    written: Vec<Option<Written>>,
    has_begun: bool,
}

/// Who asks what became of a message.
#[derive(Clone, Copy)]
enum Asked {
    /// The item with this number, which is that message.
    Append(usize),
    /// The item with this number, which made several.
    Broadcast(usize),
}

impl<'b, 'w> Batch<'b, 'w> {
    fn new(connection: &'b Connection, old: &'b mut OldMessages, items: usize) -> Batch<'b, 'w> {
        let written = (0..items).map(|_| None).collect();
        Batch { connection, old, hot: Hot::default(), asked: Vec::new(), written, has_begun: false }
    }

    async fn write(mut self, batch: &'w [Write]) -> Result<Vec<Written>, StoreError> {
        for (number, write) in batch.iter().enumerate() {
            self.item(number, write).await?;
        }
        self.collected(true).await?;
        // Each item has its answer by now; one without would be a fault of ours, and tells its caller nothing.
        Ok(self.written.into_iter().map(|written| written.unwrap_or(Written::Done)).collect())
    }

    async fn item(&mut self, number: usize, write: &'w Write) -> Result<(), StoreError> {
        match write {
            Write::Append(append) => self.append(append, Some(Asked::Append(number))).await?,
            Write::Outcome(outcome) => {
                self.outcome(outcome).await?;
                self.written[number] = Some(Written::Done);
            }
            Write::Told(inner, messages) => {
                // What it tells of comes first, and decides.
                Box::pin(self.item(number, inner)).await?;
                self.collected(false).await?;
                if self.written[number].as_ref().is_some_and(Written::took_effect) {
                    for told in messages {
                        self.append(told, None).await?;
                    }
                }
            }
            Write::Receive(receive) => {
                self.alone().await?;
                let is_fresh = inbound::receive(self.connection, receive).await?;
                if is_fresh && let Some(append) = &receive.message {
                    self.append(append, None).await?;
                }
                let received = if is_fresh { Received::Stored } else { Received::Duplicate };
                self.written[number] = Some(Written::Received(received));
            }
            Write::BroadcastStep(step) => {
                self.alone().await?;
                let is_taken = broadcast::step(self.connection, step).await?;
                self.written[number] = Some(Written::Broadcast(is_taken.then(Vec::new)));
                if is_taken {
                    for append in &step.messages {
                        self.append(append, Some(Asked::Broadcast(number))).await?;
                    }
                    self.collected(false).await?;
                    broadcast::remove_unused(self.connection, step.broadcast).await?;
                }
            }
            // All that came before it is written with it.
            Write::Flush => self.written[number] = Some(Written::Done),
            other => {
                self.alone().await?;
                self.written[number] = Some(apply(self.connection, self.old, other).await?);
            }
        }
        Ok(())
    }

    async fn append(&mut self, append: &'w Append, asked: Option<Asked>) -> Result<(), StoreError> {
        if !self.hot.takes(append) {
            self.collected(false).await?;
        }
        self.hot.append(append);
        self.asked.push(asked);
        Ok(())
    }

    async fn outcome(&mut self, outcome: &'w Outcome) -> Result<(), StoreError> {
        if !self.hot.takes_outcome(outcome) {
            self.collected(false).await?;
        }
        self.hot.outcome(outcome);
        for told in &outcome.told {
            self.append(told, None).await?;
        }
        Ok(())
    }

    /// Writes what is collected, so that what follows finds it, and has a transaction.
    async fn alone(&mut self) -> Result<(), StoreError> {
        self.collected(false).await?;
        if !self.has_begun {
            self.connection.batch("BEGIN").await?;
            self.has_begun = true;
        }
        Ok(())
    }

    /// Writes what is collected, and ends the transaction if it `commits`.
    async fn collected(&mut self, commits: bool) -> Result<(), StoreError> {
        if self.hot.is_empty() {
            if commits && self.has_begun {
                self.connection.batch("COMMIT").await?;
            }
            return Ok(());
        }
        let frame = Frame { begins: !self.has_begun, commits };
        self.has_begun = true;
        let appended = self.hot.write(self.connection, frame).await?;
        for (asked, appended) in self.asked.drain(..).zip(appended) {
            match asked {
                None => {}
                Some(Asked::Append(number)) => self.written[number] = Some(Written::Appended(appended)),
                Some(Asked::Broadcast(number)) => {
                    if let Some(Written::Broadcast(Some(stored))) = &mut self.written[number] {
                        stored.push(appended == Appended::Stored);
                    }
                }
            }
        }
        Ok(())
    }
}

async fn apply(connection: &Connection, old: &mut OldMessages, write: &Write) -> Result<Written, StoreError> {
    Ok(match write {
        Write::Resend(key) => Written::Resent(delivery::resend(connection, key).await?),
        Write::ClaimDue(claim) => Written::Claimed(delivery::claim_due(connection, claim).await?),
        Write::ExpungeMessage { application, message, now } => {
            Written::Changed(expunge::message(connection, *application, *message, *now).await?)
        }
        Write::ExpungeAttempt { application, message, attempt } => {
            Written::Changed(expunge::attempt(connection, *application, *message, *attempt).await?)
        }
        Write::EndDeliveries { application, endpoint, up_to, limit } => {
            Written::Removed(delivery::end(connection, *application, *endpoint, *up_to, *limit).await?)
        }
        Write::Probe => {
            application::probe(connection).await?;
            Written::Done
        }
        Write::Catalog(change) => Written::Changed(change_catalog(connection, change).await?),
        Write::KeepAnswer(kept) => {
            idempotency::keep(connection, kept).await?;
            Written::Done
        }
        Write::TaskBegin(task) => Written::Changed(task::begin(connection, task).await?),
        Write::TaskStep(step) => Written::Stepped(task::step(connection, step).await?),
        Write::Broadcast(new) => {
            broadcast::begin(connection, new).await?;
            Written::Done
        }
        Write::ExpireMessages { before, beyond, slice } => {
            Written::Swept(old.remove(connection, *before, *beyond, *slice).await?)
        }
        Write::ExpirePayloads { now, slice } => {
            Written::Swept(retention::payloads(connection, *now, *slice).await?)
        }
        Write::ExpireInbound { now, slice } => {
            Written::Swept(inbound::expire(connection, *now, *slice).await?)
        }
        Write::ExpireInboundKeys { now, slice } => {
            Written::Removed(inbound::expire_keys(connection, *now, *slice).await?)
        }
        Write::ExpireTasks { below, before, slice } => {
            Written::Removed(retention::tasks(connection, *below, *before, *slice).await?)
        }
        Write::Erase { now, from, slice } => {
            Written::Erased(erasure::erase(connection, *now, *from, *slice).await?)
        }
        Write::ForgetKeys { beyond, slice } => {
            Written::LookedAt(message_key::forget_orphans(connection, *beyond, *slice).await?)
        }
        Write::ExpireMessageKeys { now, slice } => {
            Written::Removed(message_key::expire(connection, *now, *slice).await?)
        }
        Write::ExpireKeys { first_byte, now } => {
            idempotency::expire(connection, *first_byte, *now).await?;
            Written::Done
        }
        // PostgreSQL has its own ways with what it has freed: vacuum takes it, at its time.
        Write::Overwrite { .. } => Written::Overwritten(None),
        Write::GiveBack { .. } => Written::Removed(0),
        // Those that are collected never come here.
        Write::Append(_)
        | Write::Receive(_)
        | Write::Outcome(_)
        | Write::Told(..)
        | Write::BroadcastStep(_)
        | Write::Flush => Written::Done,
    })
}

async fn change_catalog(connection: &Connection, change: &CatalogWrite) -> Result<Changed, StoreError> {
    // First, so that changes wait for each other here and nowhere else. Whoever reads the number in a transaction knows all that
    // was committed before.
    connection.execute("UPDATE catalog_sequence SET value = value + 1", &[]).await?;
    match change {
        CatalogWrite::OrganisationEnsure(id, now) => {
            application::organisation_ensure(connection, *id, *now).await
        }
        CatalogWrite::ApplicationInsert(new) => application::insert(connection, new).await,
        CatalogWrite::ApplicationUpdate { application, unless_changed_since } => {
            application::update(connection, application, *unless_changed_since).await
        }
        CatalogWrite::ApplicationDelete(id, now) => application::delete(connection, *id, *now).await,
        CatalogWrite::EventTypeInsert(new) => event_type::insert(connection, new).await,
        CatalogWrite::EventTypeUpdate { event_type, unless_changed_since } => {
            event_type::update(connection, event_type, *unless_changed_since).await
        }
        CatalogWrite::EventTypeDelete(organisation, name) => {
            event_type::delete(connection, *organisation, name).await
        }
        CatalogWrite::EndpointInsert(new) => endpoint::insert(connection, new).await,
        CatalogWrite::EndpointUpdate { endpoint, unless_changed_since } => {
            endpoint::update(connection, endpoint, *unless_changed_since).await
        }
        CatalogWrite::EndpointDelete(application, id) => {
            endpoint::delete(connection, *application, *id).await
        }
        CatalogWrite::EndpointDisable { application, endpoint, reason, now } => {
            endpoint::disable(connection, *application, *endpoint, *reason, *now).await
        }
        CatalogWrite::SourceInsert(new) => source::insert(connection, new).await,
        CatalogWrite::SourceUpdate { source, unless_changed_since } => {
            source::update(connection, source, *unless_changed_since).await
        }
        CatalogWrite::SourceDelete(id, now) => source::delete(connection, *id, *now).await,
        CatalogWrite::SourceTokenRotate { new, now, old_ends_at } => {
            source::rotate(connection, new, *now, *old_ends_at).await
        }
        CatalogWrite::TokenInsert { token, hash } => token::insert(connection, token, hash).await,
        CatalogWrite::TokenRevoke { organisation, id, now } => {
            token::revoke(connection, *organisation, *id, *now).await
        }
        CatalogWrite::TokenUpdate { organisation, id, change } => {
            token::update(connection, *organisation, *id, change).await
        }
        CatalogWrite::TokensExpire { organisation, ids, at } => {
            token::expire(connection, *organisation, ids, *at).await
        }
    }
}
