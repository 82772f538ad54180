//! Statements on what became of asking senders.

use rusqlite::{Connection, params};

use crate::domain::confirmation::asking_lane;
use crate::domain::delivery::DeliveryKey;
use crate::domain::ids::{ApplicationId, MessageId};
use crate::domain::inbound::Verdict;
use crate::store::error::StoreError;
use crate::store::sqlite::value;
use crate::store::write::{Asked, Changed, Confirmation};

/// Notes that the sender of a message is to be asked.
pub(super) fn begin(
    connection: &Connection,
    application: ApplicationId,
    message: MessageId,
    reason: &str,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO confirmation (application, message, verdict, reason) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![application.as_bytes(), message.as_bytes(), Verdict::Unconfirmed.word(), reason])?;
    Ok(())
}

/// Whether a message must not be sent to endpoints, since nobody has confirmed it.
pub(super) fn is_held(connection: &Connection, key: &DeliveryKey) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM confirmation WHERE application = ?1 AND message = ?2 AND verdict <> 'confirmed'";
    let params = params![key.application.as_bytes(), key.message.as_bytes()];
    Ok(value::first(connection, sql, params, |_| Ok(()))?.is_some())
}

/// The verdict is open again, unless the message was confirmed.
pub(super) fn reopen(connection: &Connection, key: &DeliveryKey, reason: &str) -> Result<bool, StoreError> {
    let rows = connection
        .prepare_cached(
            "UPDATE confirmation SET verdict = 'unconfirmed', reason = ?3
             WHERE application = ?1 AND message = ?2 AND verdict <> 'confirmed'",
        )?
        .execute(params![key.application.as_bytes(), key.message.as_bytes(), reason])?;
    Ok(rows == 1)
}

/// Writes what came of asking, and, if that confirms the message, its deliveries; nothing if it had come to an end before.
pub(super) fn step(connection: &Connection, step: &Confirmation) -> Result<Changed, StoreError> {
    let (application, message) = (step.message.application, step.message.id);
    let lane = asking_lane(application);
    let key = params![application.as_bytes(), lane.as_bytes(), message.as_bytes()];
    let (rows, verdict, reason) = match &step.asked {
        Asked::Again { at, reason } => {
            // Fenced by the number of attempts, as every retry is.
            let rows = connection
                .prepare_cached(
                    "UPDATE delivery SET attempts = ?4, due_at = ?5
                     WHERE application = ?1 AND endpoint = ?2 AND message = ?3 AND attempts = ?4 - 1",
                )?
                .execute(params![key[0], key[1], key[2], step.number, at.as_micros()])?;
            (rows, Verdict::Unconfirmed, Some(reason))
        }
        Asked::Over { verdict, reason, .. } => {
            let rows = connection
                .prepare_cached(
                    "DELETE FROM delivery WHERE application = ?1 AND endpoint = ?2 AND message = ?3",
                )?
                .execute(key)?;
            (rows, *verdict, reason.as_ref())
        }
    };
    if rows == 0 {
        return Ok(Changed::Missing);
    }
    connection
        .prepare_cached(
            "UPDATE confirmation SET verdict = ?3, reason = ?4 WHERE application = ?1 AND message = ?2",
        )?
        .execute(params![application.as_bytes(), message.as_bytes(), verdict.word(), reason])?;
    if let Asked::Over { verdict: Verdict::Confirmed, endpoints, .. } = &step.asked {
        let mut statement = connection.prepare_cached(
            "INSERT INTO delivery (application, endpoint, message, attempts, trigger) VALUES (?1, ?2, ?3, 0, 0)
             ON CONFLICT DO NOTHING",
        )?;
        for endpoint in endpoints {
            statement.execute(params![application.as_bytes(), endpoint.as_bytes(), message.as_bytes()])?;
        }
    }
    Ok(Changed::Yes)
}

/// Removes what is known of a message that goes.
pub(super) fn forget(
    connection: &Connection,
    application: ApplicationId,
    message: MessageId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM confirmation WHERE application = ?1 AND message = ?2")?
        .execute(params![application.as_bytes(), message.as_bytes()])?;
    Ok(())
}
