//! Statements on access tokens.

use std::time::Duration;

use rusqlite::{Connection, Row, named_params, params};

use crate::domain::capability::{Capabilities, Capability};
use crate::domain::ids::{ApplicationId, OrganisationId, TokenId};
use crate::domain::names::{FeatureFlag, SessionId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::time::Timestamp;
use crate::domain::token::{Scope, Token, TokenChange, TokenFilter, TokenSettings};
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::sqlite::{Sqlite, ticket, value};
use crate::store::write::Changed;

const COLUMNS: &str = "id, name, organisation, application, created_at, expires_at, revoked_at, capabilities, feature_flags, session";

impl Sqlite {
    pub(crate) async fn token_by_hash(&self, hash: [u8; 32]) -> Result<Option<Token>, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM token WHERE hash = ?1");
            value::first(connection, &sql, [hash], from_row)
        })
        .await
    }

    pub(crate) async fn token_get(
        &self,
        organisation: OrganisationId,
        id: TokenId,
    ) -> Result<Option<Token>, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM token WHERE id = ?1 AND organisation = ?2");
            value::first(connection, &sql, [id.as_bytes(), organisation.as_bytes()], from_row)
        })
        .await
    }

    pub(crate) async fn token_list(
        &self,
        organisation: OrganisationId,
        filter: TokenFilter,
        page: PageRequest<TokenId>,
    ) -> Result<Page<Token>, StoreError> {
        self.read(move |connection| {
            let scan = page.scan();
            // No row has one of the outermost ids: a list without a mark begins beyond it.
            let (beyond, order, edge) =
                if scan.ascending { (">", "ASC", TokenId::MIN) } else { ("<", "DESC", TokenId::MAX) };
            let (condition, application) = match &filter {
                TokenFilter::All => (":application IS NULL", None),
                TokenFilter::Organisation => (":application IS NULL AND application IS NULL", None),
                TokenFilter::Application(id) => ("application = :application", Some(id.as_bytes())),
            };
            let sql = format!(
                "SELECT {COLUMNS} FROM token
                 WHERE organisation = :organisation AND {condition} AND id {beyond} :beyond
                 ORDER BY id {order} LIMIT :count"
            );
            let params = named_params! {
                ":organisation": organisation.as_bytes(),
                ":application": application,
                ":beyond": scan.beyond.as_ref().unwrap_or(&edge).as_bytes(),
                ":count": scan.count,
            };
            Ok(page.page(value::all(connection, &sql, params, from_row)?))
        })
        .await
    }

    pub(crate) async fn token_list_good(
        &self,
        organisation: OrganisationId,
        application: ApplicationId,
        now: Timestamp,
    ) -> Result<Vec<(TokenId, Option<SessionId>)>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT id, session FROM token
                       WHERE organisation = ?1 AND application = ?2 AND revoked_at IS NULL
                           AND (expires_at IS NULL OR expires_at > ?3)";
            let params = params![organisation.as_bytes(), application.as_bytes(), now.as_micros()];
            value::all(connection, sql, params, |row| {
                Ok((value::id(row, 0, TokenId::from_bytes)?, session(row, 1)?))
            })
        })
        .await
    }
}

/// How long a token of an application is kept after it expired, for people who look for it.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3_600);
/// So many of them go when a new one is made: they go faster than they come.
const FORGOTTEN_AT_ONCE: u32 = 10;

/// Stores a token. A portal makes one at each visit, so the application's old ones go on the way.
pub(super) fn insert(connection: &Connection, token: &Token, hash: &[u8; 32]) -> Result<Changed, StoreError> {
    let settings = &token.settings;
    let application = match &settings.scope {
        Scope::Organisation(_) => None,
        Scope::Application(_, application) => Some(application.as_bytes()),
    };
    let sql =
        format!("INSERT INTO token ({COLUMNS}, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    connection.prepare_cached(&sql)?.execute(params![
        token.id.as_bytes(),
        settings.name,
        settings.scope.organisation().as_bytes(),
        application,
        token.created_at.as_micros(),
        settings.expires_at.map(Timestamp::as_micros),
        token.revoked_at.map(Timestamp::as_micros),
        words(settings.capabilities),
        encoded::json_names_or_null(settings.feature_flags.iter().map(FeatureFlag::as_str)),
        settings.session.as_ref().map(SessionId::as_str),
        hash,
    ])?;
    if let Some(application) = application {
        connection
            .prepare_cached(
                "DELETE FROM token WHERE id IN (SELECT id FROM token
                     WHERE application = ?1 AND expires_at < ?2 ORDER BY expires_at LIMIT ?3)",
            )?
            .execute(params![
                application,
                token.created_at.before(KEPT_FOR).as_micros(),
                FORGOTTEN_AT_ONCE
            ])?;
    }
    Ok(Changed::Yes)
}

