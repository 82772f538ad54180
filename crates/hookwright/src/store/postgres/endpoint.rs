//! Statements on endpoints.

use tokio_postgres::Row;

use crate::domain::endpoint::{DisabledReason, Endpoint, EndpointSettings};
use crate::domain::endpoint_edit::EndpointRef;
use crate::domain::event_filter::EventFilter;
use crate::domain::ids::{ApplicationId, EndpointId};
use crate::domain::names::{Channel, HookIdentifier, Uid};
use crate::domain::payload_format::PayloadFormat;
use crate::domain::time::Timestamp;
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::{Postgres, health, subscription, throttle, value};
use crate::store::sealed_columns::{HEADERS, OLD_SECRETS, SECRET};
use crate::store::sealing::Sealing;
use crate::store::write::Changed;

pub(super) const COLUMNS: &str = "application, id, uid, url, description, throttle_rate, disabled, event_types, channels, metadata, \
                                  headers, secret, old_secrets, created_at, updated_at, format, identifier";

/// How many there are, for who reads further columns behind them.
pub(super) const COLUMN_COUNT: usize = 17;

impl Postgres {
    pub(crate) async fn endpoint_is_there(
        &self,
        application: ApplicationId,
        named: EndpointRef,
    ) -> Result<bool, StoreError> {
        let id = match &named {
            EndpointRef::Id(id) => Some(id.as_bytes().as_slice()),
            EndpointRef::Uid(_) => None,
        };
        let uid = named.as_uid();
        let uid = uid.as_ref().map(Uid::as_str);
        let sql = "SELECT EXISTS (SELECT FROM endpoint WHERE application = $1 AND id = $2)
                       OR EXISTS (SELECT FROM endpoint WHERE application = $1 AND uid = $3)";
        self.reader().await?.says(sql, &[application.as_bytes(), &id, &uid]).await
    }
}

/// An application's endpoints, by id.
pub(super) async fn of_application(
    connection: &Connection,
    sealing: &Sealing,
    application: ApplicationId,
) -> Result<Vec<Endpoint>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM endpoint WHERE application = $1 ORDER BY id");
    value::all(&connection.query(&sql, &[application.as_bytes()]).await?, |row| from_row(row, sealing))
}

pub(super) async fn insert(
    connection: &Connection,
    sealing: &Sealing,
    endpoint: &Endpoint,
) -> Result<Changed, StoreError> {
    // Held until the commit: on another node the application may be being deleted.
    let sql = "SELECT 1 FROM application WHERE id = $1 FOR KEY SHARE";
    if connection.first(sql, &[endpoint.application.as_bytes()]).await?.is_none() {
        return Ok(Changed::Missing);
    }
    let changed = write(
        connection,
        sealing,
        &format!(
            "INSERT INTO endpoint ({COLUMNS})
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT DO NOTHING"
        ),
        endpoint,
        endpoint.created_at,
        Changed::Taken,
    )
    .await?;
    match changed {
        Changed::Yes => subscription::add(connection, endpoint).await?,
        Changed::Taken if is_identifier_taken(connection, endpoint).await? => {
            return Ok(Changed::IdentifierTaken);
        }
        _ => {}
    }
    Ok(changed)
}

pub(super) async fn update(
    connection: &Connection,
    sealing: &Sealing,
    endpoint: &Endpoint,
    unless_changed_since: Timestamp,
) -> Result<Changed, StoreError> {
    if let Some(uid) = &endpoint.settings.uid {
        let sql = "SELECT 1 FROM endpoint WHERE application = $1 AND uid = $2 AND id <> $3";
        let (application, id) = (endpoint.application.as_bytes(), endpoint.id.as_bytes());
        if connection.first(sql, &[application, &uid.as_str(), id]).await?.is_some() {
            return Ok(Changed::Taken);
        }
    }
    if is_identifier_taken(connection, endpoint).await? {
        return Ok(Changed::IdentifierTaken);
    }
    if is_as_of(connection, endpoint, unless_changed_since).await? {
        subscription::remove(connection, endpoint.application, endpoint.id).await?;
    }
    let changed = write(
        connection,
        sealing,
        "UPDATE endpoint SET uid = $3, url = $4, description = $5, throttle_rate = $6, disabled = $7, event_types = $8,
             channels = $9, metadata = $10, headers = $11, secret = $12, old_secrets = $13, updated_at = $15, format = $16, identifier = $17
         WHERE application = $1 AND id = $2 AND updated_at = $14",
        endpoint,
        unless_changed_since,
        Changed::Stale,
    )
    .await?;
    if changed == Changed::Yes {
        subscription::add(connection, endpoint).await?;
        // What it failed at before is past: it may have another URL now, or be enabled again.
        health::forget(connection, endpoint.application, endpoint.id).await?;
    }
    Ok(changed)
}

/// Whether another of the application's hooks for the same event has the endpoint's identifier.
async fn is_identifier_taken(connection: &Connection, endpoint: &Endpoint) -> Result<bool, StoreError> {
    let Some(identifier) = &endpoint.settings.identifier else { return Ok(false) };
    let sql =
        "SELECT 1 FROM endpoint WHERE application = $1 AND event_types = $2 AND identifier = $3 AND id <> $4";
    let event_types = encoded::filters_to_json(&endpoint.settings);
    let (application, id) = (endpoint.application.as_bytes(), endpoint.id.as_bytes());
    Ok(connection.first(sql, &[application, &event_types, &identifier.as_str(), id]).await?.is_some())
}

