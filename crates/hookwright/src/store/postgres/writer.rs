//! Writes batches: each is one transaction, and what every message makes goes out as arrays.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::MasterKeys;
use crate::domain::lease::LeaseNumber;
use crate::store::error::StoreError;
use crate::store::postgres::batch::{Batch, Means};
use crate::store::postgres::catalog_change::{Knowledge, Moved, Routes, routed};
use crate::store::postgres::commit::{Marks, Unsettled, forget_old};
use crate::store::postgres::connection::Connection;
use crate::store::postgres::lease::Holding;
use crate::store::postgres::notice::Notice;
use crate::store::postgres::pool::Pool;
use crate::store::postgres::retention::OldMessages;
use crate::store::postgres::{lease, master_key, moving};
use crate::store::sealing::Sealing;
use crate::store::slice_time::SliceTime;
use crate::store::write::{Settled, Write, Written};
use crate::store::{Exclusivity, SchemaReport};

/// Writers of messages beside the first.
const BESIDE: u32 = 2;
/// So often a batch that lost a race against another transaction is written anew before its callers are told.
const TRIES: u32 = 5;

/// What was sent on a connection that had ended is sent on a new one only so long after the beginning: callers are told within 5 s.
const ONCE_MORE_WITHIN: Duration = Duration::from_secs(1);

/// Writes batches on a connection of its own.
pub(crate) struct Writer {
    pool: Arc<Pool>,
    /// Opened when it is needed, and again after it broke.
    connection: Option<Connection>,
    report: SchemaReport,
    /// What this node holds; its own lease is what batches are written under.
    holding: Arc<Holding>,
    /// What the last batch was written under.
    lease: LeaseNumber,
    sealing: Arc<Sealing>,
    knowledge: Arc<Knowledge>,
    old: OldMessages,
    /// How long each slice of removing took that nobody has asked for yet.
    slices: Vec<SliceTime>,
    marks: Marks,
    /// The last batch, if nobody knows whether it is committed.
    unsettled: Option<Unsettled>,
}

impl Writer {
    /// A writer; if it is of who delivers, it is under a lease of its own.
    pub(super) async fn open(
        pool: Arc<Pool>,
        report: SchemaReport,
        master_keys: &MasterKeys,
        exclusivity: Exclusivity,
    ) -> Result<Writer, StoreError> {
        let marks = Marks::new()?;
        let connection = pool.connect_to_write().await?;
        forget_old(&connection).await?;
        let knowledge = Knowledge::begin(&connection).await?;
        let holding = Arc::new(Holding::nothing(master_keys.ids()));
        // Before the keys are looked at: whoever changes them sees that this node is there, or this node sees the change.
        if exclusivity == Exclusivity::OnlyDeliverer {
            let lease = lease::acquire(&connection, &holding).await?;
            holding.replace(LeaseNumber::NONE, lease);
        }
        let lease = holding.held().own;
        let opened = async {
            // Asked once more: until the lease stood a move might have begun.
            moving::refuse_unfinished(&connection).await?;
            let mut sealing = master_key::establish(&connection, master_keys).await?;
            seal_all(&connection, &mut sealing, exclusivity, lease).await?;
            if lease != LeaseNumber::NONE {
                lease::take_unleased(&connection, lease).await?;
            }
            Ok(sealing)
        };
        let sealing = match opened.await {
            Ok(sealing) => sealing,
            Err(error) => {
                // Nobody is to wait until it is over; if it cannot be ended it will be.
                let _ = lease::end(&connection, lease).await;
                return Err(error);
            }
        };
        Ok(Writer {
            pool,
            connection: Some(connection),
            report,
            holding,
            lease,
            sealing: Arc::new(sealing),
            knowledge: Arc::new(knowledge),
            old: OldMessages::default(),
            slices: Vec::new(),
            marks,
            unsettled: None,
        })
    }

    /// Others that write messages alone, each on a connection of its own, which is opened when it is needed.
    pub(crate) fn beside(&self) -> Vec<Writer> {
        let another = |_| {
            // Without random bytes or a descriptor there is one writer less, which is only slower.
            let marks = Marks::new().ok()?;
            let pool = self.pool.of_one_thread().ok()?;
            Some(Writer {
                pool: Arc::new(pool),
                connection: None,
                report: self.report,
                holding: self.holding(),
                lease: LeaseNumber::NONE,
                sealing: self.sealing(),
                knowledge: self.knowledge(),
                old: OldMessages::default(),
                slices: Vec::new(),
                marks,
                unsettled: None,
            })
        };
        (0..BESIDE).filter_map(another).collect()
    }

    /// What this node holds.
    pub(super) fn holding(&self) -> Arc<Holding> {
        Arc::clone(&self.holding)
    }

    /// The lease under which the last batch was written.
    pub(crate) fn lease(&self) -> LeaseNumber {
        self.lease
    }

    /// What encrypts and decrypts.
    pub(super) fn sealing(&self) -> Arc<Sealing> {
        Arc::clone(&self.sealing)
    }

    /// What this node knows of changes.
    pub(super) fn knowledge(&self) -> Arc<Knowledge> {
        Arc::clone(&self.knowledge)
    }

