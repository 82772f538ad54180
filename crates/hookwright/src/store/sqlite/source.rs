//! Statements on sources and their tokens.

use std::sync::Arc;

use rusqlite::{Connection, Row, named_params, params};

use crate::domain::ids::{ApplicationId, OrganisationId};
use crate::domain::names::SourceUid;
use crate::domain::page::{Page, PageRequest};
use crate::domain::short_ids::{SHORT_ID_BYTES, SourceId};
use crate::domain::source::{Source, SourceRef, SourceSettings, SourceToken, SourceWithToken};
use crate::domain::time::Timestamp;
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::read::FoundSource;
use crate::store::sealed_columns::{CONFIG, SETTINGS, TOKEN};
use crate::store::sealing::Sealing;
use crate::store::source_settings;
use crate::store::sqlite::{Sqlite, application, value};
use crate::store::write::{Changed, NewSource, NewSourceToken};

const COLUMNS: &str = "s.id, s.organisation, s.application, s.uid, s.name, s.kind, s.config, s.settings, s.metadata, s.created_at, s.updated_at";
/// Replaced tokens of one source that are still good, at most: the earliest to end go first.
const REPLACED_MAX: u32 = 20;

impl Sqlite {
    pub(crate) async fn source_get(
        &self,
        organisation: OrganisationId,
        named: SourceRef,
    ) -> Result<Option<SourceWithToken>, StoreError> {
        let sealing = Arc::clone(&self.sealing);
        self.read(move |connection| {
            let column = match &named {
                SourceRef::Id(_) => "id",
                SourceRef::Uid(_) => "uid",
            };
            let sql = format!(
                "SELECT {COLUMNS}, t.token, t.hash FROM source s JOIN source_token t ON t.source = s.id AND t.ends_at IS NULL
                 WHERE s.organisation = ?1 AND s.{column} = ?2"
            );
            match &named {
                SourceRef::Id(id) => {
                    let params = params![organisation.as_bytes(), id.as_bytes()];
                    value::first(connection, &sql, params, |row| with_token(row, &sealing))
                }
                SourceRef::Uid(uid) => {
                    let params = params![organisation.as_bytes(), uid.as_str()];
                    value::first(connection, &sql, params, |row| with_token(row, &sealing))
                }
            }
        })
        .await
    }

    pub(crate) async fn source_list(
        &self,
        organisation: OrganisationId,
        page: PageRequest<SourceId>,
    ) -> Result<Page<SourceWithToken>, StoreError> {
        let sealing = Arc::clone(&self.sealing);
        self.read(move |connection| {
            let scan = page.scan();
            // No row has one of the outermost ids: a list without a mark begins beyond it.
            let (beyond, order, edge) =
                if scan.ascending { (">", "ASC", SourceId::MIN) } else { ("<", "DESC", SourceId::MAX) };
            let sql = format!(
                "SELECT {COLUMNS}, t.token, t.hash FROM source s JOIN source_token t ON t.source = s.id AND t.ends_at IS NULL
                 WHERE s.organisation = :organisation AND s.id {beyond} :beyond ORDER BY s.id {order} LIMIT :count"
            );
            let params = named_params! {
                ":organisation": organisation.as_bytes(),
                ":beyond": scan.beyond.as_ref().unwrap_or(&edge).as_bytes(),
                ":count": scan.count,
            };
            Ok(page.page(value::all(connection, &sql, params, |row| with_token(row, &sealing))?))
        })
        .await
    }

    pub(crate) async fn source_by_application(
        &self,
        application: ApplicationId,
    ) -> Result<Option<Source>, StoreError> {
        let sealing = Arc::clone(&self.sealing);
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM source s WHERE s.application = ?1");
            value::first(connection, &sql, [application.as_bytes()], |row| from_row(row, &sealing))
        })
        .await
    }

    pub(crate) async fn source_list_cron(&self) -> Result<Vec<Source>, StoreError> {
        let sealing = Arc::clone(&self.sealing);
        self.read(move |connection| {
            // In the words of the index.
            let sql = format!("SELECT {COLUMNS} FROM source s WHERE s.kind = 'cron' ORDER BY s.id");
            value::all(connection, &sql, [], |row| from_row(row, &sealing))
        })
        .await
    }

    pub(crate) async fn source_by_token(&self, hash: [u8; 32]) -> Result<Option<FoundSource>, StoreError> {
        let sealing = Arc::clone(&self.sealing);
        self.read(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS}, t.ends_at FROM source_token t JOIN source s ON s.id = t.source WHERE t.hash = ?1"
            );
            value::first(connection, &sql, [hash], |row| {
                Ok(FoundSource { source: from_row(row, &sealing)?, ends_at: value::time_opt(row, 11)? })
            })
        })
        .await
    }
}

/// Stores a source with its application and its token.
pub(super) fn insert(
    connection: &Connection,
    sealing: &Sealing,
    new: &NewSource,
) -> Result<Changed, StoreError> {
    let source = &new.source;
    if is_taken(connection, source)? {
        return Ok(Changed::Taken);
    }
    if application::insert(connection, &new.application)? != Changed::Yes {
        return Ok(Changed::Taken);
    }
    let settings = &source.settings;
    let key: [&[u8]; 1] = [source.id.as_bytes()];
    connection
        .prepare_cached(
            "INSERT INTO source (id, organisation, application, uid, name, kind, config, settings, metadata, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            source.id.as_bytes(),
            source.organisation.as_bytes(),
            source.application.as_bytes(),
            settings.uid.as_ref().map(SourceUid::as_str),
            settings.name,
            settings.kind,
            sealing.seal(CONFIG, &key, &settings.config.0.to_string())?,
            sealing.seal(SETTINGS, &key, &source_settings::encoded(settings)?)?,
            encoded::json_metadata(&settings.metadata),
            source.created_at.as_micros(),
            source.updated_at.as_micros(),
        ])?;
    insert_token(connection, sealing, &new.token)?;
    Ok(Changed::Yes)
}

