//! Statements on sources and their tokens.

use tokio_postgres::Row;

use crate::domain::ids::{ApplicationId, OrganisationId};
use crate::domain::names::SourceUid;
use crate::domain::page::{Page, PageRequest};
use crate::domain::short_ids::{SHORT_ID_BYTES, SourceId};
use crate::domain::source::{Source, SourceRef, SourceSettings, SourceToken, SourceWithToken};
use crate::domain::time::Timestamp;
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::{Postgres, application, value};
use crate::store::read::FoundSource;
use crate::store::sealed_columns::{CONFIG, SETTINGS, TOKEN};
use crate::store::sealing::Sealing;
use crate::store::source_settings;
use crate::store::write::{Changed, NewSource, NewSourceToken};

const COLUMNS: &str = "s.id, s.organisation, s.application, s.uid, s.name, s.kind, s.config, s.settings, s.metadata, s.created_at, s.updated_at";
/// Replaced tokens of one source that are still good, at most: the earliest to end go first.
const REPLACED_MAX: u32 = 20;

impl Postgres {
    pub(crate) async fn source_get(
        &self,
        organisation: OrganisationId,
        named: SourceRef,
    ) -> Result<Option<SourceWithToken>, StoreError> {
        let column = match &named {
            SourceRef::Id(_) => "id",
            SourceRef::Uid(_) => "uid",
        };
        let sql = format!(
            "SELECT {COLUMNS}, t.token, t.hash FROM source s JOIN source_token t ON t.source = s.id AND t.ends_at IS NULL
             WHERE s.organisation = $1 AND s.{column} = $2"
        );
        let connection = self.reader().await?;
        let row = match &named {
            SourceRef::Id(id) => connection.first(&sql, &[organisation.as_bytes(), id.as_bytes()]).await?,
            SourceRef::Uid(uid) => connection.first(&sql, &[organisation.as_bytes(), &uid.as_str()]).await?,
        };
        row.map(|row| with_token(&row, &self.sealing)).transpose()
    }

    pub(crate) async fn source_list(
        &self,
        organisation: OrganisationId,
        page: PageRequest<SourceId>,
    ) -> Result<Page<SourceWithToken>, StoreError> {
        let scan = page.scan();
        // No row has one of the outermost ids: a list without a mark begins beyond it.
        let (beyond, order, edge) =
            if scan.ascending { (">", "ASC", SourceId::MIN) } else { ("<", "DESC", SourceId::MAX) };
        let sql = format!(
            "SELECT {COLUMNS}, t.token, t.hash FROM source s JOIN source_token t ON t.source = s.id AND t.ends_at IS NULL
             WHERE s.organisation = $1 AND s.id {beyond} $2 ORDER BY s.id {order} LIMIT $3"
        );
        let (beyond, count) = (scan.beyond.unwrap_or(edge), value::limit(scan.count));
        let connection = self.reader().await?;
        let rows = connection.query(&sql, &[organisation.as_bytes(), beyond.as_bytes(), &count]).await?;
        Ok(page.page(value::all(&rows, |row| with_token(row, &self.sealing))?))
    }

    pub(crate) async fn source_by_application(
        &self,
        application: ApplicationId,
    ) -> Result<Option<Source>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM source s WHERE s.application = $1");
        let row = self.reader().await?.first(&sql, &[application.as_bytes()]).await?;
        row.map(|row| from_row(&row, &self.sealing)).transpose()
    }

    pub(crate) async fn source_list_cron(&self) -> Result<Vec<Source>, StoreError> {
        // In the words of the index.
        let sql = format!("SELECT {COLUMNS} FROM source s WHERE s.kind = 'cron' ORDER BY s.id");
        value::all(&self.reader().await?.query(&sql, &[]).await?, |row| from_row(row, &self.sealing))
    }

    pub(crate) async fn source_by_token(&self, hash: [u8; 32]) -> Result<Option<FoundSource>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, t.ends_at FROM source_token t JOIN source s ON s.id = t.source WHERE t.hash = $1"
        );
        let row = self.reader().await?.first(&sql, &[&hash]).await?;
        row.map(|row| {
            Ok(FoundSource { source: from_row(&row, &self.sealing)?, ends_at: value::time_opt(&row, 11)? })
        })
        .transpose()
    }
}

/// Stores a source with its application and its token.
pub(super) async fn insert(
    connection: &Connection,
    sealing: &Sealing,
    new: &NewSource,
) -> Result<Changed, StoreError> {
    let source = &new.source;
    if is_taken(connection, source).await? {
        return Ok(Changed::Taken);
    }
    if application::insert(connection, &new.application).await? != Changed::Yes {
        return Ok(Changed::Taken);
    }
    let settings = &source.settings;
    let key: [&[u8]; 1] = [source.id.as_bytes()];
    let sql = "INSERT INTO source (id, organisation, application, uid, name, kind, config, settings, metadata, created_at, updated_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    connection
        .execute(
            sql,
            &[
                source.id.as_bytes(),
                source.organisation.as_bytes(),
                source.application.as_bytes(),
                &settings.uid.as_ref().map(SourceUid::as_str),
                &value::escaped(&settings.name),
                &value::escaped(&settings.kind),
                &sealing.seal(CONFIG, &key, &settings.config.0.to_string())?,
                &sealing.seal(SETTINGS, &key, &source_settings::encoded(settings)?)?,
                &encoded::json_metadata(&settings.metadata),
                &source.created_at.as_micros(),
                &source.updated_at.as_micros(),
            ],
        )
        .await?;
    insert_token(connection, sealing, &new.token).await?;
    Ok(Changed::Yes)
}

