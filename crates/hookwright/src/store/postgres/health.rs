//! Statements on the kept failures of endpoints.

use crate::domain::health::Health;
use crate::domain::ids::{ApplicationId, EndpointId};
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::{Postgres, value};

impl Postgres {
    pub(crate) async fn health_all(&self) -> Result<Vec<(ApplicationId, EndpointId, Health)>, StoreError> {
        let sql =
            "SELECT application, endpoint, first_failure_at, last_span, previous_span FROM endpoint_health";
        value::all(&self.reader().await?.query_long(sql, &[]).await?, |row| {
            let health = Health {
                first_failure_at: value::time(row, 2)?,
                last_span: value::get(row, 3)?,
                previous_span: value::get(row, 4)?,
            };
            let application = value::id(row, 0, ApplicationId::from_bytes)?;
            Ok((application, value::id(row, 1, EndpointId::from_bytes)?, health))
        })
    }
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
