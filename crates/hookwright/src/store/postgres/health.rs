//! Statements on the kept failures of endpoints.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_postgres::Row;

use crate::domain::attempt::AttemptStatus;
use crate::domain::health::Health;
use crate::domain::ids::{ApplicationId, AttemptId, EndpointId};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::hot::column;
use crate::store::postgres::pipeline::{Held as Value, Pipeline};
use crate::store::postgres::{Postgres, value};
use crate::store::read::FoundHealth;
use crate::store::write::{HealthChange, Outcome};

impl Postgres {
    pub(crate) async fn health_all(&self) -> Result<Vec<(ApplicationId, EndpointId, Health)>, StoreError> {
        let sql =
            "SELECT application, endpoint, first_failure_at, last_span, previous_span FROM endpoint_health";
        value::all(&self.reader().await?.query_long(sql, &[]).await?, |row| {
            let application = value::id(row, 0, ApplicationId::from_bytes)?;
            Ok((application, value::id(row, 1, EndpointId::from_bytes)?, from_row(row, 2)?))
        })
    }

    pub(crate) async fn health_get(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        now: Timestamp,
    ) -> Result<Option<FoundHealth>, StoreError> {
        let (application, endpoint) = (application.as_bytes(), endpoint.as_bytes());
        let connection = self.reader().await?;
        let sql = "SELECT first_failure_at, last_span, previous_span FROM endpoint_health
                   WHERE application = $1 AND endpoint = $2";
        let Some(row) = connection.first(sql, &[application, endpoint]).await? else { return Ok(None) };
        let kept = from_row(&row, 0)?;
        let from = AttemptId::first_at(kept.first_failure_at.before(OVERLAP));
        let sql =
            "SELECT id FROM (SELECT id, status FROM attempt WHERE application = $1 AND endpoint = $2 AND id >= $3
                       ORDER BY id DESC LIMIT $5) AS newest
                   WHERE status = $4 ORDER BY id DESC LIMIT 1";
        let success = i16::from(AttemptStatus::Success.code());
        let row = connection
            .first(sql, &[application, endpoint, from.as_bytes(), &success, &i64::from(LOOKED_AT_MAX)])
            .await?;
        let Some(row) = row else { return Ok(Some(FoundHealth { health: kept, is_kept: true })) };
        let success = value::id(&row, 0, AttemptId::from_bytes)?;
        let sql = "SELECT started_at FROM attempt WHERE application = $1 AND endpoint = $2 AND id > $3 ORDER BY id LIMIT 1";
        let row = connection.first(sql, &[application, endpoint, success.as_bytes()]).await?;
        let failed_at = row.map(|row| value::time(&row, 0)).transpose()?;
        let health = kept.since(failed_at.unwrap_or(now));
        Ok(Some(FoundHealth { health, is_kept: health == kept }))
    }
}

/// So many of the newest attempts are looked at for one that succeeded: an endpoint that has failed more often since counts as one that
/// never did otherwise.
const LOOKED_AT_MAX: u32 = 10_000;
/// An attempt that succeeded may have begun so long before one that failed: more than any attempt takes, and less than matters.
const OVERLAP: Duration = Duration::from_secs(3_600);

/// Adds what comes to that which other nodes' attempts left.
const MERGE: &str = "first_failure_at = least(h.first_failure_at, EXCLUDED.first_failure_at),
    last_span = greatest(h.last_span, EXCLUDED.last_span),
    previous_span = (
        SELECT max(span) FROM UNNEST(ARRAY[h.last_span, h.previous_span, EXCLUDED.last_span, EXCLUDED.previous_span]) AS span
        WHERE span < greatest(h.last_span, EXCLUDED.last_span))";

/// Keeps what comes in the place of that.
const REPLACE: &str = "first_failure_at = EXCLUDED.first_failure_at, last_span = EXCLUDED.last_span,
    previous_span = EXCLUDED.previous_span";

