//! Statements that go out together and are answered in turn: one round trip for all of them.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement};

use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;

/// A value that a statement of a pipeline holds.
pub(super) type Held<'a> = Box<dyn ToSql + Sync + Send + 'a>;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<Row>, Error>> + Send + 'a>>;

/// Statements of one transaction.
pub(super) struct Pipeline<'a> {
    connection: &'a Connection,
    steps: Vec<Step<'a>>,
}

enum Step<'a> {
    /// Without values or rows, such as `BEGIN`.
    Plain(&'static str),
    Prepared(Statement, Vec<Held<'a>>),
}

impl<'a> Pipeline<'a> {
    pub(super) fn new(connection: &'a Connection) -> Pipeline<'a> {
        Pipeline { connection, steps: Vec::new() }
    }

    /// Adds `BEGIN` or `COMMIT`.
    pub(super) fn plain(&mut self, sql: &'static str) {
        self.steps.push(Step::Plain(sql));
    }

    /// Adds a statement; nothing is sent yet but what prepares it.
    pub(super) async fn add(&mut self, sql: &str, values: Vec<Held<'a>>) -> Result<(), StoreError> {
        self.steps.push(Step::Prepared(self.connection.prepared(sql).await?, values));
        Ok(())
    }

    /// Sends all, and answers the rows of each in turn. On an error nothing after it was done.
    pub(super) async fn run(self) -> Result<Vec<Vec<Row>>, StoreError> {
        if self.steps.is_empty() {
            return Ok(Vec::new());
        }
        let client = &self.connection.client;
        let mut answers: Vec<Answer<'_>> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            answers.push(match step {
                Step::Plain(sql) => Box::pin(async move {
                    client.batch_execute(sql).await?;
                    Ok(Vec::new())
                }),
                Step::Prepared(statement, values) => Box::pin(async move {
                    let values =
                        values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect::<Vec<_>>();
                    client.query(statement, &values).await
                }),
            });
        }
        let all = self.connection.in_usual_time(async { Ok(in_turn(answers).await) }).await?;
        // The first error is the one that tells: what followed was refused because of it.
        all.into_iter().map(|answer| Ok(answer?)).collect()
    }
}

/// Polls all until each is answered. A statement is sent when it is first polled, so they are sent in order.
async fn in_turn(mut answers: Vec<Answer<'_>>) -> Vec<Result<Vec<Row>, Error>> {
    let mut results: Vec<Option<Result<Vec<Row>, Error>>> = answers.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut is_ready = true;
        for (answer, result) in answers.iter_mut().zip(&mut results) {
            if result.is_none() {
                match answer.as_mut().poll(context) {
                    Poll::Ready(answered) => *result = Some(answered),
                    Poll::Pending => is_ready = false,
                }
            }
        }
        if is_ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}
