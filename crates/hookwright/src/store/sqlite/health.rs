//! Statements on the kept failures of endpoints.

use rusqlite::{Connection, params};

use crate::domain::health::Health;
use crate::domain::ids::{ApplicationId, EndpointId};
use crate::store::error::StoreError;
use crate::store::sqlite::{Sqlite, value};
use crate::store::write::HealthChange;

impl Sqlite {
    pub(crate) async fn health_all(&self) -> Result<Vec<(ApplicationId, EndpointId, Health)>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT application, endpoint, first_failure_at, last_span, previous_span FROM endpoint_health";
            value::all(connection, sql, [], |row| {
                let health = Health {
                    first_failure_at: value::time(row, 2)?,
                    last_span: value::get(row, 3)?,
                    previous_span: value::get(row, 4)?,
                };
                let application = value::id(row, 0, ApplicationId::from_bytes)?;
                Ok((application, value::id(row, 1, EndpointId::from_bytes)?, health))
            })
        })
        .await
    }
}

pub(super) fn change(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
    change: HealthChange,
) -> Result<(), StoreError> {
    match change {
        HealthChange::None => {}
        HealthChange::Failing(health) => {
            // Of an endpoint that was deleted while its attempt was under way nothing is kept.
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO endpoint_health
                         (application, endpoint, first_failure_at, last_span, previous_span)
                     SELECT ?1, ?2, ?3, ?4, ?5
                     WHERE EXISTS (SELECT 1 FROM endpoint WHERE application = ?1 AND id = ?2)",
                )?
                .execute(params![
                    application.as_bytes(),
                    endpoint.as_bytes(),
                    health.first_failure_at.as_micros(),
                    health.last_span,
                    health.previous_span,
                ])?;
        }
        HealthChange::Recovered => {
            connection
                .prepare_cached("DELETE FROM endpoint_health WHERE application = ?1 AND endpoint = ?2")?
                .execute(params![application.as_bytes(), endpoint.as_bytes()])?;
        }
    }
    Ok(())
}
