//! Statements on who wants which event types, kept beside the endpoints that say it.

use rusqlite::{Connection, params};

use crate::domain::endpoint::Endpoint;
use crate::domain::event_filter::{EventFilter, Under, names_above};
use crate::domain::ids::{ApplicationId, EndpointId, OrganisationId};
use crate::domain::names::EventTypeName;
use crate::store::error::StoreError;
use crate::store::sqlite::{Sqlite, value};

/// What stands in the place of an event type for endpoints that filter by none.
const ANY: &str = "";

impl Sqlite {
    pub(crate) async fn subscribers(
        &self,
        organisation: OrganisationId,
        event_type: EventTypeName,
        after: ApplicationId,
        limit: u32,
    ) -> Result<Vec<ApplicationId>, StoreError> {
        self.read(move |connection| {
            // One walk along the key for each way to want it, merged here: SQLite would sort all of them for each page.
            let sql = "SELECT DISTINCT application FROM subscription
                       WHERE organisation = ?1 AND event_type = ?2 AND application > ?3
                       ORDER BY application LIMIT ?4";
            let mut found = Vec::new();
            for wanted in ways_to_want(&event_type) {
                let params = params![organisation.as_bytes(), wanted, after.as_bytes(), limit];
                found.extend(value::all(connection, sql, params, |row| {
                    value::id(row, 0, ApplicationId::from_bytes)
                })?);
            }
            found.sort_unstable();
            found.dedup();
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(found)
        })
        .await
    }
}

/// What endpoints that want this event type filter by.
fn ways_to_want(event_type: &EventTypeName) -> Vec<String> {
    let mut ways = vec![ANY.to_owned(), event_type.as_str().to_owned()];
    ways.extend(names_above(event_type).map(Under::written));
    ways
}

/// Notes what an enabled endpoint of a customer wants.
pub(super) fn add(connection: &Connection, endpoint: &Endpoint) -> Result<(), StoreError> {
    if endpoint.disabled.is_some() {
        return Ok(());
    }
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO subscription (organisation, event_type, application, endpoint)
         SELECT organisation, ?1, id, ?3 FROM application WHERE id = ?2 AND operational = 0 AND source = 0",
    )?;
    let (application, id) = (endpoint.application.as_bytes(), endpoint.id.as_bytes());
    let filters = &endpoint.settings.event_types;
    if filters.is_empty() {
        insert.execute(params![ANY, application, id])?;
    }
    for filter in filters {
        insert.execute(params![EventFilter::as_str(filter), application, id])?;
    }
    Ok(())
}

/// Forgets what an endpoint wants, while its row still says it.
pub(super) fn remove(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM subscription
             WHERE organisation = (SELECT organisation FROM application WHERE id = ?1) AND application = ?1 AND endpoint = ?2
                 AND event_type IN (SELECT ?3 UNION ALL
                     SELECT value FROM endpoint e, json_each(e.event_types) WHERE e.application = ?1 AND e.id = ?2)",
        )?
        .execute(params![application.as_bytes(), endpoint.as_bytes(), ANY])?;
    Ok(())
}

/// Forgets what all endpoints of an application want, while it and they still have their rows.
pub(super) fn remove_all(connection: &Connection, application: ApplicationId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM subscription
             WHERE organisation = (SELECT organisation FROM application WHERE id = ?1) AND application = ?1
                 AND event_type IN (SELECT ?2 UNION
                     SELECT value FROM endpoint e, json_each(e.event_types) WHERE e.application = ?1)",
        )?
        .execute(params![application.as_bytes(), ANY])?;
    Ok(())
}
