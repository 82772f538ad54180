//! Whether each session has a process of the server to itself: a pooler between may give it another one for each transaction.
//!
//! Then what a session has set, prepared, locked or listens to is another's a moment later. It is found out by two sessions
//! at once: one is held in a transaction, and the other asks whose process it has before and meanwhile. A pooler that shares
//! gives the second the process that the first had, or the first another than before.

use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;

use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::pool::Pool;

/// Others that use the pooler may take the process in between; not so often in a row.
const TRIES: u32 = 4;

/// Refuses a pooler that does not leave sessions whole.
pub(super) async fn refuse_shared(pool: &Pool, one: &Connection) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        let before = process(one).await?;
        let other = pool.connect_to_look().await?;
        // Nothing is prepared here: that is the first thing which would fail.
        other.batch("BEGIN").await.map_err(told)?;
        let others = process(&other).await.map_err(told)?;
        let meanwhile = process(one).await?;
        other.batch("ROLLBACK").await?;
        if others == before || meanwhile != before {
            return Err(StoreError::SharedSessions);
        }
    }
    Ok(())
}

/// PgBouncer's mode `statement` refuses transactions with this.
fn told(error: StoreError) -> StoreError {
    match &error {
        StoreError::Unreachable(source) if source.code() == Some(&SqlState::PROTOCOL_VIOLATION) => {
            StoreError::SharedSessions
        }
        _ => error,
    }
}

/// The process that serves a session, as text.
async fn process(connection: &Connection) -> Result<Option<String>, StoreError> {
    let asked = connection.client.simple_query("SELECT pg_backend_pid()");
    let answer = connection.in_usual_time(asked).await?;
    Ok(answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}