    /// How long the slices of removing took that were written since this was last asked.
    pub(crate) fn slices(&mut self) -> Vec<SliceTime> {
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
            let (mut tries, mut moved, begun) = (1, Moved::default(), Instant::now());
            loop {
                // Whether it still does is found out by using it.
                let stood = self.connection.is_some();
                let again = |error: &StoreError| {
                    stood && matches!(error, StoreError::Unreachable(_)) && begun.elapsed() < ONCE_MORE_WITHIN
                };
                match self.try_commit(batch, &moved).await {
                    Err(StoreError::Raced) if tries < TRIES => tries += 1,
                    Err(StoreError::CatalogMoved) if tries < TRIES => {
                        tries += 1;
                        self.look_what_moved(batch, &mut moved).await?;
                    }
                    // What it held is others' by now. What this batch brings is new, and comes under another.
                    Err(StoreError::LeaseLost) if tries < TRIES => {
                        self.take_another_lease().await?;
                        tries += 1;
                    }
                    // Most often only the connection was lost, and another tells at once how it ended.
                    Err(lost) if self.is_unsettled() => match self.try_settle().await {
                        Ok(Some(Settled::Committed(written))) => return Ok(written),
                        Ok(Some(Settled::NotCommitted)) if again(&lost) => {}
                        _ => return Err(lost),
                    },
                    // Nothing was written.
                    Err(lost) if again(&lost) => {}
                    result => return result,
                }
            }
        })
    }

    async fn try_settle(&mut self) -> Result<Option<Settled>, StoreError> {
        let Some(unsettled) = self.unsettled.take() else { return Ok(None) };
        self.connection = None;
        let connection = match self.pool.connect_to_write().await {
            Ok(connection) => connection,
            Err(error) => {
                self.unsettled = Some(unsettled);
                return Err(error);
            }
        };
        let mark = unsettled.mark;
        match unsettled.settle(&connection).await {
            Ok(settled) => {
                if matches!(settled, Settled::Committed(_)) {
                    self.marks.committed(mark);
                }
                self.keep(connection);
                self.holding.settled();
                // Meanwhile whatever was due may have been claimed, or not.
                self.holding.look_from_start();
                Ok(Some(settled))
            }
            Err((unsettled, error)) => {
                self.unsettled = Some(unsettled);
                Err(error)
            }
        }
    }

    /// Another node has changed applications of the batch: finds out which, so that the rest of it is written.
    async fn look_what_moved(&mut self, batch: &[Write], moved: &mut Moved) -> Result<(), StoreError> {
        let connection = self.good_connection().await?;
        let mut routes = Routes::default();
        batch.iter().flat_map(routed).for_each(|append| routes.add(append));
        let looked = self.knowledge.guard(moved).look(&connection, &routes, moved).await;
        self.keep(connection);
        looked
    }

    /// The lease under which the last batch was to be written is lost: the next one goes on under another.
    async fn take_another_lease(&mut self) -> Result<(), StoreError> {
        // Somebody else of this node may have been faster.
        if self.holding.held().own != self.lease {
            return Ok(());
        }
        let connection = self.good_connection().await?;
        let replaced = lease::replace(&connection, &self.holding, self.lease).await;
        self.keep(connection);
        if replaced? {
            tracing::warn!(
                "this node was not heard of for too long, and others have taken over what it held; it goes on with what comes now"
            );
        }
        Ok(())
    }

    /// For the next batch; one that is not good any more is closed now, so that nothing waits for what it left.
    fn keep(&mut self, connection: Connection) {
        self.connection = Some(connection).filter(Connection::is_good);
    }

    async fn good_connection(&mut self) -> Result<Connection, StoreError> {
        match self.connection.take().filter(Connection::is_good) {
            Some(connection) => Ok(connection),
            None => {
                // What others claimed meanwhile, and lost, may be due since long ago.
                self.holding.look_from_start();
                self.pool.connect_to_write().await
            }
        }
    }

    async fn try_commit(&mut self, batch: &[Write], moved: &Moved) -> Result<Vec<Written>, StoreError> {
        let connection = self.good_connection().await?;
        let held = self.holding.held();
        self.lease = held.own;
        let mark = self.marks.next_mark();
        let means = Means {
            connection: &connection,
            sealing: &self.sealing,
            holding: &self.holding,
            held: &held,
            knowledge: &self.knowledge,
            moved,
            notice: Notice::default(),
            old: &mut self.old,
            slices: &mut self.slices,
        };
        let mut writing = Batch::new(means, mark, batch.len());
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
                // What it claimed is due as it was.
                self.holding.look_from_start();
                if is_committing && matches!(error, StoreError::Unreachable(_) | StoreError::Silent) {
                    self.unsettled = Some(Unsettled { mark, written: written() });
                    self.holding.unsettled();
                    connection.suspect();
                // Whether there is a transaction is not known; without one this does nothing.
                } else if connection.is_good() && connection.batch("ROLLBACK").await.is_err() {
                    connection.suspect();
                }
                Err(error)
            }
        };
        self.keep(connection);
        answer
    }
}

/// Has all secrets encrypted with the first key, if they are not, unless that is for somebody else to do: a node that delivers
/// and has not got the key yet could not read them.
async fn seal_all(
    connection: &Connection,
    sealing: &mut Sealing,
    exclusivity: Exclusivity,
    own: LeaseNumber,
) -> Result<(), StoreError> {
    if exclusivity == Exclusivity::Visitor || !master_key::is_due(connection, sealing).await? {
        return Ok(());
    }
    master_key::seal_all(connection, sealing, own).await
}
