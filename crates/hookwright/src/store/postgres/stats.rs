//! Statements that count, each over a bounded number of rows.

use tokio_postgres::Row;

use crate::domain::ids::{ApplicationId, AttemptId, EndpointId, MessageId};
use crate::store::error::StoreError;
use crate::store::postgres::{Postgres, value};
use crate::store::read::{EndpointStats, StatsSpan};

impl Postgres {
    pub(crate) async fn endpoint_stats(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        span: StatsSpan,
    ) -> Result<EndpointStats, StoreError> {
        let StatsSpan { since, until, limit } = span;
        let (application, endpoint, rows) =
            (application.as_bytes(), endpoint.as_bytes(), value::limit(limit));
        let connection = self.reader().await?;
        let sql = "SELECT count(*), count(*) FILTER (WHERE status = 0) FROM
             (SELECT status FROM attempt WHERE application = $1 AND endpoint = $2 AND id >= $3 AND id < $4
              ORDER BY id DESC LIMIT $5) AS counted";
        let (first, end) = (AttemptId::first_at(since), AttemptId::first_at(until));
        let row =
            connection.first(sql, &[application, endpoint, first.as_bytes(), end.as_bytes(), &rows]).await?;
        let (attempts, success) = pair(row)?;
        let sql = "SELECT count(*), count(*) FILTER (WHERE due_at IS NULL) FROM
             (SELECT due_at FROM delivery WHERE application = $1 AND endpoint = $2 AND message >= $3 AND message < $4
              ORDER BY message DESC LIMIT $5) AS counted";
        let (first, end) = (MessageId::first_at(since), MessageId::first_at(until));
        let row =
            connection.first(sql, &[application, endpoint, first.as_bytes(), end.as_bytes(), &rows]).await?;
        let (messages, sending) = pair(row)?;
        let limit = u64::from(limit);
        Ok(EndpointStats {
            success,
            fail: attempts.saturating_sub(success),
            pending: messages.saturating_sub(sending),
            sending,
            is_partial: attempts >= limit || messages >= limit,
        })
    }
}

/// Two counts.
fn pair(row: Option<Row>) -> Result<(u64, u64), StoreError> {
    let Some(row) = row else { return Ok((0, 0)) };
    Ok((value::count(&row, 0)?, value::count(&row, 1)?))
}
