//! Statements on messages.

use bytes::Bytes;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::message::Message;
use crate::domain::names::{Channel, EventId, EventTypeName, Tag};
use crate::domain::page::{Page, PageRequest};
use crate::store::error::StoreError;
use crate::store::read::{AttemptFilter, MessageFilter, SentMessage};
use crate::store::sqlite::attempt::status_of;
use crate::store::sqlite::message_key::MessageKeys;
use crate::store::sqlite::{Sqlite, value};
use crate::store::write::{Append, Appended};

/// The columns of a message as `m`, without its payload.
pub(super) const COLUMNS: &str =
    "m.application, m.id, m.event_type, m.event_id, m.channels, m.tags, m.created_at";

impl Sqlite {
    pub(crate) async fn message_get(
        &self,
        application: ApplicationId,
        id: MessageId,
    ) -> Result<Option<Message>, StoreError> {
        self.read(move |connection| {
            let sql =
                format!("SELECT {COLUMNS}, m.payload FROM message m WHERE m.application = ?1 AND m.id = ?2");
            value::first(connection, &sql, params![application.as_bytes(), id.as_bytes()], |row| {
                from_row(row, 0, Some(7))
            })
        })
        .await
    }

    pub(crate) async fn message_list(
        &self,
        application: ApplicationId,
        filter: MessageFilter,
        with_payload: bool,
        page: PageRequest<MessageId>,
    ) -> Result<Page<Message>, StoreError> {
        self.read(move |connection| {
            let mut query = Query::default();
            query.and("m.application = ?", application.as_bytes().to_vec());
            query.message_filter(&filter, "m.created_at");
            let payload = if with_payload { ", m.payload" } else { "" };
            let select = format!("SELECT {COLUMNS}{payload} FROM message m");
            let (sql, values) = query.page(&select, "m.id", &page, MessageId::as_bytes);
            let rows = value::all(connection, &sql, params_from_iter(values), |row| {
                from_row(row, 0, with_payload.then_some(7))
            })?;
            Ok(page.page(rows))
        })
        .await
    }

    pub(crate) async fn message_list_by_endpoint(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        filter: AttemptFilter,
        page: PageRequest<MessageId>,
    ) -> Result<Page<SentMessage>, StoreError> {
        self.read(move |connection| {
            // The last attempt at this endpoint, and the delivery if it is still pending.
            let select = format!(
                "SELECT {COLUMNS}, d.message IS NOT NULL, d.due_at, a.status, m.payload FROM message m
                 LEFT JOIN delivery d ON d.application = m.application AND d.endpoint = ?1 AND d.message = m.id
                 LEFT JOIN attempt a ON a.application = m.application AND a.message = m.id AND a.id =
                     (SELECT max(l.id) FROM attempt l
                      WHERE l.application = m.application AND l.message = m.id AND l.endpoint = ?1)"
            );
            let mut query = Query::with_first(endpoint.as_bytes().to_vec());
            query.and("m.application = ?", application.as_bytes().to_vec());
            query.and_fixed("(d.message IS NOT NULL OR a.id IS NOT NULL)");
            query.message_filter(&filter.message, "m.created_at");
            if let Some(status) = filter.status {
                query.and_fixed("d.message IS NULL");
                query.and("a.status = ?", i64::from(status.code()));
            }
            let (sql, values) = query.page(&select, "m.id", &page, MessageId::as_bytes);
            let rows = value::all(connection, &sql, params_from_iter(values), |row| {
                Ok(SentMessage { message: from_row(row, 0, Some(10))?, status: status_of(row, 7)? })
            })?;
            Ok(page.page(rows))
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
            value::json_names_or_null(message.channels.iter().map(Channel::as_str)),
            value::json_names_or_null(message.tags.iter().map(Tag::as_str)),
            message.created_at.as_micros(),
            message.payload.as_ref(),
        ])?;
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

/// The conditions of a list, put together; values are bound, never written into the statement.
#[derive(Default)]
pub(super) struct Query {
    conditions: Vec<String>,
    /// In the order of their `?`; those that the SELECT itself names by number come first.
    values: Vec<Value>,
}

impl Query {
    /// A query whose SELECT names this value as `?1`.
    pub(super) fn with_first(value: impl Into<Value>) -> Query {
        Query { conditions: Vec::new(), values: vec![value.into()] }
    }

    /// A condition with one value, whose place is the one `?`.
    pub(super) fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        self.conditions.push(condition.replace('?', &format!("?{}", self.values.len())));
    }

    /// A condition without a value.
    pub(super) fn and_fixed(&mut self, condition: &str) {
        self.conditions.push(condition.to_owned());
    }

    /// What must hold of the message `m`, and of the time in column `time`.
    pub(super) fn message_filter(&mut self, filter: &MessageFilter, time: &str) {
        if !filter.event_types.is_empty() {
            let names = value::json_names(filter.event_types.iter().map(EventTypeName::as_str));
            self.and("m.event_type IN (SELECT value FROM json_each(?))", names);
        }
        if let Some(channel) = &filter.channel {
            self.and("? IN (SELECT value FROM json_each(m.channels))", channel.as_str().to_owned());
        }
        if let Some(tag) = &filter.tag {
            self.and("? IN (SELECT value FROM json_each(m.tags))", tag.as_str().to_owned());
        }
        if let Some(before) = filter.before {
            self.and(&format!("{time} < ?"), before.as_micros());
        }
        if let Some(after) = filter.after {
            self.and(&format!("{time} > ?"), after.as_micros());
        }
    }

    /// The statement that reads one page, with the values to bind.
    pub(super) fn page<K: Clone>(
        mut self,
        select: &str,
        key: &str,
        page: &PageRequest<K>,
        bytes: fn(&K) -> &[u8; 20],
    ) -> (String, Vec<Value>) {
        let scan = page.scan();
        if let Some(beyond) = &scan.beyond {
            let comparison = if scan.ascending { ">" } else { "<" };
            self.and(&format!("{key} {comparison} ?"), bytes(beyond).to_vec());
        }
        let order = if scan.ascending { "ASC" } else { "DESC" };
        let conditions = self.conditions.join(" AND ");
        let sql = format!("{select} WHERE {conditions} ORDER BY {key} {order} LIMIT {}", scan.count);
        (sql, self.values)
    }
}