/// Whether an endpoint was last changed then; it stays so until the end of the transaction.
async fn is_as_of(connection: &Connection, endpoint: &Endpoint, time: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM endpoint WHERE application = $1 AND id = $2 AND updated_at = $3 FOR UPDATE";
    let (application, id) = (endpoint.application.as_bytes(), endpoint.id.as_bytes());
    Ok(connection.first(sql, &[application, id, &time.as_micros()]).await?.is_some())
}

/// Runs an INSERT or UPDATE whose parameters are the columns in order; `created_or_known_at` stands where `created_at` does.
async fn write(
    connection: &Connection,
    sealing: &Sealing,
    sql: &str,
    endpoint: &Endpoint,
    created_or_known_at: Timestamp,
    otherwise: Changed,
) -> Result<Changed, StoreError> {
    let settings = &endpoint.settings;
    let key: [&[u8]; 2] = [endpoint.application.as_bytes(), endpoint.id.as_bytes()];
    let rows = connection
        .execute(
            sql,
            &[
                endpoint.application.as_bytes(),
                endpoint.id.as_bytes(),
                &settings.uid.as_ref().map(Uid::as_str),
                &value::escaped(&settings.url),
                &value::escaped(&settings.description),
                &settings.throttle_rate.map(i32::from),
                &endpoint.disabled.map(DisabledReason::as_str),
                &encoded::filters_to_json(settings),
                &encoded::json_names(settings.channels.iter().map(Channel::as_str)),
                &encoded::json_metadata(&settings.metadata),
                &sealing.seal(HEADERS, &key, &encoded::headers_to_json(&endpoint.headers))?,
                &sealing.seal(SECRET, &key, &endpoint.secret.expose())?,
                &sealing.seal(OLD_SECRETS, &key, &encoded::old_secrets_to_json(&endpoint.old_secrets))?,
                &created_or_known_at.as_micros(),
                &endpoint.updated_at.as_micros(),
                &settings.format.as_str(),
                &settings.identifier.as_ref().map(HookIdentifier::as_str),
            ],
        )
        .await?;
    Ok(if rows == 1 { Changed::Yes } else { otherwise })
}

pub(super) async fn disable(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
    reason: DisabledReason,
    failing_since: Option<Timestamp>,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    if let Some(time) = failing_since
        && !health::is_failing_since(connection, application, endpoint, time).await?
    {
        return Ok(Changed::Stale);
    }
    health::forget(connection, application, endpoint).await?;
    subscription::remove(connection, application, endpoint).await?;
    let sql = "UPDATE endpoint SET disabled = $3, updated_at = greatest($4, updated_at + 1)
               WHERE application = $1 AND id = $2 AND disabled IS NULL";
    let rows = connection
        .execute(sql, &[application.as_bytes(), endpoint.as_bytes(), &reason.as_str(), &now.as_micros()])
        .await?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Missing })
}

/// Deletes an endpoint; what was on its way to it is ended in slices by whoever delivers.
pub(super) async fn delete(
    connection: &Connection,
    application: ApplicationId,
    endpoint: EndpointId,
) -> Result<Changed, StoreError> {
    subscription::remove(connection, application, endpoint).await?;
    let sql = "DELETE FROM endpoint WHERE application = $1 AND id = $2";
    let rows = connection.execute(sql, &[application.as_bytes(), endpoint.as_bytes()]).await?;
    health::forget(connection, application, endpoint).await?;
    throttle::forget(connection, application.as_bytes(), endpoint.as_bytes()).await?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Missing })
}

pub(super) fn from_row(row: &Row, sealing: &Sealing) -> Result<Endpoint, StoreError> {
    let application = value::id(row, 0, ApplicationId::from_bytes)?;
    let id = value::id(row, 1, EndpointId::from_bytes)?;
    let key: [&[u8]; 2] = [application.as_bytes(), id.as_bytes()];
    Ok(Endpoint {
        application,
        id,
        settings: EndpointSettings {
            uid: value::name_opt(row, 2, Uid::parse, "endpoint.uid")?,
            url: value::text(row, 3)?,
            description: value::text(row, 4)?,
            throttle_rate: value::number_opt(row, 5, "endpoint.throttle_rate")?,
            event_types: value::names(row, 7, EventFilter::parse, "endpoint.event_types")?,
            channels: value::names(row, 8, Channel::parse, "endpoint.channels")?,
            metadata: value::metadata(row, 9, "endpoint.metadata")?,
            format: value::word(row, 15, PayloadFormat::from_word, "endpoint.format")?.unwrap_or_default(),
            identifier: value::name_opt(row, 16, HookIdentifier::parse, "endpoint.identifier")?,
        },
        disabled: value::word(row, 6, DisabledReason::from_word, "endpoint.disabled")?,
        headers: encoded::headers_from_json(&value::sealed(row, 10, sealing, HEADERS, &key)?)?,
        secret: value::parsed(&value::sealed(row, 11, sealing, SECRET, &key)?, SECRET)?,
        old_secrets: encoded::old_secrets_from_json(&value::sealed(row, 12, sealing, OLD_SECRETS, &key)?)?,
        created_at: value::time(row, 13)?,
        updated_at: value::time(row, 14)?,
    })
}
