//! Whether a batch is committed, also when the answer to its commit is lost.
//!
//! Each batch leaves a mark in its own transaction. Whoever does not hear of its commit tries to make the same mark: the server
//! lets that wait until the transaction is over, and refuses it if it was committed. If it is made, the batch was not committed,
//! and cannot be any more, wherever its statements still wait to be read.

use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::pipeline::Pipeline;
use crate::store::write::{Settled, Written};

/// Bytes of a writer's own name.
const NAME_BYTES: usize = 16;
/// Marks of writers that are gone.
const FORGET_OLD: &str = "DELETE FROM batch WHERE written_at < now() - interval '1 day'";

/// What a batch is known by: its writer, and its number among that one's batches.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) writer: [u8; NAME_BYTES],
    pub(super) number: i64,
    /// The number of the last batch that is known to be committed; its mark goes with this batch. No other does: a mark that was made
    /// in the place of a batch that was not heard of bars that one as long as it may still be on its way.
    pub(super) last: i64,
}

/// The marks that one writer makes, one after the other.
pub(super) struct Marks {
    last: Mark,
}

/// A batch of which nobody knows whether it is committed.
pub(super) struct Unsettled {
    pub(super) mark: Mark,
    /// What its items are answered, if it is.
    pub(super) written: Vec<Written>,
}

impl Marks {
    /// Those of a writer with a name that no other has.
    pub(super) fn new() -> Result<Marks, StoreError> {
        let mut writer = [0; NAME_BYTES];
        getrandom::fill(&mut writer).map_err(|_| StoreError::Randomness)?;
        Ok(Marks { last: Mark { writer, number: 0, last: 0 } })
    }

    /// The mark of the next batch.
    pub(super) fn next_mark(&mut self) -> Mark {
        self.last.number += 1;
        self.last
    }

    /// A batch is committed, with the removal of the mark before its own.
    pub(super) fn committed(&mut self, mark: Mark) {
        self.last.last = mark.number;
    }
}

impl Mark {
    /// Adds the end of the transaction, with its mark in the place of the one before.
    pub(super) async fn commit(self, pipeline: &mut Pipeline<'_>) -> Result<(), StoreError> {
        let sql = "WITH before AS (DELETE FROM batch WHERE writer = $1 AND number = $3)
                   INSERT INTO batch (writer, number) VALUES ($1, $2)";
        pipeline.add(sql, vec![Box::new(self.writer), Box::new(self.number), Box::new(self.last)]).await?;
        pipeline.plain("COMMIT");
        Ok(())
    }

    /// Whether its batch is committed; from now on it stays so.
    async fn is_committed(self, connection: &Connection) -> Result<bool, StoreError> {
        let sql = "INSERT INTO batch (writer, number) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        Ok(connection.execute(sql, &[&self.writer, &self.number]).await? == 0)
    }
}

impl Unsettled {
    /// Finds out on another connection.
    pub(super) async fn settle(self, connection: &Connection) -> Result<Settled, (Unsettled, StoreError)> {
        match self.mark.is_committed(connection).await {
            Ok(true) => Ok(Settled::Committed(self.written)),
            Ok(false) => Ok(Settled::NotCommitted),
            Err(error) => Err((self, error)),
        }
    }
}

/// Removes marks that nobody will ask for.
pub(super) async fn forget_old(connection: &Connection) -> Result<(), StoreError> {
    connection.execute(FORGET_OLD, &[]).await?;
    Ok(())
}
