//! Statements on what became of asking senders.

use crate::domain::confirmation::asking_lane;
use crate::domain::delivery::DeliveryKey;
use crate::domain::ids::{ApplicationId, MessageId};
use crate::domain::inbound::Verdict;
use crate::domain::lease::Held;
use crate::store::error::StoreError;
use crate::store::postgres::catalog_change::Knowledge;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::{lease, value};
use crate::store::write::{Asked, Changed, Confirmation};

/// Notes that the sender of a message is to be asked.
pub(super) async fn begin(
    connection: &Connection,
    application: ApplicationId,
    message: MessageId,
    reason: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO confirmation (application, message, verdict, reason) VALUES ($1, $2, $3, $4)";
    let verdict = Verdict::Unconfirmed.word();
    connection
        .execute(sql, &[application.as_bytes(), message.as_bytes(), &verdict, &value::escaped(reason)])
        .await?;
    Ok(())
}

/// Whether a message must not be sent to endpoints, since nobody has confirmed it.
pub(super) async fn is_held(connection: &Connection, key: &DeliveryKey) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM confirmation WHERE application = $1 AND message = $2 AND verdict <> 'confirmed'";
    Ok(connection.first(sql, &[key.application.as_bytes(), key.message.as_bytes()]).await?.is_some())
}

/// The verdict is open again, unless the message was confirmed.
pub(super) async fn reopen(
    connection: &Connection,
    key: &DeliveryKey,
    reason: &str,
) -> Result<bool, StoreError> {
    let sql = "UPDATE confirmation SET verdict = 'unconfirmed', reason = $3
               WHERE application = $1 AND message = $2 AND verdict <> 'confirmed'";
    let (application, message) = (key.application.as_bytes(), key.message.as_bytes());
    Ok(connection.execute(sql, &[application, message, &value::escaped(reason)]).await? == 1)
}

/// Writes what came of asking, and, if that confirms the message, its deliveries; nothing if it had come to an end before, or if
/// another node has changed since where it goes.
pub(super) async fn step(
    connection: &Connection,
    held: &Held,
    knowledge: &Knowledge,
    step: &Confirmation,
) -> Result<Changed, StoreError> {
    if let Some(known) = step.routed_by
        && knowledge.has_moved(connection, step.message.application, known).await?
    {
        return Ok(Changed::Stale);
    }
    // Others have it by now: what was asked here changes nothing.
    if !held.still(step.hold) {
        return Ok(Changed::Missing);
    }
    let (asked_under, own) = (lease::as_column_opt(step.hold.lease), lease::as_column_opt(held.own));
    let lane = asking_lane(step.message.application);
    let (application, message) = (step.message.application.as_bytes(), step.message.id.as_bytes());
    let (rows, verdict, reason) = match &step.asked {
        Asked::Again { at, reason } => {
            // Fenced by the number of attempts and the lease, as every retry is.
            let sql = "UPDATE delivery SET attempts = $4, due_at = $5, lease = NULL
                       WHERE application = $1 AND endpoint = $2 AND message = $3 AND attempts = $4 - 1 AND lease = $6";
            let number = i32::from(step.number);
            let rows = connection
                .execute(
                    sql,
                    &[application, lane.as_bytes(), message, &number, &at.as_micros(), &asked_under],
                )
                .await?;
            (rows, Verdict::Unconfirmed, Some(reason))
        }
        Asked::Over { verdict, reason, .. } => {
            let sql = "DELETE FROM delivery WHERE application = $1 AND endpoint = $2 AND message = $3 AND lease = $4";
            let rows =
                connection.execute(sql, &[application, lane.as_bytes(), message, &asked_under]).await?;
            (rows, *verdict, reason.as_ref())
        }
    };
    if rows == 0 {
        return Ok(Changed::Missing);
    }
    let sql = "UPDATE confirmation SET verdict = $3, reason = $4 WHERE application = $1 AND message = $2";
    let reason = reason.map(|reason| value::escaped(reason));
    connection.execute(sql, &[application, message, &verdict.word(), &reason]).await?;
    if let Asked::Over { verdict: Verdict::Confirmed, endpoints, .. } = &step.asked {
        let endpoints: Vec<&[u8]> = endpoints.iter().map(|endpoint| endpoint.as_bytes().as_slice()).collect();
        let sql = "INSERT INTO delivery (application, endpoint, message, attempts, trigger, lease)
                   SELECT $1::bytea, u.endpoint, $2::bytea, 0, 0, $4 FROM UNNEST($3::bytea[]) AS u (endpoint)
                   ON CONFLICT DO NOTHING";
        connection.execute(sql, &[application, message, &endpoints, &own]).await?;
    }
    Ok(Changed::Yes)
}

/// Removes what is known of a message that goes.
pub(super) async fn forget(
    connection: &Connection,
    application: ApplicationId,
    message: MessageId,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM confirmation WHERE application = $1 AND message = $2";
    connection.execute(sql, &[application.as_bytes(), message.as_bytes()]).await?;
    Ok(())
}
