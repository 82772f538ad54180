//! The PostgreSQL backend: writers and readers on connections of their own, driven by one thread.

mod address; // where the database is, and how it is reached
mod trust; // and whether it is who it says
mod connection; // one session: prepared statements, and answers in time
mod caution; // what is asked only after it was met
mod pool; // the thread that drives them, and those that reads take turns on
mod pooler; // and whether another program shares them out
mod pipeline; // statements that go out together
mod migrate; // bring the database to the newest schema
mod days; // the partitions of the days to come, and of those that have passed
mod turn; // one node at a time removes what is old
mod master_key; // and its secrets under the newest key
pub(in crate::store) mod moving; // fill it from another back end
mod writer; // one batch, one transaction
mod batch; // as it is written
mod apply; // its items, one after the other
mod hot; // what every message makes, written as arrays
mod appends; // messages that meet no other, in one flight
mod commit; // whether it is committed, also when the answer is lost
mod outcomes; // and what every attempt makes
mod lease; // what this node holds, and what others do
mod heartbeat; // what a node asks all the time
mod catalog_change; // what others have changed
mod notice; // and how they say that there is something

mod application; // a file for each table's statements
mod application_search;
mod attempt;
mod broadcast;
mod confirmation;
mod delivery;
mod endpoint;
mod erasure; // of deleted applications: what is left of them
mod event_type;
mod expunge; // of messages and attempts: what was in them
mod health;
mod idempotency;
mod inbound;
mod message;
mod message_key;
mod recent;
mod retention; // what is too old
mod source;
mod stats;
mod subscription;
mod task;
mod throttle; // limits that nodes share
mod ticket;
mod token;

mod search; // lists with conditions that no index answers
mod value; // how values are kept in columns

mod scratch; // where measurements are made

use std::sync::Arc;

use crate::config::{MasterKeys, PostgresUrl};
use crate::store::Exclusivity;
use crate::store::error::StoreError;
use crate::store::sealing::Sealing;

use catalog_change::Knowledge;
use lease::Holding;
use pool::{Lent, Pool};

pub(crate) use heartbeat::{Beat, Heart};
pub use scratch::{Footprint, ScratchSchema, ServerSession};
pub(super) use trust::refusal;
pub(crate) use writer::Writer;

/// An open PostgreSQL database: what reads need.
pub(crate) struct Postgres {
    pool: Arc<Pool>,
    sealing: Arc<Sealing>,
    knowledge: Arc<Knowledge>,
    holding: Arc<Holding>,
}

/// Opens the database at `url`, looks whether the key is the right one, brings it to the newest schema, and encrypts what is not encrypted
/// yet.
pub(super) fn open(
    url: &PostgresUrl,
    master_keys: Option<&MasterKeys>,
    exclusivity: Exclusivity,
) -> Result<(Postgres, Writer), StoreError> {
    // There is no place beside it for a key that is made, and each node needs the same.
    let master_keys = master_keys.ok_or(StoreError::NoMasterKey)?;
    let pool = Arc::new(Pool::open(url)?);
    let writer = pool.wait(async {
        let connection = pool.connect_to_migrate().await?;
        pooler::refuse_shared(&pool, &connection).await?;
        migrate::look_around(&connection).await?;
        migrate::refuse_newer(&connection).await?;
        moving::refuse_unfinished(&connection).await?;
        // With another key it would be of no use with a newer schema either, and earlier versions could not open it any more.
        master_key::check(&connection, master_keys).await?;
        let report = migrate::run(&connection, exclusivity).await?;
        if exclusivity != Exclusivity::Visitor
            && let Err(error) = days::start(&pool).await
        {
            // What has no partition of its day goes to the default one, and is dropped later than others.
            tracing::warn!(
                "the partitions of today's messages could not be made, and are tried again: {error}"
            );
        }
        Writer::open(Arc::clone(&pool), report, master_keys, exclusivity).await
    })?;
    let (sealing, holding, knowledge) = (writer.sealing(), writer.holding(), writer.knowledge());
    Ok((Postgres { pool, sealing, holding, knowledge }, writer))
}

impl Postgres {
    /// A connection for one read.
    async fn reader(&self) -> Result<Lent, StoreError> {
        self.pool.lend().await
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let connection = self.reader().await?;
        connection.query("SELECT 1", &[]).await?;
        Ok(())
    }
}