pub(super) fn update(
    connection: &Connection,
    organisation: OrganisationId,
    id: TokenId,
    change: &TokenChange,
) -> Result<Changed, StoreError> {
    let rows = connection
        .prepare_cached(
            "UPDATE token SET name = coalesce(?3, name), capabilities = coalesce(?4, capabilities)
             WHERE organisation = ?1 AND id = ?2",
        )?
        .execute(params![
            organisation.as_bytes(),
            id.as_bytes(),
            change.name,
            change.capabilities.map(words)
        ])?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Missing })
}

pub(super) fn revoke(
    connection: &Connection,
    organisation: OrganisationId,
    id: TokenId,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let sql = "UPDATE token SET revoked_at = coalesce(revoked_at, ?3) WHERE organisation = ?1 AND id = ?2
               RETURNING application IS NULL";
    let params = params![organisation.as_bytes(), id.as_bytes(), now.as_micros()];
    let Some(is_whole) = value::first(connection, sql, params, |row| value::get(row, 0))? else {
        return Ok(Changed::Missing);
    };
    // With which token somebody signed in is not kept.
    if is_whole {
        ticket::end_sessions(connection, organisation)?;
    }
    Ok(Changed::Yes)
}

/// `Missing` if none of them is there.
pub(super) fn expire(
    connection: &Connection,
    organisation: OrganisationId,
    ids: &[TokenId],
    at: Timestamp,
) -> Result<Changed, StoreError> {
    let mut statement = connection.prepare_cached(
        "UPDATE token SET expires_at = min(coalesce(expires_at, ?3), ?3) WHERE organisation = ?1 AND id = ?2",
    )?;
    let mut rows = 0;
    for id in ids {
        rows += statement.execute(params![organisation.as_bytes(), id.as_bytes(), at.as_micros()])?;
    }
    Ok(if rows > 0 { Changed::Yes } else { Changed::Missing })
}

fn words(capabilities: Capabilities) -> String {
    encoded::json_names(capabilities.iter().map(Capability::word))
}

fn session(row: &Row<'_>, column: usize) -> Result<Option<SessionId>, StoreError> {
    value::name_opt(row, column, SessionId::parse, "token.session")
}

fn from_row(row: &Row<'_>) -> Result<Token, StoreError> {
    let organisation = value::id(row, 2, OrganisationId::from_bytes)?;
    let application: Option<[u8; 20]> = value::get(row, 3)?;
    let scope = match application {
        None => Scope::Organisation(organisation),
        Some(application) => Scope::Application(organisation, ApplicationId::from_bytes(application)),
    };
    Ok(Token {
        id: value::id(row, 0, TokenId::from_bytes)?,
        settings: TokenSettings {
            name: value::get(row, 1)?,
            scope,
            capabilities: capabilities(row, 7)?.unwrap_or(scope.capabilities()),
            feature_flags: value::names(row, 8, FeatureFlag::parse, "token.feature_flags")?,
            session: session(row, 9)?,
            expires_at: value::time_opt(row, 5)?,
        },
        created_at: value::time(row, 4)?,
        revoked_at: value::time_opt(row, 6)?,
    })
}

/// A word that is not known is an error: a token must not turn into one that may do something else.
fn capabilities(row: &Row<'_>, column: usize) -> Result<Option<Capabilities>, StoreError> {
    let wrong = StoreError::Value { column: "token.capabilities" };
    let Some(text) = value::get::<Option<String>>(row, column)? else { return Ok(None) };
    let Ok(words) = serde_json::from_str::<Vec<String>>(&text) else { return Err(wrong) };
    words
        .iter()
        .map(|word| Capability::from_word(word))
        .collect::<Option<Capabilities>>()
        .map(Some)
        .ok_or(wrong)
}
