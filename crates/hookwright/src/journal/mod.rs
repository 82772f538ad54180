//! Group commit: what waits is written in one transaction, and each caller is answered once it is on disk.

mod queue; // what waits
mod message_queue; // of that, new messages that have their own writers
mod writer; // the threads that write it

#[cfg(test)]
mod queue_tests;
#[cfg(all(test, feature = "postgres"))]
pub(crate) use queue_tests::numbered_outcome;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::lease::LeaseNumber;
use crate::domain::message::Message;
use crate::error::Error;
use crate::journal::queue::{Job, Queue, Role};
use crate::measures::Measures;
use crate::store::Writer;
use crate::store::write::{Append, Appended, CatalogWrite, Changed, Outcome, Write, Written};

/// What has just been committed, and is to be delivered.
pub(crate) enum Committed {
    /// A message, with where it goes.
    Message {
        message: Arc<Message>,
        endpoints: Vec<EndpointId>,
        /// The number of its batch.
        batch: u64,
        /// What its deliveries stand under.
        lease: LeaseNumber,
    },
    /// Deliveries of an endpoint that became ready while nobody waits for the answer any more: they come in from disk.
    ReadyOnDisk { application: ApplicationId, endpoint: EndpointId, messages: Vec<MessageId> },
}

/// An engine ended, and what came of its last attempts could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "what came of {attempts} attempts could not be written ({why}); they are made again at the next start"
)]
pub struct Unwritten {
    /// How many attempts.
    pub attempts: usize,
    /// What the database said.
    pub why: String,
}

/// What waits to be written, and the threads that write it. Clones share it.
#[derive(Clone)]
pub(crate) struct Journal {
    queue: Arc<Queue>,
    /// So many outcomes may wait to be written before no further attempts are started.
    outcomes_max: usize,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Journal {
    /// Starts the writer's thread, and those of others that write messages beside it, if the database takes more than one; each
    /// batch's messages are told to `committed`. With `outcomes_max` outcomes that wait it is behind.
    pub(crate) fn start(
        writer: Writer,
        outcomes_max: usize,
        committed: mpsc::UnboundedSender<Vec<Committed>>,
        measures: Arc<Measures>,
    ) -> std::io::Result<Journal> {
        let beside = writer.beside();
        let queue = Arc::new(Queue::new(beside.len()));
        let mut threads = Vec::with_capacity(1 + beside.len());
        let roles = std::iter::once(Role::First).chain(std::iter::repeat(Role::Messages));
        for (writer, role) in std::iter::once(writer).chain(beside).zip(roles) {
            let (committed, measures) = (committed.clone(), Arc::clone(&measures));
            match writer::spawn(Arc::clone(&queue), role, writer, committed, measures) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    // Those that are there have nothing to do, and end.
                    queue.close();
                    return Err(error);
                }
            }
        }
        Ok(Journal { queue, outcomes_max, threads: Arc::new(Mutex::new(threads)) })
    }

    /// Stores a message with its deliveries: when this returns they are on disk.
    pub(crate) async fn append(&self, append: Append) -> Result<Appended, Error> {
        match self.write(Write::Append(append)).await? {
            Written::Appended(appended) => Ok(appended),
            other => Err(unexpected(&other)),
        }
    }

    /// Changes what is configured.
    pub(crate) async fn change(&self, change: CatalogWrite) -> Result<Changed, Error> {
        self.changed(Write::Catalog(change)).await
    }

    /// Changes what is configured, and stores messages that tell of it if it did change.
    pub(crate) async fn change_telling(
        &self,
        change: CatalogWrite,
        told: Vec<Append>,
    ) -> Result<Changed, Error> {
        if told.is_empty() {
            return self.change(change).await;
        }
        self.changed(Write::Told(Box::new(Write::Catalog(change)), told)).await
    }

    /// Changes something about a message that is stored.
    pub(crate) async fn change_message(&self, write: Write) -> Result<Changed, Error> {
        self.changed(write).await
    }

    /// Makes a ticket, or ends one.
    pub(crate) async fn change_ticket(&self, write: Write) -> Result<Changed, Error> {
        self.changed(write).await
    }

    async fn changed(&self, write: Write) -> Result<Changed, Error> {
        match self.write(write).await? {
            Written::Changed(changed) => Ok(changed),
            other => Err(unexpected(&other)),
        }
    }

    /// Writes one item and waits until it is on disk.
    pub(crate) async fn write(&self, write: Write) -> Result<Written, Error> {
        let (answer, answered) = oneshot::channel();
        if !self.queue.push(Job { write, answer: Some(answer) }) {
            return Err(Error::ShuttingDown);
        }
        answered.await.unwrap_or(Err(Error::ShuttingDown))
    }

    /// Writes the outcome of an attempt, soon: with the next batch, or in a few milliseconds.
    ///
    /// Nobody waits for it. Should it be lost in a crash, the attempt is made once more.
    pub(crate) fn record(&self, outcome: Outcome) {
        self.queue.push_outcome(outcome);
    }

    /// How many outcomes are not on disk yet.
    pub(crate) fn outcomes(&self) -> usize {
        self.queue.outcomes()
    }

    /// Whether so many outcomes wait to be written that no further attempts should be started.
    pub(crate) fn is_behind(&self) -> bool {
        self.queue.outcomes() >= self.outcomes_max
    }

    /// The number of the last batch whose writing has begun: whatever can be read by now came with it, or before it.
    pub(crate) fn batches(&self) -> u64 {
        self.queue.batches()
    }

    /// Whether the last batch was written.
    pub(crate) fn is_writing(&self) -> Result<(), Error> {
        match self.queue.failure() {
            None => Ok(()),
            Some(failure) => Err(Error::NotWritten(failure)),
        }
    }

    /// Writes all that waits, and ends the threads. Fails if outcomes are left that could not be written.
    pub(crate) async fn shutdown(&self) -> Result<(), Unwritten> {
        self.queue.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // Joining blocks; a panic of a writer was logged by whoever catches panics.
        let join = move || threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count();
        let _ = tokio::task::spawn_blocking(join).await;
        match self.queue.outcomes() {
            0 => Ok(()),
            attempts => Err(Unwritten { attempts, why: self.queue.failure().unwrap_or_default() }),
        }
    }
}

fn unexpected(written: &Written) -> Error {
    Error::NotWritten(format!("the store answered {written:?} to something else"))
}
