//! Statements on the kept failures of endpoints.

use std::time::Duration;

use rusqlite::{Connection, Row, params};

use crate::domain::attempt::AttemptStatus;
use crate::domain::health::Health;
use crate::domain::ids::{ApplicationId, AttemptId, EndpointId};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::FoundHealth;
use crate::store::sqlite::{Sqlite, value};
use crate::store::write::HealthChange;

impl Sqlite {
    pub(crate) async fn health_all(&self) -> Result<Vec<(ApplicationId, EndpointId, Health)>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT application, endpoint, first_failure_at, last_span, previous_span FROM endpoint_health";
            value::all(connection, sql, [], |row| {
                let application = value::id(row, 0, ApplicationId::from_bytes)?;
                Ok((application, value::id(row, 1, EndpointId::from_bytes)?, from_row(row, 2)?))
            })
        })
        .await
    }

    pub(crate) async fn health_get(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        now: Timestamp,
    ) -> Result<Option<FoundHealth>, StoreError> {
        self.read(move |connection| {
            let Some(kept) = kept(connection, application, endpoint)? else { return Ok(None) };
            let (application, endpoint) = (application.as_bytes(), endpoint.as_bytes());
            let from = AttemptId::first_at(kept.first_failure_at.before(OVERLAP));
            let sql =
                "SELECT id FROM (SELECT id, status FROM attempt WHERE application = ?1 AND endpoint = ?2 AND id >= ?3
                       ORDER BY id DESC LIMIT ?5) AS newest
                   WHERE status = ?4 ORDER BY id DESC LIMIT 1";
            let params = params![application, endpoint, from.as_bytes(), AttemptStatus::Success.code(), LOOKED_AT_MAX];
            let success =
                value::first(connection, sql, params, |row| value::id(row, 0, AttemptId::from_bytes))?;
            let Some(success) = success else {
                return Ok(Some(FoundHealth { health: kept, is_kept: true }));
            };
            let sql =
                "SELECT started_at FROM attempt WHERE application = ?1 AND endpoint = ?2 AND id > ?3 ORDER BY id LIMIT 1";
            let params = params![application, endpoint, success.as_bytes()];
            let failed_at = value::first(connection, sql, params, |row| value::time(row, 0))?;
            let health = kept.since(failed_at.unwrap_or(now));
            Ok(Some(FoundHealth { health, is_kept: health == kept }))
        })
        .await
    }
}

/// So many of the newest attempts are looked at for one that succeeded: an endpoint that has failed more often since counts as one that
/// never did otherwise.
const LOOKED_AT_MAX: u32 = 10_000;
/// An attempt that succeeded may have begun so long before one that failed: more than any attempt takes, and less than matters.
const OVERLAP: Duration = Duration::from_secs(3_600);

pub(super) fn change(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
    change: HealthChange,
) -> Result<(), StoreError> {
    match change {
        HealthChange::None => Ok(()),
        HealthChange::Failed(health) => {
            let kept = kept(connection, application, endpoint)?;
            keep(connection, application, endpoint, kept.map_or(health, |kept| kept.merged(health)))
        }
        HealthChange::Failing(health) => keep(connection, application, endpoint, health),
        HealthChange::Recovered => forget(connection, application, endpoint),
    }
}

/// Whether the endpoint's kept failures go back to this time.
pub(super) fn is_failing_since(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
    time: Timestamp,
) -> Result<bool, StoreError> {
    Ok(kept(connection, application, endpoint)?.is_some_and(|kept| kept.first_failure_at <= time))
}

/// Forgets an endpoint's failures.
pub(super) fn forget(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM endpoint_health WHERE application = ?1 AND endpoint = ?2")?
        .execute(params![application.as_bytes(), endpoint.as_bytes()])?;
    Ok(())
}

fn keep(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
    health: Health,
) -> Result<(), StoreError> {
    // Of an endpoint that was deleted or disabled while its attempt was under way nothing is kept.
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO endpoint_health
                 (application, endpoint, first_failure_at, last_span, previous_span)
             SELECT ?1, ?2, ?3, ?4, ?5
             WHERE EXISTS (SELECT 1 FROM endpoint WHERE application = ?1 AND id = ?2 AND disabled IS NULL)",
        )?
        .execute(params![
            application.as_bytes(),
            endpoint.as_bytes(),
            health.first_failure_at.as_micros(),
            health.last_span,
            health.previous_span,
        ])?;
    Ok(())
}

fn kept(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
) -> Result<Option<Health>, StoreError> {
    let sql = "SELECT first_failure_at, last_span, previous_span FROM endpoint_health
               WHERE application = ?1 AND endpoint = ?2";
    let params = params![application.as_bytes(), endpoint.as_bytes()];
    value::first(connection, sql, params, |row| from_row(row, 0))
}

/// What is kept in a column and the two after it.
fn from_row(row: &Row<'_>, first: usize) -> Result<Health, StoreError> {
    Ok(Health {
        first_failure_at: value::time(row, first)?,
        last_span: value::get(row, first + 1)?,
        previous_span: value::get(row, first + 2)?,
    })
}
