//! Writes the items of a batch that are not what every message makes, one after the other.

use crate::store::error::StoreError;
use crate::store::postgres::batch::Means;
use crate::store::postgres::catalog_change;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::retention;
use crate::store::postgres::{
    application, broadcast, confirmation, delivery, endpoint, erasure, event_type, expunge, idempotency,
    inbound, message_key, source, task, ticket, token, turn,
};
use crate::store::sealing::Sealing;
use crate::store::write::{CatalogWrite, Changed, Write, Written};

/// Writes one item, and says what became of it. What it changes for other nodes is noted.
pub(super) async fn apply(means: &mut Means<'_>, write: &Write) -> Result<Written, StoreError> {
    let noted = catalog_change::begin(means.connection, write).await?;
    let written = one(means, write).await?;
    if let Some(noted) = noted {
        noted.end(means.connection, means.knowledge, written.took_effect()).await?;
        means.notice.note();
    }
    Ok(written)
}

async fn one(means: &mut Means<'_>, write: &Write) -> Result<Written, StoreError> {
    let Means { connection, sealing, holding, held, knowledge, old, .. } = means;
    let connection: &Connection = connection;
    if let Some(nothing) = turn::nothing(write)
        && !turn::take(connection).await?
    {
        return Ok(nothing);
    }
    Ok(match write {
        Write::Confirm(step) => {
            Written::Changed(confirmation::step(connection, held, knowledge, step).await?)
        }
        Write::Resend(key) => Written::Resent(delivery::resend(connection, held.own, key).await?),
        Write::ClaimDue(claim) => {
            Written::Claimed(delivery::claim_due(connection, holding, held.own, claim).await?)
        }
        Write::ExpungeMessage { application, message, now } => {
            Written::Changed(expunge::message(connection, *application, *message, *now).await?)
        }
        Write::ExpungeAttempt { application, message, attempt } => {
            Written::Changed(expunge::attempt(connection, *application, *message, *attempt).await?)
        }
        Write::EndDeliveries { application, endpoint, up_to, limit } => {
            Written::Removed(delivery::end(connection, *application, *endpoint, *up_to, *limit).await?)
        }
        Write::Probe => {
            application::probe(connection).await?;
            Written::Done
        }
        Write::Catalog(change) => Written::Changed(change_catalog(connection, sealing, change).await?),
        Write::KeepAnswer(kept) => {
            idempotency::keep(connection, kept).await?;
            Written::Done
        }
        Write::TicketIssue(new) => Written::Changed(ticket::issue(connection, new).await?),
        Write::TicketEnd(ended) => Written::Changed(ticket::end(connection, *ended).await?),
        Write::TaskBegin(task) => Written::Changed(task::begin(connection, task).await?),
        Write::TaskStep(step) => Written::Stepped(task::step(connection, held.own, step).await?),
        Write::Broadcast(new) => {
            broadcast::begin(connection, new).await?;
            Written::Done
        }
        Write::Copied(copied) => {
            inbound::copied(connection, copied).await?;
            Written::Done
        }
        Write::ExpireMessages { before, beyond, slice } => {
            Written::Swept(old.remove(connection, *before, *beyond, *slice).await?)
        }
        Write::ExpirePayloads { now, slice } => {
            Written::Swept(retention::payloads(connection, *now, *slice).await?)
        }
        Write::ExpireInbound { now, slice } => {
            Written::Swept(inbound::expire(connection, *now, *slice).await?)
        }
        Write::ExpireInboundKeys { now, slice } => {
            Written::Removed(inbound::expire_keys(connection, *now, *slice).await?)
        }
        Write::ExpireTasks { below, before, slice } => {
            Written::Removed(retention::tasks(connection, *below, *before, *slice).await?)
        }
        Write::Erase { now, from, slice } => {
            Written::Erased(erasure::erase(connection, *now, *from, *slice).await?)
        }
        Write::ForgetKeys { beyond, slice } => {
            Written::LookedAt(message_key::forget_orphans(connection, *beyond, *slice).await?)
        }
        Write::ExpireMessageKeys { now, slice } => {
            Written::Removed(message_key::expire(connection, *now, *slice).await?)
        }
        Write::ExpireKeys { first_byte, now } => {
            idempotency::expire(connection, *first_byte, *now).await?;
            Written::Done
        }
        Write::ExpireTickets { now } => {
            ticket::expire(connection, *now).await?;
            Written::Done
        }
        // PostgreSQL has its own ways with what it has freed: vacuum takes it, at its time.
        Write::Overwrite { .. } => Written::Overwritten(None),
        Write::GiveBack { .. } => Written::Removed(0),
        // Those that are collected never come here.
        Write::Append(_)
        | Write::Receive(_)
        | Write::Outcome(_)
        | Write::Told(..)
        | Write::BroadcastStep(_)
        | Write::Flush => Written::Done,
    })
}

async fn change_catalog(
    connection: &Connection,
    sealing: &Sealing,
    change: &CatalogWrite,
) -> Result<Changed, StoreError> {
    match change {
        CatalogWrite::OrganisationEnsure(id, now) => {
            application::organisation_ensure(connection, *id, *now).await
        }
        CatalogWrite::ApplicationInsert(new) => application::insert(connection, new).await,
        CatalogWrite::ApplicationUpdate { application, unless_changed_since } => {
            application::update(connection, application, *unless_changed_since).await
        }
        CatalogWrite::ApplicationDelete(id, now) => application::delete(connection, *id, *now).await,
        CatalogWrite::EventTypeInsert(new) => event_type::insert(connection, new).await,
        CatalogWrite::EventTypeUpdate { event_type, unless_changed_since } => {
            event_type::update(connection, event_type, *unless_changed_since).await
        }
        CatalogWrite::EventTypeDelete(organisation, name) => {
            event_type::delete(connection, *organisation, name).await
        }
        CatalogWrite::EndpointInsert(new) => endpoint::insert(connection, sealing, new).await,
        CatalogWrite::EndpointUpdate { endpoint, unless_changed_since } => {
            endpoint::update(connection, sealing, endpoint, *unless_changed_since).await
        }
        CatalogWrite::EndpointDelete(application, id) => {
            endpoint::delete(connection, *application, *id).await
        }
        CatalogWrite::EndpointDisable { application, endpoint, reason, failing_since, now } => {
            endpoint::disable(connection, *application, *endpoint, *reason, *failing_since, *now).await
        }
        CatalogWrite::SourceInsert(new) => source::insert(connection, sealing, new).await,
        CatalogWrite::SourceUpdate { source, unless_changed_since } => {
            source::update(connection, sealing, source, *unless_changed_since).await
        }
        CatalogWrite::SourceDelete(id, now) => source::delete(connection, *id, *now).await,
        CatalogWrite::SourceTokenRotate { new, now, old_ends_at } => {
            source::rotate(connection, sealing, new, *now, *old_ends_at).await
        }
        CatalogWrite::TokenInsert { token, hash } => token::insert(connection, token, hash).await,
        CatalogWrite::TokenRevoke { organisation, id, now } => {
            token::revoke(connection, *organisation, *id, *now).await
        }
        CatalogWrite::TokenUpdate { organisation, id, change } => {
            token::update(connection, *organisation, *id, change).await
        }
        CatalogWrite::TokensExpire { organisation, ids, at } => {
            token::expire(connection, *organisation, ids, *at).await
        }
    }
}