pub(super) fn update(
    connection: &Connection,
    sealing: &Sealing,
    source: &Source,
    unless_changed_since: Timestamp,
) -> Result<Changed, StoreError> {
    if is_taken(connection, source)? {
        return Ok(Changed::Taken);
    }
    let settings = &source.settings;
    let key: [&[u8]; 1] = [source.id.as_bytes()];
    let rows = connection
        .prepare_cached(
            "UPDATE source SET uid = ?2, name = ?3, kind = ?4, config = ?5, settings = ?6, metadata = ?7, updated_at = ?8
             WHERE id = ?1 AND updated_at = ?9",
        )?
        .execute(params![
            source.id.as_bytes(),
            settings.uid.as_ref().map(SourceUid::as_str),
            settings.name,
            settings.kind,
            sealing.seal(CONFIG, &key, &settings.config.0.to_string())?,
            sealing.seal(SETTINGS, &key, &source_settings::encoded(settings)?)?,
            encoded::json_metadata(&settings.metadata),
            source.updated_at.as_micros(),
            unless_changed_since.as_micros(),
        ])?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Stale })
}

/// Deletes a source with its tokens, its application and its endpoints; its log is removed in slices, with what else there is of
/// the application.
pub(super) fn delete(connection: &Connection, id: SourceId, now: Timestamp) -> Result<Changed, StoreError> {
    let sql = "DELETE FROM source WHERE id = ?1 RETURNING application";
    let gone =
        value::all(connection, sql, [id.as_bytes()], |row| value::id(row, 0, ApplicationId::from_bytes))?;
    let Some(application) = gone.first() else { return Ok(Changed::Missing) };
    connection.prepare_cached("DELETE FROM source_token WHERE source = ?1")?.execute([id.as_bytes()])?;
    application::delete(connection, *application, now)
}

/// Gives a source another token; the one it had is good until then.
pub(super) fn rotate(
    connection: &Connection,
    sealing: &Sealing,
    new: &NewSourceToken,
    now: Timestamp,
    old_ends_at: Timestamp,
) -> Result<Changed, StoreError> {
    let source = new.source.as_bytes();
    let rows = connection
        .prepare_cached("UPDATE source_token SET ends_at = ?2 WHERE source = ?1 AND ends_at IS NULL")?
        .execute(params![source, old_ends_at.as_micros()])?;
    if rows == 0 {
        return Ok(Changed::Missing);
    }
    connection
        .prepare_cached(
            "DELETE FROM source_token WHERE source = ?1 AND ends_at IS NOT NULL AND (ends_at <= ?2 OR hash NOT IN
                 (SELECT hash FROM source_token WHERE source = ?1 AND ends_at IS NOT NULL ORDER BY ends_at DESC LIMIT ?3))",
        )?
        .execute(params![source, now.as_micros(), REPLACED_MAX])?;
    insert_token(connection, sealing, new)?;
    Ok(Changed::Yes)
}

fn insert_token(connection: &Connection, sealing: &Sealing, new: &NewSourceToken) -> Result<(), StoreError> {
    let token = sealing.seal(TOKEN, &[&new.hash], new.token.expose())?;
    connection
        .prepare_cached("INSERT INTO source_token (hash, source, token) VALUES (?1, ?2, ?3)")?
        .execute(params![new.hash, new.source.as_bytes(), token])?;
    Ok(())
}

fn is_taken(connection: &Connection, source: &Source) -> Result<bool, StoreError> {
    let Some(uid) = &source.settings.uid else { return Ok(false) };
    let sql = "SELECT 1 FROM source WHERE organisation = ?1 AND uid = ?2 AND id <> ?3";
    let params = params![source.organisation.as_bytes(), uid.as_str(), source.id.as_bytes()];
    Ok(value::first(connection, sql, params, |_| Ok(()))?.is_some())
}

fn with_token(row: &Row<'_>, sealing: &Sealing) -> Result<SourceWithToken, StoreError> {
    let hash: [u8; 32] = value::get(row, 12)?;
    let token = value::sealed(row, 11, sealing, TOKEN, &[&hash])?;
    Ok(SourceWithToken { source: from_row(row, sealing)?, token: SourceToken::new(token.as_str()) })
}

fn from_row(row: &Row<'_>, sealing: &Sealing) -> Result<Source, StoreError> {
    let id = SourceId::from_bytes(value::get::<[u8; SHORT_ID_BYTES]>(row, 0)?);
    let key: [&[u8]; 1] = [id.as_bytes()];
    let config = serde_json::from_str(&value::sealed(row, 6, sealing, CONFIG, &key)?);
    let config = config.map_err(|_| StoreError::Value { column: CONFIG })?;
    let bare = SourceSettings::new(value::get::<String>(row, 4)?, value::get::<String>(row, 5)?, config);
    Ok(Source {
        id,
        organisation: value::id(row, 1, OrganisationId::from_bytes)?,
        application: value::id(row, 2, ApplicationId::from_bytes)?,
        settings: SourceSettings {
            uid: value::name_opt(row, 3, SourceUid::parse, "source.uid")?,
            metadata: value::metadata(row, 8, "source.metadata")?,
            ..source_settings::decoded(bare, &value::sealed(row, 7, sealing, SETTINGS, &key)?)?
        },
        created_at: value::time(row, 9)?,
        updated_at: value::time(row, 10)?,
    })
}
