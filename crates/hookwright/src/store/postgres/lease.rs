//! Statements on leases, and what this node holds by them. The protocol is `docs/adr/0001-leases.md`.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::lease::{Held, Hold, LeaseNumber, LeaseRow, Terms};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::heartbeat::Heart;
use crate::store::postgres::pipeline::{Held as Value, Pipeline};
use crate::store::postgres::{Postgres, notice, value};

/// The database's clock, in microseconds.
pub(super) const DATABASE_NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
/// Raises unless the lease is there and was not ended. Whoever passed it is waited for by whoever adopts the lease.
pub(super) const GUARD: &str = "SELECT lease_guard($1)";
/// All leases, each part as an array in the same order: numbers, when they are over, whether they were ended, who adopted them.
pub(super) const ALL: &str = "ARRAY(SELECT number FROM lease ORDER BY number),
    ARRAY(SELECT expires_at FROM lease ORDER BY number),
    ARRAY(SELECT ended_at IS NOT NULL FROM lease ORDER BY number),
    ARRAY(SELECT coalesce(adopted_by, 0) FROM lease ORDER BY number)";
/// What is due is looked for from so long ago on: rows come to stand before that only if their commit took longer.
const LOOKED_BEHIND: Duration = Duration::from_secs(1);
/// So often it is looked for from the start.
const FROM_START_EVERY: Duration = Duration::from_secs(30);

/// What a node holds, as its writers, its reads and its heartbeats see it.
#[derive(Debug)]
pub(super) struct Holding {
    held: Mutex<Held>,
    /// The ids of the master keys that this node has.
    master_keys: Vec<String>,
    /// Writers that do not know whether their last batch is committed.
    unsettled: AtomicUsize,
    /// What was due before this, in microseconds, was claimed by somebody.
    claimed_before: AtomicI64,
    /// When what is due is to be looked for from the start.
    from_start_at: Mutex<Instant>,
}

impl Holding {
    /// Nothing, as of whoever delivers nothing, or has no lease yet.
    pub(super) fn nothing(master_keys: Vec<String>) -> Holding {
        Holding {
            held: Mutex::new(Held::alone()),
            master_keys,
            unsettled: AtomicUsize::new(0),
            claimed_before: AtomicI64::new(i64::MIN),
            from_start_at: Mutex::new(Instant::now() + FROM_START_EVERY),
        }
    }

    pub(super) fn held(&self) -> Held {
        self.lock().clone()
    }

    /// The numbers of all leases that are held, as the database has them.
    pub(super) fn numbers(&self) -> Vec<i64> {
        let held = self.lock();
        std::iter::once(&held.own).chain(&held.adopted).map(|lease| as_column(*lease)).collect()
    }

    /// Puts `new` in the place of a lease that was lost, with all that was adopted under it. `false` if somebody else was faster.
    pub(super) fn replace(&self, lost: LeaseNumber, new: LeaseNumber) -> bool {
        let mut held = self.lock();
        let is_first = held.own == lost;
        if is_first {
            *held = Held { own: new, adopted: Vec::new() };
        }
        is_first
    }

    /// Notes what was adopted under `own`, if that is still held.
    pub(super) fn adopt(&self, own: LeaseNumber, adopted: &[LeaseNumber]) {
        let mut held = self.lock();
        if held.own != own {
            return;
        }
        for lease in adopted {
            if !held.has(*lease) {
                held.adopted.push(*lease);
            }
        }
    }

    /// Forgets leases that nothing stands under any more.
    pub(super) fn drop_adopted(&self, gone: &[LeaseNumber]) {
        self.lock().adopted.retain(|lease| !gone.contains(lease));
    }

