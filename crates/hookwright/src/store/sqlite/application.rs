//! Statements on applications.

use std::sync::Arc;

use rusqlite::{Connection, Row, named_params, params};

use crate::domain::application::{Application, ApplicationSettings, Purpose};
use crate::domain::ids::{ApplicationId, OrganisationId};
use crate::domain::names::Uid;
use crate::domain::page::{Page, PageRequest};
use crate::domain::time::Timestamp;
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::read::ApplicationWithEndpoints;
use crate::store::sqlite::{Sqlite, endpoint, subscription, value};
use crate::store::write::Changed;

pub(super) const COLUMNS: &str =
    "id, organisation, uid, name, throttle_rate, metadata, created_at, updated_at, operational, source";

impl Sqlite {
    pub(crate) async fn application_with_endpoints(
        &self,
        id: ApplicationId,
    ) -> Result<Option<ApplicationWithEndpoints>, StoreError> {
        let sealing = Arc::clone(&self.sealing);
        self.read(move |connection| {
            // One transaction: the endpoints are those of the application as it is read.
            let snapshot = connection.unchecked_transaction()?;
            let sql = format!("SELECT {COLUMNS} FROM application WHERE id = ?1");
            let Some(application) = value::first(&snapshot, &sql, [id.as_bytes()], from_row)? else {
                return Ok(None);
            };
            let endpoints = endpoint::of_application(&snapshot, &sealing, id)?;
            Ok(Some(ApplicationWithEndpoints { application, endpoints }))
        })
        .await
    }

    pub(crate) async fn application_by_uid(
        &self,
        organisation: OrganisationId,
        uid: Uid,
    ) -> Result<Option<ApplicationId>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT id FROM application WHERE organisation = ?1 AND uid = ?2";
            let params = params![organisation.as_bytes(), uid.as_str()];
            value::first(connection, sql, params, |row| value::id(row, 0, ApplicationId::from_bytes))
        })
        .await
    }

    pub(crate) async fn operational_application(
        &self,
        organisation: OrganisationId,
    ) -> Result<Option<ApplicationId>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT id FROM application WHERE organisation = ?1 AND operational = 1";
            let params = [organisation.as_bytes()];
            value::first(connection, sql, params, |row| value::id(row, 0, ApplicationId::from_bytes))
        })
        .await
    }

    pub(crate) async fn application_list(
        &self,
        organisation: OrganisationId,
        page: PageRequest<ApplicationId>,
    ) -> Result<Page<Application>, StoreError> {
        self.read(move |connection| {
            let scan = page.scan();
            // No row has one of the outermost ids: a list without a mark begins beyond it.
            let (beyond, order, edge) = if scan.ascending {
                (">", "ASC", ApplicationId::MIN)
            } else {
                ("<", "DESC", ApplicationId::MAX)
            };
            let sql = format!(
                "SELECT {COLUMNS} FROM application
                 WHERE organisation = :organisation AND id {beyond} :beyond AND operational = 0 AND source = 0
                 ORDER BY id {order} LIMIT :count"
            );
            let params = named_params! {
                ":organisation": organisation.as_bytes(),
                ":beyond": scan.beyond.as_ref().unwrap_or(&edge).as_bytes(),
                ":count": scan.count,
            };
            value::page(connection, &sql, params, &page, from_row, Application::weight)
        })
        .await
    }
}

pub(super) fn organisation_ensure(
    connection: &Connection,
    organisation: OrganisationId,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO organisation (id, created_at) VALUES (?1, ?2)")?
        .execute(params![organisation.as_bytes(), now.as_micros()])?;
    Ok(Changed::Yes)
}

pub(super) fn insert(connection: &Connection, application: &Application) -> Result<Changed, StoreError> {
    let settings = &application.settings;
    let rows = connection
        .prepare_cached(&format!(
            "INSERT INTO application ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING"
        ))?
        .execute(params![
            application.id.as_bytes(),
            application.organisation.as_bytes(),
            settings.uid.as_ref().map(Uid::as_str),
            settings.name,
            settings.throttle_rate,
            encoded::json_metadata(&settings.metadata),
            application.created_at.as_micros(),
            application.updated_at.as_micros(),
            application.purpose == Purpose::Operational,
            application.purpose == Purpose::Source,
        ])?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Taken })
}

pub(super) fn update(
    connection: &Connection,
    application: &Application,
    unless_changed_since: Timestamp,
) -> Result<Changed, StoreError> {
    let settings = &application.settings;
    if let Some(uid) = &settings.uid {
        let sql = "SELECT 1 FROM application WHERE organisation = ?1 AND uid = ?2 AND id <> ?3";
        let params = params![application.organisation.as_bytes(), uid.as_str(), application.id.as_bytes()];
        if value::first(connection, sql, params, |_| Ok(()))?.is_some() {
            return Ok(Changed::Taken);
        }
    }
    let rows = connection
        .prepare_cached(
            "UPDATE application SET uid = ?2, name = ?3, throttle_rate = ?4, metadata = ?5, updated_at = ?6
             WHERE id = ?1 AND updated_at = ?7",
        )?
        .execute(params![
            application.id.as_bytes(),
            settings.uid.as_ref().map(Uid::as_str),
            settings.name,
            settings.throttle_rate,
            encoded::json_metadata(&settings.metadata),
            application.updated_at.as_micros(),
            unless_changed_since.as_micros(),
        ])?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Stale })
}

/// Deletes what is configured; what happened is removed in slices by [`super::erasure::erase`].
pub(super) fn delete(
    connection: &Connection,
    id: ApplicationId,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    subscription::remove_all(connection, id)?;
    let id = id.as_bytes();
    let rows = connection.prepare_cached("DELETE FROM application WHERE id = ?1")?.execute([id])?;
    if rows == 0 {
        return Ok(Changed::Missing);
    }
    connection.prepare_cached("DELETE FROM endpoint WHERE application = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM endpoint_health WHERE application = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM token WHERE application = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM task WHERE application = ?1")?.execute([id])?;
    connection
        .prepare_cached("INSERT OR IGNORE INTO erasure (application, deleted_at) VALUES (?1, ?2)")?
        .execute(params![id, now.as_micros()])?;
    Ok(Changed::Yes)
}

/// Writes a page, though it changes nothing in it.
pub(super) fn probe(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare_cached("UPDATE organisation SET created_at = created_at")?.execute([])?;
    Ok(())
}

pub(super) fn from_row(row: &Row<'_>) -> Result<Application, StoreError> {
    Ok(Application {
        id: value::id(row, 0, ApplicationId::from_bytes)?,
        organisation: value::id(row, 1, OrganisationId::from_bytes)?,
        settings: ApplicationSettings {
            uid: value::name_opt(row, 2, Uid::parse, "application.uid")?,
            name: value::get(row, 3)?,
            throttle_rate: value::get(row, 4)?,
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
