//! Statements on attempts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, Row, params};

use crate::domain::attempt::{Attempt, AttemptStatus, Trigger};
use crate::domain::ids::{ApplicationId, AttemptId, EndpointId, MessageId};
use crate::domain::page::{Page, PageRequest, Searched};
use crate::domain::time::Timestamp;
use crate::store::effort::Effort;
use crate::store::error::StoreError;
use crate::store::read::{AttemptFilter, DeliveryStatus, Destination, MessageFilter};
use crate::store::sqlite::search::{self, Key, List, Query, Walk};
use crate::store::sqlite::{Sqlite, endpoint, value};

/// The columns of an attempt as `a`.
pub(super) const COLUMNS: &str = "a.application, a.message, a.id, a.endpoint, a.number, a.status, a.response_code, a.duration_us, \
                                  a.trigger, a.started_at, a.next_attempt_at, a.reason, a.url, a.response";

impl Sqlite {
    pub(crate) async fn attempt_get(
        &self,
        application: ApplicationId,
        message: MessageId,
        id: AttemptId,
    ) -> Result<Option<Attempt>, StoreError> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM attempt a WHERE a.application = ?1 AND a.message = ?2 AND a.id = ?3"
            );
            let params = params![application.as_bytes(), message.as_bytes(), id.as_bytes()];
            value::first(connection, &sql, params, from_row)
        })
        .await
    }

    pub(crate) async fn attempt_list_by_message(
        &self,
        application: ApplicationId,
        message: MessageId,
        filter: AttemptFilter,
        page: PageRequest<AttemptId>,
    ) -> Result<Searched<Attempt, AttemptId>, StoreError> {
        self.read(move |connection| {
            let mut query = Query::default();
            query.and("a.application = ?", application.as_bytes().to_vec());
            query.and("a.message = ?", message.as_bytes().to_vec());
            list(connection, query, &filter, &page)
        })
        .await
    }

    pub(crate) async fn attempt_list_by_endpoint(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        filter: AttemptFilter,
        page: PageRequest<AttemptId>,
    ) -> Result<Searched<Attempt, AttemptId>, StoreError> {
        self.read(move |connection| {
            let mut query = Query::default();
            query.and("a.application = ?", application.as_bytes().to_vec());
            query.and("a.endpoint = ?", endpoint.as_bytes().to_vec());
            list(connection, query, &filter, &page)
        })
        .await
    }

    pub(crate) async fn destination_list(
        &self,
        application: ApplicationId,
        message: MessageId,
        page: PageRequest<EndpointId>,
    ) -> Result<Page<Destination>, StoreError> {
        let sealing = Arc::clone(&self.sealing);
        self.read(move |connection| {
            let columns = endpoint::COLUMNS.split(", ").map(|column| format!("e.{}", column.trim()));
            let select = format!(
                "SELECT {}, d.message IS NOT NULL, d.due_at, a.status FROM endpoint e
                 LEFT JOIN delivery d ON d.application = e.application AND d.endpoint = e.id AND d.message = ?1
                 LEFT JOIN attempt a ON a.application = e.application AND a.message = ?1 AND a.id =
                     (SELECT max(l.id) FROM attempt l
                      WHERE l.application = e.application AND l.message = ?1 AND l.endpoint = e.id)",
                columns.collect::<Vec<_>>().join(", ")
            );
            let mut query = Query::with_first(message.as_bytes().to_vec());
            query.and("e.application = ?", application.as_bytes().to_vec());
            query.and_fixed("(d.message IS NOT NULL OR a.id IS NOT NULL)");
            let read = |row: &Row<'_>| {
                let status = status_of(row, endpoint::COLUMN_COUNT)?;
                Ok(Destination { endpoint: endpoint::from_row(row, &sealing)?, status })
            };
            let bytes = |destination: &Destination| destination.endpoint.weight();
            let list = List { select: &select, key: "e.id", query, walk: None };
            let key: Key<EndpointId> = (EndpointId::as_bytes, EndpointId::from_bytes);
            Ok(list.page(connection, &page, key, read, bytes)?.page)
        })
        .await
    }
}

