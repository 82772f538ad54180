//! Statements on access tokens.

use rusqlite::{Connection, Row, params};

use crate::domain::ids::{ApplicationId, OrganisationId, TokenId};
use crate::domain::time::Timestamp;
use crate::domain::token::{Scope, Token};
use crate::store::error::StoreError;
use crate::store::sqlite::{Sqlite, value};
use crate::store::write::Changed;

const COLUMNS: &str = "id, name, organisation, application, created_at, expires_at, revoked_at";

impl Sqlite {
    pub(crate) async fn token_by_hash(&self, hash: [u8; 32]) -> Result<Option<Token>, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM token WHERE hash = ?1");
            value::first(connection, &sql, [hash], from_row)
        })
        .await
    }

    pub(crate) async fn token_list(&self, organisation: OrganisationId) -> Result<Vec<Token>, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM token WHERE organisation = ?1 ORDER BY id");
            value::all(connection, &sql, [organisation.as_bytes()], from_row)
        })
        .await
    }

    pub(crate) async fn token_list_good(
        &self,
        organisation: OrganisationId,
        application: ApplicationId,
        now: Timestamp,
    ) -> Result<Vec<TokenId>, StoreError> {
        self.read(move |connection| {
            // Walks all tokens, on a connection that only reads: this is asked for seldom, and an index would be written often.
            let sql =
                "SELECT id FROM token WHERE organisation = ?1 AND application = ?2 AND revoked_at IS NULL
                           AND (expires_at IS NULL OR expires_at > ?3)";
            let params = params![organisation.as_bytes(), application.as_bytes(), now.as_micros()];
            value::all(connection, sql, params, |row| value::id(row, 0, TokenId::from_bytes))
        })
        .await
    }
}

pub(super) fn insert(connection: &Connection, token: &Token, hash: &[u8; 32]) -> Result<Changed, StoreError> {
    let application = match &token.scope {
        Scope::Organisation(_) => None,
        Scope::Application(_, application) => Some(application.as_bytes()),
    };
    let sql = format!("INSERT INTO token ({COLUMNS}, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    connection.prepare_cached(&sql)?.execute(params![
        token.id.as_bytes(),
        token.name,
        token.scope.organisation().as_bytes(),
        application,
        token.created_at.as_micros(),
        token.expires_at.map(Timestamp::as_micros),
        token.revoked_at.map(Timestamp::as_micros),
        hash,
    ])?;
    Ok(Changed::Yes)
}

pub(super) fn revoke(
    connection: &Connection,
    organisation: OrganisationId,
    id: TokenId,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let rows = connection
        .prepare_cached(
            "UPDATE token SET revoked_at = coalesce(revoked_at, ?3) WHERE organisation = ?1 AND id = ?2",
        )?
        .execute(params![organisation.as_bytes(), id.as_bytes(), now.as_micros()])?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Missing })
}

pub(super) fn expire(
    connection: &Connection,
    organisation: OrganisationId,
    ids: &[TokenId],
    at: Timestamp,
) -> Result<Changed, StoreError> {
    let mut statement = connection.prepare_cached(
        "UPDATE token SET expires_at = min(coalesce(expires_at, ?3), ?3) WHERE organisation = ?1 AND id = ?2",
    )?;
    for id in ids {
        statement.execute(params![organisation.as_bytes(), id.as_bytes(), at.as_micros()])?;
    }
    Ok(Changed::Yes)
}

fn from_row(row: &Row<'_>) -> Result<Token, StoreError> {
    let organisation = value::id(row, 2, OrganisationId::from_bytes)?;
    let application: Option<[u8; 20]> = value::get(row, 3)?;
    Ok(Token {
        id: value::id(row, 0, TokenId::from_bytes)?,
        name: value::get(row, 1)?,
        scope: match application {
            None => Scope::Organisation(organisation),
            Some(application) => Scope::Application(organisation, ApplicationId::from_bytes(application)),
        },
        created_at: value::time(row, 4)?,
        expires_at: value::time_opt(row, 5)?,
        revoked_at: value::time_opt(row, 6)?,
    })
}
