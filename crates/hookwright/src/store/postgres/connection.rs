//! One session with the server: its statements are prepared once, and every answer comes in time or not at all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use crate::store::error::StoreError;
use crate::store::postgres::caution::Caution;
use crate::store::postgres::value;

/// A value that takes the place of a `$1`.
pub(super) type Param<'a> = &'a (dyn ToSql + Sync);

/// An answer that takes longer will not come: whoever asks is told that the database is gone, within 5 s in all. A request may
/// wait for a connection, for an answer, and for another connection that finds out what became of a commit.
const ANSWER_WITHIN: Duration = Duration::from_millis(2_500);
/// Statements that may look at very many rows: those of a start.
const LONG_ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Statements kept prepared: lists have as many as there are combinations of conditions.
const STATEMENTS_MAX: usize = 256;

/// An open session.
pub(super) struct Connection {
    pub(super) client: Client,
    /// What drives it.
    driving: AbortHandle,
    statements: Mutex<HashMap<String, Statement>>,
    /// Whether an answer is outstanding, or a transaction open, that nobody waits for any more.
    is_broken: AtomicBool,
    /// When whoever uses it has waited long enough, however many answers that takes.
    until: Mutex<Option<Instant>>,
    /// Of keys that were claimed before, as when many clients repeat their requests: batches are asked about theirs first.
    pub(super) claimed_keys: Caution,
    /// Of attempts that are logged already.
    pub(super) logged_attempts: Caution,
}

impl Connection {
    pub(super) fn new(client: Client, driving: AbortHandle) -> Connection {
        Connection {
            client,
            driving,
            statements: Mutex::default(),
            is_broken: AtomicBool::new(false),
            until: Mutex::default(),
            claimed_keys: Caution::default(),
            logged_attempts: Caution::default(),
        }
    }

    /// Whether it can be used for something else.
    pub(super) fn is_good(&self) -> bool {
        !self.client.is_closed() && !self.is_broken.load(Ordering::Relaxed)
    }

    /// Whatever is used of it from now on is not to be used again, unless [`Connection::mend`] says that all is well.
    pub(super) fn suspect(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }

    /// No transaction is open, and nothing is outstanding.
    pub(super) fn mend(&self) {
        self.is_broken.store(false, Ordering::Relaxed);
    }

    /// From now on answers are waited for until then, all of them together.
    pub(super) fn wait_until(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// So long an answer is waited for.
    fn usual(&self) -> Duration {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.map_or(ANSWER_WITHIN, |until| until.duration_since(Instant::now()).min(ANSWER_WITHIN))
    }

    /// The rows that a statement answers.
    pub(super) async fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql).await?;
        self.in_time(self.usual(), self.client.query(&statement, params)).await
    }

    /// The same for what may take long because there is very much of it.
    pub(super) async fn query_long(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        self.wait_until(None);
        self.batch("SET statement_timeout = 0").await?;
        let statement = self.prepared(sql).await?;
        let rows = self.in_time(LONG_ANSWER_WITHIN, self.client.query(&statement, params)).await;
        self.batch(STATEMENT_TIMEOUT).await?;
        rows
    }

    /// How many rows a statement wrote that may look at very many.
    pub(super) async fn execute_long(&self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        self.batch("SET statement_timeout = 0").await?;
        let statement = self.prepared(sql).await?;
        let rows = self.in_time(LONG_ANSWER_WITHIN, self.client.execute(&statement, params)).await;
        self.batch(STATEMENT_TIMEOUT).await?;
        rows
    }

    /// The first row that a statement answers, if any.
    pub(super) async fn first(&self, sql: &str, params: &[Param<'_>]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Whether a statement that answers one truth value says that it is so; not if it answers nothing.
    pub(super) async fn says(&self, sql: &str, params: &[Param<'_>]) -> Result<bool, StoreError> {
        self.first(sql, params).await?.map_or(Ok(false), |row| value::get(&row, 0))
    }

    /// How many rows a statement wrote.
    pub(super) async fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let statement = self.prepared(sql).await?;
        self.in_time(self.usual(), self.client.execute(&statement, params)).await
    }

    /// Runs statements that take no values and answer nothing.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.in_time(self.usual(), self.client.batch_execute(sql)).await
    }

    /// The same for as long as it takes.
    pub(super) async fn batch_however_long(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// A statement, prepared on its first use.
    pub(super) async fn prepared(&self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.in_time(self.usual(), self.client.prepare(sql)).await?;
        let mut statements = self.statements();
        if statements.len() >= STATEMENTS_MAX {
            // The server forgets them when they are dropped.
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Waits for an answer, but not for ever: a server that stands still does not say so.
    pub(super) async fn in_time<T>(
        &self,
        within: Duration,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(within, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => {
                self.suspect();
                Err(StoreError::Silent)
            }
        }
    }

    /// The same, as long as any statement may take.
    pub(super) async fn in_usual_time<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        self.in_time(self.usual(), answer).await
    }

    fn statements(&self) -> std::sync::MutexGuard<'_, HashMap<String, Statement>> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One on which an answer is outstanding would stay open until that comes, and a transaction with it that keeps others waiting.
impl Drop for Connection {
    fn drop(&mut self) {
        if !self.is_good() {
            self.driving.abort();
        }
    }
}

/// A little longer than anybody waits here: the server gives up what nobody waits for.
pub(super) const STATEMENT_TIMEOUT: &str = "SET statement_timeout = '4s'";
