//! Statements on applications.

use tokio_postgres::Row;

use crate::domain::application::{Application, ApplicationSettings, Purpose};
use crate::domain::ids::{ApplicationId, OrganisationId};
use crate::domain::names::Uid;
use crate::domain::page::{Page, PageRequest};
use crate::domain::time::Timestamp;
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::postgres::connection::{Connection, Param};
use crate::store::postgres::{Postgres, endpoint, subscription, value};
use crate::store::read::ApplicationWithEndpoints;
use crate::store::write::Changed;

pub(super) const COLUMNS: &str =
    "id, organisation, uid, name, throttle_rate, metadata, created_at, updated_at, operational, source";

impl Postgres {
    pub(crate) async fn application_with_endpoints(
        &self,
        id: ApplicationId,
    ) -> Result<Option<ApplicationWithEndpoints>, StoreError> {
        // One transaction: the endpoints are those of the application as it is read.
        let connection = self.reader().await?;
        connection.snapshot().await?;
        let sql = format!("SELECT {COLUMNS} FROM application WHERE id = $1");
        let application = connection.first(&sql, &[id.as_bytes()]).await?;
        let endpoints = match application {
            Some(_) => endpoint::of_application(&connection, &self.sealing, id).await?,
            None => Vec::new(),
        };
        connection.end().await?;
        let Some(application) = application else { return Ok(None) };
        Ok(Some(ApplicationWithEndpoints { application: from_row(&application)?, endpoints }))
    }

    pub(crate) async fn application_by_uid(
        &self,
        organisation: OrganisationId,
        uid: Uid,
    ) -> Result<Option<ApplicationId>, StoreError> {
        let sql = "SELECT id FROM application WHERE organisation = $1 AND uid = $2";
        let row = self.reader().await?.first(sql, &[organisation.as_bytes(), &uid.as_str()]).await?;
        row.map(|row| value::id(&row, 0, ApplicationId::from_bytes)).transpose()
    }

    pub(crate) async fn operational_application(
        &self,
        organisation: OrganisationId,
    ) -> Result<Option<ApplicationId>, StoreError> {
        let sql = "SELECT id FROM application WHERE organisation = $1 AND operational";
        let row = self.reader().await?.first(sql, &[organisation.as_bytes()]).await?;
        row.map(|row| value::id(&row, 0, ApplicationId::from_bytes)).transpose()
    }

    pub(crate) async fn application_list(
        &self,
        organisation: OrganisationId,
        page: PageRequest<ApplicationId>,
    ) -> Result<Page<Application>, StoreError> {
        let scan = page.scan();
        // No row has one of the outermost ids: a list without a mark begins beyond it.
        let (beyond, order, edge) =
            if scan.ascending { (">", "ASC", ApplicationId::MIN) } else { ("<", "DESC", ApplicationId::MAX) };
        let sql = format!(
            "SELECT {COLUMNS} FROM application
             WHERE organisation = $1 AND id {beyond} $2 AND NOT operational AND NOT source
             ORDER BY id {order} LIMIT $3"
        );
        let beyond = scan.beyond.unwrap_or(edge);
        let params: [Param<'_>; 3] = [organisation.as_bytes(), beyond.as_bytes(), &value::limit(scan.count)];
        let rows = self.reader().await?.query(&sql, &params).await?;
        page.try_gather(rows.iter().map(from_row), Application::weight)
    }
}

pub(super) async fn organisation_ensure(
    connection: &Connection,
    organisation: OrganisationId,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let sql = "INSERT INTO organisation (id, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    connection.execute(sql, &[organisation.as_bytes(), &now.as_micros()]).await?;
    Ok(Changed::Yes)
}

pub(super) async fn insert(
    connection: &Connection,
    application: &Application,
) -> Result<Changed, StoreError> {
    let settings = &application.settings;
    let sql = format!(
        "INSERT INTO application ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING"
    );
    let rows = connection
        .execute(
            &sql,
            &[
                application.id.as_bytes(),
                application.organisation.as_bytes(),
                &settings.uid.as_ref().map(Uid::as_str),
                &value::escaped(&settings.name),
                &settings.throttle_rate.map(i32::from),
                &encoded::json_metadata(&settings.metadata),
                &application.created_at.as_micros(),
                &application.updated_at.as_micros(),
                &(application.purpose == Purpose::Operational),
                &(application.purpose == Purpose::Source),
            ],
        )
        .await?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Taken })
}

pub(super) async fn update(
    connection: &Connection,
    application: &Application,
    unless_changed_since: Timestamp,
) -> Result<Changed, StoreError> {
    let settings = &application.settings;
    if let Some(uid) = &settings.uid {
        let sql = "SELECT 1 FROM application WHERE organisation = $1 AND uid = $2 AND id <> $3";
        let params: [Param<'_>; 3] =
            [application.organisation.as_bytes(), &uid.as_str(), application.id.as_bytes()];
        if connection.first(sql, &params).await?.is_some() {
            return Ok(Changed::Taken);
        }
    }
    let sql = "UPDATE application SET uid = $2, name = $3, throttle_rate = $4, metadata = $5, updated_at = $6
               WHERE id = $1 AND updated_at = $7";
    let rows = connection
        .execute(
            sql,
            &[
                application.id.as_bytes(),
                &settings.uid.as_ref().map(Uid::as_str),
                &value::escaped(&settings.name),
                &settings.throttle_rate.map(i32::from),
                &encoded::json_metadata(&settings.metadata),
                &application.updated_at.as_micros(),
                &unless_changed_since.as_micros(),
            ],
        )
        .await?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Stale })
}

/// Deletes what is configured; what happened is removed in slices by [`super::erasure::erase`].
pub(super) async fn delete(
    connection: &Connection,
    id: ApplicationId,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    subscription::remove_all(connection, id).await?;
    let id = id.as_bytes();
    if connection.execute("DELETE FROM application WHERE id = $1", &[id]).await? == 0 {
        return Ok(Changed::Missing);
    }
    for sql in [
        "DELETE FROM endpoint WHERE application = $1",
        "DELETE FROM endpoint_health WHERE application = $1",
        "DELETE FROM token WHERE application = $1",
        "DELETE FROM task WHERE application = $1",
    ] {
        connection.execute(sql, &[id]).await?;
    }
    let sql = "INSERT INTO erasure (application, deleted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    connection.execute(sql, &[id, &now.as_micros()]).await?;
    Ok(Changed::Yes)
}

/// Writes a row, though it changes nothing in it.
pub(super) async fn probe(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("UPDATE organisation SET created_at = created_at", &[]).await?;
    Ok(())
}

pub(super) fn from_row(row: &Row) -> Result<Application, StoreError> {
    Ok(Application {
        id: value::id(row, 0, ApplicationId::from_bytes)?,
        organisation: value::id(row, 1, OrganisationId::from_bytes)?,
        settings: ApplicationSettings {
            uid: value::name_opt(row, 2, Uid::parse, "application.uid")?,
            name: value::text(row, 3)?,
            throttle_rate: value::number_opt(row, 4, "application.throttle_rate")?,
            metadata: value::metadata(row, 5, "application.metadata")?,
        },
        created_at: value::time(row, 6)?,
        updated_at: value::time(row, 7)?,
        purpose: match (value::get(row, 8)?, value::get(row, 9)?) {
            (false, false) => Purpose::Customer,
            (true, false) => Purpose::Operational,
            (false, true) => Purpose::Source,
            (true, true) => return Err(StoreError::Value { column: "application.source" }),
        },
    })
}
