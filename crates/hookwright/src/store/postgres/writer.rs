//! Writes batches: each is one transaction, and what every message makes goes out as arrays.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::MasterKeys;
use crate::store::error::StoreError;
use crate::store::postgres::commit::{Mark, Marks, Unsettled, forget_old};
use crate::store::postgres::connection::Connection;
use crate::store::postgres::hot::{Frame, Hot};
use crate::store::postgres::pipeline::Pipeline;
use crate::store::postgres::pool::Pool;
use crate::store::postgres::retention::OldMessages;
use crate::store::postgres::{apply, broadcast, inbound, master_key, value};
use crate::store::sealing::Sealing;
use crate::store::write::{Append, Appended, Outcome, Received, Settled, Write, Written};
use crate::store::{Exclusivity, SchemaReport};

/// Writers of messages beside the first.
const BESIDE: u32 = 2;
/// So often a batch that lost a race against another transaction is written anew before its callers are told.
const TRIES: u32 = 5;
/// The number of the lock that the only node which delivers holds: "hook" in ASCII.
const DELIVERER: i32 = 0x686f_6f6b;
/// So long a start waits for the lock of a node that was just killed.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);
/// So long a new session waits for the lock of the one before it.
const NOTICED_WITHIN: Duration = Duration::from_millis(500);
const ASK_AGAIN: Duration = Duration::from_millis(20);
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Writes batches on a connection of its own.
pub(crate) struct Writer {
    pool: Arc<Pool>,
    /// Opened when it is needed, and again after it broke.
    connection: Option<Connection>,
    report: SchemaReport,
    /// Whether no other node may deliver from the database.
    is_alone: bool,
    sealing: Arc<Sealing>,
    old: OldMessages,
    /// How long each slice of removing took that nobody has asked for yet.
    slices: Vec<Duration>,
    marks: Marks,
    /// The last batch, if nobody knows whether it is committed.
    unsettled: Option<Unsettled>,
}

impl Writer {
    /// A writer; if it is of who delivers, it is only if no other is.
    pub(super) async fn open(
        pool: Arc<Pool>,
        report: SchemaReport,
        master_keys: &MasterKeys,
        exclusivity: Exclusivity,
    ) -> Result<Writer, StoreError> {
        let is_alone = exclusivity == Exclusivity::OnlyDeliverer;
        let asked_since = Instant::now();
        let connection = loop {
            match connect(&pool, is_alone).await {
                // One that was killed a moment ago is gone once the server has noticed.
                Err(StoreError::InUseElsewhere) if asked_since.elapsed() < TAKEN_WITHIN => {
                    tokio::time::sleep(ASK_EVERY).await;
                }
                connected => break connected?,
            }
        };
        forget_old(&connection).await?;
        let mut sealing = master_key::establish(&connection, master_keys).await?;
        seal_all(&connection, &mut sealing, exclusivity).await?;
        Writer::of(&pool, Some(connection), report, is_alone, Arc::new(sealing))
    }

    /// One that has not written anything yet.
    fn of(
        pool: &Arc<Pool>,
        connection: Option<Connection>,
        report: SchemaReport,
        is_alone: bool,
        sealing: Arc<Sealing>,
    ) -> Result<Writer, StoreError> {
        let (pool, old, slices) = (Arc::clone(pool), OldMessages::default(), Vec::new());
        let (marks, unsettled) = (Marks::new()?, None);
        Ok(Writer { pool, connection, report, is_alone, sealing, old, slices, marks, unsettled })
    }

    /// Others that write messages alone, each on a connection of its own, which is opened when it is needed.
    pub(crate) fn beside(&self) -> Vec<Writer> {
        let another = |_| Writer::of(&self.pool, None, self.report, false, self.sealing());
        // Without random bytes there is one writer less, which is only slower.
        (0..BESIDE).filter_map(|number| another(number).ok()).collect()
    }

    /// What encrypts and decrypts.
    pub(super) fn sealing(&self) -> Arc<Sealing> {
        Arc::clone(&self.sealing)
    }

