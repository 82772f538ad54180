//! Statements on attempts.

use std::time::Duration;

use bytes::Bytes;
use tokio_postgres::Row;

use crate::domain::attempt::{Attempt, AttemptStatus, Trigger};
use crate::domain::ids::{ApplicationId, AttemptId, EndpointId, MessageId};
use crate::domain::page::{Page, PageRequest, Searched};
use crate::store::effort::Effort;
use crate::store::error::StoreError;
use crate::store::postgres::connection::{Connection, Param};
use crate::store::postgres::search::{self, Key, List, Query, Walk};
use crate::store::postgres::{Postgres, endpoint, value};
use crate::store::read::{AttemptFilter, DeliveryStatus, Destination, MessageFilter};

/// The columns of an attempt as `a`.
pub(super) const COLUMNS: &str = "a.application, a.message, a.id, a.endpoint, a.number, a.status, a.response_code, a.duration_us, \
                                  a.trigger, a.started_at, a.next_attempt_at, a.reason, a.url, a.response";

impl Postgres {
    pub(crate) async fn attempt_get(
        &self,
        application: ApplicationId,
        message: MessageId,
        id: AttemptId,
    ) -> Result<Option<Attempt>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM attempt a WHERE a.application = $1 AND a.message = $2 AND a.id = $3"
        );
        let params: [Param<'_>; 3] = [application.as_bytes(), message.as_bytes(), id.as_bytes()];
        let row = self.reader().await?.first(&sql, &params).await?;
        row.map(|row| from_row(&row)).transpose()
    }

    pub(crate) async fn attempt_list_by_message(
        &self,
        application: ApplicationId,
        message: MessageId,
        filter: AttemptFilter,
        page: PageRequest<AttemptId>,
    ) -> Result<Searched<Attempt, AttemptId>, StoreError> {
        let mut query = Query::default();
        query.and("a.application = ?", application.as_bytes().to_vec());
        query.and("a.message = ?", message.as_bytes().to_vec());
        list(&*self.reader().await?, query, &filter, &page).await
    }

    pub(crate) async fn attempt_list_by_endpoint(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        filter: AttemptFilter,
        page: PageRequest<AttemptId>,
    ) -> Result<Searched<Attempt, AttemptId>, StoreError> {
        let mut query = Query::default();
        query.and("a.application = ?", application.as_bytes().to_vec());
        query.and("a.endpoint = ?", endpoint.as_bytes().to_vec());
        list(&*self.reader().await?, query, &filter, &page).await
    }

    pub(crate) async fn destination_list(
        &self,
        application: ApplicationId,
        message: MessageId,
        page: PageRequest<EndpointId>,
    ) -> Result<Page<Destination>, StoreError> {
        let columns = endpoint::COLUMNS.split(", ").map(|column| format!("e.{}", column.trim()));
        let columns = columns.collect::<Vec<_>>().join(", ");
        let mut query = Query::with_first(message.as_bytes().to_vec());
        query.and("e.application = ?", application.as_bytes().to_vec());
        query.and_fixed("(d.message IS NOT NULL OR a.id IS NOT NULL)");
        let read = |row: &Row| {
            Ok(Destination {
                endpoint: endpoint::from_row(row, &self.sealing)?,
                status: status_of(row, endpoint::COLUMN_COUNT)?,
            })
        };
        let bytes = |destination: &Destination| destination.endpoint.weight();
        let list = List {
            columns: &format!("{columns}, d.message IS NOT NULL, d.due_at, a.status"),
            tables: "endpoint e
                 LEFT JOIN delivery d ON d.application = e.application AND d.endpoint = e.id AND d.message = $1
                 LEFT JOIN LATERAL (SELECT l.id, l.status FROM attempt l
                      WHERE l.application = e.application AND l.message = $1 AND l.endpoint = e.id
                      ORDER BY l.id DESC LIMIT 1) a ON TRUE",
            key: "e.id",
            size: None,
            query,
            walk: None,
        };
        let key: Key<EndpointId> = (EndpointId::as_bytes, EndpointId::from_bytes);
        Ok(list.page(&*self.reader().await?, &page, key, read, bytes).await?.page)
    }
}

async fn list(
    connection: &Connection,
    mut indexed: Query,
    filter: &AttemptFilter,
    page: &PageRequest<AttemptId>,
) -> Result<Searched<Attempt, AttemptId>, StoreError> {
    let message = &filter.message;
    search::time_range(&mut indexed, message, "a.id", AttemptId::first_at, AttemptId::as_bytes);
    let mut query = indexed.clone();
    if let Some(status) = filter.status {
        query.and("a.status = ?", i16::from(status.code()));
    }
    if let Some(class) = filter.status_class {
        query.and("a.response_code / 100 = ?", i32::from(class));
    }
    if let Some(endpoint) = filter.endpoint {
        query.and("a.endpoint = ?", endpoint.as_bytes().to_vec());
    }
    query.message_filter(message, "a.started_at");
    let of_message = MessageFilter { before: None, after: None, ..message.clone() };
    let joined = of_message != MessageFilter::default();
    let join =
        if joined { " JOIN message m ON m.application = a.application AND m.id = a.message" } else { "" };
    let others = filter.status.is_some() || filter.status_class.is_some() || filter.endpoint.is_some();
    // That one message has this `eventId` is no help here: its attempts are found by walking.
    let effort = match message.event_id {
        Some(_) => Some(Effort::ROWS),
        None => Effort::of(message, others),
    };
    let walk = effort.map(|effort| Walk { table: "attempt a", indexed, effort });
    let tables = format!("attempt a{join}");
    let list = List { columns: COLUMNS, tables: &tables, key: "a.id", size: None, query, walk };
    let key: Key<AttemptId> = (AttemptId::as_bytes, AttemptId::from_bytes);
    list.page(connection, page, key, from_row, |attempt| attempt.response.len() + attempt.url.len()).await
}

pub(super) fn from_row(row: &Row) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        application: value::id(row, 0, ApplicationId::from_bytes)?,
        message: value::id(row, 1, MessageId::from_bytes)?,
        id: value::id(row, 2, AttemptId::from_bytes)?,
        endpoint: value::id(row, 3, EndpointId::from_bytes)?,
        number: value::number(row, 4, "attempt.number")?,
        status: value::code(row, 5, AttemptStatus::from_code, "attempt.status")?,
        response_code: value::number(row, 6, "attempt.response_code")?,
        duration: Duration::from_micros(value::count(row, 7)?),
        trigger: value::code(row, 8, Trigger::from_code, "attempt.trigger")?,
        started_at: value::time(row, 9)?,
        next_attempt_at: value::time_opt(row, 10)?,
        reason: value::text_opt(row, 11)?,
        url: value::text(row, 12)?,
        response: Bytes::from(value::get::<Vec<u8>>(row, 13)?),
    })
}

/// How far a message has come, from three columns: is a delivery pending, when is it due, how did the last attempt end.
pub(super) fn status_of(row: &Row, first: usize) -> Result<DeliveryStatus, StoreError> {
    if value::get(row, first)? {
        return Ok(DeliveryStatus::Pending(value::time_opt(row, first + 1)?));
    }
    Ok(DeliveryStatus::Ended(value::code(row, first + 2, AttemptStatus::from_code, "attempt.status")?))
}
