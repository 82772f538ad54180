//! Statements that remove what is older than it is to be kept: messages with all they have, payloads, background tasks.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use rusqlite::{Connection, Row, params};

use crate::domain::attempt;
use crate::domain::ids::{ApplicationId, MessageId, TaskId};
use crate::domain::time::Timestamp;
use crate::store::budget::Budget;
use crate::store::error::StoreError;
use crate::store::sqlite::{broadcast, value};
use crate::store::write::{MessagePlace, Slice, Swept};

/// Attempts of one message that go between two looks at the time.
const ATTEMPTS_AT_ONCE: u32 = 100;
/// A payload that cannot go yet, because something of its message is pending, is looked at again after this.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(5 * 60);

/// Messages that go in a slice whatever the time: a thread that had to wait for a processor gets on all the same.
const AT_LEAST: u32 = 8;

/// Messages that are old enough and were found together: the oldest, but those of one application side by side. Their rows
/// share pages, and each page that is touched is written.
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
    pub(super) fn remove(
        &mut self,
        connection: &Connection,
        before: MessageId,
        beyond: MessagePlace,
        slice: Slice,
    ) -> Result<Swept, StoreError> {
        // Finding them is a part of the slice.
        let budget = Budget::of(slice);
        if self.left.is_empty() || self.beyond != Some(beyond) {
            self.find(connection, before, beyond, slice.rows)?;
        }
        let mut swept = Swept { last: beyond, ..Swept::default() };
        let mut pending = Pending::among(self.range);
        while let Some(place) = self.left.last().copied() {
            if swept.messages >= AT_LEAST && budget.is_spent() {
                return Ok(swept);
            }
            if pending.has(connection, &place)? {
                swept.kept += 1;
            } else {
                let (attempts, are_all) = remove_attempts(connection, &place, &budget)?;
                swept.attempts += attempts;
                if !are_all {
                    return Ok(swept);
                }
                remove_message(connection, &place)?;
                swept.messages += 1;
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

    fn find(
        &mut self,
        connection: &Connection,
        before: MessageId,
        beyond: MessagePlace,
        rows: u32,
    ) -> Result<(), StoreError> {
        // From the index by age alone: the rows are read one by one, while there is time.
        let sql = "SELECT id, application FROM message WHERE (id, application) > (?1, ?2) AND id < ?3
                   ORDER BY id, application LIMIT ?4";
        let params =
            params![beyond.message.as_bytes(), beyond.application.as_bytes(), before.as_bytes(), rows];
        let mut found = value::all(connection, sql, params, place)?;
        self.beyond = Some(beyond);
        self.range = found.first().copied().zip(found.last().copied());
        self.is_all = found.len() < usize::try_from(rows).unwrap_or(usize::MAX);
        found.sort_unstable_by_key(|place| std::cmp::Reverse((place.application, place.message)));
        self.left = found;
        Ok(())
    }
}

fn place(row: &Row<'_>) -> Result<MessagePlace, StoreError> {
    Ok(MessagePlace {
        message: value::id(row, 0, MessageId::from_bytes)?,
        application: value::id(row, 1, ApplicationId::from_bytes)?,
    })
}

/// Empties the payloads that are due, and what endpoints answered to them, but for messages of which something is pending.
pub(super) fn payloads(connection: &Connection, now: Timestamp, slice: Slice) -> Result<Swept, StoreError> {
    let mut budget = Budget::of(slice);
    let sql = "SELECT message, application FROM message_payload_expiry WHERE expires_at <= ?1
               ORDER BY expires_at LIMIT ?2";
    let due = value::all(connection, sql, params![now.as_micros(), slice.rows], place)?;
    let is_all = due.len() < usize::try_from(slice.rows).unwrap_or(usize::MAX);
    let mut swept = Swept::default();
    for (number, place) in due.iter().enumerate() {
        if number > 0 && budget.is_spent() {
            return Ok(swept);
        }
        budget.spend(1);
        let key = params![place.application.as_bytes(), place.message.as_bytes()];
        if Pending::among(Some((*place, *place))).has(connection, place)? {
            let sql =
                "UPDATE message_payload_expiry SET expires_at = ?3 WHERE application = ?1 AND message = ?2";
            let again = now.after(LOOK_AGAIN).as_micros();
            connection.prepare_cached(sql)?.execute(params![key[0], key[1], again])?;
            swept.kept += 1;
            continue;
        }
        connection
            .prepare_cached("UPDATE message SET payload = zeroblob(0) WHERE application = ?1 AND id = ?2")?
            .execute(key)?;
        let sql = "UPDATE attempt SET response = ?3 WHERE application = ?1 AND message = ?2 AND length(response) > 0";
        let answers = connection.prepare_cached(sql)?.execute(params![key[0], key[1], attempt::EXPUNGED])?;
        forget_payload(connection, place)?;
        swept.messages += 1;
        swept.attempts += u32::try_from(answers).unwrap_or(u32::MAX);
    }
    swept.is_done = is_all;
    Ok(swept)
}

/// Removes background tasks that began before `below` and have been over since before then, and says how many.
pub(super) fn tasks(
    connection: &Connection,
    below: TaskId,
    before: Timestamp,
    slice: Slice,
) -> Result<u32, StoreError> {
    let sql = "DELETE FROM task WHERE id IN
                   (SELECT id FROM task WHERE id < ?1 AND status <> 'running' AND updated_at < ?2 LIMIT ?3)";
    let params = params![below.as_bytes(), before.as_micros(), slice.rows];
    Ok(u32::try_from(connection.prepare_cached(sql)?.execute(params)?).unwrap_or(u32::MAX))
}

/// Removes a message's attempts, and says how many, and whether none is left.
fn remove_attempts(
    connection: &Connection,
    place: &MessagePlace,
    budget: &Budget,
) -> Result<(u32, bool), StoreError> {
    let (application, message) = (place.application.as_bytes(), place.message.as_bytes());
    let sql = "SELECT id FROM attempt WHERE application = ?1 AND message = ?2 LIMIT ?3";
    let mut removed = 0;
    loop {
        let ids = value::all(connection, sql, params![application, message, ATTEMPTS_AT_ONCE], |row| {
            value::get::<[u8; 20]>(row, 0)
        })?;
        let mut delete = connection
            .prepare_cached("DELETE FROM attempt WHERE application = ?1 AND message = ?2 AND id = ?3")?;
        for id in &ids {
            delete.execute(params![application, message, id])?;
            removed += 1;
        }
        if ids.len() < usize::try_from(ATTEMPTS_AT_ONCE).unwrap_or(usize::MAX) {
            return Ok((removed, true));
        }
        if budget.is_spent() {
            return Ok((removed, false));
        }
    }
}

/// Removes a message with all it has, and says how many attempts went, and whether all of it did; `None` if it stays, since
/// something of it is pending.
pub(super) fn remove_whole(
    connection: &Connection,
    place: MessagePlace,
    budget: &Budget,
) -> Result<Option<(u32, bool)>, StoreError> {
    if Pending::among(Some((place, place))).has(connection, &place)? {
        return Ok(None);
    }
    let (attempts, are_all) = remove_attempts(connection, &place, budget)?;
    if are_all {
        remove_message(connection, &place)?;
    }
    Ok(Some((attempts, are_all)))
}

/// Removes a message that has no attempts any more.
fn remove_message(connection: &Connection, place: &MessagePlace) -> Result<(), StoreError> {
    let key = params![place.application.as_bytes(), place.message.as_bytes()];
    let sql = "SELECT event_id FROM message WHERE application = ?1 AND id = ?2";
    if let Some(Some(event_id)) =
        value::first(connection, sql, key, |row| value::get::<Option<String>>(row, 0))?
    {
        connection
            .prepare_cached(
                "DELETE FROM message_event_id WHERE application = ?1 AND event_id = ?3 AND message = ?2",
            )?
            .execute(params![key[0], key[1], event_id])?;
    }
    forget_payload(connection, place)?;
    let sql = "DELETE FROM message WHERE application = ?1 AND id = ?2 RETURNING length(payload) = 0";
    let may_share = value::all(connection, sql, key, |row| value::get::<bool>(row, 0))?;
    // What has a payload of its own shares none.
    if may_share.contains(&true) {
        broadcast::unshare(connection, place.application, place.message)?;
    }
    Ok(())
}

fn forget_payload(connection: &Connection, place: &MessagePlace) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM message_payload_expiry WHERE application = ?1 AND message = ?2")?
        .execute(params![place.application.as_bytes(), place.message.as_bytes()])?;
    Ok(())
}

/// Which messages of a range have a pending delivery, read once for each application.
///
/// Whatever has a row counts, also of an endpoint that is gone: the delivery ends first.
struct Pending {
    range: Option<(MessageId, MessageId)>,
    by_application: HashMap<ApplicationId, HashSet<MessageId>>,
}

impl Pending {
    fn among(range: Option<(MessagePlace, MessagePlace)>) -> Pending {
        let range = range.map(|(first, last)| (first.message, last.message));
        Pending { range, by_application: HashMap::new() }
    }

    fn has(&mut self, connection: &Connection, place: &MessagePlace) -> Result<bool, StoreError> {
        let Some((first, last)) = self.range else { return Ok(false) };
        if let Entry::Vacant(unread) = self.by_application.entry(place.application) {
            // Deliveries are ordered by endpoint: from one endpoint that has any to the next, and of each only the range.
            let sql = "WITH RECURSIVE busy(endpoint) AS (
                           SELECT (SELECT endpoint FROM delivery WHERE application = ?1 ORDER BY endpoint LIMIT 1)
                           UNION ALL
                           SELECT (SELECT d.endpoint FROM delivery d
                                   WHERE d.application = ?1 AND d.endpoint > busy.endpoint ORDER BY d.endpoint LIMIT 1)
                           FROM busy WHERE busy.endpoint IS NOT NULL)
                       SELECT d.message FROM busy
                       JOIN delivery d ON d.application = ?1 AND d.endpoint = busy.endpoint
                       WHERE d.message BETWEEN ?2 AND ?3";
            let params = params![place.application.as_bytes(), first.as_bytes(), last.as_bytes()];
            let found = value::all(connection, sql, params, |row| value::id(row, 0, MessageId::from_bytes))?;
            unread.insert(found.into_iter().collect());
        }
        Ok(self.by_application.get(&place.application).is_some_and(|found| found.contains(&place.message)))
    }
}