    /// A writer does not know whether its last batch is committed; [`Holding::settled`] follows.
    pub(super) fn unsettled(&self) {
        self.unsettled.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn settled(&self) {
        self.unsettled.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether there may be deliveries under the lease that this node knows nothing of: then it is not to be renewed.
    pub(super) fn is_uncertain(&self) -> bool {
        self.unsettled.load(Ordering::SeqCst) > 0
    }

    /// From where on what is due is looked for.
    pub(super) fn claimed_before(&self) -> i64 {
        let mut from_start_at = self.from_start_at.lock().unwrap_or_else(PoisonError::into_inner);
        if Instant::now() >= *from_start_at {
            *from_start_at = Instant::now() + FROM_START_EVERY;
            self.claimed_before.store(i64::MIN, Ordering::SeqCst);
        }
        self.claimed_before.load(Ordering::SeqCst)
    }

    /// What was due up to `due`, when it was `now`, has been claimed, by this node or by others.
    pub(super) fn claimed(&self, due: Timestamp, now: Timestamp) {
        let before = due.min(now.before(LOOKED_BEHIND)).as_micros();
        self.claimed_before.fetch_max(before, Ordering::SeqCst);
    }

    /// What is due is looked for from the start: somebody was lost, or has not been heard of.
    pub(super) fn look_from_start(&self) {
        self.claimed_before.store(i64::MIN, Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Postgres {
    /// What this node holds.
    pub(crate) fn held(&self) -> Held {
        self.holding.held()
    }

    /// Deletes leases that this node took over and that nothing stands under any more. Looks at all pending deliveries, which takes
    /// about a second for a million.
    pub(crate) async fn tidy_leases(&self) -> Result<(), StoreError> {
        let gone = delete_empty(&*self.reader().await?, self.holding.held().own).await?;
        self.holding.drop_adopted(&gone);
        Ok(())
    }

    /// Whether a delivery is still held that was held so.
    pub(crate) fn still_holds(&self, hold: Hold) -> bool {
        self.holding.lock().still(hold)
    }
}

/// What a node does about leases, on the connection of its heartbeats.
impl Heart {
    /// What this node holds.
    pub(crate) fn held(&self) -> Held {
        self.holding.held()
    }

    /// Whether there may be deliveries under its lease that this node knows nothing of: then it is not to be renewed.
    pub(crate) fn is_uncertain(&self) -> bool {
        self.holding.is_uncertain()
    }

    /// Renews this node's lease, when it is at least `sent` by the database's clock. `false`: it was ended, or this took too long.
    pub(crate) async fn renew(&self, lease: LeaseNumber, sent: Timestamp) -> Result<bool, StoreError> {
        renew(&self.connection, lease, sent).await
    }

    /// This node's lease was ended: it goes on under another.
    pub(crate) async fn replace(&self, lost: LeaseNumber) -> Result<(), StoreError> {
        replace(&self.connection, &self.holding, lost).await.map(|_| ())
    }

    /// This node stops: others may take over at once.
    pub(crate) async fn end(&self, lease: LeaseNumber) -> Result<(), StoreError> {
        end(&self.connection, lease).await
    }

    /// Ends the lease of a node that is taken for dead, if it is still as it was seen.
    pub(crate) async fn end_dead(&self, seen: &LeaseRow) -> Result<bool, StoreError> {
        end_dead(&self.connection, seen).await
    }

    /// Takes over what stands under a lease that was ended. Answers what that was: nothing if it cannot be yet, or others did.
    pub(crate) async fn adopt(
        &self,
        own: LeaseNumber,
        ended: LeaseNumber,
    ) -> Result<Vec<LeaseNumber>, StoreError> {
        let adopted = adopt(&self.connection, own, ended).await?;
        self.adopted(own, &adopted);
        Ok(adopted)
    }

    /// Notes what this node took over under `own`. What was due may have been claimed by whoever is gone, in a transaction that is
    /// gone too.
    pub(crate) fn adopted(&self, own: LeaseNumber, adopted: &[LeaseNumber]) {
        self.holding.adopt(own, adopted);
        self.holding.look_from_start();
    }
}

/// A lease's number as its column has it.
pub(super) fn as_column(lease: LeaseNumber) -> i64 {
    lease.0.cast_signed()
}

/// A column that a row has only if it stands under a lease.
pub(super) fn as_column_opt(lease: LeaseNumber) -> Option<i64> {
    (lease != LeaseNumber::NONE).then(|| as_column(lease))
}

/// A lease's number as it stands in a column.
pub(super) fn of_column(number: i64) -> LeaseNumber {
    LeaseNumber(number.cast_unsigned())
}

/// Adds `BEGIN`, and what lets only the holder of a lease in; nothing of that for whoever delivers nothing.
pub(super) async fn begin(pipeline: &mut Pipeline<'_>, lease: LeaseNumber) -> Result<(), StoreError> {
    pipeline.plain("BEGIN");
    if lease != LeaseNumber::NONE {
        pipeline.add(GUARD, vec![Box::new(as_column(lease)) as Value<'_>]).await?;
    }
    Ok(())
}

/// A new lease, which is not held yet.
pub(super) async fn acquire(connection: &Connection, holding: &Holding) -> Result<LeaseNumber, StoreError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::Randomness)?;
    // Positive, and not 0.
    let number = LeaseNumber((u64::from_le_bytes(bytes) >> 1).max(1));
    let sql = format!(
        "INSERT INTO lease (number, node, master_keys, expires_at)
         VALUES ($1, concat(coalesce(host(inet_client_addr()), 'local'), ' ', $2::text), $3, {DATABASE_NOW} + $4)"
    );
    let process = std::process::id().to_string();
    connection.execute(&sql, &[&as_column(number), &process, &holding.master_keys, &length()]).await?;
    Ok(number)
}

/// Takes what is ready and stands under no lease, as an earlier release left it.
pub(super) async fn take_unleased(connection: &Connection, lease: LeaseNumber) -> Result<(), StoreError> {
    let sql = "UPDATE delivery SET lease = $1 WHERE due_at IS NULL AND lease IS NULL";
    connection.execute_long(sql, &[&as_column(lease)]).await?;
    Ok(())
}

/// Whether all other nodes that deliver have a master key.
pub(super) async fn all_have_key(
    connection: &Connection,
    own: LeaseNumber,
    key: Option<&str>,
) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT coalesce(bool_and(coalesce($2 = ANY(master_keys), FALSE)), TRUE) FROM lease
         WHERE number <> $1 AND ended_at IS NULL AND expires_at > {DATABASE_NOW}"
    );
    connection.says(&sql, &[&as_column(own), &key]).await
}

/// Whether any node holds a lease.
pub(super) async fn is_any_live(connection: &Connection) -> Result<bool, StoreError> {
    let sql =
        format!("SELECT EXISTS (SELECT FROM lease WHERE ended_at IS NULL AND expires_at > {DATABASE_NOW})");
    connection.says(&sql, &[]).await
}

/// A new lease in the place of one that was lost. `false` if another part of this node was faster: then there is one too many, and it
/// ends at once.
pub(super) async fn replace(
    connection: &Connection,
    holding: &Holding,
    lost: LeaseNumber,
) -> Result<bool, StoreError> {
    let new = acquire(connection, holding).await?;
    let is_first = holding.replace(lost, new);
    if !is_first {
        // If it cannot be ended it will be, once it is over.
        let _ = end(connection, new).await;
    }
    Ok(is_first)
}

/// Renews a lease, by a request that is sent now, when it is at least `sent` by the database's clock. `false`: it was ended, or the
/// request was held back for too long.
pub(super) async fn renew(
    connection: &Connection,
    lease: LeaseNumber,
    sent: Timestamp,
) -> Result<bool, StoreError> {
    let sql = format!(
        "UPDATE lease SET expires_at = {DATABASE_NOW} + $2
         WHERE number = $1 AND ended_at IS NULL AND {DATABASE_NOW} <= $3"
    );
    let last = sent.after(Terms::DEFAULT.renew_within).as_micros();
    Ok(connection.execute(&sql, &[&as_column(lease), &length(), &last]).await? == 1)
}

/// Ends a lease, and lets the others know.
pub(super) async fn end(connection: &Connection, lease: LeaseNumber) -> Result<(), StoreError> {
    let sql = format!("UPDATE lease SET ended_at = {DATABASE_NOW} WHERE number = $1 AND ended_at IS NULL");
    connection.execute(&sql, &[&as_column(lease)]).await?;
    notice::tell(connection).await
}

/// Ends the lease of a node that is taken for dead, if it is still as it was seen and over.
pub(super) async fn end_dead(connection: &Connection, seen: &LeaseRow) -> Result<bool, StoreError> {
    let sql = format!(
        "UPDATE lease SET ended_at = {DATABASE_NOW}
         WHERE number = $1 AND ended_at IS NULL AND expires_at = $2 AND expires_at < {DATABASE_NOW}"
    );
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] =
        [&as_column(seen.number), &seen.expires_at.as_micros()];
    Ok(connection.execute(&sql, &values).await? == 1)
}

/// Takes over what stands under a lease that was ended, and under those that its holder had taken over. Answers which those are: none
/// while a transaction is open that passed the guard before the end, or if somebody else was faster.
pub(super) async fn adopt(
    connection: &Connection,
    own: LeaseNumber,
    ended: LeaseNumber,
) -> Result<Vec<LeaseNumber>, StoreError> {
    // The lock is the seal: it is had only once all that passed the guard is over.
    let sql = "WITH sealed AS (
                   SELECT number FROM lease WHERE number = $1 AND ended_at IS NOT NULL AND adopted_by IS NULL
                   FOR UPDATE SKIP LOCKED)
               UPDATE lease l SET adopted_by = $2 FROM sealed s WHERE l.number = s.number OR l.adopted_by = s.number
               RETURNING l.number";
    let mut pipeline = Pipeline::new(connection);
    begin(&mut pipeline, own).await?;
    pipeline.add(sql, vec![Box::new(as_column(ended)), Box::new(as_column(own))]).await?;
    pipeline.plain("COMMIT");
    match pipeline.run().await {
        Ok(answers) => {
            let rows = answers.into_iter().nth(2).unwrap_or_default();
            value::all(&rows, |row| Ok(of_column(value::get(row, 0)?)))
        }
        Err(error) => {
            if connection.is_good() && connection.batch("ROLLBACK").await.is_err() {
                connection.suspect();
            }
            Err(error)
        }
    }
}

/// Deletes those of the leases that `own` adopted which nothing stands under any more, and says which those are. Looks at all rows.
pub(super) async fn delete_empty(
    connection: &Connection,
    own: LeaseNumber,
) -> Result<Vec<LeaseNumber>, StoreError> {
    let sql = "WITH used AS (SELECT DISTINCT lease FROM delivery WHERE lease IS NOT NULL)
               DELETE FROM lease WHERE adopted_by = $1 AND number NOT IN (SELECT lease FROM used) RETURNING number";
    let rows = connection.query_long(sql, &[&as_column(own)]).await?;
    value::all(&rows, |row| Ok(of_column(value::get(row, 0)?)))
}

/// What a row of [`ALL`] holds, whose first column is this one.
pub(super) fn rows(row: &tokio_postgres::Row, first: usize) -> Result<Vec<LeaseRow>, StoreError> {
    let numbers: Vec<i64> = value::get(row, first)?;
    let expires_at: Vec<i64> = value::get(row, first + 1)?;
    let ended: Vec<bool> = value::get(row, first + 2)?;
    let adopted_by: Vec<i64> = value::get(row, first + 3)?;
    let parts = numbers.into_iter().zip(expires_at).zip(ended).zip(adopted_by);
    let known = |(((number, expires_at), is_ended), adopted_by)| {
        let (number, expires_at) = (of_column(number), Timestamp::from_micros(expires_at));
        let adopted_by = Some(of_column(adopted_by)).filter(|by| *by != LeaseNumber::NONE);
        LeaseRow { number, expires_at, is_ended, adopted_by }
    };
    Ok(parts.map(known).collect())
}

fn length() -> i64 {
    i64::try_from(Terms::DEFAULT.length.as_micros()).unwrap_or(i64::MAX)
}