pub(super) async fn update(
    connection: &Connection,
    sealing: &Sealing,
    source: &Source,
    unless_changed_since: Timestamp,
) -> Result<Changed, StoreError> {
    if is_taken(connection, source).await? {
        return Ok(Changed::Taken);
    }
    let settings = &source.settings;
    let key: [&[u8]; 1] = [source.id.as_bytes()];
    let sql = "UPDATE source SET uid = $2, name = $3, kind = $4, config = $5, settings = $6, metadata = $7, updated_at = $8
               WHERE id = $1 AND updated_at = $9";
    let rows = connection
        .execute(
            sql,
            &[
                source.id.as_bytes(),
                &settings.uid.as_ref().map(SourceUid::as_str),
                &value::escaped(&settings.name),
                &value::escaped(&settings.kind),
                &sealing.seal(CONFIG, &key, &settings.config.0.to_string())?,
                &sealing.seal(SETTINGS, &key, &source_settings::encoded(settings)?)?,
                &encoded::json_metadata(&settings.metadata),
                &source.updated_at.as_micros(),
                &unless_changed_since.as_micros(),
            ],
        )
        .await?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Stale })
}

/// Deletes a source with its tokens, its application and its endpoints; its log is removed in slices, with what else there is of
/// the application.
pub(super) async fn delete(
    connection: &Connection,
    id: SourceId,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let sql = "DELETE FROM source WHERE id = $1 RETURNING application";
    let Some(gone) = connection.first(sql, &[id.as_bytes()]).await? else { return Ok(Changed::Missing) };
    connection.execute("DELETE FROM source_token WHERE source = $1", &[id.as_bytes()]).await?;
    application::delete(connection, value::id(&gone, 0, ApplicationId::from_bytes)?, now).await
}

/// Gives a source another token; the one it had is good until then.
pub(super) async fn rotate(
    connection: &Connection,
    sealing: &Sealing,
    new: &NewSourceToken,
    now: Timestamp,
    old_ends_at: Timestamp,
) -> Result<Changed, StoreError> {
    let source = new.source.as_bytes();
    let sql = "UPDATE source_token SET ends_at = $2 WHERE source = $1 AND ends_at IS NULL";
    if connection.execute(sql, &[source, &old_ends_at.as_micros()]).await? == 0 {
        return Ok(Changed::Missing);
    }
    let sql = "DELETE FROM source_token WHERE source = $1 AND ends_at IS NOT NULL AND (ends_at <= $2 OR hash NOT IN
                   (SELECT hash FROM source_token WHERE source = $1 AND ends_at IS NOT NULL ORDER BY ends_at DESC LIMIT $3))";
    connection.execute(sql, &[source, &now.as_micros(), &value::limit(REPLACED_MAX)]).await?;
    insert_token(connection, sealing, new).await?;
    Ok(Changed::Yes)
}

async fn insert_token(
    connection: &Connection,
    sealing: &Sealing,
    new: &NewSourceToken,
) -> Result<(), StoreError> {
    let token = sealing.seal(TOKEN, &[&new.hash], new.token.expose())?;
    let sql = "INSERT INTO source_token (hash, source, token) VALUES ($1, $2, $3)";
    connection.execute(sql, &[&new.hash, new.source.as_bytes(), &token]).await?;
    Ok(())
}

async fn is_taken(connection: &Connection, source: &Source) -> Result<bool, StoreError> {
    let Some(uid) = &source.settings.uid else { return Ok(false) };
    let sql = "SELECT 1 FROM source WHERE organisation = $1 AND uid = $2 AND id <> $3";
    let (organisation, id) = (source.organisation.as_bytes(), source.id.as_bytes());
    Ok(connection.first(sql, &[organisation, &uid.as_str(), id]).await?.is_some())
}

fn with_token(row: &Row, sealing: &Sealing) -> Result<SourceWithToken, StoreError> {
    let hash: &[u8] = value::get(row, 12)?;
    let token = value::sealed(row, 11, sealing, TOKEN, &[hash])?;
    Ok(SourceWithToken { source: from_row(row, sealing)?, token: SourceToken::new(token.as_str()) })
}

fn from_row(row: &Row, sealing: &Sealing) -> Result<Source, StoreError> {
    let id = SourceId::from_bytes(value::bytes::<SHORT_ID_BYTES>(row, 0)?);
    let key: [&[u8]; 1] = [id.as_bytes()];
    let config = serde_json::from_str(&value::sealed(row, 6, sealing, CONFIG, &key)?);
    let config = config.map_err(|_| StoreError::Value { column: CONFIG })?;
    let bare = SourceSettings::new(value::text(row, 4)?, value::text(row, 5)?, config);
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