    /// How long the slices of removing took that were written since this was last asked.
    pub(crate) fn slices(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.slices)
    }

    /// What opening the database changed about its schema.
    pub(crate) fn schema(&self) -> SchemaReport {
        self.report
    }

    /// Whether it is not known of the last batch whether it is committed: [`Writer::settle`] comes next.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.unsettled.is_some()
    }

    /// Finds out how the last batch ended, if that is not known; fails as long as the server cannot be asked.
    pub(crate) fn settle(&mut self) -> Result<Option<Settled>, StoreError> {
        let pool = Arc::clone(&self.pool);
        pool.wait(self.try_settle())
    }

    pub(crate) fn commit(&mut self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        let pool = Arc::clone(&self.pool);
        pool.wait(async {
            if self.is_unsettled() {
                return Err(StoreError::Silent);
            }
            let mut tries = 1;
            loop {
                match self.try_commit(batch).await {
                    Err(StoreError::Raced) if tries < TRIES => tries += 1,
                    // Most often only the connection was lost, and another tells at once how it ended.
                    Err(lost) if self.is_unsettled() => {
                        return match self.try_settle().await {
                            Ok(Some(Settled::Committed(written))) => Ok(written),
                            _ => Err(lost),
                        };
                    }
                    result => return result,
                }
            }
        })
    }

    async fn try_settle(&mut self) -> Result<Option<Settled>, StoreError> {
        let Some(unsettled) = self.unsettled.take() else { return Ok(None) };
        // Its session may hold the lock as long as it stands, though nothing is heard of it.
        self.connection = None;
        let connection = match connect(&self.pool, self.is_alone).await {
            Ok(connection) => connection,
            Err(error) => {
                self.unsettled = Some(unsettled);
                return Err(error);
            }
        };
        match unsettled.settle(&connection).await {
            Ok(settled) => {
                self.connection = Some(connection);
                Ok(Some(settled))
            }
            Err((unsettled, error)) => {
                self.unsettled = Some(unsettled);
                Err(error)
            }
        }
    }

    async fn try_commit(&mut self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        let connection = match self.connection.take().filter(Connection::is_good) {
            Some(connection) => connection,
            None => connect(&self.pool, self.is_alone).await?,
        };
        let mark = self.marks.next_mark();
        let mut writing =
            Batch::new(&connection, &self.sealing, &mut self.old, &mut self.slices, mark, batch.len());
        let result = writing.write(batch).await;
        let Batch { written, is_committing, .. } = writing;
        // Each item has its answer by now; one without would be a fault of ours, and tells its caller nothing.
        let written = || written.into_iter().map(|written| written.unwrap_or(Written::Done)).collect();
        let answer = match result {
            Ok(()) => {
                self.marks.committed(mark);
                Ok(written())
            }
            Err(error) => {
                self.old.rolled_back();
                if is_committing && matches!(error, StoreError::Unreachable(_) | StoreError::Silent) {
                    self.unsettled = Some(Unsettled { mark, written: written() });
                    connection.suspect();
                // Whether there is a transaction is not known; without one this does nothing.
                } else if connection.is_good() && connection.batch("ROLLBACK").await.is_err() {
                    connection.suspect();
                }
                Err(error)
            }
        };
        self.connection = Some(connection);
        answer
    }
}

/// A new connection. Its session holds the lock of the only deliverer, if it is to be alone: a session that lost it cannot write.
async fn connect(pool: &Pool, is_alone: bool) -> Result<Connection, StoreError> {
    let connection = pool.connect_to_write().await?;
    if is_alone {
        let asked_since = Instant::now();
        while !take(&connection).await? {
            // The session before this one, which broke, ends once the server has noticed.
            if asked_since.elapsed() >= NOTICED_WITHIN {
                return Err(StoreError::InUseElsewhere);
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }
    Ok(connection)
}

/// Takes the lock of the only deliverer, if nobody has it.
async fn take(connection: &Connection) -> Result<bool, StoreError> {
    let sql = format!("SELECT pg_try_advisory_lock({DELIVERER}, hashtext(current_schema()))");
    connection.first(&sql, &[]).await?.map_or(Ok(false), |row| value::get(&row, 0))
}

/// Has all secrets encrypted with the first key, if they are not, unless that is for somebody else to do: a node that delivers
/// and has not got the key yet could not read them.
async fn seal_all(
    connection: &Connection,
    sealing: &mut Sealing,
    exclusivity: Exclusivity,
) -> Result<(), StoreError> {
    if exclusivity == Exclusivity::Visitor || !master_key::is_due(connection, sealing).await? {
        return Ok(());
    }
    if exclusivity == Exclusivity::Maker && !take(connection).await? {
        return Ok(());
    }
    master_key::seal_all(connection, sealing).await?;
    if exclusivity == Exclusivity::Maker {
        let sql = format!("SELECT pg_advisory_unlock({DELIVERER}, hashtext(current_schema()))");
        connection.query(&sql, &[]).await?;
    }
    Ok(())
}

/// A batch that is being written.
struct Batch<'b, 'w> {
    connection: &'b Connection,
    sealing: &'b Sealing,
    old: &'b mut OldMessages,
    slices: &'b mut Vec<Duration>,
    hot: Hot<'w>,
    /// Which item of the batch each collected message answers, if it answers any.
    asked: Vec<Option<Asked>>,
    written: Vec<Option<Written>>,
    mark: Mark,
    has_begun: bool,
    /// Whether the server may have been asked to commit.
    is_committing: bool,
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
    fn new(
        connection: &'b Connection,
        sealing: &'b Sealing,
        old: &'b mut OldMessages,
        slices: &'b mut Vec<Duration>,
        mark: Mark,
        items: usize,
    ) -> Batch<'b, 'w> {
        let (hot, asked, written) = (Hot::default(), Vec::new(), (0..items).map(|_| None).collect());
        let (has_begun, is_committing) = (false, false);
        Batch { connection, sealing, old, slices, hot, asked, written, mark, has_begun, is_committing }
    }

    async fn write(&mut self, batch: &'w [Write]) -> Result<(), StoreError> {
        for (number, write) in batch.iter().enumerate() {
            self.item(number, write).await?;
        }
        self.collected(true).await
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
                let started = other.is_slice().then(Instant::now);
                let written = apply::apply(self.connection, self.sealing, self.old, other).await?;
                self.slices.extend(started.map(|started| started.elapsed()));
                self.written[number] = Some(written);
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
                let mut pipeline = Pipeline::new(self.connection);
                self.mark.commit(&mut pipeline).await?;
                self.is_committing = true;
                pipeline.run().await?;
            }
            return Ok(());
        }
        let frame = Frame { begins: !self.has_begun, commits: commits.then_some(self.mark) };
        self.has_begun = true;
        self.is_committing = commits;
        let mut appended = Vec::new();
        let result = self.hot.write(self.connection, frame, &mut appended).await;
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
        result
    }
}
