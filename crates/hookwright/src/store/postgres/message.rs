//! Statements on messages.

use bytes::Bytes;
use tokio_postgres::Row;

use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::message::Message;
use crate::domain::names::{Channel, EventId, EventTypeName, Tag};
use crate::domain::page::{PageRequest, Searched};
use crate::store::effort::Effort;
use crate::store::error::StoreError;
use crate::store::postgres::attempt::status_of;
use crate::store::postgres::search::{self, Key, List, Query, Walk};
use crate::store::postgres::{Postgres, value};
use crate::store::read::{AttemptFilter, MessageFilter, SentMessage};

/// The columns of a message as `m`, without its payload.
pub(super) const COLUMNS: &str =
    "m.application, m.id, m.event_type, m.event_id, m.channels, m.tags, m.created_at";

/// The payload of a message as `m`: its own, or the one that it shares with other messages of an event for all.
pub(super) const PAYLOAD: &str = "CASE WHEN octet_length(m.payload) > 0 THEN m.payload ELSE coalesce(
    (SELECT b.payload FROM message_broadcast s JOIN broadcast b ON b.id = s.broadcast
     WHERE s.application = m.application AND s.message = m.id), m.payload) END";
/// Whether a message as `m` still has its payload.
pub(super) const HAS_PAYLOAD: &str = "(octet_length(m.payload) > 0 OR EXISTS
    (SELECT 1 FROM message_broadcast s WHERE s.application = m.application AND s.message = m.id))";

const KEY: Key<MessageId> = (MessageId::as_bytes, MessageId::from_bytes);

impl Postgres {
    pub(crate) async fn message_get(
        &self,
        application: ApplicationId,
        id: MessageId,
    ) -> Result<Option<Message>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS}, {PAYLOAD} FROM message m WHERE m.application = $1 AND m.id = $2");
        let row = self.reader().await?.first(&sql, &[application.as_bytes(), id.as_bytes()]).await?;
        row.map(|row| from_row(&row, 0, Some(7))).transpose()
    }

    pub(crate) async fn message_head(
        &self,
        application: ApplicationId,
        id: MessageId,
    ) -> Result<Option<Message>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM message m WHERE m.application = $1 AND m.id = $2");
        let row = self.reader().await?.first(&sql, &[application.as_bytes(), id.as_bytes()]).await?;
        row.map(|row| from_row(&row, 0, None)).transpose()
    }

    pub(crate) async fn message_by_event_id(
        &self,
        application: ApplicationId,
        event_id: EventId,
    ) -> Result<Option<MessageId>, StoreError> {
        let sql = "SELECT message FROM message_event_id WHERE application = $1 AND event_id = $2";
        let row = self.reader().await?.first(sql, &[application.as_bytes(), &event_id.as_str()]).await?;
        row.map(|row| value::id(&row, 0, MessageId::from_bytes)).transpose()
    }

    pub(crate) async fn message_list(
        &self,
        application: ApplicationId,
        filter: MessageFilter,
        with_payload: bool,
        page: PageRequest<MessageId>,
    ) -> Result<Searched<Message, MessageId>, StoreError> {
        let mut indexed = Query::default();
        indexed.and("m.application = ?", application.as_bytes().to_vec());
        search::time_range(&mut indexed, &filter, "m.id", MessageId::first_at, MessageId::as_bytes);
        let mut query = indexed.clone();
        query.message_filter(&filter, "m.created_at");
        let payload = if with_payload { format!(", {PAYLOAD}") } else { String::new() };
        let columns = format!("{COLUMNS}{payload}");
        let walk = Effort::of(&filter, false).map(|effort| Walk { table: "message m", indexed, effort });
        let size = with_payload.then(|| format!("octet_length({PAYLOAD})"));
        let list = List { columns: &columns, tables: "message m", key: "m.id", size, query, walk };
        let read = |row: &Row| from_row(row, 0, with_payload.then_some(7));
        list.page(&*self.reader().await?, &page, KEY, read, |message| message.payload.len()).await
    }

    pub(crate) async fn message_list_by_endpoint(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        filter: AttemptFilter,
        page: PageRequest<MessageId>,
    ) -> Result<Searched<SentMessage, MessageId>, StoreError> {
        // The last attempt at this endpoint, and the delivery if it is still pending.
        let columns = format!("{COLUMNS}, d.message IS NOT NULL, d.due_at, a.status, {PAYLOAD}");
        let tables = "message m
             LEFT JOIN delivery d ON d.application = m.application AND d.endpoint = $1 AND d.message = m.id
             LEFT JOIN LATERAL (SELECT l.id, l.status FROM attempt l
                  WHERE l.application = m.application AND l.message = m.id AND l.endpoint = $1
                  ORDER BY l.id DESC LIMIT 1) a ON TRUE";
        let mut indexed = Query::default();
        indexed.and("m.application = ?", application.as_bytes().to_vec());
        search::time_range(&mut indexed, &filter.message, "m.id", MessageId::first_at, MessageId::as_bytes);
        let mut query = Query::with_first(endpoint.as_bytes().to_vec());
        query.and("m.application = ?", application.as_bytes().to_vec());
        query.and_fixed("(d.message IS NOT NULL OR a.id IS NOT NULL)");
        query.message_filter(&filter.message, "m.created_at");
        if let Some(status) = filter.status {
            query.and_fixed("d.message IS NULL");
            query.and("a.status = ?", i16::from(status.code()));
        }
        // Even without a filter: an endpoint may have got few of its application's messages.
        let walk = Effort::of(&filter.message, true).map(|effort| {
            let piece = effort.piece.min(Effort::JOINED.piece);
            Walk { table: "message m", indexed, effort: Effort { piece, ..effort } }
        });
        let size = Some(format!("octet_length({PAYLOAD})"));
        let list = List { columns: &columns, tables, key: "m.id", size, query, walk };
        let read =
            |row: &Row| Ok(SentMessage { message: from_row(row, 0, Some(10))?, status: status_of(row, 7)? });
        list.page(&*self.reader().await?, &page, KEY, read, |sent| sent.message.payload.len()).await
    }
}

/// A message from the columns [`COLUMNS`], which begin at `first`; its payload from column `payload`, empty if `None`.
pub(super) fn from_row(row: &Row, first: usize, payload: Option<usize>) -> Result<Message, StoreError> {
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
