//! Statements that count, each over a bounded number of rows.

use rusqlite::{Row, params};

use crate::domain::ids::{ApplicationId, AttemptId, EndpointId, MessageId};
use crate::store::error::StoreError;
use crate::store::read::{EndpointStats, StatsSpan};
use crate::store::sqlite::Sqlite;

impl Sqlite {
    pub(crate) async fn endpoint_stats(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        span: StatsSpan,
    ) -> Result<EndpointStats, StoreError> {
        self.read(move |connection| {
            let StatsSpan { since, until, limit } = span;
            let (application, endpoint) = (application.as_bytes(), endpoint.as_bytes());
            let attempts = "SELECT count(*), coalesce(sum(status = 0), 0) FROM
                 (SELECT status FROM attempt WHERE application = ?1 AND endpoint = ?2 AND id >= ?3 AND id < ?4
                  ORDER BY id DESC LIMIT ?5)";
            let (first, end) = (AttemptId::first_at(since), AttemptId::first_at(until));
            let params = params![application, endpoint, first.as_bytes(), end.as_bytes(), limit];
            let (attempts, success) = connection.prepare_cached(attempts)?.query_row(params, pair)?;
            let deliveries = "SELECT count(*), coalesce(sum(due_at IS NULL), 0) FROM
                 (SELECT due_at FROM delivery WHERE application = ?1 AND endpoint = ?2 AND message >= ?3 AND message < ?4
                  ORDER BY message DESC LIMIT ?5)";
            let (first, end) = (MessageId::first_at(since), MessageId::first_at(until));
            let params = params![application, endpoint, first.as_bytes(), end.as_bytes(), limit];
            let (messages, sending) = connection.prepare_cached(deliveries)?.query_row(params, pair)?;
            let limit = u64::from(limit);
            Ok(EndpointStats {
                success,
                fail: attempts.saturating_sub(success),
                pending: messages.saturating_sub(sending),
                sending,
                is_partial: attempts >= limit || messages >= limit,
            })
        })
        .await
    }
}

/// Two counts.
fn pair(row: &Row<'_>) -> rusqlite::Result<(u64, u64)> {
    let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
    Ok((count(0)?, count(1)?))
}
