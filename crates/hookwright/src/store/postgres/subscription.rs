//! Statements on who wants which event types, kept beside the endpoints that say it.

use crate::domain::endpoint::Endpoint;
use crate::domain::event_filter::{EventFilter, Under, names_above};
use crate::domain::ids::{ApplicationId, EndpointId, OrganisationId};
use crate::domain::names::EventTypeName;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::{Postgres, value};

/// What stands in the place of an event type for endpoints that filter by none.
const ANY: &str = "";

impl Postgres {
    pub(crate) async fn subscribers(
        &self,
        organisation: OrganisationId,
        event_type: EventTypeName,
        after: ApplicationId,
        limit: u32,
    ) -> Result<Vec<ApplicationId>, StoreError> {
        // One walk along the key for each way to want it, merged here: all of them would be sorted for each page.
        let sql = "SELECT DISTINCT application FROM subscription
                   WHERE organisation = $1 AND event_type = $2 AND application > $3
                   ORDER BY application LIMIT $4";
        let connection = self.reader().await?;
        let mut found = Vec::new();
        for wanted in ways_to_want(&event_type) {
            let (organisation, rows) = (organisation.as_bytes(), value::limit(limit));
            let rows = connection.query(sql, &[organisation, &wanted, after.as_bytes(), &rows]).await?;
            found.extend(value::all(&rows, |row| value::id(row, 0, ApplicationId::from_bytes))?);
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }
}

/// What endpoints that want this event type filter by.
fn ways_to_want(event_type: &EventTypeName) -> Vec<String> {
    let mut ways = vec![ANY.to_owned(), event_type.as_str().to_owned()];
    ways.extend(names_above(event_type).map(Under::written));
    ways
}

/// Notes what an enabled endpoint of a customer wants.
pub(super) async fn add(connection: &Connection, endpoint: &Endpoint) -> Result<(), StoreError> {
    if endpoint.disabled.is_some() {
        return Ok(());
    }
    let sql = "INSERT INTO subscription (organisation, event_type, application, endpoint)
               SELECT a.organisation, f.filter, a.id, $3 FROM application a, UNNEST($1::text[]) AS f (filter)
               WHERE a.id = $2 AND NOT a.operational AND NOT a.source ON CONFLICT DO NOTHING";
    let mut filters: Vec<&str> = endpoint.settings.event_types.iter().map(EventFilter::as_str).collect();
    if filters.is_empty() {
        filters.push(ANY);
    }
    connection.execute(sql, &[&filters, endpoint.application.as_bytes(), endpoint.id.as_bytes()]).await?;
    Ok(())
}

/// Forgets what an endpoint wants, while its row still says it.
pub(super) async fn remove(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM subscription
               WHERE organisation = (SELECT organisation FROM application WHERE id = $1) AND application = $1 AND endpoint = $2
                   AND event_type IN (SELECT $3 UNION ALL
                       SELECT jsonb_array_elements_text(e.event_types::jsonb) FROM endpoint e
                       WHERE e.application = $1 AND e.id = $2)";
    connection.execute(sql, &[application.as_bytes(), endpoint.as_bytes(), &ANY]).await?;
    Ok(())
}

/// Forgets what all endpoints of an application want, while it and they still have their rows.
pub(super) async fn remove_all(
    connection: &Connection,
    application: ApplicationId,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM subscription
               WHERE organisation = (SELECT organisation FROM application WHERE id = $1) AND application = $1
                   AND event_type IN (SELECT $2 UNION
                       SELECT jsonb_array_elements_text(e.event_types::jsonb) FROM endpoint e WHERE e.application = $1)";
    connection.execute(sql, &[application.as_bytes(), &ANY]).await?;
    Ok(())
}
