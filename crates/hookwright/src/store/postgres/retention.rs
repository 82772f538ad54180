//! Statements that remove what is older than it is to be kept: messages with all they have, payloads, background tasks.

use std::collections::HashSet;
use std::time::Duration;

use tokio_postgres::Row;

use crate::domain::attempt;
use crate::domain::ids::{ApplicationId, MessageId, TaskId};
use crate::domain::time::Timestamp;
use crate::store::budget::Budget;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::{broadcast, value};
use crate::store::write::{MessagePlace, Slice, Swept};

/// Attempts of one message that go between two looks at the time.
const ATTEMPTS_AT_ONCE: u32 = 100;
/// A payload that cannot go yet, because something of its message is pending, is looked at again after this.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(5 * 60);

/// Messages that go in a slice whatever the time: a thread that had to wait for a processor gets on all the same.
const AT_LEAST: u32 = 8;

/// Messages that are old enough and were found together: the oldest, but those of one application side by side.
#[derive(Default)]
pub(super) struct OldMessages {
    /// Where they were looked for from; `None`: nowhere yet.
    beyond: Option<MessagePlace>,
    /// The oldest and the youngest of them.
    range: Option<(MessagePlace, MessagePlace)>,
    /// Those that were not looked at yet, the next one last.
    left: Vec<MessagePlace>,
    is_all: bool,
}

impl OldMessages {
    /// Removes messages below `before` that lie beyond a place, with attempts and `eventId`s: as many of the oldest as the
    /// slice has rows, in as many slices as that takes. The place is the same until all of them were looked at.
    ///
    /// Messages of which something is pending stay.
    pub(super) async fn remove(
        &mut self,
        connection: &Connection,
        before: MessageId,
        beyond: MessagePlace,
        slice: Slice,
    ) -> Result<Swept, StoreError> {
        // Finding them is a part of the slice.
        let budget = Budget::of(slice);
        if self.left.is_empty() || self.beyond != Some(beyond) {
            self.find(connection, before, beyond, slice.rows).await?;
        }
        let mut swept = Swept { last: beyond, ..Swept::default() };
        let pending = pending_among(connection, &self.left).await?;
        let mut removed = 0;
        while let Some(place) = self.left.last().copied() {
            if removed >= AT_LEAST && budget.is_spent() {
                return Ok(swept);
            }
            if pending.contains(&(place.application, place.message)) {
                swept.kept += 1;
            } else {
                let (attempts, are_all) = remove_attempts(connection, &place, &budget).await?;
                swept.attempts += attempts;
                if !are_all {
                    return Ok(swept);
                }
                removed += 1;
                // Another node may have been faster, since these were found.
                swept.messages += u32::from(remove_message(connection, &place).await?);
            }
            self.left.pop();
        }
        swept.last = self.range.map_or(beyond, |(_, last)| last);
        swept.is_done = self.is_all;
        Ok(swept)
    }

    /// Nothing of the batch is on disk: what is left is looked for anew.
    pub(super) fn rolled_back(&mut self) {
        *self = OldMessages::default();
    }

    async fn find(
        &mut self,
        connection: &Connection,
        before: MessageId,
        beyond: MessagePlace,
        rows: u32,
    ) -> Result<(), StoreError> {
        // From the index by age alone: the rows are read one by one, while there is time. Days before the place are not even
        // looked at.
        let sql =
            "SELECT id, application FROM message WHERE (id, application) > ($1, $2) AND id >= $1 AND id < $3
                   ORDER BY id, application LIMIT $4";
        let limit = value::limit(rows);
        let found = connection
            .query(
                sql,
                &[beyond.message.as_bytes(), beyond.application.as_bytes(), before.as_bytes(), &limit],
            )
            .await?;
        let mut found = value::all(&found, place)?;
        self.beyond = Some(beyond);
        self.range = found.first().copied().zip(found.last().copied());
        self.is_all = found.len() < usize::try_from(rows).unwrap_or(usize::MAX);
        found.sort_unstable_by_key(|place| std::cmp::Reverse((place.application, place.message)));
        self.left = found;
        Ok(())
    }
}

fn place(row: &Row) -> Result<MessagePlace, StoreError> {
    Ok(MessagePlace {
        message: value::id(row, 0, MessageId::from_bytes)?,
        application: value::id(row, 1, ApplicationId::from_bytes)?,
    })
}

/// Empties the payloads that are due, and what endpoints answered to them, but for messages of which something is pending.
pub(super) async fn payloads(
    connection: &Connection,
    now: Timestamp,
    slice: Slice,
) -> Result<Swept, StoreError> {
    let mut budget = Budget::of(slice);
    let sql = "SELECT message, application FROM message_payload_expiry WHERE expires_at <= $1
               ORDER BY expires_at LIMIT $2";
    let due =
        value::all(&connection.query(sql, &[&now.as_micros(), &value::limit(slice.rows)]).await?, place)?;
    let is_all = due.len() < usize::try_from(slice.rows).unwrap_or(usize::MAX);
    let pending = pending_among(connection, &due).await?;
    let mut swept = Swept::default();
    for (number, place) in due.iter().enumerate() {
        if number > 0 && budget.is_spent() {
            return Ok(swept);
        }
        budget.spend(1);
        let (application, message) = (place.application.as_bytes(), place.message.as_bytes());
        if pending.contains(&(place.application, place.message)) {
            let sql =
                "UPDATE message_payload_expiry SET expires_at = $3 WHERE application = $1 AND message = $2";
            connection.execute(sql, &[application, message, &now.after(LOOK_AGAIN).as_micros()]).await?;
            swept.kept += 1;
            continue;
        }
        let sql = "UPDATE message SET payload = '' WHERE application = $1 AND id = $2";
        connection.execute(sql, &[application, message]).await?;
        let sql = "UPDATE attempt SET response = $3
                   WHERE application = $1 AND message = $2 AND octet_length(response) > 0";
        let answers = connection.execute(sql, &[application, message, &attempt::EXPUNGED]).await?;
        forget_payload(connection, place).await?;
        swept.messages += 1;
        swept.attempts += value::rows(answers);
    }
    swept.is_done = is_all;
    Ok(swept)
}

