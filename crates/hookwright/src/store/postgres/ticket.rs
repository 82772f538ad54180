//! Statements on tickets.

use crate::domain::ids::OrganisationId;
use crate::domain::ticket::{LetsInTo, NewTicket, TicketKind, TicketRef};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::{Postgres, value};
use crate::store::write::Changed;

impl Postgres {
    pub(crate) async fn ticket_find(
        &self,
        ticket: TicketRef,
        now: Timestamp,
    ) -> Result<Option<OrganisationId>, StoreError> {
        let sql = "SELECT organisation FROM ticket WHERE hash = $1 AND kind = $2 AND expires_at > $3";
        let connection = self.reader().await?;
        let row = connection.first(sql, &[&ticket.hash, &code(ticket.kind), &now.as_micros()]).await?;
        row.map(|row| value::id(&row, 0, OrganisationId::from_bytes)).transpose()
    }
}

/// Makes a ticket, and ends the oldest of its kind if its organisation has too many. `Missing` if the one it is made for is not good.
///
/// Of two nodes that use the same one up, the second waits for the first, and then finds it gone. Two that make one at the same
/// time may leave one too many, until the next.
pub(super) async fn issue(connection: &Connection, new: &NewTicket) -> Result<Changed, StoreError> {
    let organisation = match new.lets_in_to {
        LetsInTo::Organisation(organisation) => Some(organisation),
        LetsInTo::SameAs(used) => {
            let sql =
                "DELETE FROM ticket WHERE hash = $1 AND kind = $2 AND expires_at > $3 RETURNING organisation";
            let row = connection.first(sql, &[&used.hash, &code(used.kind), &new.now.as_micros()]).await?;
            row.map(|row| value::id(&row, 0, OrganisationId::from_bytes)).transpose()?
        }
    };
    let Some(organisation) = organisation else { return Ok(Changed::Missing) };
    let (hash, kind) = (&new.ticket.hash, code(new.ticket.kind));
    let sql = "INSERT INTO ticket (hash, kind, organisation, expires_at) VALUES ($1, $2, $3, $4)";
    let expires_at = new.expires_at().as_micros();
    connection.execute(sql, &[hash, &kind, organisation.as_bytes(), &expires_at]).await?;
    let sql = "DELETE FROM ticket WHERE kind = $2 AND organisation = $4 AND hash NOT IN (
                   SELECT hash FROM ticket WHERE kind = $2 AND organisation = $4
                   ORDER BY hash = $1 DESC, expires_at DESC LIMIT $3)";
    let max = value::limit(new.ticket.kind.max());
    connection.execute(sql, &[hash, &kind, &max, organisation.as_bytes()]).await?;
    Ok(Changed::Yes)
}

pub(super) async fn end(connection: &Connection, ticket: TicketRef) -> Result<Changed, StoreError> {
    let sql = "DELETE FROM ticket WHERE hash = $1 AND kind = $2";
    let rows = connection.execute(sql, &[&ticket.hash, &code(ticket.kind)]).await?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Missing })
}

/// Signs everybody out of an organisation's page.
pub(super) async fn end_sessions(
    connection: &Connection,
    organisation: OrganisationId,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM ticket WHERE kind = $1 AND organisation = $2";
    connection.execute(sql, &[&code(TicketKind::Session), organisation.as_bytes()]).await?;
    Ok(())
}

pub(super) async fn expire(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    connection.execute("DELETE FROM ticket WHERE expires_at <= $1", &[&now.as_micros()]).await?;
    Ok(())
}

fn code(kind: TicketKind) -> i16 {
    kind.code().into()
}