/// Adds the statements that keep or forget failures of endpoints: of each endpoint all changes in one.
pub(super) async fn add<'a>(pipeline: &mut Pipeline<'a>, outcomes: &[&'a Outcome]) -> Result<(), StoreError> {
    // In the order in which their rows are locked, so that two nodes never wait for each other.
    let mut changes: BTreeMap<_, HealthChange> = BTreeMap::new();
    for outcome in outcomes {
        if outcome.health != HealthChange::None {
            let change = changes.entry((&outcome.attempt.application, &outcome.attempt.endpoint));
            change.and_modify(|change| *change = change.then(outcome.health)).or_insert(outcome.health);
        }
    }
    let (mut failed, mut failing, mut recovered) = (Vec::new(), Vec::new(), Vec::new());
    for ((application, endpoint), change) in changes {
        match change {
            HealthChange::None => {}
            HealthChange::Failed(health) => failed.push((application, endpoint, health)),
            HealthChange::Failing(health) => failing.push((application, endpoint, health)),
            HealthChange::Recovered => recovered.push((application, endpoint)),
        }
    }
    if [failed.len(), failing.len(), recovered.len()].iter().filter(|count| **count > 0).count() > 1 {
        // One statement locks its rows in order, several do not.
        let all = || {
            let kept =
                failed.iter().chain(&failing).map(|(application, endpoint, _)| (*application, *endpoint));
            kept.chain(recovered.iter().copied())
        };
        let values: Vec<Value<'a>> = vec![
            column(all().map(|(application, _)| application.as_bytes().as_slice())),
            column(all().map(|(_, endpoint)| endpoint.as_bytes().as_slice())),
        ];
        let sql = "SELECT 1 FROM endpoint_health h
                   JOIN UNNEST($1::bytea[], $2::bytea[]) AS u (application, endpoint)
                       ON h.application = u.application AND h.endpoint = u.endpoint
                   ORDER BY h.application, h.endpoint FOR UPDATE OF h";
        pipeline.add(sql, values).await?;
    }
    keep(pipeline, &failed, MERGE).await?;
    keep(pipeline, &failing, REPLACE).await?;
    if !recovered.is_empty() {
        let values: Vec<Value<'a>> = vec![
            column(recovered.iter().map(|(application, _)| application.as_bytes().as_slice())),
            column(recovered.iter().map(|(_, endpoint)| endpoint.as_bytes().as_slice())),
        ];
        let sql = "DELETE FROM endpoint_health h USING UNNEST($1::bytea[], $2::bytea[]) AS u (application, endpoint)
                   WHERE h.application = u.application AND h.endpoint = u.endpoint";
        pipeline.add(sql, values).await?;
    }
    Ok(())
}

async fn keep<'a>(
    pipeline: &mut Pipeline<'a>,
    kept: &[(&'a ApplicationId, &'a EndpointId, Health)],
    where_there_is_some: &str,
) -> Result<(), StoreError> {
    if kept.is_empty() {
        return Ok(());
    }
    let values: Vec<Value<'a>> = vec![
        column(kept.iter().map(|(application, ..)| application.as_bytes().as_slice())),
        column(kept.iter().map(|(_, endpoint, _)| endpoint.as_bytes().as_slice())),
        column(kept.iter().map(|(.., health)| health.first_failure_at.as_micros())),
        column(kept.iter().map(|(.., health)| health.last_span)),
        column(kept.iter().map(|(.., health)| health.previous_span)),
    ];
    // Of an endpoint that was deleted or disabled while its attempt was under way nothing is kept.
    let sql = format!(
        "INSERT INTO endpoint_health AS h (application, endpoint, first_failure_at, last_span, previous_span)
         SELECT u.* FROM UNNEST($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[])
             AS u (application, endpoint, first_failure_at, last_span, previous_span)
         WHERE EXISTS (SELECT 1 FROM endpoint e
             WHERE e.application = u.application AND e.id = u.endpoint AND e.disabled IS NULL)
         ORDER BY u.application, u.endpoint
         ON CONFLICT (application, endpoint) DO UPDATE SET {where_there_is_some}"
    );
    pipeline.add(&sql, values).await
}

/// Whether the endpoint's kept failures go back to this time.
pub(super) async fn is_failing_since(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
    time: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT FROM endpoint_health
                   WHERE application = $1 AND endpoint = $2 AND first_failure_at <= $3)";
    connection.says(sql, &[application.as_bytes(), endpoint.as_bytes(), &time.as_micros()]).await
}

/// Forgets an endpoint's failures.
pub(super) async fn forget(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM endpoint_health WHERE application = $1 AND endpoint = $2";
    connection.execute(sql, &[application.as_bytes(), endpoint.as_bytes()]).await?;
    Ok(())
}

/// What is kept in a column and the two after it.
fn from_row(row: &Row, first: usize) -> Result<Health, StoreError> {
    Ok(Health {
        first_failure_at: value::time(row, first)?,
        last_span: value::get(row, first + 1)?,
        previous_span: value::get(row, first + 2)?,
    })
}
