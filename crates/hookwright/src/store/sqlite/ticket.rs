//! Statements on tickets.

use rusqlite::{Connection, params};

use crate::domain::ids::OrganisationId;
use crate::domain::ticket::{LetsInTo, NewTicket, TicketKind, TicketRef};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::sqlite::{Sqlite, value};
use crate::store::write::Changed;

impl Sqlite {
    pub(crate) async fn ticket_find(
        &self,
        ticket: TicketRef,
        now: Timestamp,
    ) -> Result<Option<OrganisationId>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT organisation FROM ticket WHERE hash = ?1 AND kind = ?2 AND expires_at > ?3";
            let params = params![ticket.hash, ticket.kind.code(), now.as_micros()];
            value::first(connection, sql, params, |row| value::id(row, 0, OrganisationId::from_bytes))
        })
        .await
    }
}

/// Makes a ticket, and ends the oldest of its kind if its organisation has too many. `Missing` if the one it is made for is not good.
pub(super) fn issue(connection: &Connection, new: &NewTicket) -> Result<Changed, StoreError> {
    let organisation = match new.lets_in_to {
        LetsInTo::Organisation(organisation) => Some(organisation),
        LetsInTo::SameAs(used) => {
            let sql =
                "DELETE FROM ticket WHERE hash = ?1 AND kind = ?2 AND expires_at > ?3 RETURNING organisation";
            let params = params![used.hash, used.kind.code(), new.now.as_micros()];
            value::first(connection, sql, params, |row| value::id(row, 0, OrganisationId::from_bytes))?
        }
    };
    let Some(organisation) = organisation else { return Ok(Changed::Missing) };
    let (hash, kind) = (new.ticket.hash, new.ticket.kind);
    connection
        .prepare_cached("INSERT INTO ticket (hash, kind, organisation, expires_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![hash, kind.code(), organisation.as_bytes(), new.expires_at().as_micros()])?;
    connection
        .prepare_cached(
            "DELETE FROM ticket WHERE kind = ?2 AND organisation = ?4 AND hash NOT IN (
                 SELECT hash FROM ticket WHERE kind = ?2 AND organisation = ?4
                 ORDER BY hash = ?1 DESC, expires_at DESC LIMIT ?3)",
        )?
        .execute(params![hash, kind.code(), kind.max(), organisation.as_bytes()])?;
    Ok(Changed::Yes)
}

pub(super) fn end(connection: &Connection, ticket: TicketRef) -> Result<Changed, StoreError> {
    let rows = connection
        .prepare_cached("DELETE FROM ticket WHERE hash = ?1 AND kind = ?2")?
        .execute(params![ticket.hash, ticket.kind.code()])?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Missing })
}

/// Signs everybody out of an organisation's page.
pub(super) fn end_sessions(connection: &Connection, organisation: OrganisationId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM ticket WHERE kind = ?1 AND organisation = ?2")?
        .execute(params![TicketKind::Session.code(), organisation.as_bytes()])?;
    Ok(())
}

pub(super) fn expire(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM ticket WHERE expires_at <= ?1")?.execute([now.as_micros()])?;
    Ok(())
}
