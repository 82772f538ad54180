//! Statements on messages.

use bytes::Bytes;
use rusqlite::{Connection, Row, params};

use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::message::Message;
use crate::domain::names::{Channel, EventId, EventTypeName, Tag};
use crate::domain::page::{PageRequest, Searched};
use crate::store::effort::Effort;
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::read::{AttemptFilter, MessageFilter, SentMessage};
use crate::store::sqlite::attempt::status_of;
use crate::store::sqlite::message_key::MessageKeys;
use crate::store::sqlite::search::{self, Key, List, Query, Walk};
use crate::store::sqlite::{Sqlite, broadcast, value};
use crate::store::write::{Append, Appended};

/// The columns of a message as `m`, without its payload.
pub(super) const COLUMNS: &str =
    "m.application, m.id, m.event_type, m.event_id, m.channels, m.tags, m.created_at";

/// The payload of a message as `m`: its own, or the one that it shares with other messages of an event for all.
pub(super) const PAYLOAD: &str = "CASE WHEN length(m.payload) > 0 THEN m.payload ELSE coalesce(
    (SELECT b.payload FROM message_broadcast s JOIN broadcast b ON b.id = s.broadcast
     WHERE s.application = m.application AND s.message = m.id), m.payload) END";
/// Whether a message as `m` still has its payload.
pub(super) const HAS_PAYLOAD: &str = "(length(m.payload) > 0 OR EXISTS
    (SELECT 1 FROM message_broadcast s WHERE s.application = m.application AND s.message = m.id))";

const KEY: Key<MessageId> = (MessageId::as_bytes, MessageId::from_bytes);

impl Sqlite {
    pub(crate) async fn message_get(
        &self,
        application: ApplicationId,
        id: MessageId,
    ) -> Result<Option<Message>, StoreError> {
        self.read(move |connection| {
            let sql =
                format!("SELECT {COLUMNS}, {PAYLOAD} FROM message m WHERE m.application = ?1 AND m.id = ?2");
            value::first(connection, &sql, params![application.as_bytes(), id.as_bytes()], |row| {
                from_row(row, 0, Some(7))
            })
        })
        .await
    }

    pub(crate) async fn message_head(
        &self,
        application: ApplicationId,
        id: MessageId,
    ) -> Result<Option<Message>, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM message m WHERE m.application = ?1 AND m.id = ?2");
            let params = params![application.as_bytes(), id.as_bytes()];
            value::first(connection, &sql, params, |row| from_row(row, 0, None))
        })
        .await
    }

    pub(crate) async fn message_by_event_id(
        &self,
        application: ApplicationId,
        event_id: EventId,
    ) -> Result<Option<MessageId>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT message FROM message_event_id WHERE application = ?1 AND event_id = ?2";
            let params = params![application.as_bytes(), event_id.as_str()];
            value::first(connection, sql, params, |row| value::id(row, 0, MessageId::from_bytes))
        })
        .await
    }

    pub(crate) async fn message_list(
        &self,
        application: ApplicationId,
        filter: MessageFilter,
        with_payload: bool,
        page: PageRequest<MessageId>,
    ) -> Result<Searched<Message, MessageId>, StoreError> {
        self.read(move |connection| {
            let mut indexed = Query::default();
            indexed.and("m.application = ?", application.as_bytes().to_vec());
            search::time_range(&mut indexed, &filter, "m.id", MessageId::first_at, MessageId::as_bytes);
            let mut query = indexed.clone();
            query.message_filter(&filter, "m.created_at");
            let payload = if with_payload { format!(", {PAYLOAD}") } else { String::new() };
            let select = format!("SELECT {COLUMNS}{payload} FROM message m");
            let walk = Effort::of(&filter, false).map(|effort| Walk { table: "message m", indexed, effort });
            let list = List { select: &select, key: "m.id", query, walk };
            let read = |row: &Row<'_>| from_row(row, 0, with_payload.then_some(7));
            list.page(connection, &page, KEY, read, |message| message.payload.len())
        })
        .await
    }

    pub(crate) async fn message_list_by_endpoint(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        filter: AttemptFilter,
        page: PageRequest<MessageId>,
    ) -> Result<Searched<SentMessage, MessageId>, StoreError> {
        self.read(move |connection| {
            // The last attempt at this endpoint, and the delivery if it is still pending.
            let select = format!(
                "SELECT {COLUMNS}, d.message IS NOT NULL, d.due_at, a.status, {PAYLOAD} FROM message m
                 LEFT JOIN delivery d ON d.application = m.application AND d.endpoint = ?1 AND d.message = m.id
                 LEFT JOIN attempt a ON a.application = m.application AND a.message = m.id AND a.id =
                     (SELECT max(l.id) FROM attempt l
                      WHERE l.application = m.application AND l.message = m.id AND l.endpoint = ?1)"
            );
            let mut indexed = Query::default();
            indexed.and("m.application = ?", application.as_bytes().to_vec());
            search::time_range(&mut indexed, &filter.message, "m.id", MessageId::first_at, MessageId::as_bytes);
            let mut query = Query::with_first(endpoint.as_bytes().to_vec());
            query.and("m.application = ?", application.as_bytes().to_vec());
            query.and_fixed("(d.message IS NOT NULL OR a.id IS NOT NULL)");
            query.message_filter(&filter.message, "m.created_at");
            if let Some(status) = filter.status {
                query.and_fixed("d.message IS NULL");
                query.and("a.status = ?", i64::from(status.code()));
            }
            // Even without a filter: an endpoint may have got few of its application's messages.
            let walk = Effort::of(&filter.message, true).map(|effort| {
                let piece = effort.piece.min(Effort::JOINED.piece);
                Walk { table: "message m", indexed, effort: Effort { piece, ..effort } }
            });
            let list = List { select: &select, key: "m.id", query, walk };
            let read = |row: &Row<'_>| {
                Ok(SentMessage { message: from_row(row, 0, Some(10))?, status: status_of(row, 7)? })
            };
            list.page(connection, &page, KEY, read, |sent| sent.message.payload.len())
        })
        .await
    }
}

