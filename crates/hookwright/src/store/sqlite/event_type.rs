//! Statements on event types.

use rusqlite::{Connection, Row, params};

use crate::domain::event_type::{EventType, EventTypeSettings};
use crate::domain::ids::OrganisationId;
use crate::domain::names::{EventTypeName, FeatureFlag};
use crate::domain::time::Timestamp;
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::sqlite::{Sqlite, value};
use crate::store::write::Changed;

const COLUMNS: &str = "organisation, name, description, archived, deprecated, schemas, feature_flags, group_name, \
                       created_at, updated_at, validated";

impl Sqlite {
    pub(crate) async fn event_type_is_there(
        &self,
        organisation: OrganisationId,
        names: Vec<EventTypeName>,
    ) -> Result<bool, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT 1 FROM event_type WHERE organisation = ?1 AND name = ?2";
            for name in &names {
                let params = params![organisation.as_bytes(), name.as_str()];
                if value::first(connection, sql, params, |_| Ok(()))?.is_some() {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }

    pub(crate) async fn event_types(
        &self,
        organisation: OrganisationId,
    ) -> Result<Vec<EventType>, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM event_type WHERE organisation = ?1 ORDER BY name");
            value::all(connection, &sql, [organisation.as_bytes()], from_row)
        })
        .await
    }
}

pub(super) fn insert(connection: &Connection, event_type: &EventType) -> Result<Changed, StoreError> {
    let settings = &event_type.settings;
    let rows = connection
        .prepare_cached(&format!(
            "INSERT INTO event_type ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT DO NOTHING"
        ))?
        .execute(params![
            event_type.organisation.as_bytes(),
            event_type.name.as_str(),
            settings.description,
            settings.archived,
            settings.deprecated,
            settings.schemas,
            encoded::json_names(settings.feature_flags.iter().map(FeatureFlag::as_str)),
            settings.group_name.as_ref().map(EventTypeName::as_str),
            event_type.created_at.as_micros(),
            event_type.updated_at.as_micros(),
            settings.validated,
        ])?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Taken })
}

pub(super) fn update(
    connection: &Connection,
    event_type: &EventType,
    unless_changed_since: Timestamp,
) -> Result<Changed, StoreError> {
    let settings = &event_type.settings;
    let rows = connection
        .prepare_cached(
            "UPDATE event_type SET description = ?3, archived = ?4, deprecated = ?5, schemas = ?6,
                 feature_flags = ?7, group_name = ?8, updated_at = ?9, validated = ?11
             WHERE organisation = ?1 AND name = ?2 AND updated_at = ?10",
        )?
        .execute(params![
            event_type.organisation.as_bytes(),
            event_type.name.as_str(),
            settings.description,
            settings.archived,
            settings.deprecated,
            settings.schemas,
            encoded::json_names(settings.feature_flags.iter().map(FeatureFlag::as_str)),
            settings.group_name.as_ref().map(EventTypeName::as_str),
            event_type.updated_at.as_micros(),
            unless_changed_since.as_micros(),
            settings.validated,
        ])?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Stale })
}

pub(super) fn delete(
    connection: &Connection,
    organisation: OrganisationId,
    name: &EventTypeName,
) -> Result<Changed, StoreError> {
    let rows = connection
        .prepare_cached("DELETE FROM event_type WHERE organisation = ?1 AND name = ?2")?
        .execute(params![organisation.as_bytes(), name.as_str()])?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Missing })
}

fn from_row(row: &Row<'_>) -> Result<EventType, StoreError> {
    Ok(EventType {
        organisation: value::id(row, 0, OrganisationId::from_bytes)?,
        name: value::name(row, 1, EventTypeName::parse, "event_type.name")?,
        settings: EventTypeSettings {
            description: value::get(row, 2)?,
            archived: value::get(row, 3)?,
            deprecated: value::get(row, 4)?,
            schemas: value::get(row, 5)?,
            feature_flags: value::names(row, 6, FeatureFlag::parse, "event_type.feature_flags")?,
            validated: value::get(row, 10)?,
            group_name: value::name_opt(row, 7, EventTypeName::parse, "event_type.group_name")?,
        },
        created_at: value::time(row, 8)?,
        updated_at: value::time(row, 9)?,
    })
}