fn list(
    connection: &Connection,
    mut indexed: Query,
    filter: &AttemptFilter,
    page: &PageRequest<AttemptId>,
) -> Result<Searched<Attempt, AttemptId>, StoreError> {
    let message = &filter.message;
    search::time_range(&mut indexed, message, "a.id", AttemptId::first_at, AttemptId::as_bytes);
    let mut query = indexed.clone();
    if let Some(status) = filter.status {
        query.and("a.status = ?", i64::from(status.code()));
    }
    if let Some(class) = filter.status_class {
        query.and("a.response_code / 100 = ?", i64::from(class));
    }
    if let Some(endpoint) = filter.endpoint {
        query.and("a.endpoint = ?", endpoint.as_bytes().to_vec());
    }
    query.message_filter(message, "a.started_at");
    let of_message = MessageFilter { before: None, after: None, ..message.clone() };
    let joined = of_message != MessageFilter::default();
    let join =
        if joined { " JOIN message m ON m.application = a.application AND m.id = a.message" } else { "" };
    let select = format!("SELECT {COLUMNS} FROM attempt a{join}");
    let others = filter.status.is_some() || filter.status_class.is_some() || filter.endpoint.is_some();
    // That one message has this `eventId` is no help here: its attempts are found by walking.
    let effort = match message.event_id {
        Some(_) => Some(Effort::ROWS),
        None => Effort::of(message, others),
    };
    let walk = effort.map(|effort| Walk { table: "attempt a", indexed, effort });
    let list = List { select: &select, key: "a.id", query, walk };
    let key: Key<AttemptId> = (AttemptId::as_bytes, AttemptId::from_bytes);
    list.page(connection, page, key, from_row, |attempt| attempt.response.len() + attempt.url.len())
}

/// Writes an attempt, unless it is there: a batch whose commit failed may have been written all the same, and comes again.
pub(super) fn insert(connection: &Connection, attempt: &Attempt) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO attempt (application, message, id, endpoint, number, status, response_code, duration_us, trigger,
                 started_at, next_attempt_at, reason, url, response)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            attempt.application.as_bytes(),
            attempt.message.as_bytes(),
            attempt.id.as_bytes(),
            attempt.endpoint.as_bytes(),
            attempt.number,
            attempt.status.code(),
            attempt.response_code,
            i64::try_from(attempt.duration.as_micros()).unwrap_or(i64::MAX),
            attempt.trigger.code(),
            attempt.started_at.as_micros(),
            attempt.next_attempt_at.map(Timestamp::as_micros),
            attempt.reason,
            attempt.url,
            attempt.response.as_ref(),
        ])?;
    Ok(())
}

pub(super) fn from_row(row: &Row<'_>) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        application: value::id(row, 0, ApplicationId::from_bytes)?,
        message: value::id(row, 1, MessageId::from_bytes)?,
        id: value::id(row, 2, AttemptId::from_bytes)?,
        endpoint: value::id(row, 3, EndpointId::from_bytes)?,
        number: value::get(row, 4)?,
        status: value::code(row, 5, AttemptStatus::from_code, "attempt.status")?,
        response_code: value::get(row, 6)?,
        duration: Duration::from_micros(value::get::<i64>(row, 7)?.unsigned_abs()),
        trigger: value::code(row, 8, Trigger::from_code, "attempt.trigger")?,
        started_at: value::time(row, 9)?,
        next_attempt_at: value::time_opt(row, 10)?,
        reason: value::get(row, 11)?,
        url: value::get(row, 12)?,
        response: Bytes::from(value::get::<Vec<u8>>(row, 13)?),
    })
}

/// How far a message has come, from three columns: is a delivery pending, when is it due, how did the last attempt end.
pub(super) fn status_of(row: &Row<'_>, first: usize) -> Result<DeliveryStatus, StoreError> {
    if value::get(row, first)? {
        return Ok(DeliveryStatus::Pending(value::time_opt(row, first + 1)?));
    }
    Ok(DeliveryStatus::Ended(value::code(row, first + 2, AttemptStatus::from_code, "attempt.status")?))
}