/// Removes background tasks that began before `below` and have been over since before then, and says how many.
pub(super) async fn tasks(
    connection: &Connection,
    below: TaskId,
    before: Timestamp,
    slice: Slice,
) -> Result<u32, StoreError> {
    let sql = "DELETE FROM task WHERE id IN
                   (SELECT id FROM task WHERE id < $1 AND status <> 'running' AND updated_at < $2 LIMIT $3)";
    let limit = value::limit(slice.rows);
    Ok(value::rows(connection.execute(sql, &[below.as_bytes(), &before.as_micros(), &limit]).await?))
}

/// Removes a message's attempts, and says how many, and whether none is left.
async fn remove_attempts(
    connection: &Connection,
    place: &MessagePlace,
    budget: &Budget,
) -> Result<(u32, bool), StoreError> {
    let (application, message) = (place.application.as_bytes(), place.message.as_bytes());
    let sql = "DELETE FROM attempt WHERE application = $1 AND message = $2 AND id IN
                   (SELECT id FROM attempt WHERE application = $1 AND message = $2 LIMIT $3)";
    let mut removed = 0;
    loop {
        let gone = connection.execute(sql, &[application, message, &value::limit(ATTEMPTS_AT_ONCE)]).await?;
        removed += value::rows(gone);
        if gone < u64::from(ATTEMPTS_AT_ONCE) {
            return Ok((removed, true));
        }
        if budget.is_spent() {
            return Ok((removed, false));
        }
    }
}

/// Removes a message with all it has, and says how many attempts went, and whether all of it did; `None` if it stays, since
/// something of it is pending.
pub(super) async fn remove_whole(
    connection: &Connection,
    place: MessagePlace,
    budget: &Budget,
) -> Result<Option<(u32, bool)>, StoreError> {
    if !pending_among(connection, &[place]).await?.is_empty() {
        return Ok(None);
    }
    let (attempts, are_all) = remove_attempts(connection, &place, budget).await?;
    if are_all {
        remove_message(connection, &place).await?;
    }
    Ok(Some((attempts, are_all)))
}

/// Removes a message that has no attempts any more, and says whether it was there.
async fn remove_message(connection: &Connection, place: &MessagePlace) -> Result<bool, StoreError> {
    let (application, message) = (place.application.as_bytes(), place.message.as_bytes());
    forget_payload(connection, place).await?;
    let sql = "DELETE FROM message WHERE application = $1 AND id = $2
               RETURNING event_id, octet_length(payload) = 0";
    let Some(row) = connection.first(sql, &[application, message]).await? else { return Ok(false) };
    if let Some(event_id) = value::get::<Option<&str>>(&row, 0)? {
        let sql = "DELETE FROM message_event_id WHERE application = $1 AND event_id = $3 AND message = $2";
        connection.execute(sql, &[application, message, &event_id]).await?;
    }
    // What has a payload of its own shares none.
    if value::get(&row, 1)? {
        broadcast::unshare(connection, place.application, place.message).await?;
    }
    Ok(true)
}

async fn forget_payload(connection: &Connection, place: &MessagePlace) -> Result<(), StoreError> {
    let sql = "DELETE FROM message_payload_expiry WHERE application = $1 AND message = $2";
    connection.execute(sql, &[place.application.as_bytes(), place.message.as_bytes()]).await?;
    Ok(())
}

/// Which of these messages have a pending delivery.
///
/// Whatever has a row counts, also of an endpoint that is gone: the delivery ends first. Deliveries are ordered by endpoint: it
/// goes from one endpoint that has any to the next, and of each only the range of the messages is looked at.
async fn pending_among(
    connection: &Connection,
    places: &[MessagePlace],
) -> Result<HashSet<(ApplicationId, MessageId)>, StoreError> {
    let sql = "WITH RECURSIVE busy(endpoint) AS (
                   SELECT (SELECT endpoint FROM delivery WHERE application = $1 ORDER BY endpoint LIMIT 1)
                   UNION ALL
                   SELECT (SELECT d.endpoint FROM delivery d
                           WHERE d.application = $1 AND d.endpoint > busy.endpoint ORDER BY d.endpoint LIMIT 1)
                   FROM busy WHERE busy.endpoint IS NOT NULL)
               SELECT d.message FROM busy
               JOIN delivery d ON d.application = $1 AND d.endpoint = busy.endpoint
               WHERE d.message BETWEEN $2 AND $3";
    let applications: HashSet<ApplicationId> = places.iter().map(|place| place.application).collect();
    let messages = || places.iter().map(|place| place.message);
    let (Some(first), Some(last)) = (messages().min(), messages().max()) else { return Ok(HashSet::new()) };
    let mut pending = HashSet::new();
    for application in applications {
        let rows =
            connection.query(sql, &[application.as_bytes(), first.as_bytes(), last.as_bytes()]).await?;
        for row in &rows {
            pending.insert((application, value::id(row, 0, MessageId::from_bytes)?));
        }
    }
    Ok(pending)
}