/// Stores a message with its deliveries, unless its key or `eventId` came before.
pub(super) fn append(
    connection: &Connection,
    keys: &mut MessageKeys,
    append: &Append,
) -> Result<Appended, StoreError> {
    let message = &append.message;
    if let Some(key) = &append.key
        && let Some(known) = keys.claim(connection, key, message)?
    {
        return Ok(known);
    }
    if let Some(event_id) = &message.event_id {
        let rows = connection
            .prepare_cached(
                "INSERT INTO message_event_id (application, event_id, message) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![message.application.as_bytes(), event_id.as_str(), message.id.as_bytes()])?;
        if rows == 0 {
            if let Some(key) = &append.key {
                keys.release(connection, key)?;
            }
            return Ok(Appended::EventIdTaken);
        }
    }
    connection
        .prepare_cached(
            "INSERT INTO message (application, id, event_type, event_id, channels, tags, created_at, payload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            message.application.as_bytes(),
            message.id.as_bytes(),
            message.event_type.as_str(),
            message.event_id.as_ref().map(EventId::as_str),
            encoded::json_names_or_null(message.channels.iter().map(Channel::as_str)),
            encoded::json_names_or_null(message.tags.iter().map(Tag::as_str)),
            message.created_at.as_micros(),
            // What is shared is stored once.
            if append.broadcast.is_some() { &[] } else { message.payload.as_ref() },
        ])?;
    if let Some(shared) = append.broadcast {
        broadcast::share(connection, message.application, message.id, shared)?;
    }
    if let Some(expires_at) = append.payload_expires_at {
        connection
            .prepare_cached(
                "INSERT INTO message_payload_expiry (application, message, expires_at) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![
                message.application.as_bytes(),
                message.id.as_bytes(),
                expires_at.as_micros()
            ])?;
    }
    if !append.endpoints.is_empty() {
        let mut statement = connection.prepare_cached(
            "INSERT INTO delivery (application, endpoint, message, attempts, trigger) VALUES (?1, ?2, ?3, 0, 0)",
        )?;
        for endpoint in &append.endpoints {
            statement.execute(params![
                message.application.as_bytes(),
                endpoint.as_bytes(),
                message.id.as_bytes()
            ])?;
        }
    }
    Ok(Appended::Stored)
}

/// A message from the columns [`COLUMNS`], which begin at `first`; its payload from column `payload`, empty if `None`.
pub(super) fn from_row(row: &Row<'_>, first: usize, payload: Option<usize>) -> Result<Message, StoreError> {
    Ok(Message {
        application: value::id(row, first, ApplicationId::from_bytes)?,
        id: value::id(row, first + 1, MessageId::from_bytes)?,
        event_type: value::name(row, first + 2, EventTypeName::parse, "message.event_type")?,
        event_id: value::name_opt(row, first + 3, EventId::parse, "message.event_id")?,
        channels: value::names(row, first + 4, Channel::parse, "message.channels")?,
        tags: value::names(row, first + 5, Tag::parse, "message.tags")?,
        created_at: value::time(row, first + 6)?,
        payload: match payload {
            Some(column) => Bytes::from(value::get::<Vec<u8>>(row, column)?),
            None => Bytes::new(),
        },
    })
}
